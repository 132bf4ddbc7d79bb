"""What is known of the history: in memory while collect works, read back from the data folder at its start."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import pandas as pd

from analysis.store import Store

Row = dict[str, Any]
RunKey = tuple[str, int]

RED = frozenset({"failure", "timed_out", "startup_failure"})
FAILED = frozenset({"failure", "timed_out"})


class History:
    """Runs, jobs and what their logs said, by repository.

    Attributes
    ----------
    runs : dict of (repo, run id) to row
        The latest attempt of each run.
    attempts : set of (repo, run id, attempt)
        Attempts that have a row in `runs`.
    jobs : dict of (repo, run id) to dict of job id to row
        Jobs of every attempt.
    steps : dict of (repo, job id) to list of rows
        Of jobs whose log was not read yet.
    uses : dict of (repo, job id) to list of rows
        What each read log says of action versions; an empty list where it names none.
    changed : set of (repo, run id)
        Runs that are new or not what they were.
    default_branch : dict of repo to str
    fresh : set of str
        Repositories that no finished collection with the same question covered before.
    read_now : set of (repo, job id)
        Jobs whose log this run read.
    named_in_files : set of str
        Actions that workflow files name.
    asked_actions : set of str
        Actions whose tags were asked for by this run.
    tags : dict of (action, tag, sha) to (first, last)
        When logs saw a tag at a commit.
    tags_written : set of (action, tag, sha)
        Those that are on disk as they are.
    """

    def __init__(self) -> None:
        self.runs: dict[RunKey, Row] = {}
        self.attempts: set[tuple[str, int, int]] = set()
        self.jobs: dict[RunKey, dict[int, Row]] = defaultdict(dict)
        self.steps: dict[tuple[str, int], list[Row]] = defaultdict(list)
        self.uses: dict[tuple[str, int], list[Row]] = {}
        self.changed: set[RunKey] = set()
        self.default_branch: dict[str, str] = {}
        self.fresh: set[str] = set()
        self.named_in_files: set[str] = set()
        self.read_now: set[tuple[str, int]] = set()
        self.asked_actions: set[str] = set()
        self.tags_written: set[tuple[str, str, str]] = set()
        self.tags: dict[tuple[str, str, str], tuple[datetime, datetime]] = {}

    def load(self, store: Store, repos: Iterable[str], since: datetime) -> None:
        """Read back what earlier collections kept of these repositories, from `since` on."""
        wanted = set(repos)
        for row in _rows(store, "runs", wanted, since):
            key = (row["repo"], row["run_id"])
            self.attempts.add((*key, row["run_attempt"]))
            if key not in self.runs or self.runs[key]["run_attempt"] < row["run_attempt"]:
                self.runs[key] = row
        for seen in store.read("tag_observations").to_dict("records"):
            for name in ("first_seen_at", "last_seen_at"):
                if (when := _plain(seen[name])) is not None:
                    self.see_tag(seen["action"], seen["tag"], seen["sha"], when)
        self.tags_written = set(self.tags)
        for row in _rows(store, "jobs", wanted, since):
            self.jobs[row["repo"], row["run_id"]][row["job_id"]] = row
        for row in _rows(store, "environments", wanted, since):
            self.uses.setdefault((row["repo"], row["job_id"]), [])
        read = {job_id for _, job_id in self.uses}
        for row in _rows(store, "steps", wanted, since, but=read):
            self.steps[row["repo"], row["job_id"]].append(row)
        for row in _rows(store, "action_uses", wanted, since):
            if row["observed"]:
                self.uses.setdefault((row["repo"], row["job_id"]), []).append(row)

    def takes(self, run: Row) -> bool:
        """Add a run as a list shows it (its latest attempt); whether it is new or not what it was."""
        key = (run["repo"], run["run_id"])
        known = self.runs.get(key)
        same = known is not None and all(
            known[name] == run[name] for name in ("run_attempt", "status", "conclusion", "updated_at")
        )
        self.runs[key] = run
        self.attempts.add((*key, run["run_attempt"]))
        if not same:
            self.changed.add(key)
        return not same

    def is_due(self, run: Row) -> bool:
        """Whether a run still has to be looked into: what a finished collection decided about an old one stays."""
        key = (run["repo"], run["run_id"])
        return run["repo"] in self.fresh or key in self.changed or run["status"] != "completed"

    def see_tag(self, action: str, tag: str, sha: str, when: datetime) -> None:
        """A log saw this tag at this commit."""
        key = (action, tag, sha)
        first, last = self.tags.get(key, (when, when))
        if not first <= when <= last:
            self.tags_written.discard(key)
        self.tags[key] = (min(first, when), max(last, when))

    def jobs_are_known(self, run: Row) -> bool:
        """Whether the jobs of every attempt of this run were read, and none of them was still going."""
        own = self.jobs.get((run["repo"], run["run_id"]), {}).values()
        ended = run["status"] == "completed" and all(job["status"] == "completed" for job in own)
        return ended and any(job["run_attempt"] == run["run_attempt"] for job in own)


def covered_before(store: Store, repos: Iterable[str], question: dict[str, Any]) -> dict[str, datetime]:
    """Since when each repository's history was collected to the end before, with the same question.

    Parameters
    ----------
    store : Store
    repos : iterable of str
    question : dict
        The arguments that must agree (workflow, branch, jobs, logs).

    Returns
    -------
    dict of str to datetime
        Earliest `since`, only of repositories that were covered.
    """
    wanted = set(repos)
    found: dict[str, datetime] = {}
    for row in store.read("collections", ["arguments", "ended"]).to_dict("records"):
        told = _arguments(row["arguments"])
        if row["ended"] != "done" or any(told.get(name) != value for name, value in question.items()):
            continue
        try:
            since = datetime.fromisoformat(str(told["since"]))
        except (KeyError, ValueError):
            continue
        for repo in wanted.intersection(map(str, told.get("repos") or ())):
            found[repo] = min(since, found.get(repo, since))
    return found


def _arguments(told: Any) -> dict[str, Any]:
    try:
        found = json.loads(told)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _rows(store: Store, table: str, repos: set[str], since: datetime, but: Iterable[int] = ()) -> Iterable[Row]:
    """Rows of these repositories from a month on, without those of some jobs."""
    frame = store.read(table)
    frame = frame[frame["repo"].isin(repos) & (frame["month"] >= since.strftime("%Y-%m"))]
    return plain_rows(frame[~frame["job_id"].isin(list(but))] if but else frame)


def plain_rows(frame: pd.DataFrame) -> Iterator[Row]:
    """Rows of a table as Python values: None for what is missing, datetime for times, lists for lists."""
    for row in frame.to_dict("records"):
        yield {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if hasattr(value, "tolist"):
        return value.tolist()
    return int(value) if isinstance(value, float) and value.is_integer() else value
