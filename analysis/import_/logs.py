"""Keep imported logs and file what they say, under the job they belong to.

A log file names its job, not the job's id. The run's id is often in the file's name; the job's name and its first
time stamp find the rest among the jobs that are known. A log that belongs to none gets a run and a job of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from analysis.collect.history import plain_rows
from analysis.collect.logs import facts_of
from analysis.errors import UsageError
from analysis.facts.action_versions import resolve_versions
from analysis.facts.log_text import decode
from analysis.facts.redact import redact
from analysis.facts.runner_log import read_job_log
from analysis.github.rows import month
from analysis.store import Store

Row = dict[str, Any]

_NUMBER = re.compile(r"\d{6,20}")
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z ")
_LOG = re.compile(
    rb"^(?:[^\t\n]{1,500}\t[^\t\n]{1,500}\t)?(?:\xef\xbb\xbf)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z ", re.M
)
_MARK = re.compile(rb"^##\[(?:group|error|command|section)\]", re.M)
_SLACK = timedelta(minutes=2)


class Shelf:
    """Logs on their way to their jobs.

    Parameters
    ----------
    store : Store
    repo : str or None
        Repository of logs whose job is not known.
    written : Counter
        Rows written, by table; added to.
    """

    def __init__(self, store: Store, repo: str | None, written: Counter[str]) -> None:
        self.store, self.repo, self.written = store, repo, written
        self.kept = 0
        self._jobs: list[Row] | None = None
        self._known_steps: dict[tuple[str, int], list[Row]] | None = None
        self._pending: dict[str, list[Row]] = defaultdict(list)

    def take(self, file: str, logs: list[tuple[str, bytes]]) -> None:
        """Keep the logs of one file.

        Raises
        ------
        UsageError
            Its jobs are not known and no repository was named.
        """
        numbers = {int(found) for found in _NUMBER.findall(file)}
        for name, log in logs:
            job = self._known(numbers, name, log) or self._own(file, numbers, name, log)
            self._keep(job, log)

    def write(self) -> None:
        """File what waits, each use of an action with its exact release where that is known."""
        uses = self._pending["action_uses"]
        if uses:
            named = resolve_versions(
                pd.DataFrame(uses), self.store.read("releases"), self.store.read("tag_observations")
            )
            for use, version in zip(uses, named["version"], strict=True):
                use["version"] = version if isinstance(version, str) else None
        for table, rows in sorted(self._pending.items()):
            if rows:
                self.written[table] += self.store.upsert(table, rows)
        self._pending.clear()

    def _known(self, numbers: set[int], name: str, log: bytes) -> Row | None:
        """The one known job that the log can only belong to."""
        if self._jobs is None:
            self._jobs = list(plain_rows(self.store.read("jobs")))
        by_id = [job for job in self._jobs if job["job_id"] in numbers]
        if len(by_id) == 1:
            return by_id[0]
        named = [job for job in self._jobs if _letters(job["name"]) == _letters(name) or not name]
        in_run = [job for job in named if job["run_id"] in numbers]
        first = _first_stamp(log)
        if first is not None and len(in_run) != 1:
            in_run = [job for job in (in_run or named) if _ran_at(job, first)]
        return in_run[0] if len(in_run) == 1 else None

    def _own(self, file: str, numbers: set[int], name: str, log: bytes) -> Row:
        """A job for a log that belongs to none that is known."""
        if self.repo is None:
            raise UsageError(
                "its jobs are not known", remedy="import the run's JSON as well, or name --repo OWNER/NAME"
            )
        stamps = [datetime.fromisoformat(s.decode()).replace(tzinfo=UTC) for s in _STAMP.findall(decode(log))]
        if not stamps:
            raise UsageError("the log tells no time", remedy="import the log as GitHub gives it")
        begun, ended = min(stamps), max(stamps)
        run_id = max(numbers) if numbers else _id(self.repo, file.rsplit(".", 1)[0])
        red = read_job_log(log).failure is not None
        end = "failure" if red else "success"
        place = {"repo": self.repo, "month": month(begun)}
        job = place | {
            "job_id": _id(self.repo, str(run_id), name), "run_id": run_id, "run_attempt": 1, "name": name or "job",
            "status": "completed", "conclusion": end, "created_at": begun, "started_at": begun, "completed_at": ended,
            "sampling_weight": 1.0,
        }  # fmt: skip
        self._pending["jobs"].append(job)
        runs = [row for row in self._pending["runs"] if row["run_id"] == run_id]
        if runs:
            runs[0]["conclusion"] = "failure" if red else runs[0]["conclusion"]
            runs[0]["created_at"] = min(begun, runs[0]["created_at"])
        elif run_id not in set(self.store.read("runs", ["run_id"])["run_id"]):
            self._pending["runs"].append(
                place | {
                    "run_id": run_id, "run_attempt": 1, "status": "completed", "conclusion": end, "created_at": begun,
                    "run_started_at": begun, "updated_at": ended,
                }
            )  # fmt: skip
        return job

    def _keep(self, job: Row, log: bytes) -> None:
        masked = redact(decode(log))
        steps = self._steps(job)
        self.store.write_log(job["repo"], job["job_id"], masked)
        facts = facts_of(masked, job, steps)
        self._pending["failures"] += [facts.failure] if facts.failure else []
        self._pending["action_uses"] += facts.uses
        self._pending["environments"].append(facts.environment)
        self.kept += 1

    def _steps(self, job: Row) -> list[Row]:
        if self._known_steps is None:
            self._known_steps = defaultdict(list)
            for step in plain_rows(self.store.read("steps")):
                self._known_steps[step["repo"], step["job_id"]].append(step)
        return self._known_steps.get((job["repo"], job["job_id"]), [])


def is_log(content: bytes) -> bool:
    """Whether a text looks like a job's log: time stamps at the head of lines, or the runner's marks."""
    head = content[: 1 << 16]
    return bool(_LOG.search(head) or _MARK.search(head))


def _first_stamp(log: bytes) -> datetime | None:
    found = _STAMP.search(decode(log[: 1 << 16]))
    return datetime.fromisoformat(found[1].decode()).replace(tzinfo=UTC) if found else None


def _ran_at(job: Row, when: datetime) -> bool:
    begun, ended = job["started_at"] or job["created_at"], job["completed_at"]
    return bool(begun and begun - _SLACK <= when <= (ended or begun + timedelta(hours=6)) + _SLACK)


def _letters(name: str | None) -> str:
    """What is left of a job's name in an archive: characters are replaced there and long names cut."""
    return re.sub(r"\W+|_", "", name or "")[:80]


def _id(*facts: str) -> int:
    """A number that no id of GitHub's reaches."""
    return int.from_bytes(hashlib.blake2b("\0".join(facts).encode(), digest_size=7).digest(), "big") + 2**61
