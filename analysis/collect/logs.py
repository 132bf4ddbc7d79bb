"""Stage 3: logs of failed jobs, and for every log that is read: mask it, keep it, file what it says.

Logs cost two requests. Every repository, workflow, job and hour gets one before any gets a second; first attempts
come before re-runs. Raw logs are evidence that GitHub deletes: they are kept, masked, as soon as they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from typing import Any

from analysis.collect.desk import Desk
from analysis.collect.history import FAILED
from analysis.collect.jobs import CONTROLS
from analysis.collect.spread import hour, spread
from analysis.errors import GoneError, NotFoundError, PermissionDeniedError, RemoteError
from analysis.facts.failure import Failure
from analysis.facts.redact import redact
from analysis.facts.runner_log import read_job_log
from analysis.schema import TABLES

Row = dict[str, Any]

LOG_COST = 2
FAILED_SHARE = 0.45
REFERENCE_RESERVE = 0.05
DENIALS_BELIEVED = 3
GONE_BELIEVED = 5
_GAPS = ("log", "log-denied", "log-failed")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LogFacts:
    """What one log says, as rows."""

    failure: Row | None
    uses: list[Row]
    environment: Row
    size: int


def read_failed_logs(desk: Desk) -> None:
    """Read failed jobs' logs, within their share of the cap; passing re-runs' where that leaves some."""
    failed = [job for job in _own_jobs(desk) if job["conclusion"] in FAILED]
    unread = _in_order([job for job in failed if _is_due(desk, job)], desk)
    reserve = desk.share(CONTROLS if desk.options.logs == "sampled" else REFERENCE_RESERVE)
    afford = max(0.0, min(desk.share(FAILED_SHARE), desk.left - reserve)) / LOG_COST
    chosen = unread if len(unread) <= afford else unread[: int(afford)]
    if desk.options.logs != "failed" and len(chosen) == len(unread):
        chosen = (chosen + _passing_reruns(desk))[: len(chosen) + int(min(1e9, afford - len(chosen)))]
    desk.progress.stage("logs of failed jobs", len(chosen))
    read_logs(desk, chosen)
    desk.sampling.update(failed_jobs=len(failed), failed_logs=sum(is_read(desk, job) for job in failed))


def read_all_logs(desk: Desk) -> None:
    """Read the log of every known job that ran."""
    wanted = [job for job in _own_jobs(desk) if job["conclusion"] not in (None, "skipped") and not is_read(desk, job)]
    desk.progress.stage("logs of all jobs", len(wanted))
    read_logs(desk, _in_order(wanted, desk))


def repair_facts(desk: Desk) -> None:
    """File what kept logs say where an interrupted collection kept the log and not its facts."""
    for (repo, _), jobs in desk.history.jobs.items():
        for job in jobs.values():
            if (repo, job["job_id"]) not in desk.history.uses and job["job_id"] in desk.kept_logs(repo):
                log = desk.store.read_log(repo, job["job_id"])
                if log is not None:
                    _take(desk, job, facts_of(log, job, desk.history.steps[repo, job["job_id"]]))


def read_logs(desk: Desk, jobs: Iterable[Row]) -> None:
    """Read, mask and keep these jobs' logs and file their facts. What cannot be had is a gap."""
    denied, gone = desk.denied, desk.gone

    def ask(job: Row) -> LogFacts | None:
        if denied.get(job["repo"], 0) >= DENIALS_BELIEVED or _is_past(gone.get(job["repo"], []), _begun(job)):
            return None
        log = redact(desk.github.job_log(job["repo"], job["job_id"]))
        desk.store.write_log(job["repo"], job["job_id"], log)
        return facts_of(log, job, desk.history.steps[job["repo"], job["job_id"]])

    for job, answer in desk.each(jobs, ask):
        desk.progress.advance()
        repo = job["repo"]
        if isinstance(answer, LogFacts):
            denied[repo] = 0
            gone[repo] = [when for when in gone.get(repo, []) if when < _begun(job)]
            _take(desk, job, answer)
        elif answer is None:
            desk.skipped.add((repo, job["job_id"]))
            desk.gap(repo, "logs", "more", "not asked for: refused before, or older than a log that is gone")
        else:
            if isinstance(answer, PermissionDeniedError):
                denied[repo] = denied.get(repo, 0) + 1
            elif isinstance(answer, GoneError) and answer.status == 410:
                gone.setdefault(repo, []).append(_begun(job))
            desk.gap(repo, *_why(job, answer))


def facts_of(log: bytes, job: Mapping[str, Any], steps: list[Row]) -> LogFacts:
    """What one masked log says, as rows of `failures`, `action_uses` and `environments`."""
    facts = read_job_log(log, steps=steps)
    place = {"repo": job["repo"], "month": job["month"], "job_id": job["job_id"]}
    failure = facts.failure if job["conclusion"] in FAILED else None
    return LogFacts(
        failure=failure_row(failure, job) if failure is not None else None,
        uses=[_row("action_uses", use) | place for use in facts.action_uses],
        environment=(_row("environments", facts.environment) if facts.environment is not None else {}) | place,
        size=len(log),
    )


def _is_due(desk: Desk, job: Row) -> bool:
    return desk.history.is_due(desk.history.runs[job["repo"], job["run_id"]]) and not is_read(desk, job)


def failure_row(failure: Failure, job: Mapping[str, Any]) -> Row:
    """A row of `failures` for this job."""
    return _row("failures", failure) | {"repo": job["repo"], "month": job["month"], "job_id": job["job_id"]}


def is_read(desk: Desk, job: Row) -> bool:
    """Whether this job's log was read, or is known not to be had."""
    repo, name = job["repo"], str(job["job_id"])
    if (repo, job["job_id"]) in desk.skipped or (repo, "log", name) in desk.known_gaps:
        return True
    if any((repo, kind, name) in desk.gaps for kind in _GAPS):
        return True
    return (repo, job["job_id"]) in desk.history.uses


def _take(desk: Desk, job: Row, facts: LogFacts) -> None:
    desk.history.uses[job["repo"], job["job_id"]] = facts.uses
    desk.history.read_now.add((job["repo"], job["job_id"]))
    desk.file("failures", [facts.failure] if facts.failure else [])
    desk.file("action_uses", facts.uses)
    desk.file("environments", [facts.environment])
    seen_at = job["started_at"] or job["created_at"]
    for use in facts.uses:
        if use["observed"] and use["sha"] and use["ref"] and use["ref"] != use["sha"] and seen_at:
            desk.history.see_tag(use["action"], use["ref"], use["sha"], seen_at)


def _row(table: str, facts: Any) -> Row:
    fields = asdict(facts) if is_dataclass(facts) and not isinstance(facts, type) else dict(facts)
    return {name: value for name, value in fields.items() if name in TABLES[table].columns}


def _own_jobs(desk: Desk) -> Iterable[Row]:
    """Jobs of the asked window that really ran in their attempt (a re-run carries passed ones over)."""
    for key, run in desk.history.runs.items():
        if not desk.is_asked(run):
            continue
        for job in desk.history.jobs.get(key, {}).values():
            carried = job["run_attempt"] > 1 and job["started_at"] and job["started_at"] < run["created_at"]
            if not carried:
                yield job


def _in_order(jobs: list[Row], desk: Desk) -> list[Row]:
    def cell(job: Row) -> tuple[object, ...]:
        run = desk.history.runs[job["repo"], job["run_id"]]
        return (job["repo"], run["path"], job["name"], hour(_begun(job)))

    firsts = [job for job in jobs if job["run_attempt"] == 1]
    later = [job for job in jobs if job["run_attempt"] > 1]
    return [
        job
        for group in (firsts, later)
        for job in spread(group, cell, _begun, lambda job: (job["repo"], job["job_id"]))
    ]


def _passing_reruns(desk: Desk) -> list[Row]:
    """Later attempts, passed, of jobs that failed before: did they run the same versions?"""
    failed = {(j["repo"], j["run_id"], j["name"]) for j in _own_jobs(desk) if j["conclusion"] in FAILED}
    return _in_order(
        [
            job
            for job in _own_jobs(desk)
            if job["run_attempt"] > 1
            and job["conclusion"] == "success"
            and (job["repo"], job["run_id"], job["name"]) in failed
            and _is_due(desk, job)
        ],
        desk,
    )


def _is_past(gone: list[datetime], when: datetime) -> bool:
    """Whether a log lies beyond the retention: as many newer ones, and none older than those, were gone."""
    return len(gone) >= GONE_BELIEVED and when <= min(gone)


def _begun(job: Row) -> datetime:
    found: datetime = job["started_at"] or job["created_at"] or _NEVER
    return found


def _why(job: Row, error: RemoteError) -> tuple[str, int, str]:
    """Kind, identifier and reason of the gap: only a log that is gone is never asked for again."""
    if isinstance(error, GoneError | NotFoundError):
        return "log", job["job_id"], f"the log is not there any more, or never was ({error.status})"
    if isinstance(error, PermissionDeniedError):
        return "log-denied", job["job_id"], f"the token may not read logs here ({error.line()})"
    return "log-failed", job["job_id"], error.line()
