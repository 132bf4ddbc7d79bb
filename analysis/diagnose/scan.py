"""Windows in which failures crowd: a scan statistic over their times.

In: times and weights of failures of one text class and of all jobs that were exposed. Out: the windows, and unions
of windows, in which the failures are least likely to have come at their usual rate, with the price of
having searched for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import lognorm

Floats = npt.NDArray[np.float64]

_MOST_EDGES = 90
_ALIKE = 0.6
_SECOND_BURST = 3.0
_BURST = 1.5
_ONE_MORE = float(np.log(0.3))
_SHORTEST = 15 * 60.0
_LONGEST_GAP = 10 * 3600.0
_PASSED = 12
# Of 575 incidents that status pages told of to the minute (GitHub, Docker Hub, Google Cloud and others, 2016 to 2026)
# half were over after 1.3 hours, 2.8 % lasted half a day, 1.6 % a day, 0.2 % three days; a little longer here.
OUTAGE = lognorm(1.4, scale=1.5)  # hours
_TOLD = 0.5
_LENGTHS = float(np.log(7 * 86400 / _SHORTEST))


@dataclass(frozen=True)
class Window:
    """A union of spans of time.

    Attributes
    ----------
    spans : tuple of (start, end)
        Seconds since the epoch, both ends inside.
    score : float
        Log likelihood ratio against the usual rate.
    log_prior : float
        Log of the chance that an outage began in the gap before its first failure and ended in the gap after its
        last: what it costs to have searched for it. Windows around it that fit nearly as well share the cost.
    """

    spans: tuple[tuple[float, float], ...]
    score: float
    log_prior: float

    @property
    def start(self) -> float:
        """Beginning of the first span."""
        return self.spans[0][0]

    @property
    def end(self) -> float:
        """End of the last span."""
        return self.spans[-1][1]

    def holds(self, times: Floats) -> npt.NDArray[np.bool_]:
        """Which times lie inside."""
        inside = np.zeros(len(times), bool)
        for start, end in self.spans:
            inside |= (times >= start) & (times <= end)
        return inside


def windows(hits: Floats, weights: Floats, times: Floats, exposed: Floats, most: int = 4) -> list[Window]:
    """The windows in which hits crowd.

    Parameters
    ----------
    hits, weights : (H,) float
        Times of the failures and their weight.
    times, exposed : (N,) float
        Times and weight of all exposed jobs, failures included, sorted by time.
    most : int
        How many single windows to return; unions of bursts come on top.

    Returns
    -------
    list of Window
        Best first. Empty where there are no hits.
    """
    if len(hits) == 0 or exposed.sum() <= 0:
        return []
    edges = np.unique(hits)
    if len(edges) > _MOST_EDGES:
        edges = edges[np.unique(np.linspace(0, len(edges) - 1, _MOST_EDGES).astype(int))]
    running = np.append(0.0, np.cumsum(exposed))
    found = _best(edges, hits, weights, times, running, most)
    union = _bursts(found[0], edges, hits, weights, times, exposed) if found else []
    onwards = [window(w.start, float(times[-1]), times, w.score) for w in found[:2] if w.end < times[-1]]
    return [*found, *union, *onwards]


def window(start: float, end: float, times: Floats, score: float = 0.0, rate: float = 1.0) -> Window:
    """One span with its prior: its beginning is uniform over the history, its length log-uniform up to a week.

    Where only a share of the jobs inside fails, those that passed just before and after may lie inside as well.
    """
    history = max(float(times[-1] - times[0]), 3600.0)
    first, last = np.searchsorted(times, start, "left"), np.searchsorted(times, end, "right")
    before = _room(np.append(start, times[:first][::-1][:_PASSED]), rate, history if first <= _PASSED else None)
    after = _room(np.append(end, times[last:][:_PASSED]), rate, None)
    length = max(end - start, _SHORTEST)
    log_prior = np.log(np.clip(before, _SHORTEST, _LONGEST_GAP) / history)
    if last < len(times):
        log_prior += np.log(min(np.clip(after, _SHORTEST, _LONGEST_GAP) / length / _LENGTHS, 0.5))
    else:
        log_prior += np.log(0.3)
    return Window(((start, end),), score, float(log_prior))


def as_outage(found: Window) -> Window:
    """The window at the price of an outage: half of them last as status pages tell, of the others nothing is known."""
    price = found.log_prior
    for start, end in found.spans:
        hours = max(end - start, _SHORTEST) / 3600
        # The density of the log of the length, against that of the log-uniform.
        told = OUTAGE.pdf(hours) * hours * _LENGTHS
        price += float(np.log(_TOLD * told + 1 - _TOLD))
    return replace(found, log_prior=price)


def _room(marks: Floats, rate: float, open_end: float | None) -> float:
    """Time in which an edge may lie: each job that passed on the way makes it less likely that it lies beyond."""
    gaps = np.abs(np.diff(marks))
    if open_end is not None:
        gaps = np.append(gaps, open_end)
    return float((gaps * (1.0 - rate) ** np.arange(len(gaps))).sum())


def _best(edges: Floats, hits: Floats, weights: Floats, times: Floats, running: Floats, most: int) -> list[Window]:
    order = np.argsort(hits)
    killed = np.append(0.0, np.cumsum(weights[order]))
    before, upto = (killed[np.searchsorted(hits[order], edges, side)] for side in ("left", "right"))
    open_before, open_upto = (running[np.searchsorted(times, edges, side)] for side in ("left", "right"))
    inside = upto[None, :] - before[:, None]
    room = open_upto[None, :] - open_before[:, None]
    score = _ratio(inside, room, killed[-1], running[-1])
    score[np.tril_indices(len(edges), -1)] = -np.inf
    found: list[Window] = []
    for flat in np.argsort(-score, axis=None)[: 40 * most]:
        i, j = np.unravel_index(flat, score.shape)
        if score[i, j] <= 0:
            break
        rate = float(np.clip(inside[i, j] / max(room[i, j], 1e-9), 0.0, 1.0))
        fresh = window(float(edges[i]), float(edges[j]), times, float(score[i, j]), rate)
        if all(_overlap(fresh, other) < _ALIKE for other in found):
            found.append(replace(fresh, log_prior=fresh.log_prior + _kin(score, edges, int(i), int(j))))
        if len(found) == most:
            break
    return found


def _kin(score: Floats, edges: Floats, i: int, j: int) -> float:
    """Log of how many windows around this one fit as well, each counted by how well it fits."""
    shared = np.minimum(edges[None, :], edges[j]) - np.maximum(edges[:, None], edges[i]) + 1.0
    whole = np.maximum(edges[None, :], edges[j]) - np.minimum(edges[:, None], edges[i]) + 1.0
    near = shared / whole >= _ALIKE
    return float(np.log(np.exp(np.clip(score[near] - score[i, j], -50.0, 0.0)).sum()))


def _ratio(inside: Floats, room: Floats, killed: float, open_: float) -> Floats:
    """Poisson log likelihood ratio of a higher rate inside than outside."""
    outside, rest = np.maximum(killed - inside, 0.0), np.maximum(open_ - room, 0.0)
    room = np.maximum(room, 1e-9)
    rate_in, rate_out, rate = inside / room, outside / np.maximum(rest, 1e-9), killed / open_
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = inside * np.log(rate_in / rate) + np.where(outside > 0, outside * np.log(rate_out / rate), 0.0)
    return np.where((inside > 0) & (rate_in > rate_out), gain, -np.inf)


def _overlap(a: Window, b: Window) -> float:
    shared = max(0.0, min(a.end, b.end) - max(a.start, b.start)) + 1.0
    return shared / (max(a.end, b.end) - min(a.start, b.start) + 1.0)


def _bursts(best: Window, edges: Floats, hits: Floats, weights: Floats, times: Floats, exposed: Floats) -> list[Window]:
    """Unions of the best window with the best of what is left, up to three bursts."""
    unions: list[Window] = []
    current = best
    for _ in range(2):
        free, open_ = ~current.holds(hits), ~current.holds(times)
        left = edges[~current.holds(edges)]
        if free.sum() < 2 or not open_.any() or len(left) < 1:
            break
        running = np.append(0.0, np.cumsum(np.where(open_, exposed, 0.0)))
        more = _best(left, hits[free], weights[free], times, running, 6)
        # One failure by itself is what any day brings, however the days are chosen.
        more = [w for w in more if w.score >= _SECOND_BURST and weights[w.holds(hits)].sum() >= _BURST and all(
            w.end < start or w.start > end for start, end in current.spans)]  # fmt: skip
        if not more:
            break
        spans = tuple(sorted((*current.spans, *more[0].spans)))
        current = Window(spans, current.score + more[0].score, current.log_prior + more[0].log_prior + _ONE_MORE)
        unions.append(current)
    return unions
