"""Did a failed job pass when it was run again, unchanged?

`attach_reruns` brings the later attempts to the exposure table; `rerun_exhibit` is the test: the share of re-runs that
passed on the same commit with the same versions, against what re-runs of other failures did.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from scipy import stats

from analysis.correlate.exhibit import Exhibit, in_words, links, share
from analysis.correlate.history import uses_of_jobs
from analysis.correlate.names import Names
from analysis.store import Store

if TYPE_CHECKING:
    from analysis.correlate.exposure import Exposure

_RERUN_COLUMNS = (
    "row", "attempt", "gap_hours", "passed", "minutes", "component", "kind", "same_version", "changed", "html_url",
)  # fmt: skip


def attach_reruns(
    table: Exposure,
    connection: ibis.BaseBackend,
    store: Store,
    later: ibis.Table,
    rows: ibis.Table,
    observed: ibis.Table,
    names: Names,
) -> Exposure:
    """Add the frame ``reruns`` and the columns ``rerun_passed`` and ``rerun_same_version``.

    Parameters
    ----------
    later : ibis.Table
        What `first_attempts.later_attempts` gave.
    rows, observed : ibis.Table
        The rows and what their read logs say of actions.
    names : dict
        What `names.release_names` gave.
    """
    first = rows.filter(rows.failed & ~rows.censored).select(
        "row", "repo", "run_id", "job_name", "job_id", failed_at=rows.started_at, first_minutes=rows.minutes
    )
    again = later.inner_join(first, ["repo", "run_id", "job_name"], rname="{name}_first")
    hours = (again.started_at.epoch_seconds() - again.failed_at.epoch_seconds()) / 3600
    again = again.mutate(gap_hours=hours - again.first_minutes.fill_null(0) / 60)
    compared = _compared(uses_of_jobs(store, connection, later, names), observed, again)
    again = again.left_join(compared, ["repo", "job_id"], rname="{name}_compared")
    frame = connection.to_pyarrow(again.select(*_RERUN_COLUMNS).order_by("row", "attempt")).to_pandas()
    frame["same_version"] = frame["same_version"].astype("boolean")
    jobs = table.jobs
    jobs["rerun_passed"] = frame.groupby("row")["passed"].max().astype("boolean").reindex(jobs.index)
    decisive = frame.sort_values(["row", "passed", "attempt"], ascending=[True, False, True]).drop_duplicates("row")
    same = decisive.set_index("row")["same_version"].reindex(jobs.index)
    jobs["rerun_same_version"] = same.astype("boolean")
    return replace(table, reruns=frame)


def _compared(uses: ibis.Table, observed: ibis.Table, again: ibis.Table) -> ibis.Table:
    """Whether a later attempt ran what the first one ran; null where a log of either is missing."""
    pairs = uses.inner_join(again.select("repo", "job_id", "row"), ["repo", "job_id"])
    pairs = pairs.inner_join(observed.select("row", "action", first_version="version"), ["row", "action"])
    differs = pairs.version != pairs.first_version
    step = pairs.action + " " + pairs.first_version + " to " + pairs.version
    return pairs.group_by("repo", "job_id").aggregate(
        same_version=(~differs).all(), changed=ibis.ifelse(differs, step, ibis.null()).group_concat(", ")
    )


def rerun_exhibit(exposure: Exposure, failures: pd.Series, name: str, *, transient_cause: bool) -> Exhibit:
    """Share of re-runs that passed without any change, among the failures of a suspect and among the others.

    Parameters
    ----------
    exposure : Exposure
        The table.
    failures : Series of bool
        Over ``exposure.jobs``: the failures that the suspect would explain.
    name : str
        The suspect, as the sentence names it.
    transient_cause : bool
        Whether the suspect is one that passes by itself (a service), or one that stays (a version, code,
        configuration): a re-run that passes unchanged speaks for the first and against the second.

    Returns
    -------
    Exhibit
        ``estimate`` is the share that passed (0 to 1) with a Wilson interval; ``p`` compares it with the other
        failures' re-runs (Fisher's exact test, two-sided).
    """
    mine = failures.reindex(exposure.jobs.index).fillna(False).astype(bool)
    reruns = exposure.reruns[exposure.reruns["same_version"].fillna(True).astype(bool)]
    reruns = reruns.drop_duplicates("row")
    own = reruns[reruns["row"].map(mine).fillna(False).astype(bool)]
    rest = reruns[~reruns.index.isin(own.index)]
    n, passed = len(own), int(own["passed"].sum())
    if n == 0:
        return Exhibit("reruns", f"None of the failures laid to {name} was run again without a change.", n=0)
    ci = stats.binomtest(passed, n).proportion_ci(method="wilson")
    p = None
    beside = ""
    if len(rest):
        others = int(rest["passed"].sum())
        p = float(stats.fisher_exact([[passed, n - passed], [others, len(rest) - others]])[1])
        beside = f"; of re-runs of all other failures, {share(others, len(rest))} did ({in_words(p)})"
    statement = (
        f"{share(passed, n)} re-runs of failures laid to {name} passed on the same commit, and no version is known to "
        f"have changed (known to be the same in {int(own['same_version'].fillna(False).sum())}){beside}."
    )
    return Exhibit(
        "reruns", statement, estimate=passed / n, ci=(float(ci.low), float(ci.high)), p=p, n=n,
        runs=links(own.loc[own["passed"].astype(bool), "html_url"]) or links(own["html_url"]),
        supports=_decided(float(ci.low), float(ci.high), transient_cause),
    )  # fmt: skip


def _decided(low: float, high: float, transient_cause: bool) -> bool | None:
    if low > 0.5:
        return transient_cause
    if high < 0.5:
        return not transient_cause
    return None
