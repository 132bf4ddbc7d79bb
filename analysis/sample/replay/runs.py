"""Runs, attempts and jobs as they stood at a moment: what had not begun is absent, what ran is in progress."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from analysis.sample.objects import API, WEB, moment, node_id, stamp
from analysis.sample.replay.answer import Answer, Missing, Request, json_answer, paged

SEARCH_CAP = 1000
_FILTERS = ("actor", "branch", "check_suite_id", "created", "event", "head_sha", "status")

_Object = dict[str, Any]


def runs(request: Request) -> Answer:
    repo = request.repo
    runs: Iterable[_Object] = (run for run in map(_visible(request), repo.runs_newest_first) if run is not None)
    workflow = request.parts.get("workflow")
    if workflow is not None:
        runs = [run for run in runs if workflow in (str(run["workflow_id"]), run["path"].split("/")[-1])]
    params = {key: request.params[key] for key in _FILTERS if request.params.get(key)}
    tests = [_FILTER[key](value) for key, value in params.items()]
    kept = [run for run in runs if all(test(run) for test in tests)]
    total = len(kept)
    if params:
        kept = kept[:SEARCH_CAP]
    if request.params.get("exclude_pull_requests") == "true":
        kept = [{**run, "pull_requests": []} for run in kept]
    return paged(request, kept, key="workflow_runs", total=total)


def workflows(request: Request) -> Answer:
    found: dict[int, _Object] = {}
    for run in request.repo.runs:
        url = f"{API}/repos/{request.name}/actions/workflows/{run['workflow_id']}"
        found.setdefault(
            run["workflow_id"],
            {
                "id": run["workflow_id"],
                "node_id": node_id("W", run["workflow_id"]),
                "name": run["name"],
                "path": run["path"],
                "state": "active",
                "created_at": request.repo.repository["created_at"],
                "updated_at": request.repo.repository["created_at"],
                "url": url,
                "html_url": f"{WEB}/{request.name}/blob/main/{run['path']}",
                "badge_url": f"{WEB}/{request.name}/workflows/{quote(run['name'])}/badge.svg",
            },
        )
    return paged(request, list(found.values()), key="workflows")


def run(request: Request) -> Answer:
    return json_answer(latest(request))


def attempt(request: Request) -> Answer:
    return json_answer(attempt_object(request))


def run_jobs(request: Request) -> Answer:
    run = latest(request)
    jobs = jobs_as_of(request, run["id"])
    if request.params.get("filter", "latest") == "latest":
        jobs = [job for job in jobs if job["run_attempt"] == run["run_attempt"]]
    return paged(request, jobs, key="jobs")


def attempt_jobs(request: Request) -> Answer:
    run = attempt_object(request)
    jobs = [job for job in jobs_as_of(request, run["id"]) if job["run_attempt"] == run["run_attempt"]]
    return paged(request, jobs, key="jobs")


def job(request: Request) -> Answer:
    return json_answer(job_object(request))


def latest(request: Request) -> _Object:
    for run in reversed(request.repo.attempts_by_run.get(int(request.parts["run"]), [])):
        if moment(run["run_started_at"]) <= request.now:
            return _run_as_of(run, request.now)
    raise Missing


def attempt_object(request: Request) -> _Object:
    for run in request.repo.attempts_by_run.get(int(request.parts["run"]), []):
        if run["run_attempt"] == int(request.parts["attempt"]) and moment(run["run_started_at"]) <= request.now:
            return _run_as_of(run, request.now)
    raise Missing


def job_object(request: Request) -> _Object:
    job = request.repo.jobs_by_id.get(int(request.parts["job"]))
    if job is None or moment(job["created_at"]) > request.now:
        raise Missing
    return _job_as_of(job, request.now)


def _visible(request: Request) -> Callable[[_Object], _Object | None]:
    """The list shows each run at the latest attempt that had begun."""
    attempts = request.repo.attempts_by_run

    def at_now(run: _Object) -> _Object | None:
        if moment(run["updated_at"]) <= request.now:
            return run
        begun = [one for one in attempts[run["id"]] if moment(one["run_started_at"]) <= request.now]
        return _run_as_of(begun[-1], request.now) if begun else None

    return at_now


def _run_as_of(run: _Object, now: datetime) -> _Object:
    if moment(run["updated_at"]) <= now or run["status"] != "completed":
        return run
    return {**run, "status": "in_progress", "conclusion": None, "updated_at": stamp(now)}


def jobs_as_of(request: Request, run_id: int) -> list[_Object]:
    jobs = request.repo.jobs_by_run.get(run_id, [])
    return [_job_as_of(job, request.now) for job in jobs if moment(job["created_at"]) <= request.now]


def _job_as_of(job: _Object, now: datetime) -> _Object:
    if job["completed_at"] is None or moment(job["completed_at"]) <= now:
        return job
    steps = [s for s in job["steps"] if s["completed_at"] and moment(s["completed_at"]) <= now]
    return {**job, "status": "in_progress", "conclusion": None, "completed_at": None, "steps": steps}


def _created(text: str) -> Callable[[_Object], bool]:
    """``A..B``, ``>=A``, ``<B`` …; a day stands for all of it, a star for no limit."""
    low, high = "", "9999"
    if ".." in text:
        low, high = text.split("..", 1)
        high = "9999" if high == "*" else _day_end(high)
        low = "" if low == "*" else low
    elif text.startswith(">="):
        low = text[2:]
    elif text.startswith(">"):
        low = _day_end(text[1:]) + "~"
    elif text.startswith("<="):
        high = _day_end(text[2:])
    elif text.startswith("<"):
        return lambda run: run["created_at"] < _utc(text[1:])
    else:
        low, high = text, _day_end(text)
    low, high = _utc(low), _utc(high)
    return lambda run: low <= run["created_at"] <= high


def _day_end(text: str) -> str:
    return f"{text}T23:59:59Z" if len(text) == 10 else text


def _utc(text: str) -> str:
    """Times with another offset in UTC; anything else as it is."""
    if len(text) > 19 and re.search(r"[+-]\d\d:?\d\d$", text):
        return stamp(datetime.fromisoformat(text.replace(" ", "+")))
    return re.sub(r"\.\d+Z", "Z", text)


_FILTER: dict[str, Callable[[str], Callable[[_Object], bool]]] = {
    "actor": lambda value: lambda run: run["actor"]["login"] == value,
    "branch": lambda value: lambda run: run["head_branch"] == value,
    "check_suite_id": lambda value: lambda run: str(run["check_suite_id"]) == value,
    "created": _created,
    "event": lambda value: lambda run: run["event"] == value,
    "head_sha": lambda value: lambda run: run["head_sha"] == value,
    "status": lambda value: lambda run: value in (run["status"], run["conclusion"]),
}
