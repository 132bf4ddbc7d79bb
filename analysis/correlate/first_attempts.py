"""The unit of analysis: the first attempt of each job, as it was collected.

In come the tables of the data folder and a scope; out come Ibis tables: `runs` (a row per run, described by its first
attempt), `first_attempts` (a row per job of a first attempt that succeeded, failed or is still under way) and
`later_attempts` (the re-runs, which feed the rerun test only). Cancelled and skipped jobs are neither success nor
failure and stay out.
"""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from analysis.correlate.credentials import branch_class, credential_class, default_branches
from analysis.scope import Scope
from analysis.store import Store

FAILED = ("failure", "timed_out")
JUDGED = ("success", *FAILED)
# GitHub's clocks differ by seconds; a job carried over into a re-run is minutes older.
CLOCK_SKEW_SECONDS = 5


def runs(store: Store, connection: ibis.BaseBackend, scope: Scope) -> ibis.Table:
    """Every run in the scope, a row each, as its earliest stored attempt describes it.

    Returns
    -------
    ibis.Table
        ``repo, run_id, run_attempt`` (of that row) ``, workflow, workflow_name, path, event, branch, branch_class,
        credential_class, head_sha, conclusion, created_at, run_started_at, updated_at, display_title, run_url``.
    """
    stored = store.table("runs", connection)
    file = stored.path.re_replace("@.*$", "").re_replace("^.*/", "").nullif("")
    stored = stored.mutate(workflow=ibis.coalesce(file, stored.workflow_name, ibis.literal("unknown")))
    defaults = default_branches(stored)
    inside = stored.filter(_in_scope(stored, scope))
    order = ibis.row_number().over(group_by=["repo", "run_id"], order_by="run_attempt")
    first = inside.mutate(order=order).filter(lambda t: t.order == 0)
    first = first.left_join(defaults, "repo")
    return first.select(
        "repo", "run_id", "run_attempt", "workflow", "workflow_name", "path", "event", "pull_request",
        branch=first.head_branch,
        branch_class=branch_class(first, first.default_branch),
        credential_class=credential_class(first),
        head_sha=first.head_sha, conclusion=first.conclusion, created_at=first.created_at,
        run_started_at=first.run_started_at, updated_at=first.updated_at,
        display_title=first.display_title, run_url=first.html_url,
    )  # fmt: skip


def _in_scope(table: ibis.Table, scope: Scope) -> ir.BooleanValue:
    conditions: list[ir.BooleanValue] = [ibis.literal(True)]
    if scope.repos:
        conditions.append(table.repo.isin(scope.repos))
    if scope.since is not None:
        conditions.append(table.created_at >= scope.since)
    if scope.until is not None:
        conditions.append(table.created_at < scope.until)
    if scope.branch is not None:
        conditions.append(table.head_branch == scope.branch)
    if scope.workflow is not None:
        conditions.append((table.workflow == scope.workflow) | (table.workflow_name == scope.workflow))
    return ibis.and_(*conditions)


def first_attempts(store: Store, connection: ibis.BaseBackend, found: ibis.Table) -> ibis.Table:
    """Collected jobs of first attempts that passed, failed or have not ended.

    Parameters
    ----------
    found : ibis.Table
        What `runs` gave.

    Returns
    -------
    ibis.Table
        A row per job: its run's columns and ``job_id, job_name, started_at, failed, ended, minutes, step_number,
        component, kind, operation, signature, host, transient, has_log, html_url``.
    """
    jobs = store.table("jobs", connection)
    jobs = jobs.filter((jobs.run_attempt == 1) & (jobs.conclusion.isin(JUDGED) | jobs.conclusion.isnull()))
    jobs = jobs.select(
        "repo", "job_id", "run_id", "html_url",
        job_name=jobs.name, outcome=jobs.conclusion, began=ibis.coalesce(jobs.started_at, jobs.created_at),
        ended_at=jobs.completed_at,
    )  # fmt: skip
    rows = found.inner_join(jobs, ["repo", "run_id"])
    rows = rows.left_join(_failing_steps(store, connection), ["repo", "job_id"]).drop("repo_right", "job_id_right")
    failures = store.table("failures", connection)
    failures = failures.select(
        "repo", "job_id", "component", "kind", "operation", "signature", "host", "transient",
        log_step=failures.step_number, has_failure=ibis.literal(True),
    )  # fmt: skip
    rows = rows.left_join(failures, ["repo", "job_id"]).drop("repo_right", "job_id_right")
    rows = rows.left_join(_read_logs(store, connection), ["repo", "job_id"])
    failed = rows.outcome.isin(FAILED).fill_null(False)
    blame = {name: ibis.ifelse(failed, rows[name], ibis.null()) for name in _BLAME}
    return rows.select(
        *found.columns, "job_id", "job_name", "html_url",
        started_at=ibis.coalesce(rows.began, rows.run_started_at, rows.created_at),
        failed=failed,
        ended=rows.outcome.notnull(),
        minutes=minutes(rows.began, rows.ended_at),
        step_number=ibis.ifelse(failed, ibis.coalesce(rows.log_step, rows.failing_step), ibis.null()),
        has_log=(rows.has_failure.fill_null(False) | rows.log_read.fill_null(False)),
        **blame,
    )  # fmt: skip


_BLAME = ("component", "kind", "operation", "signature", "host", "transient")


def minutes(began: ir.TimestampValue, ended: ir.TimestampValue) -> ir.FloatingValue:
    """Minutes from one column of times to another; never negative, null where one is missing."""
    seconds = ended.epoch_seconds() - began.epoch_seconds()
    return ibis.ifelse(seconds < 0, 0, seconds) / 60.0


def _failing_steps(store: Store, connection: ibis.BaseBackend) -> ibis.Table:
    steps = store.table("steps", connection)
    failing = steps.filter(steps.conclusion.isin(FAILED))
    return failing.group_by("repo", "job_id").aggregate(failing_step=failing.number.min())


def _read_logs(store: Store, connection: ibis.BaseBackend) -> ibis.Table:
    """Jobs whose log told something: the tables that only a log fills."""
    parts = []
    for name in ("environments", "action_uses"):
        table = store.table(name, connection)
        parts.append(table.filter(table.observed.fill_null(False)).select("repo", "job_id"))
    return parts[0].union(parts[1], distinct=True).mutate(log_read=ibis.literal(True))


def later_attempts(store: Store, connection: ibis.BaseBackend, found: ibis.Table) -> ibis.Table:
    """Jobs of second and further attempts that really ran again and ended in success or failure.

    A re-run of failed jobs lists the green ones again under the new attempt: those started before it and are left out.
    """
    jobs = store.table("jobs", connection)
    again = jobs.filter((jobs.run_attempt > 1) & jobs.conclusion.isin(JUDGED) & jobs.started_at.notnull())
    attempts = store.table("runs", connection).select("repo", "run_id", "run_attempt", "run_started_at")
    again = again.left_join(attempts, ["repo", "run_id", "run_attempt"], rname="{name}_of_attempt")
    fresh = again.run_started_at.isnull() | (
        again.started_at.epoch_seconds() >= again.run_started_at.epoch_seconds() - CLOCK_SKEW_SECONDS
    )
    again = again.filter(fresh)
    again = again.semi_join(found, ["repo", "run_id"])
    failures = store.table("failures", connection).select("repo", "job_id", "component", "kind")
    again = again.left_join(failures, ["repo", "job_id"])
    passed = again.conclusion == "success"
    return again.select(
        "repo", "run_id", "job_id", "html_url",
        attempt=again.run_attempt, job_name=again.name, started_at=again.started_at, passed=passed,
        minutes=minutes(again.started_at, again.completed_at),
        component=ibis.ifelse(passed, ibis.null(), again.component),
        kind=ibis.ifelse(passed, ibis.null(), again.kind),
    )  # fmt: skip


def data_as_of(store: Store, connection: ibis.BaseBackend) -> datetime | None:
    """How far the data reaches: what the collections say, else the newest time in runs and jobs; None if empty."""
    told = store.table("collections", connection).data_as_of.max()
    seen = (store.table("runs", connection).updated_at.max(), store.table("jobs", connection).completed_at.max())
    for expressions in ((told,), seen):
        known = [t for t in (connection.to_pyarrow(e).as_py() for e in expressions) if t is not None]
        if known:
            moment: datetime = max(known)
            return moment
    return None
