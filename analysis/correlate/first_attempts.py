"""What was collected: runs, their jobs, and what the logs of these jobs told.

In come the tables of the data folder and a scope; out come frames, numbered so that they point at each other: `runs`
(a row per run, described by its first attempt) and `jobs` (a row per job of any attempt of these runs). Here and in
`uses` and `machines` is all that the engine computes; what follows is arithmetic on codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.correlate.codes import to_frame
from analysis.correlate.credentials import branch_class, credential_class, default_branches
from analysis.correlate.engine import Tables
from analysis.scope import Scope

FAILED = ("failure", "timed_out")
JUDGED = ("success", *FAILED)
# What the log says of a failure.
BLAME = ("component", "kind", "operation", "signature", "host", "transient")


@dataclass(frozen=True)
class Collected:
    """The runs of a scope and their jobs.

    Attributes
    ----------
    runs : DataFrame
        A row per run in the order of ``repo, run_id``, as its earliest stored attempt describes it: ``repo, run_id,
        run_attempt`` (of that row) ``, workflow, event, branch, branch_class, credential_class, head_sha, conclusion,
        created_at, run_started_at, display_title, pull_request, run_url``. Its index is the number of the run.
    jobs : DataFrame
        A row per job of any attempt of these runs in the order of ``run, job_id``: ``run`` (number of its run)
        ``, job_id, run_attempt, name, conclusion, created_at, started_at, completed_at, html_url, failing_step``
        (first step that failed) ``, log_step`` (step that the log blames) ``, has_failure`` and the columns of
        `BLAME`. Its index is the number of the job.
    numbers : ibis.Table
        ``job, repo, job_id`` of ``jobs``: what tables of logs are joined with.
    """

    runs: pd.DataFrame
    jobs: pd.DataFrame
    numbers: ibis.Table


def collected(tables: Tables, scope: Scope) -> Collected:
    """Read the runs in the scope and their jobs."""
    found = tables.keep(_runs(tables, scope), "runs")
    runs = to_frame(tables.fetch(found), plain=("head_sha", "display_title", "run_url"))
    numbered = tables.keep(_jobs(tables, found), "jobs")
    tables.forget(found)
    jobs = to_frame(tables.fetch(_with_failures(tables, numbered)), plain=("html_url",))
    return Collected(_in_order(runs, "run"), _in_order(jobs, "job"), numbered.select("job", "repo", "job_id"))


def _in_order(frame: pd.DataFrame, number: str) -> pd.DataFrame:
    return frame.sort_values(number, ignore_index=True).drop(columns=number)


def _runs(tables: Tables, scope: Scope) -> ibis.Table:
    stored = tables["runs"]
    file = stored.path.re_replace("@.*$", "").re_replace("^.*/", "").nullif("")
    stored = stored.mutate(workflow=ibis.coalesce(file, stored.workflow_name, ibis.literal("unknown")))
    defaults = default_branches(stored)
    inside = stored.filter(_in_scope(stored, scope))
    order = ibis.row_number().over(group_by=["repo", "run_id"], order_by="run_attempt")
    first = inside.mutate(order=order).filter(lambda t: t.order == 0)
    first = first.left_join(defaults, "repo")
    return first.select(
        "repo", "run_id", "run_attempt", "workflow", "event", "pull_request", "head_sha", "conclusion", "created_at",
        "run_started_at", "display_title",
        run=ibis.row_number().over(order_by=["repo", "run_id"]),
        branch=first.head_branch,
        branch_class=branch_class(first, first.default_branch),
        credential_class=credential_class(first),
        run_url=first.html_url,
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


def _jobs(tables: Tables, found: ibis.Table) -> ibis.Table:
    jobs = tables["jobs"].inner_join(found.select("repo", "run_id", "run"), ["repo", "run_id"])
    return jobs.select(
        "repo", "job_id", "run", "run_attempt", "name", "conclusion", "created_at", "started_at", "completed_at",
        "html_url", job=ibis.row_number().over(order_by=["run", "job_id"]),
    )  # fmt: skip


def _with_failures(tables: Tables, jobs: ibis.Table) -> ibis.Table:
    steps = tables["steps"]
    failing = steps.filter(steps.conclusion.isin(FAILED))
    failing = failing.group_by("repo", "job_id").aggregate(failing_step=failing.number.min())
    told = tables["failures"]
    told = told.select("repo", "job_id", *BLAME, log_step=told.step_number, has_failure=ibis.literal(True))
    jobs = jobs.left_join(failing, ["repo", "job_id"]).drop("repo_right", "job_id_right")
    jobs = jobs.left_join(told, ["repo", "job_id"])
    return jobs.select(
        "job", "run", "job_id", "run_attempt", "name", "conclusion", "created_at", "started_at", "completed_at",
        "html_url", "failing_step", "log_step", *BLAME, has_failure=jobs.has_failure.fill_null(False),
    )  # fmt: skip


def data_as_of(tables: Tables) -> datetime | None:
    """How far the data reaches: what the collections say, else the newest time in runs and jobs; None if empty."""
    told = [tables["collections"].data_as_of.max()]
    for expressions in (told, None):
        asked = expressions or [tables["runs"].updated_at.max(), tables["jobs"].completed_at.max()]
        known = [t for t in (tables.connection.to_pyarrow(e).as_py() for e in asked) if t is not None]
        if known:
            moment: datetime = max(known)
            return moment
    return None
