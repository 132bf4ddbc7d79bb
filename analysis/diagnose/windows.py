"""Suspects that live in a window of time: services, an unnamed service, limits.

In: cells, and the incidents that status pages told of. Out: `Suspect`s whose exposure is "used this service, in this
way, in this window", each paying for the windows that were looked at; a window that a status page gives is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Cells
from analysis.diagnose.chance import Chances
from analysis.diagnose.classes import TextClass, priors
from analysis.diagnose.scan import Window, as_outage, windows
from analysis.diagnose.suspects import Suspect
from analysis.schema import SERVICE_COMPONENTS

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_NEAR = 2.5 * 86400
_NEAR_SHARE = 0.6
_LEAD = 45 * 60.0
_TAIL = 45 * 60.0
_POSTED = float(np.log(0.7))
_BY_OPERATION = 0.5
_BY_REGION = 0.25
_MOST_REGIONS = 3
_USED_UNSEEN = float(np.log(0.2))
UNSEEN = "in all builds of the repositories that name it"
_BUSY = (0.0, 0.5, 0.75, 0.9)
_PUSH = frozenset({"push"})
_WITH_CREDENTIALS = frozenset({"push", "cache-export", "login"})
_CACHE = frozenset({"cache-import", "cache-export"})
_DIRECTIONS = {"pull": frozenset({"pull"}), "push": frozenset({"push"}), "auth": frozenset({"login"})}


@dataclass(frozen=True)
class Posted:
    """An incident as a status page tells it, on one component of our vocabulary.

    Attributes
    ----------
    component : str
    start, end : float
        Seconds since the epoch; the end of the history where it is still open.
    direction : str
        pull, push, auth or all.
    """

    component: str
    start: float
    end: float
    direction: str


def service_suspects(cells: Cells, posted: Sequence[Posted] = (), asked_at: float | None = None) -> list[Suspect]:
    """Services that failures name, in the windows in which these crowd, and one that nobody names.

    Parameters
    ----------
    cells : Cells
    posted : sequence of Posted
    asked_at : float or None
        When the version in question was first taken up. People ask because something failed around then, so an
        outage of those days is likelier before any failure is looked at.

    Returns
    -------
    list of Suspect
    """
    mass = priors()["service"]
    named = sorted({c.component for c in cells.classes if c.component in SERVICE_COMPONENTS})
    found: list[Suspect] = []
    for component in named:
        prior = float(np.log(mass.get(component, mass["other"])))
        found += list(_of_component(cells, component, prior))
        found += list(_posted(cells, component, posted, prior))
    found += list(_unnamed(cells, named, float(np.log(mass["unnamed"]))))
    return found if asked_at is None else [_near(cells, s, asked_at) for s in found]


def _near(cells: Cells, suspect: Suspect, asked_at: float) -> Suspect:
    """The prior of a window in the days of the question, or away from them."""
    history = max(float(cells.time[-1] - cells.time[0]), 2 * _NEAR)
    start, end = suspect.start or 0.0, suspect.end or 0.0
    away = start > asked_at + _NEAR or end < asked_at - _NEAR
    factor = 1 - _NEAR_SHARE + (0.0 if away else _NEAR_SHARE * history / (2 * _NEAR))
    return replace(suspect, log_prior=suspect.log_prior + float(np.log(factor)))


def limit_suspects(cells: Cells) -> list[Suspect]:
    """Limits that failures name, in the hours whose load is high, or always."""
    mass = float(priors()["cause"]["rate-limit"])
    found = []
    for component in sorted({c.component for c in cells.classes if c.group == "limit"}):
        hit = of_class(cells, lambda c, own=component: c.component == own and c.group == "limit")
        if cells.n[hit].sum() < 1.0:
            continue
        room = users(cells, component, None) | _same_jobs(cells, hit)
        load = _load(cells, room)
        days: list[Window | None] = [None, *_distinct(_outages(cells, hit, room))]
        for share in _BUSY:
            busy = room & (load >= np.quantile(load[room], share))
            words = "in the busiest hours" if share else ""
            found += [_limit(cells, component, words, busy, mass / len(_BUSY) / 2, window) for window in days]
    return found


def _limit(cells: Cells, component: str, words: str, busy: Bools, mass: float, window: Window | None) -> Suspect:
    """A limit at work all the time, or for some days."""
    prior = float(np.log(mass))
    if window is None:
        return Suspect("rate-limit", component, words, busy.astype(float), prior, own=component)
    exposed = (busy & window.holds(cells.time)).astype(float)
    return Suspect("rate-limit", component, words, exposed, prior + window.log_prior, window.start, window.end,
                   own=component)  # fmt: skip


def users(cells: Cells, component: str, operations: frozenset[str] | None) -> Bools:
    """Jobs that could meet this service in this way; all jobs where nothing tells who uses it."""
    pulls, pushes = cells.registries.get(component), cells.registries.get(f"push:{component}")
    if operations == _PUSH and pushes is not None and pushes.any():
        return pushes
    told = [mask for mask in (pulls, pushes) if mask is not None and mask.any()]
    if operations and operations <= {"pull"} and pulls is not None and pulls.any():
        told = [pulls]
    return np.logical_or.reduce(told) if told else np.ones(cells.size, bool)


def _same_jobs(cells: Cells, hit: Bools) -> Bools:
    """All runs of the jobs that some failure shows to use a service: a job does not use it in its bad runs alone.

    Whoever started them, but for what needs a credential: bots' runs pull what people's runs pull, and do not push.
    """
    job = cells.repo * (int(cells.job.max(initial=0)) + 1) + cells.job
    pulled = hit & of_class(cells, lambda c: c.operation not in _WITH_CREDENTIALS)
    met: Bools = np.isin(cells.stratum, cells.stratum[hit]) | np.isin(job, job[pulled])
    return met


def of_class(cells: Cells, test: object) -> Bools:
    """Failing cells whose text class passes a test."""
    accepts = np.array([bool(test(c)) for c in cells.classes] or [False])  # type: ignore[operator]
    accepted: Bools = cells.failed & (cells.text >= 0) & accepts[np.maximum(cells.text, 0)]
    return accepted


def crowding(cells: Cells, hit: Bools, room: Bools, most: int = 4, extra: Floats | None = None) -> list[Window]:
    """Windows in which the hits crowd among the exposed cells."""
    weights = cells.n if extra is None else cells.n * extra
    return windows(cells.time[hit], weights[hit], cells.time[room], cells.n[room], most)


def _outages(cells: Cells, hit: Bools, room: Bools, most: int = 4, extra: Floats | None = None) -> list[Window]:
    return [as_outage(w) for w in crowding(cells, hit, room, most, extra)]


def _of_component(cells: Cells, component: str, prior: float) -> Iterator[Suspect]:
    own = of_class(cells, lambda c: c.component == component)
    vague = of_class(cells, lambda c: c.group in ("vague", "network"))
    if cells.n[own].sum() < 0.99:
        return
    seen = {c.operation for c in cells.classes if c.component == component and c.operation}
    ways: list[frozenset[str] | None] = [None]
    ways += [frozenset({o}) for o in sorted(seen - _CACHE)] if len(seen) > 1 or seen == {"push"} else []
    ways += [_CACHE] if seen & _CACHE and len(seen) > 1 else []
    for operations in ways:
        hit = own & _operated(cells, operations)
        if cells.n[hit].sum() < 0.99:
            continue
        room = users(cells, component, operations) | _same_jobs(cells, hit)
        cost = float(np.log(_BY_OPERATION / max(len(ways) - 1, 1))) if operations else float(np.log(1 - _BY_OPERATION))
        looked = _outages(cells, hit, room)
        if vague.any():
            looked += _outages(cells, hit | (vague & room), room, most=2, extra=np.where(hit, 1.0, 0.6))
        for window in _distinct(looked):
            yield _suspect(cells, component, window, room, prior + cost, operations, component)
        if operations is None:
            yield from _in_regions(cells, component, hit, room, prior)
            yield from _unseen(cells, component, hit, vague, room, prior + cost)


def _unseen(cells: Cells, component: str, hit: Bools, vague: Bools, room: Bools, prior: float) -> Iterator[Suspect]:
    """The service as all builds of those repositories use it that name it once, also where no log shows the use."""
    wider = _with_unseen(cells, hit, room)
    if not (vague & wider & ~room).any():
        return
    extra = np.where(hit, 1.0, 0.6)
    for window in _distinct(_outages(cells, hit | (vague & wider), wider, most=2, extra=extra)):
        found = _suspect(cells, component, window, wider, prior + _USED_UNSEEN, None, component)
        yield replace(found, variant=UNSEEN)


def _with_unseen(cells: Cells, hit: Bools, room: Bools) -> Bools:
    wider: Bools = room | (np.isin(cells.repo, cells.repo[hit]) & (cells.kind % 2 == 1))
    return wider


def _in_regions(cells: Cells, component: str, hit: Bools, room: Bools, prior: float) -> Iterator[Suspect]:
    """The service as the runners of one region see it."""
    region = cells.environment.get("region")
    if region is None or len(region.levels) < 2:
        return
    chances = Chances(cells, region, by_stratum=False)
    counts = np.bincount(region.code[hit & (region.code >= 0)], minlength=len(region.levels))
    for level in np.argsort(-counts)[:_MOST_REGIONS]:
        own = hit & (region.code == level)
        if cells.n[own].sum() < 1.5:
            continue
        exposed = room * chances.of(int(level))
        cost = prior + float(np.log(_BY_REGION / len(region.levels)))
        looked = windows(cells.time[own], cells.n[own], cells.time[room], (cells.n * exposed)[room], 2)
        for window in map(as_outage, looked):
            found = _suspect(cells, component, window, room, cost, None, component)
            words = f"for runners in {region.levels[level]}"
            yield replace(found, exposed=found.exposed * exposed, variant=words)


def _operated(cells: Cells, operations: frozenset[str] | None) -> Bools:
    if operations is None:
        return np.ones(cells.size, bool)
    return of_class(cells, lambda c: c.operation in operations)


def _distinct(looked: list[Window]) -> list[Window]:
    return list({w.spans: w for w in looked}.values())


def _suspect(
    cells: Cells, name: str, window: Window, room: Bools, prior: float, operations: frozenset[str] | None, own: str
) -> Suspect:
    words = f"{' and '.join(sorted(operations))} only" if operations else ""
    return Suspect("service", name, words, (room & window.holds(cells.time)).astype(float),
                   prior + window.log_prior, window.start, window.end, operations, own)  # fmt: skip


def _posted(cells: Cells, component: str, posted: Sequence[Posted], prior: float) -> Iterator[Suspect]:
    for incident in posted:
        if incident.component != component:
            continue
        operations = _DIRECTIONS.get(incident.direction)
        hit = of_class(cells, lambda c: c.component == component) & _operated(cells, operations)
        room = users(cells, component, operations) | _same_jobs(cells, hit)
        window = Window(((incident.start - _LEAD, incident.end + _TAIL),), 0.0, _POSTED)
        yield _suspect(cells, component, window, room, prior, operations, component)
        wider = _with_unseen(cells, hit, room)
        if (wider & ~room).any():
            found = _suspect(cells, component, window, wider, prior + _USED_UNSEEN, operations, component)
            yield replace(found, variant=UNSEEN)


def _unnamed(cells: Cells, named: Sequence[str], prior: float) -> Iterator[Suspect]:
    """Vague failures everywhere at once: named after the service that stands out inside the window, if one does."""
    vague = of_class(cells, lambda c: c.group in ("vague", "network"))
    some = vague | of_class(cells, lambda c: c.component in SERVICE_COMPONENTS)
    room = np.ones(cells.size, bool)
    looked = [*_outages(cells, vague, room, 3), *_outages(cells, some, room, 3)]
    for window in _distinct(looked):
        inside = window.holds(cells.time)
        own = _standing_out(cells, named, inside)
        named_it = of_class(cells, lambda c, o=own: c.component == o)
        reach = users(cells, own, None) | _same_jobs(cells, named_it) if own else room
        yield _suspect(cells, own or "unknown", window, reach, prior, None, own or "*")


def _standing_out(cells: Cells, named: Sequence[str], inside: Bools) -> str | None:
    share = float(cells.n[inside].sum() / max(cells.n.sum(), 1e-9))
    best, most = None, 2.0
    for component in named:
        own = of_class(cells, lambda c, o=component: c.component == o)
        within, everywhere = float(cells.n[own & inside].sum()), float(cells.n[own].sum())
        if within >= most and within > 3.0 * share * everywhere:
            best, most = component, within
    return best


def _load(cells: Cells, room: Bools) -> Floats:
    """Exposed jobs in the hour of each cell."""
    hour = ((cells.time - cells.time.min()) // 3600).astype(np.int64)
    load: Floats = np.bincount(hour[room], weights=cells.n[room], minlength=int(hour.max(initial=0)) + 1)[hour]
    return load


def describe(text: TextClass) -> str:
    """A text class in plain words."""
    return " ".join(part for part in (text.component, text.group, text.operation) if part)
