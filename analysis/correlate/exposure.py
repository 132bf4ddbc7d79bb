"""Who failed, and to what was each job exposed?

In comes a data folder and a scope; out comes `Exposure`: one row for each first attempt of a job, whether it failed,
how, and what it ran with, as columns that share one index. Everything that judges starts from this table, so every
rule of what counts as an observation stands here and in the modules it calls: `first_attempts` (what was collected),
`imputation` (green runs whose jobs were not asked for), `history`, `machines` and `registries` (what a job was
exposed to).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import ibis
import pandas as pd

from analysis.correlate import columns
from analysis.correlate.bumps import read_bumps
from analysis.correlate.engine import connect, forget, keep
from analysis.correlate.first_attempts import data_as_of, first_attempts, later_attempts, runs
from analysis.correlate.history import observed_uses, versions
from analysis.correlate.imputation import donors, imputed_jobs
from analysis.correlate.machines import machines
from analysis.correlate.names import release_names, spellings
from analysis.correlate.registries import touched
from analysis.correlate.reruns import attach_reruns
from analysis.correlate.workflow_lines import workflow_lines
from analysis.scope import Scope
from analysis.store import Store

_MATRIX = r" ?\(([^()]*(?:\([^()]*\)[^()]*)*)\)"
# What a row takes over from its run.
_OF_RUN = (
    "repo", "run_id", "workflow", "event", "branch", "branch_class", "credential_class", "head_sha", "created_at",
    "run_started_at",
)  # fmt: skip
# A job without a record of its own duration is given the time most jobs end within.
_USUAL_MINUTES = 30.0


@dataclass(frozen=True)
class Exposure:
    """First attempts of jobs and what each was exposed to.

    Attributes
    ----------
    jobs : DataFrame
        A row per job; columns as docs/architecture.md lists them, and ``matrix, branch_class, streak_position`` (0 for
        the first failure of a row of failures, -1 for a job that passed)``, reached`` (false: it died in checkout or
        set-up, before any step that could meet a suspect)``, rerun_same_version``.
    versions : DataFrame
        A categorical column per action. Null: not used, not known, or the job died before that step.
    registries, inputs : DataFrame
        Bool columns.
    reruns : DataFrame
        A row per later attempt of a failed job: ``row`` (index of the job) ``, attempt, gap_hours, passed, minutes,
        component, kind`` (of the later attempt) ``, same_version, changed`` (actions whose version differed)
        ``, html_url``.
    data_as_of : datetime or None
        How far the data reaches.
    runs_without_jobs : int
        Runs in the scope whose jobs are neither stored nor inferable.
    runs_seen : int
        Runs in the scope.
    """

    jobs: pd.DataFrame
    versions: pd.DataFrame
    registries: pd.DataFrame
    inputs: pd.DataFrame
    reruns: pd.DataFrame
    data_as_of: datetime | None = None
    runs_without_jobs: int = 0
    runs_seen: int = 0
    connection: ibis.BaseBackend | None = field(default=None, repr=False, compare=False)

    def counted(self) -> Exposure:
        """Only the rows that count: those whose outcome is not censored."""
        return self.where(~self.jobs["censored"])

    def where(self, mask: pd.Series) -> Exposure:
        """The rows of a boolean mask over ``jobs``; the index stays."""
        keep_rows = mask.fillna(False).astype(bool)
        chosen = self.jobs.index[keep_rows]
        return replace(
            self,
            jobs=self.jobs[keep_rows],
            versions=self.versions[keep_rows],
            registries=self.registries[keep_rows],
            inputs=self.inputs[keep_rows],
            reruns=self.reruns[self.reruns["row"].isin(chosen)],
        )


def exposure(store: Store, scope: Scope, engine: str | None = None) -> Exposure:
    """Build the exposure table.

    Parameters
    ----------
    store : Store
        The data folder.
    scope : Scope
        Which repositories, workflow, branch and window of run creation.
    engine : str or None
        None for DuckDB in this process, ``spark://host:port`` for a Spark cluster.

    Returns
    -------
    Exposure
        Empty frames with every fixed column where the scope holds no run.

    Raises
    ------
    UsageError
        The engine is unknown or not installed.
    """
    connection = connect(engine)
    moment = data_as_of(store, connection)
    found = keep(connection, runs(store, connection, scope), "runs")
    rows = _rows(store, connection, found, moment)
    bumps = read_bumps(connection, found)
    names = release_names(store, connection, rows, bumps)
    observed = keep(connection, observed_uses(store, connection, rows, names), "observed")
    unreached, rows = rows, keep(connection, _with_reach(rows, observed), "reached")
    forget(connection, unreached)
    read = rows.filter(rows.has_log & rows.job_id.notnull()).semi_join(observed, "row")
    like = keep(connection, donors(connection, rows, read), "donors")
    releases, files = store.table("releases", connection), workflow_lines(store, names)
    ran = versions(connection, rows, observed, like, bumps, files, releases)
    machine = machines(store, connection, rows, like)
    touches, inputs = touched(store, connection, rows, like)
    jobs = columns.jobs(connection, rows, machine)
    reached_versions = keep(connection, _reached(ran, rows), "versions")
    spelled = spellings(store, connection)
    ran_columns = columns.categories(connection, reached_versions, "action", "version", len(jobs))
    table = Exposure(
        jobs=jobs,
        versions=ran_columns.rename(columns=spelled),
        registries=columns.flags(connection, touches, "touch", len(jobs)),
        inputs=columns.flags(connection, inputs, "input", len(jobs)).rename(columns=_spelled_inputs(spelled)),
        reruns=pd.DataFrame(),
        data_as_of=moment,
        **columns.coverage(connection, found, rows),
    )
    table.jobs["version_confidence"] = columns.lowest(connection, reached_versions, "sure", len(jobs))
    table.jobs["versions_observed"] = columns.marked(connection, observed.select("row"), len(jobs))
    return attach_reruns(table, connection, store, later_attempts(store, connection, found), rows, observed, names)


def _spelled_inputs(spelled: dict[str, str]) -> Callable[[str], str]:
    def rename(name: str) -> str:
        action, _, key = name.partition(":")
        return f"{spelled.get(action, action)}:{key}"

    return rename


def _rows(store: Store, connection: ibis.BaseBackend, found: ibis.Table, moment: datetime | None) -> ibis.Table:
    """Collected and imputed jobs, numbered in the order of time, with what follows from the jobs alone."""
    collected = first_attempts(store, connection, found.select(*_OF_RUN)).mutate(imputed=ibis.literal(False))
    imputed = keep(connection, imputed_jobs(store, connection, found), "imputed")
    blank = {
        name: ibis.null().cast(collected.schema()[name]) for name in collected.columns if name not in imputed.columns
    }
    filled = imputed.mutate(
        **{
            **blank,
            "imputed": ibis.literal(True),
            "failed": ibis.literal(False),
            "has_log": ibis.literal(False),
            "ended": imputed.conclusion.notnull(),
            "started_at": ibis.coalesce(imputed.run_started_at, imputed.created_at),
            "html_url": imputed.run_url,
        }
    ).select(*collected.columns)
    rows = collected.union(filled)
    order = ibis.row_number().over(order_by=["started_at", "repo", "run_id", "job_name", "job_id"])
    rows = rows.mutate(row=order, job=rows.job_name.re_replace(_MATRIX, ""), matrix=_matrix(rows),
                       line=rows.branch_class, at=rows.created_at)  # fmt: skip
    numbered = keep(connection, rows, "numbered")
    forget(connection, imputed)
    rows = keep(connection, _with_streaks(_with_censoring(numbered, moment)), "rows")
    forget(connection, numbered)
    return rows


def _matrix(rows: ibis.Table) -> ibis.Value:
    return rows.job_name.re_extract(_MATRIX, 1).nullif("")


def _with_censoring(rows: ibis.Table, moment: datetime | None) -> ibis.Table:
    """Mark jobs that are younger than nearly all jobs like them take: red ends early, green is still under way."""
    done = rows.filter(rows.ended & ~rows.imputed & rows.minutes.notnull())
    by_job = done.group_by("repo", "workflow", "job_name").aggregate(
        most=done.minutes.quantile(0.95), many=done.count()
    )
    by_repo = done.group_by("repo").aggregate(most_in_repo=done.minutes.quantile(0.95))
    rows = rows.left_join(by_job, ["repo", "workflow", "job_name"], rname="{name}_usual")
    rows = rows.left_join(by_repo, "repo", rname="{name}_in_repo")
    most = ibis.coalesce(ibis.ifelse(rows.many >= 5, rows.most, ibis.null()), rows.most_in_repo, _USUAL_MINUTES)
    young = ibis.literal(False)
    if moment is not None:
        young = (ibis.literal(moment).epoch_seconds() - rows.started_at.epoch_seconds()) < most * 60
    dropped = [c for c in rows.columns if c.endswith(("_usual", "_in_repo"))] + ["most", "many"]
    return rows.mutate(censored=(~rows.ended | young).fill_null(True)).drop(*dropped)


def _with_streaks(rows: ibis.Table) -> ibis.Table:
    """Number the failures of a row of failures on one repository, workflow, job and branch.

    A failure that is known to come from somewhere else than the one before begins a new streak.
    """
    own = {"group_by": ["repo", "workflow", "job_name", "branch"], "order_by": ["started_at", "row"]}
    rows = rows.mutate(before_failed=rows.failed.lag().over(**own), before=rows.component.lag().over(**own))
    known = (rows.before != "unknown") & (rows.component != "unknown")
    differs = (known & (rows.before != rows.component)).fill_null(False)
    rows = rows.mutate(begins=~rows.failed | ~rows.before_failed.fill_null(False) | differs)
    rows = rows.mutate(streak=rows.begins.cast("int64").cumsum().over(**own))
    inside = {"group_by": ["repo", "workflow", "job_name", "branch", "streak"], "order_by": ["started_at", "row"]}
    position = ibis.row_number().over(**inside)
    return rows.mutate(streak_position=ibis.ifelse(rows.failed, position, -1)).drop(
        "streak", "begins", "before", "before_failed"
    )


def _with_reach(rows: ibis.Table, observed: ibis.Table) -> ibis.Table:
    """Mark the jobs that died before the first step that uses more than a set-up action."""
    beyond = observed.filter(~observed.action.startswith("actions/") & observed.step.notnull())
    first = beyond.group_by("repo", "workflow", "job_name").aggregate(first_step=beyond.step.min())
    rows = rows.left_join(first, ["repo", "workflow", "job_name"], rname="{name}_first")
    early = rows.failed & (rows.step_number < rows.first_step)
    dropped = [c for c in rows.columns if c.endswith("_first")] + ["first_step"]
    return rows.mutate(reached=~early.fill_null(False)).drop(*dropped)


def _reached(ran: ibis.Table, rows: ibis.Table) -> ibis.Table:
    """Leave out the actions whose step a failed job never came to."""
    ended = rows.filter(rows.failed).select("row", died="step_number")
    joined = ran.left_join(ended, "row", rname="{name}_died")
    early = (joined.step > joined.died).fill_null(False)
    return joined.filter(~early).select("row", "action", "version", "sure")
