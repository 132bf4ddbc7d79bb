"""Exposed beside unexposed in the same repository, job and hours: the two-by-two tables that comparisons rest on.

In come a mask of who was exposed and an outcome; out comes `Strata`: counts per stratum, only where both stand side by
side, and how much the legs of one run resemble each other (`design_effect`), because they are no independent votes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from analysis.correlate.exposure import Exposure

WITHIN = ("repo", "workflow", "job", "credential_class")
HOURS = 6
# Below so many failures a normal approximation is no longer trusted.
SPARSE_FAILURES = 30

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Strata:
    """Two-by-two tables, an entry per stratum.

    Attributes
    ----------
    failed_exposed, exposed, failed_unexposed, unexposed : ndarray of float
        Failures and jobs on each side.
    design_effect : float
        Factor by which clustering by run widens the variance, at least 1.
    pooled : tuple of int
        The same four numbers over all jobs, side by side or not.
    within : tuple of str
        Columns that were held equal, beside the hours.
    hours : int
        Width of the windows of time.
    """

    failed_exposed: Floats
    exposed: Floats
    failed_unexposed: Floats
    unexposed: Floats
    design_effect: float
    pooled: tuple[int, int, int, int]
    within: tuple[str, ...]
    hours: int

    @property
    def count(self) -> int:
        """Strata in which both sides are present."""
        return len(self.exposed)

    @property
    def jobs(self) -> int:
        """Jobs in those strata."""
        return int(self.exposed.sum() + self.unexposed.sum())

    @property
    def failures(self) -> int:
        """Failures in those strata."""
        return int(self.failed_exposed.sum() + self.failed_unexposed.sum())


@dataclass(frozen=True)
class Ratio:
    """A ratio with its 95 % interval and two-sided chance; ``exact`` ones are odds ratios."""

    estimate: float
    low: float
    high: float
    p: float
    exact: bool = False


def strata(
    exposure: Exposure,
    exposed: pd.Series,
    *,
    outcome: pd.Series | None = None,
    within: Sequence[str] = WITHIN,
    hours: int = HOURS,
    per_run: bool = False,
) -> Strata:
    """Count failures among exposed and unexposed jobs, stratum by stratum.

    Parameters
    ----------
    exposure : Exposure
        The table. Censored jobs are left out.
    exposed : Series of boolean
        Over ``exposure.jobs``: true exposed, false the comparison, null neither.
    outcome : Series of bool, optional
        What counts as a failure; by default every failed job.
    within : sequence of str
        Columns of ``jobs`` to hold equal.
    hours : int
        Width of the windows of time.
    per_run : bool
        Count the legs of a run in a stratum as one, failed where any leg failed: for exact tests, whose intervals
        cannot be widened.
    """
    jobs = exposure.jobs
    outcome = jobs["failed"] if outcome is None else outcome.reindex(jobs.index).fillna(False).astype(bool)
    mask = (exposed.notna() & ~jobs["censored"]).to_numpy(dtype=bool)
    x = exposed[mask].astype(bool).to_numpy()
    y = outcome[mask].to_numpy(dtype=bool)
    chosen = jobs.loc[mask]
    stratum = _numbers(chosen, within, hours)
    if per_run:
        legs = pd.DataFrame({"s": stratum, "x": x, "run": chosen["run_id"].to_numpy(), "y": y})
        one = legs.groupby(["s", "x", "run"], as_index=False)["y"].max()
        chosen = chosen.iloc[legs.drop_duplicates(["s", "x", "run"]).sort_values(["s", "x", "run"]).index]
        stratum, x, y = one["s"].to_numpy(), one["x"].to_numpy(dtype=bool), one["y"].to_numpy(dtype=bool)
    size = int(stratum.max()) + 1 if len(stratum) else 0
    n1, n0 = (np.bincount(stratum[side], minlength=size).astype(float) for side in (x, ~x))
    a, c = (np.bincount(stratum[side & y], minlength=size).astype(float) for side in (x, ~x))
    both = (n1 > 0) & (n0 > 0)
    pooled = (int(a.sum()), int(n1.sum()), int(c.sum()), int(n0.sum()))
    effect = _design_effect(x, y, stratum, both, chosen[["repo", "run_id"]], n1, n1 + n0, a + c)
    return Strata(a[both], n1[both], c[both], n0[both], effect, pooled, tuple(within), hours)


def _numbers(jobs: pd.DataFrame, within: Sequence[str], hours: int) -> npt.NDArray[np.int64]:
    """A dense number per distinct combination of columns and window of time."""
    code = hour_numbers(jobs["started_at"], hours)
    for name in within:
        levels, _ = pd.factorize(jobs[name])
        code = code * (int(levels.max(initial=0)) + 2) + levels + 1
        code = np.unique(code, return_inverse=True)[1].astype(np.int64)
    return np.unique(code, return_inverse=True)[1].astype(np.int64)


def hour_numbers(times: pd.Series, hours: float = 1) -> npt.NDArray[np.int64]:
    """Number of the window of so many hours that each time falls in, counted from 1970."""
    seconds = times.to_numpy(dtype="datetime64[s]").astype(np.int64)
    return np.asarray(seconds // int(hours * 3600), dtype=np.int64)


def _design_effect(
    x: npt.NDArray[np.bool_],
    y: npt.NDArray[np.bool_],
    stratum: npt.NDArray[np.int64],
    both: npt.NDArray[np.bool_],
    run: pd.DataFrame,
    n1: Floats,
    n: Floats,
    m: Floats,
) -> float:
    """Variance of the Mantel-Haenszel score summed by run over the same summed by job."""
    used = both[stratum] if len(stratum) else np.zeros(0, dtype=bool)
    if not used.any():
        return 1.0
    k = stratum[used]
    score = (x[used] - n1[k] / n[k]) * (y[used] - m[k] / n[k])
    key = pd.MultiIndex.from_frame(run.loc[used])
    by_run = np.bincount(pd.factorize(key)[0], weights=score)
    alone = float((score**2).sum())
    return max(1.0, float((by_run**2).sum()) / alone) if alone > 0 else 1.0


def risk_ratio(tables: Strata) -> Ratio | None:
    """Mantel-Haenszel risk ratio with the interval of Greenland and Robins (1985), widened by the design effect.

    Returns
    -------
    Ratio or None
        None where no stratum has both sides, or nothing failed in any.
    """
    a, n1, c, n0 = tables.failed_exposed, tables.exposed, tables.failed_unexposed, tables.unexposed
    n, m = n1 + n0, a + c
    if not tables.count or m.sum() == 0:
        return None
    up, down = float((a * n0 / n).sum()), float((c * n1 / n).sum())
    expected = float((n1 * m / n).sum())
    spread = float((n1 * n0 * m * (n - m) / (n**2 * np.maximum(n - 1, 1))).sum())
    chi2 = (a.sum() - expected) ** 2 / (spread * tables.design_effect) if spread > 0 else 0.0
    p = float(special.chdtrc(1, chi2))
    if up == 0 or down == 0:
        return Ratio(np.inf if down == 0 else 0.0, 0.0, np.inf, p)
    variance = float(((n1 * n0 * m - a * c * n) / n**2).sum()) / (up * down) * tables.design_effect
    log_ratio, half = float(np.log(up / down)), 1.96 * float(np.sqrt(variance))
    return Ratio(up / down, float(np.exp(log_ratio - half)), float(np.exp(log_ratio + half)), p)


def exact_odds_ratio(tables: Strata) -> Ratio | None:
    """Common odds ratio conditional on every margin: exact where strata are sparse (Gart 1970).

    Returns
    -------
    Ratio or None
        None where the margins leave only one table possible.
    """
    weights, lowest = _convolved(tables)
    if len(weights) < 2:
        return None
    support = np.arange(len(weights)) + lowest
    seen = int(tables.failed_exposed.sum())

    def pmf(log_odds: float) -> Floats:
        logs = weights + support * log_odds
        raw = np.exp(logs - logs.max())
        return np.asarray(raw / raw.sum(), dtype=np.float64)

    at_null = pmf(0.0)
    likely = at_null <= at_null[seen - lowest] * (1 + 1e-9)
    low = _root(lambda b: pmf(b)[support >= seen].sum() - 0.025) if seen > support[0] else -np.inf
    high = _root(lambda b: 0.025 - pmf(b)[support <= seen].sum()) if seen < support[-1] else np.inf
    best = (
        _root(lambda b: float((pmf(b) * support).sum()) - seen)
        if support[0] < seen < support[-1]
        else (-np.inf if seen == support[0] else np.inf)
    )
    p = min(1.0, float(at_null[likely].sum()))
    return Ratio(float(np.exp(best)), float(np.exp(low)), float(np.exp(high)), p, exact=True)


def _convolved(tables: Strata) -> tuple[Floats, int]:
    """Log counts of tables by the total of exposed failures, and the least total."""
    total = np.zeros(1)
    lowest = 0
    m = tables.failed_exposed + tables.failed_unexposed
    for n1, n0, failed in zip(tables.exposed, tables.unexposed, m, strict=True):
        least, most = max(0, int(failed - n0)), int(min(n1, failed))
        lowest += least
        if most == least:
            continue
        u = np.arange(least, most + 1)
        logs = _log_choose(n1, u) + _log_choose(n0, failed - u)
        scaled = np.convolve(np.exp(total - total.max()), np.exp(logs - logs.max()))
        total = np.log(np.maximum(scaled, 1e-300))
    return total, lowest


def _log_choose(n: float, k: npt.NDArray[np.int64]) -> Floats:
    gammaln = special.gammaln
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), dtype=np.float64)


def _root(function: Callable[[float], float]) -> float:
    """Where a function that grows, or falls, all the way crosses 0."""
    low, high = -25.0, 25.0
    rises = function(high) > 0
    while high - low > 1e-12:
        middle = (low + high) / 2
        if (function(middle) > 0) == rises:
            high = middle
        else:
            low = middle
    return (low + high) / 2
