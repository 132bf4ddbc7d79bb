"""Shares with their intervals, two shares against each other, odds that follow something.

What the exhibits compute. Statsmodels and SciPy's statistics give the same numbers (the tests hold the two together),
but loading them takes longer than all of a small history's judgement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

_Z = float(special.ndtri(0.975))
_STEPS = 50
_CLOSE = 1e-8


def wilson(cases: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of ``n`` (at least 1). Source: Wilson, JASA 22 (1927)."""
    share, room = cases / n, _Z**2 / n
    middle, half = share + room / 2, _Z * float(np.sqrt(share * (1 - share) / n + room / (4 * n)))
    low, high = (middle - half) / (1 + room), (middle + half) / (1 + room)
    return (0.0 if cases == 0 else low), (1.0 if cases == n else high)


def fisher(hit: int, missed: int, other_hit: int, other_missed: int) -> float:
    """Two-sided p-value of Fisher's exact test of two shares: all tables as unlikely as this one or more so."""
    n, other, hits = hit + missed, other_hit + other_missed, hit + other_hit
    possible = np.arange(max(0, hits - other), min(n, hits) + 1)
    log_odds = _log_choose(n, possible) + _log_choose(other, hits - possible)
    likely = np.exp(log_odds - log_odds.max())
    own = likely[hit - possible[0]]
    return float(min(1.0, likely[likely <= own * (1 + 1e-9)].sum() / likely.sum()))


def _log_choose(n: int, k: npt.NDArray[np.int64]) -> Floats:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def two_sided(z: float) -> float:
    """Chance that a standard normal lies farther out than ``z`` on either side."""
    return float(2 * special.ndtr(-abs(z)))


@dataclass(frozen=True)
class Fit:
    """A logistic regression: coefficients, their standard errors, and whether it settled."""

    params: Floats
    bse: Floats
    converged: bool


def logistic(failed: Floats, passed: Floats, design: Floats, *, overdispersed: bool = False) -> Fit:
    """Fit the odds of failing to columns by iteratively reweighted least squares.

    Parameters
    ----------
    failed, passed : float array, one per row
        Counts; at least one of the two above 0.
    design : float array, rows x columns
        One column per coefficient; columns that others add up to are borne.
    overdispersed : bool
        Whether the errors are scaled by Pearson's chi-square over the degrees of freedom.

    Raises
    ------
    numpy.linalg.LinAlgError
        The fit runs to infinity.

    Notes
    -----
    Source: McCullagh and Nelder, Generalized Linear Models (1989).
    """
    n = failed + passed
    share = failed / n
    mean = (share + 0.5) / 2
    deviance, converged = np.inf, False
    for _ in range(_STEPS):
        line = special.logit(mean)
        weight = n * mean * (1 - mean)
        information = design.T @ (weight[:, None] * design)
        covariance = np.linalg.pinv(information, rcond=1e-12, hermitian=True)
        params = covariance @ (design.T @ (weight * line + n * (share - mean)))
        mean = np.clip(special.expit(design @ params), 1e-15, 1 - 1e-15)
        before, deviance = deviance, _deviance(share, mean, n)
        if abs(before - deviance) < _CLOSE:
            converged = True
            break
    if not np.isfinite(params).all():
        raise np.linalg.LinAlgError("the fit runs to infinity")
    weight = n * mean * (1 - mean)
    covariance = np.linalg.pinv(design.T @ (weight[:, None] * design), rcond=1e-12, hermitian=True)
    scale = 1.0
    if overdispersed:
        spare = len(n) - int(np.linalg.matrix_rank(design))
        scale = float((n * (share - mean) ** 2 / (mean * (1 - mean))).sum()) / spare if spare else np.nan
    return Fit(params, np.sqrt(np.maximum(scale * np.diag(covariance), 0)), converged)


def _deviance(share: Floats, mean: Floats, n: Floats) -> float:
    return float(2 * (n * (special.rel_entr(share, mean) + special.rel_entr(1 - share, 1 - mean))).sum())
