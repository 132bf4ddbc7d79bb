"""Rows out of saved JSON: lists and objects of the REST API, webhooks' payloads, `gh run list` and `gh run view`.

Documents may follow one another (``gh api --paginate``) or stand one a line. What `gh` saves lacks fields that the
API has: a row that is known already keeps what the poorer one lacks.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from analysis.collect.history import plain_rows
from analysis.errors import UsageError
from analysis.github.rows import job_rows, release_row, repo_of, run_row, tag_row, text, whole
from analysis.probe import is_probes, probe_row
from analysis.schema import TABLES
from analysis.store import Store

Row = dict[str, Any]

_ACTION_URL = re.compile(r"/repos/([^/\s]+/[^/\s]+)/")
_JSON_START = re.compile(rb"\s*[\[{]")
_NEVER_SAME = "a file that says which repository it is from, or --repo OWNER/NAME"


class Rows:
    """Rows read so far, by table and key; `repo` names the repository where an object does not.

    Attributes
    ----------
    runs_begin : dict of (repo, run id) to datetime
        When a run was created: it decides the month of its jobs.
    """

    def __init__(self, repo: str | None = None) -> None:
        self.repo = repo
        self.tables: dict[str, dict[tuple[Any, ...], Row]] = defaultdict(dict)
        self.jobs: list[tuple[Mapping[str, Any], str | None]] = []
        self.runs_begin: dict[tuple[str, int], datetime] = {}
        self.nameless = 0

    def add(self, table: str, row: Row) -> None:
        """Take one row; a later one of the same key fills or replaces what an earlier one said."""
        key = tuple(row[name] for name in TABLES[table].key)
        known = self.tables[table].get(key, {})
        self.tables[table][key] = known | {name: value for name, value in row.items() if value is not None}

    def write(self, store: Store, written: Counter[str]) -> None:
        """File all rows, beside what the data folder knows of them."""
        for (repo, run_id, _), row in self.tables["runs"].items():
            self.runs_begin[repo, run_id] = row["created_at"]
        if self.jobs:
            for row in plain_rows(store.read("runs", ["repo", "run_id", "created_at"])):
                self.runs_begin.setdefault((row["repo"], row["run_id"]), row["created_at"])
        for job, repo in self.jobs:
            begun = self.runs_begin.get((repo or repo_of(job) or "", whole(job.get("run_id")) or 0))
            found = job_rows(job, repo, begun)
            if found is not None:
                self.add("jobs", found[0])
                for step in found[1]:
                    self.add("steps", step)
        for table in sorted(self.tables):
            rows = _beside(store, table, self.tables[table])
            if rows:
                written[table] += store.upsert(table, rows)


def is_json(content: bytes) -> bool:
    """Whether a text looks like JSON."""
    return bool(_JSON_START.match(content[:256]))


def read_answers(content: bytes, rows: Rows) -> None:
    """Read every document of a text into `rows`.

    Raises
    ------
    UsageError
        It is no JSON, holds an error of the API, or nothing that is known.
    """
    taken = before = 0
    nameless = rows.nameless
    for document in _documents(content.decode("utf-8", "replace")):
        before += 1
        taken += sum(_take(item, rows) for item in _objects(document, rows))
    if rows.nameless > nameless and not taken:
        raise UsageError("no repository is named in it", remedy=f"it takes {_NEVER_SAME}")
    if not taken:
        raise UsageError("JSON without runs, jobs, releases, tags or probes" if before else "empty")


def _documents(content: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    position, end = 0, len(content)
    while True:
        while position < end and content[position].isspace():
            position += 1
        if position >= end:
            return
        try:
            document, position = decoder.raw_decode(content, position)
        except (ValueError, RecursionError) as error:
            raise UsageError("not whole JSON", remedy=f"{error}"[:120]) from error
        yield document


def _objects(document: Any, rows: Rows) -> Iterator[Mapping[str, Any]]:
    """Runs, jobs, releases and tags in a document, whatever wraps them."""
    if isinstance(document, list):
        for item in document:
            yield from _objects(item, rows)
        return
    if not isinstance(document, Mapping):
        return
    if isinstance(document.get("message"), str) and "documentation_url" in document:
        raise UsageError(f"it is an error of GitHub's: {document['message'][:200]}")
    if isinstance(document.get("payload"), Mapping):
        yield from _objects(document["payload"], rows)
        return
    inner = [document.get(name) for name in ("workflow_runs", "workflow_run", "workflow_job", "release", "probes")]
    repository = document.get("repository")
    for found in inner:
        for item in found if isinstance(found, list) else [found]:
            if isinstance(item, Mapping):
                yield {"repository": repository, **item} if repository else item
    jobs = document.get("jobs")
    if isinstance(jobs, list) and "databaseId" not in document and "id" not in document:
        yield from (job for job in jobs if isinstance(job, Mapping))
    elif not any(inner):
        yield document


def _take(item: Mapping[str, Any], rows: Rows) -> bool:
    """File one object; whether it was something known."""
    if "databaseId" in item:
        return _take_gh(item, rows)
    if is_probes(item):
        look = probe_row(item)
        if look is not None:
            rows.add("probes", look)
        return look is not None
    if "run_id" in item and ("steps" in item or "labels" in item or "runner_name" in item):
        return _take_job(item, rows, _full_name(item))
    if "id" in item and "event" in item and ("run_number" in item or "workflow_id" in item):
        return _take_run(item, rows)
    action = _ACTION_URL.search(str(item.get("url") or item.get("zipball_url") or ""))
    row = None
    if action and "tag_name" in item:
        row = release_row(action[1], item)
    elif action and "commit" in item and "zipball_url" in item:
        row = tag_row(action[1], item)
    if row is not None:
        rows.add("releases", row)
    return row is not None


def _take_run(run: Mapping[str, Any], rows: Rows) -> bool:
    row = run_row(run, rows.repo)
    if row is None:
        rows.nameless += 1
        return False
    rows.add("runs", row)
    return True


def _take_job(job: Mapping[str, Any], rows: Rows, repo: str | None) -> bool:
    repo = repo_of(job) or repo or rows.repo
    if repo is None or whole(job.get("id")) is None:
        rows.nameless += 1
        return False
    rows.jobs.append((job, repo))
    return True


def _take_gh(run: Mapping[str, Any], rows: Rows) -> bool:
    """What `gh run list --json` and `gh run view --json` call a run, its jobs included."""
    as_api = {
        "id": run.get("databaseId"),
        "run_attempt": run.get("attempt"),
        "run_number": run.get("number"),
        "workflow_id": run.get("workflowDatabaseId"),
        "name": run.get("workflowName") or run.get("name"),
        "event": run.get("event"),
        "head_branch": run.get("headBranch"),
        "head_sha": run.get("headSha"),
        "status": run.get("status") or ("completed" if run.get("conclusion") else None),
        "conclusion": run.get("conclusion"),
        "created_at": run.get("createdAt") or run.get("startedAt"),
        "run_started_at": run.get("startedAt"),
        "updated_at": run.get("updatedAt"),
        "html_url": run.get("url"),
        "display_title": run.get("displayTitle"),
    }
    if not _take_run(as_api, rows):
        return False
    repo = repo_of(as_api) or rows.repo
    for job in run.get("jobs") or ():
        if isinstance(job, Mapping) and whole(job.get("databaseId")) is not None:
            rows.jobs.append((_gh_job(job, as_api), repo))
    return True


def _gh_job(job: Mapping[str, Any], run: Mapping[str, Any]) -> Row:
    steps = [step for step in job.get("steps") or () if isinstance(step, Mapping)]
    return {
        "id": job.get("databaseId"),
        "run_id": run["id"],
        "run_attempt": run["run_attempt"],
        "workflow_name": run["name"],
        "name": job.get("name"),
        "status": job.get("status"),
        "conclusion": job.get("conclusion"),
        "started_at": job.get("startedAt"),
        "completed_at": job.get("completedAt"),
        "head_sha": run["head_sha"],
        "html_url": job.get("url"),
        "steps": [
            {
                "number": step.get("number"),
                "name": step.get("name"),
                "status": step.get("status"),
                "conclusion": step.get("conclusion"),
                "started_at": step.get("startedAt"),
                "completed_at": step.get("completedAt"),
            }
            for step in steps
        ],
    }


def _full_name(item: Mapping[str, Any]) -> str | None:
    repository = item.get("repository")
    return text(repository.get("full_name")) if isinstance(repository, Mapping) else None


def _beside(store: Store, table: str, rows: dict[tuple[Any, ...], Row]) -> list[Row]:
    """Each row over the one that the data folder has, whose fields fill what it lacks."""
    names = TABLES[table].key
    known = {tuple(row[n] for n in names): row for row in plain_rows(store.read(table))} if rows else {}
    return [
        {n: v for n, v in known.get(key, {}).items() if v is not None}
        | {n: v for n, v in row.items() if v is not None and v != []}
        for key, row in rows.items()
    ]
