"""When did it begin, when did it end, and does that fit the suspect?

In come the exposure table and a mask of failures; out come hourly series, change points of the rate with an interval
for their position (PELT on the binomial deviance, Killick and others 2012) and the exhibit that sets the onset against
release, adoption and post.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.correlate.exhibit import Exhibit, links
from analysis.correlate.exposure import Exposure
from analysis.correlate.strata import hour_numbers

Floats = npt.NDArray[np.float64]
# Log likelihood that a position may lose and stay inside the 95 % interval (half of chi-squared with 1 degree).
_WITHIN = 1.92


@dataclass(frozen=True)
class ChangePoint:
    """The rate of failures changed here.

    Attributes
    ----------
    at, low, high : datetime
        Start of the first bin with the new rate, and the 95 % interval of that position.
    before, after : float
        Share of jobs that failed on each side, 0 to 1.
    """

    at: datetime
    low: datetime
    high: datetime
    before: float
    after: float


def hourly(jobs: pd.DataFrame, failures: pd.Series | None = None, *, hours: float = 1) -> pd.DataFrame:
    """Jobs and failures by bins of time, empty bins included.

    Parameters
    ----------
    jobs : DataFrame
        The exposure table's jobs, or a part of them.
    failures : Series of bool, optional
        Over ``jobs``: the failures to count; all by default.

    Returns
    -------
    DataFrame
        Index: start of the bin (UTC). Columns ``n`` (jobs that count) and ``failed``.
    """
    counted = ~jobs["censored"].to_numpy(dtype=bool)
    wanted = jobs["failed"] if failures is None else failures.reindex(jobs.index).fillna(False).astype(bool)
    failed = wanted.to_numpy(dtype=bool)[counted]
    number = hour_numbers(jobs["started_at"], hours)[counted]
    if not len(number):
        return pd.DataFrame({"n": [], "failed": []}, index=pd.DatetimeIndex([], tz="UTC"), dtype="float64")
    low = int(number.min())
    n = np.bincount(number - low).astype(float)
    hit = np.bincount(number - low, weights=failed, minlength=len(n))
    starts = pd.to_datetime((np.arange(len(n)) + low) * int(hours * 3600), unit="s", utc=True)
    return pd.DataFrame({"n": n, "failed": hit}, index=starts)


def change_points(series: pd.DataFrame) -> list[ChangePoint]:
    """Where the rate of failures changed.

    Parameters
    ----------
    series : DataFrame
        What `hourly` gave.

    Returns
    -------
    list of ChangePoint
        In the order of time; empty where the rate is steady. A change costs three times the log of the number of bins
        (a rate, a position, and the search for it), so that noise does not buy one.
    """
    used = series[series["n"] > 0]
    cost = _Cost(used["failed"].to_numpy(dtype=float), used["n"].to_numpy(dtype=float))
    cuts = _pelt(cost, penalty=3 * float(np.log(max(len(used), 2))))
    edges = [0, *cuts, len(used)]
    starts = list(used.index)
    return [_located(cost, edges[i - 1], edges[i], edges[i + 1], starts) for i in range(1, len(edges) - 1)]


class _Cost:
    """Twice the negative log likelihood of one rate for a stretch of bins, in constant time."""

    def __init__(self, failed: Floats, n: Floats) -> None:
        self.failed = np.concatenate([[0.0], np.cumsum(failed)])
        self.n = np.concatenate([[0.0], np.cumsum(n)])
        self.bins = len(n)

    def __call__(self, start: npt.ArrayLike, end: npt.ArrayLike) -> Floats:
        y, n = self.failed[end] - self.failed[start], self.n[end] - self.n[start]  # type: ignore[index]
        return np.asarray(-2 * (_xlogy(y, n) + _xlogy(n - y, n)), dtype=np.float64)

    def rate(self, start: int, end: int) -> float:
        n = self.n[end] - self.n[start]
        return float((self.failed[end] - self.failed[start]) / n) if n else 0.0


def _xlogy(part: Floats, whole: Floats) -> Floats:
    share = np.where(part > 0, part / np.where(whole > 0, whole, 1), 1.0)
    return np.asarray(np.where(part > 0, part * np.log(share), 0.0), dtype=np.float64)


def _pelt(cost: _Cost, penalty: float) -> list[int]:
    """Optimal cuts of the whole series; candidates that can no longer win are dropped on the way."""
    best = np.full(cost.bins + 1, np.inf)
    best[0] = -penalty
    previous = np.zeros(cost.bins + 1, dtype=int)
    candidates = np.array([0])
    for end in range(1, cost.bins + 1):
        total = best[candidates] + cost(candidates, np.full(len(candidates), end))
        winner = int(np.argmin(total))
        best[end], previous[end] = total[winner] + penalty, candidates[winner]
        candidates = np.append(candidates[total <= best[end]], end)
    cuts: list[int] = []
    end = cost.bins
    while end > 0 and previous[end] > 0:
        end = int(previous[end])
        cuts.append(end)
    return cuts[::-1]


def _located(cost: _Cost, left: int, cut: int, right: int, starts: list[pd.Timestamp]) -> ChangePoint:
    positions = np.arange(left + 1, right)
    loss = cost(np.full(len(positions), left), positions) + cost(positions, np.full(len(positions), right))
    inside = positions[loss <= loss.min() + 2 * _WITHIN]
    at, low, high = (starts[i].to_pydatetime() for i in (cut, int(inside.min()), int(inside.max())))
    return ChangePoint(at, low, high, before=cost.rate(left, cut), after=cost.rate(cut, right))


def onset_exhibit(
    exposure: Exposure, failures: pd.Series, name: str, moments: Mapping[str, datetime], *, hours: float = 1
) -> Exhibit:
    """Set the first rise of a series of failures against the moments of a suspect.

    Parameters
    ----------
    failures : Series of bool
        Over ``exposure.jobs``: the series.
    name : str
        The suspect.
    moments : mapping of str to datetime
        What happened when, such as ``{"the release of 6.11.0": ..., "its first job": ...}``; the earliest one is the
        suspect's beginning.

    Returns
    -------
    Exhibit
        ``estimate`` is hours from the suspect's beginning to the onset (negative: failures came first) with the
        interval of the onset's position. An onset that lies wholly before the suspect speaks against it; one that
        fits proves nothing, for something else may have begun then.
    """
    rises = [c for c in change_points(hourly(exposure.jobs, failures, hours=hours)) if c.after > c.before]
    if not rises or not moments:
        return Exhibit("onset", f"The failures laid to {name} show no clear beginning.", n=int(failures.sum()))
    onset = rises[0]
    first_name, first = min(moments.items(), key=lambda item: item[1])
    low, middle, high = ((t - first).total_seconds() / 3600 for t in (onset.low, onset.at, onset.high))
    # A change anywhere in its first bin counts from that bin's start.
    before = high + hours <= 0
    others = "".join(
        f"; {label} was at {moment:%Y-%m-%d %H:%M}" for label, moment in moments.items() if label != first_name
    )
    relation = "before" if middle < 0 else "after"
    statement = (
        f"Failures rose from {100 * onset.before:.2g} % to {100 * onset.after:.2g} % at {onset.at:%Y-%m-%d %H:%M} UTC "
        f"(between {onset.low:%d %H:%M} and {onset.high:%d %H:%M}), {abs(middle):.1f} hours {relation} {first_name}"
        f"{others}."
    )
    mask = failures.reindex(exposure.jobs.index).fillna(False).astype(bool)
    urls = exposure.jobs.loc[mask & (exposure.jobs["started_at"] >= onset.low), "html_url"]
    return Exhibit(
        "onset", statement, middle, (low, high), None, int(mask.sum()), None, links(urls), False if before else None
    )
