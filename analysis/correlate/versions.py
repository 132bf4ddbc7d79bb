"""Does the new version fail more than the old one, in the same repositories, jobs and hours?

In come the exposure table and who counts as exposed; out come exhibits: the stratified risk ratio beside the pooled one
(so that the reader sees the paradox), difference in differences, negative controls, and what exonerates.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.correlate.exhibit import Exhibit, finite, in_words, links, share
from analysis.correlate.exposure import Exposure
from analysis.correlate.strata import SPARSE_FAILURES, WITHIN, Ratio, Strata, exact_odds_ratio, risk_ratio, strata

# An interval below this excludes that the suspect doubles the failures.
HARMLESS = 2.0


def ran(exposure: Exposure, action: str, new: str, old: str | None = None) -> pd.Series:
    """Who ran the new version (true) and who the old (false); null for jobs that ran neither.

    Parameters
    ----------
    action : str
        ``owner/name``.
    new : str
        The version under suspicion, as ``exposure.versions`` spells it.
    old : str, optional
        The version to compare with; by default every other known one.
    """
    column = exposure.versions.get(action)
    if column is None:
        return pd.Series(pd.NA, index=exposure.jobs.index, dtype="boolean")
    return contrast(column, new, old)


def contrast(column: pd.Series, new: object, old: object = None) -> pd.Series:
    """True where a column of versions, images or regions has ``new``, false where ``old`` (or any other), else null."""
    text = column.astype("object")
    exposed = (text == new).astype("boolean")
    other = text == old if old is not None else text.notna()
    return exposed.where((text == new) | other, pd.NA)


def stratified_risk_ratio(
    exposure: Exposure,
    exposed: pd.Series,
    name: str,
    against: str,
    *,
    outcome: pd.Series | None = None,
    hours: int = 6,
) -> Exhibit:
    """Risk of failing with the suspect over the risk without, within repository, job, credentials and hours.

    Parameters
    ----------
    exposed : Series of boolean
        What `ran` gave: true, false or null.
    name, against : str
        The suspect and what it is compared with, as the sentence names them.
    outcome : Series of bool, optional
        What counts as a failure; by default every failed job.
    hours : int
        Width of the windows.

    Returns
    -------
    Exhibit
        ``estimate`` is the Mantel-Haenszel risk ratio, with the interval of Greenland and Robins; where fewer than
        30 failures fell into the strata, the exact conditional odds ratio. Intervals are clustered by run.
    """
    tables = strata(exposure, exposed, outcome=outcome, hours=hours)
    if not tables.count:
        loose = strata(exposure, exposed, outcome=outcome, within=WITHIN[:-1], hours=hours)
        tables = loose if loose.count else tables
    if 0 < tables.failures < SPARSE_FAILURES:
        tables = strata(exposure, exposed, outcome=outcome, within=tables.within, hours=hours, per_run=True)
    ratio = _ratio(tables)
    if ratio is None:
        return Exhibit(
            "stratified-risk-ratio", _nothing_to_compare(tables, name, against), n=tables.jobs, strata=tables.count
        )
    exposed_part = share(tables.failed_exposed.sum(), tables.exposed.sum())
    other_part = share(tables.failed_unexposed.sum(), tables.unexposed.sum())
    same = "repository, job" + (", credentials" if "credential_class" in tables.within else "")
    statement = (
        f"Where {name} and {against} ran side by side ({tables.count} strata of {same} and {hours} hours), "
        f"{name} failed {exposed_part} and {against} {other_part}: {_in_numbers(ratio)}."
    )
    failed = exposure.jobs["failed"] & exposed.fillna(False).astype(bool)
    return Exhibit(
        "stratified-risk-ratio", statement, finite(ratio.estimate), (finite(ratio.low), finite(ratio.high)), ratio.p,
        tables.jobs, tables.count, links(exposure.jobs.loc[failed, "html_url"]), _decided(ratio),
    )  # fmt: skip


def pooled_risk_ratio(exposure: Exposure, exposed: pd.Series, name: str, against: str) -> Exhibit:
    """The comparison that misleads: all of the new against all of the old, whatever else happened in their hours.

    Returns
    -------
    Exhibit
        ``estimate`` is the crude risk ratio. It never supports anything by itself: ``supports`` is None.
    """
    a, n1, c, n0 = strata(exposure, exposed).pooled
    if not n1 or not n0 or not (a + c):
        return Exhibit("pooled-risk-ratio", f"{name} and {against} cannot be compared: {n1} and {n0} jobs.", n=n1 + n0)
    sides = (np.array([float(value)]) for value in (a, n1, c, n0))
    one = Strata(next(sides), next(sides), next(sides), next(sides), 1.0, (a, n1, c, n0), (), 0)
    ratio = risk_ratio(one)
    assert ratio is not None
    statement = (
        f"Over everything, {name} failed {share(a, n1)} and {against} {share(c, n0)}: risk ratio "
        f"{ratio.estimate:.2f}. This mixes repositories and hours, so it proves nothing by itself."
    )
    return Exhibit(
        "pooled-risk-ratio", statement, finite(ratio.estimate), (finite(ratio.low), finite(ratio.high)),
        ratio.p, n1 + n0, 1,
    )  # fmt: skip


def _ratio(tables: Strata) -> Ratio | None:
    if 0 < tables.failures < SPARSE_FAILURES:
        return exact_odds_ratio(tables)
    return risk_ratio(tables)


def _nothing_to_compare(tables: Strata, name: str, against: str) -> str:
    if not tables.count:
        return f"{name} and {against} never ran side by side in the same repository, job and hours: no comparison."
    return f"In the {tables.count} strata where {name} and {against} ran side by side no failure tells them apart."


def _in_numbers(ratio: Ratio) -> str:
    kind = "odds ratio" if ratio.exact else "risk ratio"
    low, high = f"{ratio.low:.2f}", "any number" if ratio.high > 1e4 else f"{ratio.high:.2f}"
    middle = "without bound" if ratio.estimate > 1e4 else f"{ratio.estimate:.2f}"
    return f"{kind} {middle} ({low} to {high}), {in_words(ratio.p)}"


def _decided(ratio: Ratio) -> bool | None:
    if ratio.low > 1 and ratio.p < 0.05:
        return True
    return False if ratio.high < HARMLESS else None
