"""Errors of failed jobs whose log cannot be had, from their annotations: GitHub keeps those longer.

An annotation is the text of an ``##[error]`` line, so it is read as one. What it says is a cause without a place in a
log: no line number, no versions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from analysis.collect.desk import Desk
from analysis.collect.history import FAILED
from analysis.collect.logs import failure_row
from analysis.errors import NotFoundError, RemoteError
from analysis.facts.redact import redact
from analysis.facts.runner_log import read_job_log
from analysis.github.client import items

Row = dict[str, Any]

SHARE = 0.05
_LOST = ("log", "log-denied")


def read_annotations(desk: Desk) -> None:
    """Read the annotations of failed jobs whose log this run could not have, within a small share of the cap."""
    lost = [
        job
        for (repo, _), jobs in desk.history.jobs.items()
        for job in jobs.values()
        if job["conclusion"] in FAILED and _is_lost(desk, repo, job)
    ]
    lost.sort(key=lambda job: (job["run_attempt"], -job["job_id"]))
    afford = int(min(desk.share(SHARE), desk.left, 1e6))
    refused: set[str] = set()

    def ask(job: Row) -> list[Any] | None:
        if job["repo"] in refused:
            return None
        path = f"/repos/{job['repo']}/check-runs/{job['job_id']}/annotations"
        return items(desk.github.get(path, {"per_page": 100}, keep=False), None)

    desk.progress.stage("annotations of jobs without a log", len(lost[:afford]))
    for job, answer in desk.each(lost[:afford], ask):
        desk.progress.advance()
        if isinstance(answer, RemoteError):
            if not isinstance(answer, NotFoundError):
                refused.add(job["repo"])
            desk.gap(job["repo"], "annotations", job["job_id"], answer.line())
        elif answer:
            _take(desk, job, answer)


def _is_lost(desk: Desk, repo: str, job: Row) -> bool:
    if (repo, job["job_id"]) in desk.skipped:
        return True
    return any((repo, kind, str(job["job_id"])) in desk.gaps for kind in _LOST)


def _take(desk: Desk, job: Row, annotations: list[Any]) -> None:
    when = job["completed_at"] or job["started_at"]
    told = [_text(a.get("message")) for a in annotations if _text(a.get("annotation_level")) == "failure"]
    log = "\n".join(f"##[error]{message}" for message in told if message)
    failure = read_job_log(redact(log.encode())).failure if log else None
    if failure is not None:
        placeless = replace(failure, line_number=None, step_number=None, failed_at=when)
        desk.file("failures", [failure_row(placeless, job)])
        desk.sampling["failures_from_annotations"] += 1


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
