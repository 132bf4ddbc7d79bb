"""Who else may have met a suspect: what its exposure leaves open, drawn anew in each sweep of the Gibbs sampler.

In: cells and the sets of suspects. Out: `Wider`, which the sampler asks for exposures. To judge, a suspect's exposure
is drawn narrowly: the strata in which it can be compared, the jobs that are known to use a service, from the first
failure of an outage to its last. To count whom it killed, the rest matters as well: jobs that a version's variant
leaves out, jobs that use a service unseen, the time between an outage's edge and the next job that passed. Each such
part (a job of a stratum; the gap beyond an edge) is in or out by its own failures and green jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Cells
from analysis.diagnose.chance import Chances
from analysis.diagnose.gibbs import State
from analysis.diagnose.search import Posterior
from analysis.diagnose.suspects import LATE, SOFTWARE, Suspect
from analysis.diagnose.windows import users

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Where = tuple[Ints, Ints]

# Chance that a part belongs to a suspect before its failures are looked at.
_WHOLE = 0.9
_VARIANT = 0.3
_UNSEEN = 0.1
_WIDEST = 12 * 3600.0
_STEPS = 40
_SHORTEST = 15 * 60.0
_SURE = 1 - 1e-9


@dataclass(frozen=True)
class _Parts:
    """What one suspect may have met beside its exposure. U parts, f failing cells of them.

    Attributes
    ----------
    cell : (f,) int
        Failing cells.
    part : (f, U) float
        1 where the cell belongs to the part.
    extra : (f,) float
        Exposure that the part adds to the cell.
    weight : (f,) float
    green : (U,) float
        Green jobs of each part.
    log_odds : (U,) float
    """

    cell: Ints
    part: Floats
    extra: Floats
    weight: Floats
    green: Floats
    log_odds: Floats


@dataclass(frozen=True)
class _Beyond:
    """Time beyond one edge of a window, as steps from job to job. K steps.

    Attributes
    ----------
    cell : (K,) int
        The failing cell at each step, -1 for a green one.
    weight : (K,) float
        Jobs at each step.
    log_prior : (K + 1,) float
        Log of the chance that the window ends after so many steps.
    """

    cell: Ints
    weight: Floats
    log_prior: Floats


class Wider:
    """The exposures of all chains, with the parts that are drawn.

    Parameters
    ----------
    cells : Cells
    posterior : Posterior
    subsets : sequence of C tuples of int
    """

    def __init__(self, cells: Cells, posterior: Posterior, subsets: Sequence[tuple[int, ...]]) -> None:
        held: dict[int, list[tuple[int, int]]] = {}
        for chain, subset in enumerate(subsets):
            for place, index in enumerate(subset):
                held.setdefault(index, []).append((chain, place))
        self._parts: list[tuple[_Parts, Where]] = []
        self._beyond: list[tuple[_Beyond, Where]] = []
        for index, where in held.items():
            chains, places = np.array(where, np.int64).T
            suspect = posterior.suspects[index]
            self._parts += [(p, (chains, places)) for p in _parts(cells, posterior, suspect)]
            self._beyond += [(b, (chains, places)) for b in _beyond(cells, posterior, suspect)]
        self._stratum = posterior.observed.stratum

    def redraw(self, narrow: tuple[Floats, Floats], state: State, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Exposures of the failing cells (C, s, F) and exposed green jobs (C, s), given rates and texts."""
        exposed, green = narrow[0].copy(), narrow[1].copy()
        told = np.exp(state.own[:, :-1]) * state.kills[:, :, None]
        everyone = state.base[:, self._stratum] * np.exp(state.own[:, -1]) + (told * state.exposed).sum(1)
        for parts, where in self._parts:
            odds = np.log1p(parts.extra * _gain(told, everyone, state, where, parts.cell)) * parts.weight @ parts.part
            odds += parts.log_odds + _spared(state, where) * parts.green
            taken = (rng.random(odds.shape) < 1 / (1 + np.exp(-np.clip(odds, -50, 50)))).astype(np.float64)
            exposed[where[0][:, None], where[1][:, None], parts.cell] += parts.extra * (taken @ parts.part.T)
            green[where] += taken @ parts.green
        for beyond, where in self._beyond:
            dead = beyond.cell >= 0
            step = np.where(dead, np.log1p(_gain(told, everyone, state, where, beyond.cell)), _spared(state, where))
            odds = beyond.log_prior + np.pad(np.cumsum(step * beyond.weight, axis=1), ((0, 0), (1, 0)))
            ends = np.argmax(odds + rng.gumbel(size=odds.shape), axis=1)
            inside = ends[:, None] > np.arange(len(beyond.cell))
            exposed[where[0][:, None], where[1][:, None], beyond.cell[dead]] = inside[:, dead]
            green[where] += (inside * beyond.weight)[:, ~dead].sum(1)
        return exposed, green


def _gain(told: Floats, everyone: Floats, state: State, where: Where, cell: Ints) -> Floats:
    """By how much more likely exposure makes these cells' failures, less one."""
    mine = told[where][:, cell]
    others = everyone[where[0]][:, cell] - mine * state.exposed[where][:, cell]
    gain: Floats = mine / np.maximum(others, 1e-300) - state.kills[where][:, None]
    return gain


def _spared(state: State, where: Where) -> Floats:
    """Log of the chance that an exposed job passes."""
    spared: Floats = np.log1p(-np.minimum(state.kills[where][:, None], _SURE))
    return spared


def _parts(cells: Cells, posterior: Posterior, suspect: Suspect) -> list[_Parts]:
    extra, prior = _left_open(cells, suspect)
    failing = posterior.failing
    cell = np.flatnonzero(extra[failing] > 0.02)
    if len(cell) == 0:
        return []
    unit = np.unique(cells.stratum * (int(cells.job_name.max()) + 1) + cells.job_name, return_inverse=True)[1]
    mine, place = np.unique(unit[failing[cell]], return_inverse=True)
    alive = ~cells.failed
    green = np.bincount(unit[alive], weights=(cells.n * extra)[alive], minlength=int(unit.max()) + 1)[mine]
    part = np.zeros((len(cell), len(mine)))
    part[np.arange(len(cell)), place] = 1.0
    log_odds = np.full(len(mine), np.log(prior / (1 - prior)))
    return [_Parts(cell, part, extra[failing[cell]], posterior.observed.weight[cell], green, log_odds)]


def _left_open(cells: Cells, suspect: Suspect) -> tuple[Floats, float]:
    """Exposure that the suspect's own leaves out, and the chance that it belongs to it."""
    if suspect.cause in ("service", "rate-limit") and suspect.own not in (None, "*"):
        return np.maximum(_inside(cells, suspect) - suspect.exposed, 0.0), _UNSEEN
    if suspect.cause in SOFTWARE:
        whole = _ran(cells, suspect)
        if suspect.start is not None and suspect.end is not None:
            whole = whole * ((cells.time >= suspect.start) & (cells.time <= suspect.end))
        return np.maximum(whole - suspect.exposed, 0.0), _VARIANT if _narrowed(suspect) else _WHOLE
    return np.zeros(cells.size), _UNSEEN


def _beyond(cells: Cells, posterior: Posterior, suspect: Suspect) -> list[_Beyond]:
    """What lies before a service's window and after it, among the jobs that are known to use the service."""
    if suspect.cause not in ("service", "rate-limit") or suspect.start is None or suspect.end is None:
        return []
    room = users(cells, suspect.own or "*", suspect.operations) & (cells.n > 0)
    index = np.full(cells.size, -1)
    index[posterior.failing] = np.arange(len(posterior.failing))
    length = max(suspect.end - suspect.start, _SHORTEST)
    found = []
    for edge, sign in ((suspect.start, -1.0), (suspect.end, 1.0)):
        away = sign * (cells.time - edge)
        steps = np.flatnonzero(room & (away > 0) & (away <= _WIDEST))
        steps = steps[np.argsort(away[steps], kind="stable")][:_STEPS]
        if len(steps):
            upto = np.append(0.0, away[steps])
            gaps = np.diff(np.append(upto, upto[-1] + _SHORTEST))
            log_prior = np.log(np.maximum(gaps, 1.0) / (length + upto))
            found.append(_Beyond(index[steps], cells.n[steps], log_prior))
    return found


def _narrowed(suspect: Suspect) -> bool:
    return suspect.variant not in ("", "and later versions", LATE)


def _inside(cells: Cells, suspect: Suspect) -> Floats:
    """The window of a service, for all jobs: where the last or the next job that is known to use it is in it."""
    room = users(cells, suspect.own or "", suspect.operations) | (suspect.exposed > 0)
    times, met = cells.time[room], suspect.exposed[room] > 0
    after = np.searchsorted(times, cells.time, "left")
    before = np.searchsorted(times, cells.time, "right") - 1
    inside = met[np.clip(before, 0, len(met) - 1)] | met[np.clip(after, 0, len(met) - 1)]
    return inside.astype(np.float64)


def _ran(cells: Cells, suspect: Suspect) -> Floats:
    """Who ran a version, whatever else the variant asks for."""
    name, _, version = suspect.name.rpartition("@")
    attribute = cells.actions.get(name) or cells.environment.get(f"{name}_version")
    if attribute is None or version not in attribute.levels:
        return suspect.exposed
    chances = Chances(cells, attribute, by_stratum=suspect.cause == "action-version")
    level = attribute.levels.index(version)
    whole = chances.of(level)
    if suspect.variant == "and later versions":
        first = [float(cells.time[attribute.code == v].min(initial=np.inf)) for v in range(len(attribute.levels))]
        later = [v for v in range(len(first)) if first[v] > first[level]]
        whole = np.minimum(sum((chances.of(v) for v in later), whole), 1.0)
    return whole
