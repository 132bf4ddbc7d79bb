"""What must not rise with a version, and what frees it: checks that a comparison cannot pass by luck alone.

In come the exposure table and who ran the suspect; out come exhibits: negative controls (failures that a version cannot
cause, and jobs that do not use the action), exonerations with links, and a second estimate that takes the hours into
the model (difference in differences on the logit).
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from analysis.correlate.binomial import logistic, two_sided, wilson
from analysis.correlate.cells import cells
from analysis.correlate.exhibit import Exhibit, finite, in_words, links, share
from analysis.correlate.exposure import Exposure
from analysis.correlate.strata import hour_numbers, risk_ratio, strata

OWN_FAULTS = ("test-failure", "lint", "compile-error")
_MOST_LEVELS = 150


def negative_control(exposure: Exposure, exposed: pd.Series, name: str, against: str) -> Exhibit:
    """Test, lint and compile failures must not rise with a version; if they do, something else is going on.

    Parameters
    ----------
    exposed : Series of boolean
        Over ``exposure.jobs``: true for the suspect, false for what it is compared with, null for neither.

    Returns
    -------
    Exhibit
        ``estimate`` is their stratified risk ratio. A rise speaks against the comparison, and so against the suspect.
    """
    own = exposure.jobs["kind"].astype("object").isin(OWN_FAULTS) & exposure.jobs["failed"]
    tables = strata(exposure, exposed, outcome=own)
    ratio = risk_ratio(tables)
    test = "negative-control"
    if ratio is None:
        return Exhibit(test, f"No test, lint or compile failure beside {name}: nothing to check.", n=tables.jobs)
    rose = ratio.p < 0.05 and ratio.estimate > 1
    verdict = (
        "they rise with it, so something else is going on" if rose else "they do not rise with it, as it should be"
    )
    other = share(tables.failed_unexposed.sum(), tables.unexposed.sum())
    statement = (
        f"Test, lint and compile failures: {share(tables.failed_exposed.sum(), tables.exposed.sum())} with {name}, "
        f"{other} with {against} ({in_words(ratio.p)}): {verdict}."
    )
    return Exhibit(
        test, statement, finite(ratio.estimate), (finite(ratio.low), finite(ratio.high)), ratio.p, tables.jobs,
        tables.count, links(exposure.jobs.loc[own & exposed.fillna(False).astype(bool), "html_url"]),
        False if rose else None,
    )  # fmt: skip


def bystanders(exposure: Exposure, action: str, since: datetime, until: datetime) -> Exhibit:
    """Whether jobs that do not use the action failed more in the window too.

    Returns
    -------
    Exhibit
        ``estimate`` is the risk ratio of the bystanders, inside the window over outside, by repository and job.
    """
    jobs = exposure.jobs
    column = exposure.versions.get(action)
    free = ~jobs["censored"]
    if column is not None:
        # A job that died before the step does use the action in its other runs.
        own = jobs.groupby(["repo", "workflow", "job"], observed=True, dropna=False).ngroup()
        free &= ~own.isin(own[column.notna()].unique()) & jobs["versions_observed"]
    within = (jobs["started_at"] >= since) & (jobs["started_at"] < until)
    inside = within.astype("boolean").mask(~free)
    tables = strata(exposure, inside, within=("repo", "workflow", "job"), hours=24 * 365 * 100)
    ratio = risk_ratio(tables)
    test = "bystanders"
    if ratio is None:
        return Exhibit(test, f"No failure among jobs that do not use {action}.", n=tables.jobs)
    rose = ratio.p < 0.05 and ratio.estimate > 1
    statement = (
        f"Jobs that do not use {action} failed {share(tables.failed_exposed.sum(), tables.exposed.sum())} in the same "
        f"window and {share(tables.failed_unexposed.sum(), tables.unexposed.sum())} outside it ({in_words(ratio.p)})"
        + (": something that they share was failing." if rose else ".")
    )
    hit = jobs["failed"] & inside.fillna(False).astype(bool)
    return Exhibit(
        test, statement, finite(ratio.estimate), (finite(ratio.low), finite(ratio.high)), ratio.p, tables.jobs,
        tables.count, links(jobs.loc[hit, "html_url"]), False if rose else None,
    )  # fmt: skip


def exonerations(
    exposure: Exposure, exposed: pd.Series, failures: pd.Series, name: str, against: str, start: datetime, end: datetime
) -> list[Exhibit]:
    """Single facts that free a suspect, or fail to: who failed without it, before it, and who passed with it.

    Parameters
    ----------
    exposed : Series of boolean
        True for the suspect, false for what it is compared with, null for neither.
    failures : Series of bool
        Failures of the kind that is laid to it.
    start, end : datetime
        The window of the incident.

    Returns
    -------
    list of Exhibit
        ``failed-on-old`` (inside the window without the suspect), ``failed-before`` (before anybody ran it) and
        ``passed-outside`` (with it, outside the window); those without a single case are left out.
    """
    jobs = exposure.jobs
    counted = ~jobs["censored"]
    failed = failures.reindex(jobs.index).fillna(False).astype(bool) & jobs["failed"] & counted
    ran = exposed.fillna(False).astype(bool) & counted
    without = (~exposed.astype("boolean")).fillna(False).astype(bool) & counted
    inside = (jobs["started_at"] >= start) & (jobs["started_at"] < end)
    first = jobs.loc[ran, "started_at"].min() if ran.any() else None
    found = [
        _freed("failed-on-old", without & inside, failed,
               f"jobs failed in the same way with {against} inside the window", jobs),
        _freed("passed-outside", ran & ~inside, ~failed, f"jobs with {name} passed outside the window", jobs),
    ]  # fmt: skip
    if first is not None:
        before = counted & (jobs["started_at"] < first)
        words = f"jobs failed in the same way before {name} ran anywhere ({first:%Y-%m-%d %H:%M} UTC)"
        found.append(_freed("failed-before", before, failed, words, jobs))
    return [exhibit for exhibit in found if exhibit is not None]


def _freed(test: str, room: pd.Series, hit: pd.Series, words: str, jobs: pd.DataFrame) -> Exhibit | None:
    n, cases = int(room.sum()), int((room & hit).sum())
    if not cases:
        return None
    statement = f"{share(cases, n)} {words}."
    shown = links(jobs.loc[room & hit, "html_url"])
    return Exhibit(test, statement, cases / n, wilson(cases, n), None, n, None, shown, False)


def difference_in_differences(
    exposure: Exposure, exposed: pd.Series, name: str, against: str, *, hours: int = 6
) -> Exhibit:
    """Odds of failing with the suspect, with a level for each repository and job and one for each stretch of hours.

    Unlike the stratified ratio it also learns from stretches in which only one of the two ran, at the price of
    assuming that the hours are equally bad for everybody.

    Returns
    -------
    Exhibit
        ``estimate`` is the odds ratio; errors are widened by the clustering of runs.
    """
    test = "difference-in-differences"
    told = exposure.where(exposed.notna() & ~exposure.jobs["censored"])
    jobs = told.jobs.assign(exposed=exposed[told.jobs.index].astype(bool))
    jobs["stretch"] = hour_numbers(jobs["started_at"], hours)
    folded = cells(_with(told, jobs), ["repo", "workflow", "job", "stretch", "exposed"])
    folded = _with_both_outcomes(folded)
    design = _design(folded)
    sides = folded["exposed"].nunique() if len(folded) else 0
    if design is None or sides < 2:
        return Exhibit(test, f"{name} and {against} share neither jobs nor hours enough for a model.", n=len(jobs))
    failed, n = (folded[name].to_numpy(dtype=float) for name in ("failed", "n"))
    try:
        fit = logistic(failed, n - failed, design)
    except (np.linalg.LinAlgError, ValueError):
        return Exhibit(test, f"The hours of {name} and {against} cannot be parted.", n=len(jobs))
    effect = strata(exposure, exposed, hours=hours).design_effect
    slope, error = float(fit.params[0]), float(fit.bse[0]) * float(np.sqrt(effect))
    if not np.isfinite(error) or error > 10 or not fit.converged:
        return Exhibit(test, f"The hours of {name} and {against} cannot be parted.", n=len(jobs))
    low, high = slope - 1.96 * error, slope + 1.96 * error
    p = two_sided(slope / error)
    statement = (
        f"With a level for each repository, job and stretch of {hours} hours, {name} multiplies the odds of failing by "
        f"{np.exp(slope):.2f} ({np.exp(low):.2f} to {np.exp(high):.2f}, {in_words(p)}) against {against}."
    )
    decided = True if low > 0 else False if high < np.log(2) else None
    ci = (float(np.exp(low)), float(np.exp(high)))
    return Exhibit(test, statement, float(np.exp(slope)), ci, p, int(folded["n"].sum()), len(folded), (), decided)


def _with(exposure: Exposure, jobs: pd.DataFrame) -> Exposure:
    return Exposure(jobs, exposure.versions, exposure.registries, exposure.inputs, exposure.reruns)


def _with_both_outcomes(folded: pd.DataFrame) -> pd.DataFrame:
    """Levels in which everything passed or everything failed say nothing of the effect and break the fit."""
    folded = folded.assign(own=folded.groupby(["repo", "workflow", "job"], observed=True, dropna=False).ngroup())
    size = -1
    while size != len(folded):
        size = len(folded)
        for key in ("own", "stretch"):
            sums = folded.groupby(key)[["n", "failed"]].transform("sum")
            folded = folded[(sums["failed"] > 0) & (sums["failed"] < sums["n"])]
    return folded


def _design(folded: pd.DataFrame) -> np.ndarray | None:
    """Columns: exposed, a level per repository and job, a level per stretch but the first; None where too many."""
    if folded.empty or folded["own"].nunique() + folded["stretch"].nunique() > _MOST_LEVELS:
        return None
    own = pd.get_dummies(folded["own"], dtype=float).to_numpy()
    stretch = pd.get_dummies(folded["stretch"], dtype=float).to_numpy()[:, 1:]
    return np.column_stack([folded["exposed"].to_numpy(dtype=float), own, stretch])
