"""Do failures fall into a status page's incidents more often than chance has it?

In come the exposure table, the ``incidents`` table and a component; out comes an exhibit: the rate inside against
outside, with room for late posts, and its chance by shifting the incidents by whole days (hours would break the daily
rhythm of builds). Component and direction must fit: an incident of Docker Desktop excuses no pull.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.correlate.exhibit import Exhibit, links, share
from analysis.correlate.exposure import Exposure
from analysis.schema import SERVICE_COMPONENTS

# Pages post late (28 minutes in October 2025 at AWS) and resolve late: hours tried before the start and after the end.
LEADS_AND_LAGS = ((0.0, 0.0), (0.5, 0.0), (1.0, 0.5), (2.0, 1.0))
_DIRECTIONS = {
    "pull": frozenset({"pull", "download", "cache-import"}),
    "push": frozenset({"push", "upload", "cache-export"}),
    "auth": frozenset({"login"}),
}  # fmt: skip
_SECONDS = 3600.0
_DAY = 86400.0

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fit:
    """How well failures and incidents coincide at one lead and lag (hours)."""

    lead: float
    lag: float
    failed_inside: int
    inside: int
    failed_outside: int
    outside: int
    p: float
    smallest_p: float

    @property
    def ratio(self) -> float:
        """Rate inside over rate outside, half a failure added to each side so that none is infinite."""
        within = (self.failed_inside + 0.5) / (self.inside + 1)
        return within / ((self.failed_outside + 0.5) / (self.outside + 1))


def fitting(incidents: pd.DataFrame, component: str) -> pd.DataFrame:
    """The incidents of a component, maintenance included, that say when they began."""
    named = incidents["components"].map(lambda names: component in list(names if names is not None else ()))
    began = incidents["began_at"].fillna(incidents["posted_at"])
    chosen = incidents.assign(began_at=began)[named.astype(bool) & began.notna()]
    return chosen.sort_values("began_at", kind="stable")


def incident_exhibit(
    exposure: Exposure,
    incidents: pd.DataFrame,
    component: str,
    *,
    failures: pd.Series | None = None,
    until: datetime | None = None,
) -> Exhibit:
    """Compare the rate of a component's failures inside and outside its incidents.

    Parameters
    ----------
    exposure : Exposure
        The table.
    incidents : DataFrame
        The table ``incidents``.
    component : str
        A name of `schema.COMPONENTS`.
    failures : Series of bool, optional
        Over ``exposure.jobs``: which failures to place; by default those that name the component.
    until : datetime, optional
        When an incident that is not resolved ends; by default the end of the data.

    Returns
    -------
    Exhibit
        ``estimate`` is the ratio of the rates at the best lead and lag; ``p`` is its chance by whole-day shifts times
        the number of leads and lags tried. Never ``supports`` False for a silent page: pages miss outages.
    """
    jobs = exposure.jobs
    chosen = fitting(incidents, component)
    counted = ~jobs["censored"].to_numpy(dtype=bool)
    if failures is None:
        failures = jobs["failed"] & (jobs["component"].astype("object") == component)
    failed = failures.reindex(jobs.index).fillna(False).to_numpy(dtype=bool) & counted
    times = jobs["started_at"].to_numpy(dtype="datetime64[s]").astype(float)
    span = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    spans = _spans(chosen, until or exposure.data_as_of, span)
    if not len(spans):
        return Exhibit("incident-windows", f"No incident of {component} is posted in this window.", n=int(failed.sum()))
    fits = [_fit(times[counted], failed[counted], spans, lead, lag, span) for lead, lag in LEADS_AND_LAGS]
    best = min(fits, key=lambda fit: (fit.p, -fit.ratio))
    p = min(1.0, best.p * len(fits))
    posted, away = _in_words(chosen), _elsewhere(exposure, chosen, failed)
    statement = (
        f"Inside {posted} (from {best.lead:g} hours before to {best.lag:g} after) "
        f"{share(best.failed_inside, best.inside)} jobs failed at {component}, outside "
        f"{share(best.failed_outside, best.outside)}: {best.ratio:.1f} times the rate, p = {p:.2g} by whole-day shifts "
        f"({len(fits)} lags tried; no less than {min(1.0, best.smallest_p * len(fits)):.2g} can be reached){away}."
    )
    inside = _inside(times, spans, best.lead, best.lag) & failed
    supports = True if p < 0.05 and best.ratio > 1 else None
    if away:
        supports = False
    return Exhibit(
        "incident-windows", statement, best.ratio, None, p, best.inside + best.outside, len(spans),
        links(jobs.loc[inside, "html_url"]) or links(chosen["url"]), supports,
    )  # fmt: skip


def _spans(chosen: pd.DataFrame, until: datetime | None, span: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Start and end of each incident that overlaps the history, in seconds."""
    if chosen.empty:
        return np.zeros((0, 2))
    end_of_data = until.timestamp() if until else span[1]
    began = chosen["began_at"].to_numpy(dtype="datetime64[s]").astype(float)
    known = chosen["resolved_at"].notna().to_numpy()
    ended = np.where(known, chosen["resolved_at"].to_numpy(dtype="datetime64[s]").astype(float), end_of_data)
    spans = np.column_stack([began, np.maximum(ended, began)])
    return np.asarray(spans[(spans[:, 1] >= span[0]) & (spans[:, 0] <= span[1])], dtype=np.float64)


def _inside(times: npt.NDArray[np.float64], spans: npt.NDArray[np.float64], lead: float, lag: float) -> Bools:
    within = np.zeros(len(times), dtype=bool)
    for start, end in spans:
        within |= (times >= start - lead * _SECONDS) & (times <= end + lag * _SECONDS)
    return within


def _fit(
    times: npt.NDArray[np.float64], failed: Bools, spans: npt.NDArray[np.float64], lead: float, lag: float,
    span: tuple[float, float],
) -> Fit:  # fmt: skip
    """Counts at the true place, and the share of whole-day shifts (around the history) that fit as well."""
    within = _inside(times, spans, lead, lag)
    days = max(1, int(np.ceil((span[1] - span[0]) / _DAY)))
    seen = _rate_ratio(failed, within)
    as_good = 0
    for shift in range(1, days):
        moved = span[0] + (times - span[0] + shift * _DAY) % (days * _DAY)
        as_good += _rate_ratio(failed, _inside(moved, spans, lead, lag)) >= seen - 1e-12
    hit = int((failed & within).sum())
    return Fit(lead, lag, hit, int(within.sum()), int(failed.sum()) - hit, int((~within).sum()),
               (1 + as_good) / days, 1 / days)  # fmt: skip


def _rate_ratio(failed: Bools, within: Bools) -> float:
    inside, outside = within.sum(), (~within).sum()
    hit = (failed & within).sum()
    return float((hit + 0.5) / (inside + 1) / ((failed.sum() - hit + 0.5) / (outside + 1)))


def _in_words(chosen: pd.DataFrame) -> str:
    first = chosen.iloc[0]
    began = pd.Timestamp(first["began_at"])
    return (
        f"{len(chosen)} posted incidents" if len(chosen) > 1 else f"the incident posted for {began:%Y-%m-%d %H:%M} UTC"
    )


def _elsewhere(exposure: Exposure, chosen: pd.DataFrame, failed: Bools) -> str:
    """Words for incidents whose direction the failures do not share; empty where it fits."""
    told = {d for d in chosen["direction"].dropna() if d in _DIRECTIONS}
    if not told or len(told) < chosen["direction"].nunique():
        return ""
    operations = exposure.jobs.loc[failed, "operation"].dropna().astype("object")
    allowed = frozenset().union(*(_DIRECTIONS[d] for d in told))
    known = operations[operations.isin(frozenset().union(*_DIRECTIONS.values()))]
    if len(known) and not known.isin(allowed).any():
        return f"; but the incident is about {' and '.join(sorted(told))}, and none of these failures is"
    return ""


def excuses(component: str) -> bool:
    """Whether incidents of a component can explain failures at all: it must be a service."""
    return component in SERVICE_COMPONENTS
