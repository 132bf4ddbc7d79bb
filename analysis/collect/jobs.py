"""Stage 2: jobs and steps of every run that did not simply pass, and the earlier attempts of those run again.

One request gives the jobs of all attempts of a run. Where the budget does not hold all red runs, they are drawn blind,
spread over repositories, workflows and hours, and their jobs carry the weight of those left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from analysis.collect.desk import Desk
from analysis.collect.history import RED
from analysis.collect.spread import hour, spread
from analysis.errors import GoneError, NotFoundError, RemoteError
from analysis.github.rows import attempt_row, job_rows, run_row

Row = dict[str, Any]

RED_SHARE = 0.65
CONTROLS = 0.3
REST_SHARE = 0.1
ATTEMPTS_SHARE = 0.05


def read_red_jobs(desk: Desk, runs: Iterable[Row]) -> None:
    """Read the jobs of all runs but those that passed at their first attempt, what matters most first."""
    asked = [run for run in runs if run["run_attempt"] > 1 or run["conclusion"] != "success"]
    red = [run for run in asked if run["run_attempt"] > 1 or run["conclusion"] in RED or run["conclusion"] is None]
    rest = [run for run in asked if not (run["run_attempt"] > 1 or run["conclusion"] in RED or not run["conclusion"])]
    red_read = _read(desk, "jobs of failed runs", red, RED_SHARE * (desk.share(1 - CONTROLS) - desk.spent))
    rest_read = _read(desk, "jobs of other runs", rest, min(desk.share(REST_SHARE), desk.left))
    desk.sampling.update(red_runs=len(red), red_runs_read=red_read, other_runs=len(rest), other_runs_read=rest_read)
    if desk.options.jobs == "all":
        read_jobs(desk, [run for run in runs if not desk.history.jobs_are_known(run)])


def _read(desk: Desk, stage: str, runs: list[Row], share: float) -> int:
    unread = [run for run in runs if desk.history.is_due(run) and not _is_done(desk, run)]
    order = spread(
        unread,
        cell=lambda run: (run["repo"], run["path"], hour(run["created_at"])),
        time=lambda run: run["created_at"],
        name=lambda run: (run["repo"], run["run_id"]),
    )
    chosen = order if len(order) <= share else order[: max(0, int(share))]
    desk.progress.stage(stage, len(chosen))
    read_jobs(desk, chosen)
    read_attempts(desk, [run for run in runs if run["run_attempt"] > 1])
    if len(chosen) < len(order):
        _weigh(desk, runs, {(run["repo"], run["run_id"]) for run in order[len(chosen) :]})
    return len(runs) - len(order) + len(chosen)


def read_jobs(desk: Desk, runs: Iterable[Row]) -> None:
    """Read and file the jobs of all attempts of these runs."""

    def ask(run: Row) -> list[Any]:
        path = f"/repos/{run['repo']}/actions/runs/{run['run_id']}/jobs"
        return list(desk.github.pages(path, {"filter": "all", "per_page": 100}, "jobs", keep=False))

    for run, answer in desk.each(runs, ask):
        desk.progress.advance()
        if isinstance(answer, RemoteError):
            lasting = isinstance(answer, NotFoundError | GoneError)
            desk.gap(run["repo"], "jobs" if lasting else "jobs-failed", run["run_id"], answer.line())
            continue
        _take(desk, run, answer)


def _take(desk: Desk, run: Row, jobs: list[Any]) -> None:
    key = (run["repo"], run["run_id"])
    for job in jobs:
        found = job_rows(job, run["repo"], run["created_at"]) if isinstance(job, dict) else None
        if found is None:
            continue
        row, steps = found
        row["run_id"] = run["run_id"]
        row["workflow_name"] = row["workflow_name"] or run["workflow_name"]
        desk.history.jobs[key][row["job_id"]] = row
        desk.history.steps[run["repo"], row["job_id"]] = steps
        desk.file("jobs", [row])
        desk.file("steps", steps)
    if not jobs and run["status"] == "completed":
        desk.gap(run["repo"], "jobs", run["run_id"], f"the run has no jobs ({run['conclusion']})")


def read_attempts(desk: Desk, runs: Iterable[Row]) -> None:
    """File a row for each earlier attempt: GitHub's own while its share lasts, else put together from the jobs."""
    wanted = [
        (run, attempt)
        for run in runs
        for attempt in range(1, run["run_attempt"])
        if (run["repo"], run["run_id"], attempt) not in desk.history.attempts
    ]
    afford = min(desk.share(ATTEMPTS_SHARE), desk.left)
    asked = wanted if len(wanted) <= afford else wanted[: int(afford)]

    def ask(item: tuple[Row, int]) -> Any:
        run, attempt = item
        return desk.github.get(f"/repos/{run['repo']}/actions/runs/{run['run_id']}/attempts/{attempt}", keep=False)

    own = 0
    for (run, attempt), answer in desk.each(asked, ask):
        row = run_row(answer, run["repo"]) if isinstance(answer, dict) else None
        if row is not None and row["run_attempt"] == attempt:
            own += 1
            _file_attempt(desk, row)
        elif isinstance(answer, RemoteError) and not isinstance(answer, NotFoundError):
            desk.gap(run["repo"], "attempt", f"{run['run_id']}/{attempt}", answer.line())
    for run, attempt in wanted:
        key = (run["repo"], run["run_id"])
        if (*key, attempt) not in desk.history.attempts:
            row = attempt_row(run, list(desk.history.jobs.get(key, {}).values()), attempt)
            if row is not None:
                _file_attempt(desk, row)
    desk.sampling.update(earlier_attempts=len(wanted), earlier_attempts_from_jobs=len(wanted) - own)


def _file_attempt(desk: Desk, row: Row) -> None:
    desk.history.attempts.add((row["repo"], row["run_id"], row["run_attempt"]))
    desk.file("runs", [row])


def _is_done(desk: Desk, run: Row) -> bool:
    """Whether nothing is to be asked: jobs known, or an ended run that is known to have none."""
    key = (run["repo"], run["run_id"])
    if run["status"] == "completed" and (run["repo"], "jobs", str(run["run_id"])) in desk.known_gaps:
        return key not in desk.history.changed
    return desk.history.jobs_are_known(run)


def _weigh(desk: Desk, runs: list[Row], left_out: set[tuple[str, int]]) -> None:
    """Jobs of the red runs that were read stand for those of the same workflow that were not."""
    every = Counter((run["repo"], run["path"]) for run in runs)
    missed = Counter((run["repo"], run["path"]) for run in runs if (run["repo"], run["run_id"]) in left_out)
    for run in runs:
        place, key = (run["repo"], run["path"]), (run["repo"], run["run_id"])
        if key in left_out or not missed[place] or every[place] == missed[place]:
            continue
        for job in desk.history.jobs.get(key, {}).values():
            job["sampling_weight"] = every[place] / (every[place] - missed[place])
            desk.file("jobs", [job])
