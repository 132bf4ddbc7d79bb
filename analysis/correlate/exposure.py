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
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.correlate import columns
from analysis.correlate.bumps import read_bumps
from analysis.correlate.codes import Bools, Codes, codes_of, taken, together
from analysis.correlate.engine import Tables, connect
from analysis.correlate.first_attempts import Collected, collected, data_as_of
from analysis.correlate.history import versions
from analysis.correlate.imputation import donors, imputed_jobs
from analysis.correlate.machines import Environments, environments, machines
from analysis.correlate.names import release_names, seen_uses, spellings
from analysis.correlate.registries import touched
from analysis.correlate.reruns import attach_reruns, later_attempts
from analysis.correlate.rows import rows
from analysis.correlate.uses import Uses, Written, by_row, named_uses, written_uses
from analysis.correlate.workflow_lines import workflow_lines
from analysis.scope import Scope
from analysis.store import Store

if TYPE_CHECKING:
    import ibis


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
    tables = Tables(store, connect(engine))
    moment = data_as_of(tables)
    found = collected(tables, scope)
    written, machine = written_uses(tables, found), environments(tables, found)
    seen, later = seen_uses(tables), later_attempts(tables, found)
    tables.close()

    table = rows(found, imputed_jobs(found), moment)
    row_of_job = _row_of_job(table, len(found.jobs))
    bumps = read_bumps(found.runs)
    names = release_names(store, seen, *_first_uses(written, found, row_of_job), bumps)
    uses = named_uses(written, names)
    own = by_row(uses, row_of_job)
    has_log = table.pop("has_failure").to_numpy() | _told(table, row_of_job, written, machine)
    table["has_log"], table["reached"] = has_log, _reached(table, own)
    observed = np.zeros(len(table), dtype=bool)
    observed[own.table["row"]] = True
    donor = donors(table, found.runs, has_log & observed)
    ran = versions(table, found.runs, own, donor, bumps, workflow_lines(store, names),
                   store.read("releases", ["action", "tag", "published_at"]))  # fmt: skip
    registries, inputs = touched(table, row_of_job, written, machine, donor)
    jobs = columns.jobs(table, found, machines(table, found.runs, machine, row_of_job, donor))
    jobs["version_confidence"] = columns.lowest(ran.row, ran.sure, len(jobs))
    jobs["versions_observed"] = observed
    spelled = spellings(seen)
    whole = Exposure(
        jobs=jobs,
        versions=columns.categories(ran, len(jobs)).rename(columns=spelled),
        registries=registries,
        inputs=inputs.rename(columns=_spelled_inputs(spelled)),
        reruns=pd.DataFrame(),
        data_as_of=moment,
        **columns.coverage(found, table),
    )
    return attach_reruns(whole, later, table, uses)


def _row_of_job(rows: pd.DataFrame, jobs: int) -> Codes:
    found = np.full(jobs, -1, dtype=np.int64)
    stored = rows["stored"].to_numpy()
    found[stored[stored >= 0]] = np.flatnonzero(stored >= 0)
    return found


def _first_uses(written: Written, found: Collected, row_of_job: Codes) -> tuple[pd.DataFrame, pd.Series]:
    """The uses of first attempts, and the branch of each after its repository and a line break."""
    uses = written.uses[row_of_job[written.uses["job"].to_numpy()] >= 0]
    run = found.jobs["run"].to_numpy()[uses["job"].to_numpy()]
    lane = (found.runs["repo"].astype("str") + "\n" + found.runs["branch"].astype("str")).astype("category")
    return uses, taken(lane, run).set_axis(uses.index)


def _told(rows: pd.DataFrame, row_of_job: Codes, written: Written, machine: Environments) -> Bools:
    """Rows whose log told something: uses or an environment that only a log shows."""
    told = np.zeros(len(rows) + 1, dtype=bool)
    for table in (written.uses, machine.table):
        told[row_of_job[table["job"].to_numpy()[table["observed"].to_numpy()]]] = True
    return told[:-1]


def _reached(rows: pd.DataFrame, uses: Uses) -> Bools:
    """False for jobs that died before the first step that uses more than a set-up action."""
    job = together(*(codes_of(rows[name]) for name in ("repo", "workflow", "job_name")))
    setup = np.array([action.startswith("actions/") for action in uses.actions], dtype=bool)
    beyond = uses.table[~setup[uses.table["action"]] & (uses.table["step"] >= 0)]
    first = np.full(int(job.max(initial=-1)) + 2, np.iinfo(np.int64).max)
    np.minimum.at(first, job[beyond["row"].to_numpy()], beyond["step"].to_numpy())
    first[first == np.iinfo(np.int64).max] = -1
    died = rows["step"].to_numpy()
    return np.asarray(~(rows["failed"].to_numpy() & (died >= 0) & (died < first[job])))


def _spelled_inputs(spelled: dict[str, str]) -> Callable[[str], str]:
    def rename(name: str) -> str:
        action, _, key = name.partition(":")
        return f"{spelled.get(action, action)}:{key}"

    return rename
