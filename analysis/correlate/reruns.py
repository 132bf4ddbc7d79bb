"""Did a failed job pass when it was run again, unchanged?

`attach_reruns` brings the later attempts to the exposure table; `rerun_exhibit` is the test: the share of re-runs that
passed on the same commit with the same versions, against what re-runs of other failures did.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.correlate.binomial import fisher, wilson
from analysis.correlate.codes import codes_of, isin, microseconds, minutes
from analysis.correlate.engine import Tables
from analysis.correlate.exhibit import Exhibit, in_words, links, share
from analysis.correlate.first_attempts import JUDGED, Collected
from analysis.correlate.uses import Uses

if TYPE_CHECKING:
    from analysis.correlate.exposure import Exposure

# GitHub's clocks differ by seconds; a job carried over into a re-run is minutes older.
_CLOCK_SKEW = 5_000_000


def later_attempts(tables: Tables, collected: Collected) -> pd.DataFrame:
    """Jobs of second and further attempts that really ran again and ended in success or failure.

    A re-run of failed jobs lists the green ones again under the new attempt: those started before it are left out.

    Returns
    -------
    DataFrame
        Rows of ``collected.jobs``, with ``job`` (its number).
    """
    jobs = collected.jobs
    again = (jobs["run_attempt"].to_numpy() > 1) & isin(jobs["conclusion"], JUDGED) & jobs["started_at"].notna()
    later = jobs[again].rename_axis("job").reset_index()
    if later.empty:
        return later
    attempts = tables["runs"]
    attempts = attempts.filter((attempts.run_attempt > 1) & attempts.run_started_at.notnull())
    attempts = attempts.select("repo", "run_id", "run_attempt", attempt_at="run_started_at")
    began = tables.fetch(attempts).to_pandas()
    runs = collected.runs[["repo", "run_id"]].take(later["run"].to_numpy()).reset_index(drop=True)
    runs["repo"] = runs["repo"].astype("object")
    found = later[["run_attempt"]].join(runs).merge(began, how="left", on=["repo", "run_id", "run_attempt"])
    fresh = ~(microseconds(later["started_at"]) < microseconds(found["attempt_at"]) - _CLOCK_SKEW)
    return later[fresh | found["attempt_at"].isna().to_numpy()].reset_index(drop=True)


def attach_reruns(table: Exposure, later: pd.DataFrame, rows: pd.DataFrame, uses: Uses) -> Exposure:
    """Add the frame ``reruns`` and the columns ``rerun_passed`` and ``rerun_same_version``.

    Parameters
    ----------
    later : DataFrame
        What `later_attempts` gave.
    rows : DataFrame
        What `rows.rows` gave.
    uses : Uses
        What the read logs of any attempt say of actions, by job.
    """
    jobs = table.jobs
    failed = np.flatnonzero(jobs["failed"] & ~jobs["censored"])
    first = pd.DataFrame({
        "row": failed, "run": rows["run"].to_numpy()[failed], "name": codes_of(rows["job_name"])[failed],
        "first_job": rows["stored"].to_numpy()[failed], "failed_at": rows["started_at"].to_numpy()[failed],
        "first_minutes": rows["minutes"].fillna(0).to_numpy()[failed],
    })  # fmt: skip
    named = later.assign(name=codes_of(later["name"]))
    again = named[named["name"] >= 0].merge(first, on=["run", "name"])
    compared = _compared(uses, again).reindex(again["job"])
    passed = isin(again["conclusion"], ("success",))
    frame = pd.DataFrame({
        "row": again["row"], "attempt": again["run_attempt"],
        "gap_hours": (microseconds(again["started_at"]) - again["failed_at"]) / 3.6e9 - again["first_minutes"] / 60,
        "passed": passed, "minutes": minutes(again["started_at"], again["completed_at"]),
        **{name: again[name].astype("str").mask(passed) for name in ("component", "kind")},
        "same_version": compared["same"].astype("boolean").array,
        "changed": compared["changed"].astype("str").array, "html_url": again["html_url"],
    })  # fmt: skip
    frame = frame.sort_values(["row", "attempt"], kind="stable", ignore_index=True)
    jobs["rerun_passed"] = frame.groupby("row")["passed"].max().astype("boolean").reindex(jobs.index)
    decisive = frame.sort_values(["row", "passed", "attempt"], ascending=[True, False, True]).drop_duplicates("row")
    same = decisive.set_index("row")["same_version"].reindex(jobs.index)
    jobs["rerun_same_version"] = same.astype("boolean")
    return replace(table, reruns=frame)


def _compared(uses: Uses, again: pd.DataFrame) -> pd.DataFrame:
    """Whether a later attempt (``job``) ran what the first one ran, and what changed; no row without both logs."""
    columns = uses.table[["job", "action", "version"]]
    pairs = again[["job", "first_job"]].merge(columns, on="job")
    pairs = pairs.merge(columns.rename(columns={"job": "first_job", "version": "first"}), on=["first_job", "action"])
    pairs = pairs.drop_duplicates(["job", "first_job", "action"]).sort_values(["job", "action"])
    same = (pairs["version"] == pairs["first"]).groupby(pairs["job"]).all()
    differing = pairs[pairs["version"] != pairs["first"]]
    steps = [
        f"{uses.actions[action]} {uses.texts[old]} to {uses.texts[new]}"
        for action, old, new in zip(differing["action"], differing["first"], differing["version"], strict=True)
    ]
    changed = pd.Series(steps, index=differing.index, dtype="object").groupby(differing["job"]).agg(", ".join)
    return pd.DataFrame({"same": same, "changed": changed.reindex(same.index)})


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
    low, high = wilson(passed, n)
    p = None
    beside = ""
    if len(rest):
        others = int(rest["passed"].sum())
        p = fisher(passed, n - passed, others, len(rest) - others)
        beside = f"; of re-runs of all other failures, {share(others, len(rest))} did ({in_words(p)})"
    statement = (
        f"{share(passed, n)} re-runs of failures laid to {name} passed on the same commit, and no version is known to "
        f"have changed (known to be the same in {int(own['same_version'].fillna(False).sum())}){beside}."
    )
    return Exhibit(
        "reruns", statement, estimate=passed / n, ci=(low, high), p=p, n=n,
        runs=links(own.loc[own["passed"].astype(bool), "html_url"]) or links(own["html_url"]),
        supports=_decided(low, high, transient_cause),
    )  # fmt: skip


def _decided(low: float, high: float, transient_cause: bool) -> bool | None:
    if low > 0.5:
        return transient_cause
    if high < 0.5:
        return not transient_cause
    return None
