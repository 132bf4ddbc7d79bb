"""The small tables that charts draw and reports print, from the exposure table's frames.

In: one row per first-attempt job (``correlate.exposure``). Out: at most a few hundred rows, one function a
table. Jobs are only ever counted here; who is to blame is the judge's question.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

_WIDTHS = tuple(pd.Timedelta(hours=h) for h in (1, 2, 3, 6, 12, 24))
_MAX_BINS = 240
_STRATUM = pd.Timedelta(hours=6)
_Z = 1.959964


def bin_width(since: pd.Timestamp, until: pd.Timestamp) -> pd.Timedelta:
    """The narrowest of 1, 2, 3, 6, 12 and 24 hours that cuts the window into at most 240 bins."""
    return next((w for w in _WIDTHS if (until - since) / w <= _MAX_BINS), _WIDTHS[-1])


def failures_by_time(jobs: pd.DataFrame, width: pd.Timedelta) -> pd.DataFrame:
    """Failed jobs by time and component.

    Returns
    -------
    DataFrame
        One row per bin and component that has failures: ``at`` (start of the bin, UTC), ``component``,
        ``failed`` (jobs).
    """
    failed = counted(jobs)
    failed = failed[failed["failed"].astype(bool)]
    keys = [failed["started_at"].dt.floor(width).rename("at"), failed["component"].fillna("unknown").astype(str)]
    return failed.groupby(keys, observed=True).size().rename("failed").reset_index()


def adoption(jobs: pd.DataFrame, version: pd.Series, width: pd.Timedelta, *, show: tuple[str, ...]) -> pd.DataFrame:
    """Share of the jobs that use an action, by time and version.

    Parameters
    ----------
    version : Series
        The action's version in each job, null where it is not used or not known; shares the jobs' index.
    show : tuple of str
        Versions that get a row of their own; all others are ``other``.

    Returns
    -------
    DataFrame
        ``at``, ``version``, ``jobs`` (that ran it), ``all`` (that use the action), ``share``.
    """
    known = version.dropna().astype(str)
    named = known.where(known.isin(show), "other")
    at = jobs.loc[known.index, "started_at"].dt.floor(width).rename("at")
    table = named.groupby([at, named.rename("version")]).size().rename("jobs").reset_index()
    table["all"] = table.groupby("at")["jobs"].transform("sum")
    table["share"] = table["jobs"] / table["all"]
    return table


def reruns(jobs: pd.DataFrame) -> pd.DataFrame:
    """First-attempt failures that were rerun at the same commit: ``at, repo, job, component, passed``."""
    found = jobs[jobs["rerun_passed"].notna() & jobs["failed"].astype(bool)]
    table = found[["started_at", "repo", "job", "component"]].rename(columns={"started_at": "at"})
    return table.assign(passed=found["rerun_passed"].astype(bool)).reset_index(drop=True)


@dataclass(frozen=True)
class Rate:
    """Failed jobs of a group of jobs, with the rate and its 95 % interval (NaN where there are no jobs)."""

    group: str
    failed: int
    jobs: int
    rate: float
    low: float
    high: float

    def overlaps(self, other: Rate) -> bool:
        """Whether the two intervals share a value."""
        return self.low <= other.high and other.low <= self.high

    def is_above(self, other: Rate) -> bool:
        """Whether the 95 % interval of the difference lies above zero (Newcombe 1998, from the two intervals)."""
        return self.rate - other.rate > math.hypot(self.rate - self.low, other.high - other.rate)


@dataclass(frozen=True)
class Paradox:
    """Two ways to compare two versions, side by side.

    Attributes
    ----------
    before, after : Rate
        All jobs that use the action, before and after the first sight of the new version (Wilson intervals).
    old, new : Rate or None
        The two versions over the strata that hold both, weighted as Mantel-Haenszel does; None without one.
    strata : int
        Repository x job x six hours in which both versions ran.
    turning : Timestamp
        First sight of the new version, UTC.
    """

    before: Rate
    after: Rate
    old: Rate | None
    new: Rate | None
    strata: int
    turning: pd.Timestamp

    def misleads(self) -> bool:
        """Whether before/after shows a clear rise where the same hours and jobs show none."""
        if self.old is None or self.new is None:
            return False
        return self.after.is_above(self.before) and not self.new.is_above(self.old)


def paradox(jobs: pd.DataFrame, version: pd.Series, old: str, new: str) -> Paradox | None:
    """Compare two versions the obvious way and within the same hours; None where one of them never ran."""
    frame = counted(jobs)[["repo", "job", "started_at", "failed"]].assign(version=version)
    frame = frame[frame["version"].notna()]
    ran_new = frame.loc[frame["version"] == new, "started_at"]
    if ran_new.empty or not (frame["version"] == old).any():
        return None
    turning = pd.Timestamp(ran_new.min())
    after = frame["started_at"] >= turning
    both = _standardised(frame, old, new)
    return Paradox(
        wilson("before", frame.loc[~after, "failed"]), wilson("after", frame.loc[after, "failed"]), *both, turning
    )


def counted(jobs: pd.DataFrame) -> pd.DataFrame:
    """The jobs that vote: without the censored ones."""
    return jobs[~jobs["censored"].astype(bool)]


def rates_by(jobs: pd.DataFrame, by: pd.Series) -> list[Rate]:
    """Failure rate with its Wilson interval in each group, in the groups' order."""
    votes = counted(jobs)
    groups = votes["failed"].astype(bool).groupby(by.loc[votes.index], observed=True)
    return [wilson(str(name), failed) for name, failed in groups]


def counts_by(jobs: pd.DataFrame, column: str, part: str | None = None, *, top: int = 15) -> pd.DataFrame:
    """Failed jobs by the values of one column, the largest first: ``name, part, failed``."""
    votes = counted(jobs)
    failed = votes[votes["failed"].astype(bool)]
    names = failed[column].astype("object").fillna("unknown").astype(str).rename("name")
    parts = failed[part or column].astype("object").fillna("unknown").astype(str).rename("part")
    table = failed.groupby([names, parts]).size().rename("failed").reset_index()
    order = table.groupby("name")["failed"].sum().sort_values(ascending=False).head(top).index
    table = table[table["name"].isin(order)]
    rank = pd.Series(range(len(order)), index=order)
    return table.sort_values(["name", "part"], key=lambda s: s.map(rank) if s.name == "name" else s, ignore_index=True)


def wilson(group: str, failed: pd.Series) -> Rate:
    """The rate of a group with its 95 % score interval (Wilson 1927)."""
    n, k = len(failed), int(failed.astype(bool).sum())
    if not n:
        return Rate(group, 0, 0, math.nan, math.nan, math.nan)
    p, z2 = k / n, _Z**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Rate(group, k, n, p, max(0.0, middle - half), min(1.0, middle + half))


def _standardised(frame: pd.DataFrame, old: str, new: str) -> tuple[Rate | None, Rate | None, int]:
    """Rates of both versions over the strata that hold both, each stratum weighted by n0 n1 / (n0 + n1)."""
    pair = frame[frame["version"].isin([old, new])]
    stratum = [pair["repo"].astype(str), pair["job"].astype(str), pair["started_at"].dt.floor(_STRATUM)]
    cells = pair["failed"].astype(int).groupby([*stratum, pair["version"].astype(str)]).agg(["size", "sum"])
    n = cells["size"].unstack().reindex(columns=[old, new]).dropna()
    if n.empty:
        return None, None, 0
    k = cells["sum"].unstack().reindex(columns=[old, new]).loc[n.index]
    weight = (n[old] * n[new] / n.sum(axis=1)).to_numpy(dtype=float)
    weight = weight / weight.sum()
    rates = []
    for version in (old, new):
        jobs, failed = n[version].to_numpy(dtype=float), k[version].to_numpy(dtype=float)
        # Half a failure added on either side keeps the variance of an all-green stratum from being zero.
        smooth = (failed + 0.5) / (jobs + 1)
        rate = float((weight * failed / jobs).sum())
        half = _Z * math.sqrt(float((weight**2 * smooth * (1 - smooth) / jobs).sum()))
        rates.append(
            Rate(version, int(failed.sum()), int(jobs.sum()), rate, max(0.0, rate - half), min(1.0, rate + half))
        )
    return rates[0], rates[1], len(n)
