"""Who killed which failed job, as far as the judgement can tell: draws that the counterfactuals count.

In: the averaged judgement, the decision, and how many jobs failed in each cell. Out: `Attribution`. The sets of
suspects are drawn by their weight, given the verdict: sets without one of the guilty take no part. Within each set a
Gibbs sampler (`gibbs.py`) draws rates, texts and killers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Cells
from analysis.diagnose.gibbs import Draws, Reruns, sample
from analysis.diagnose.positivity import UNNAMED
from analysis.diagnose.reach import Wider
from analysis.diagnose.search import RERUN, Posterior
from analysis.diagnose.verdict import Decision

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Group = tuple[str, str]

_CHAINS = (60, 15)
_BUDGET = 180_000  # jobs times chains: a history of many thousand failures is drawn in fewer chains
_KEEP = 10
_BURN = 20
_THIN = 2
# How often a job that nobody in particular killed passes when started again (Beta), by what its log says: a test may
# be flaky or broken, a missing secret stays missing, a network or a machine is back in a minute.
_AGAIN = {"code": (1.5, 1.5), "settings": (0.5, 2.0), "passing": (4.0, 0.5)}
_NATURES = {"code": 0, "build": 0, "": 0, "config": 1, "config-auth": 1, "auth": 1}


@dataclass(frozen=True)
class Attribution:
    """Who killed what. D draws, J failed jobs, M members.

    Attributes
    ----------
    members : tuple of (cause, name)
        Everybody who killed somebody in some draw.
    share : (M + 1, failing cells) float
        Share of each cell's failures that each member killed, over the draws of sets that hold it; the last row is
        the background.
    jobs : (failing cells,) float
        Failed jobs in each failing cell, unweighted.
    cell : (J,) int
        Failing cell of each failed job.
    killer : (D, J) int
        Index into `members` of who killed each job; M is the background.
    passes : (D, J) float
        How often each job passes when it is started again at once, given who killed it.
    rate : (M,) float
        How often each member kills whom it meets, on average.
    """

    members: tuple[Group, ...]
    share: Floats
    jobs: Floats
    cell: Ints
    killer: Ints
    passes: Floats
    rate: Floats

    @property
    def unexplained(self) -> float:
        """Failures that nobody of these killed, on average."""
        return float((self.killer == len(self.members)).sum(1).mean())

    def killed_by(self, groups: Collection[Group]) -> npt.NDArray[np.bool_]:
        """Which jobs these killed, in each draw: (D, J)."""
        return np.isin(self.killer, [i for i, g in enumerate(self.members) if g in groups])


def attribute(
    cells: Cells, posterior: Posterior, decision: Decision, jobs_in_cell: Floats, rng: np.random.Generator
) -> Attribution:
    """Draw who killed whom.

    Parameters
    ----------
    cells : Cells
    posterior : Posterior
    decision : Decision
    jobs_in_cell : (cells,) float
        Failed jobs of each cell, each counted once.
    rng : Generator

    Returns
    -------
    Attribution
    """
    jobs = jobs_in_cell[posterior.failing]
    cell = np.repeat(np.arange(len(jobs)), np.round(jobs).astype(np.int64))
    called = _names(posterior, decision)
    chains = int(np.clip(_BUDGET // max(len(cell), 1), _CHAINS[1], _CHAINS[0]))
    subsets = _subsets(posterior, decision, called, chains, rng)
    reach = Wider(cells, posterior, subsets)
    again = _reruns(cells, posterior)
    draws = sample(posterior.observed, posterior.pool, subsets, cell, rng, _BURN, _KEEP, _THIN, reach, again)
    names = [[called[posterior.suspects[i].group] for i in s] for s in subsets]
    members = tuple(dict.fromkeys(g for groups in [*names, *decision.twins] for g in groups))
    place = _places(names, members, draws)
    share, rate = _if_at_work(place, members, draws, cell, len(jobs))
    either = _twins(place, members, decision, rng)
    return Attribution(members, share, jobs, cell, np.take_along_axis(either, draws.killer, axis=1), draws.passes, rate)


def _names(posterior: Posterior, decision: Decision) -> dict[Group, Group]:
    """What the decision calls each suspect: an unnamed service has the name of the one its failures name."""
    called = {s.group: s.group for s in posterior.suspects}
    if UNNAMED in posterior.probability and UNNAMED not in decision.probability:
        before, services = posterior.probability, [g for g in decision.probability if g[0] == UNNAMED[0]]
        if services:
            called[UNNAMED] = max(services, key=lambda g: decision.probability[g] - before.get(g, 0.0))
    return called


def _subsets(
    posterior: Posterior, decision: Decision, called: dict[Group, Group], chains: int, rng: np.random.Generator
) -> list[tuple[int, ...]]:
    """A set of suspects for each chain, by weight, of those that hold all the guilty."""
    guilty = set(decision.guilty)
    fits = np.array([guilty <= {called[posterior.suspects[i].group] for i in s} for s in posterior.subsets])
    weights = posterior.weights * fits if fits.any() else posterior.weights
    upto = np.cumsum(weights / weights.sum())
    places = np.searchsorted(upto, (np.arange(chains) + rng.random()) / chains)
    return [posterior.subsets[min(p, len(posterior.subsets) - 1)] for p in places]


def _reruns(cells: Cells, posterior: Posterior) -> Reruns:
    natures = np.array([_NATURES.get(group, 2) for group in [*(c.group for c in cells.classes), ""]])
    return Reruns(RERUN, natures[cells.text[posterior.failing]], np.array(list(_AGAIN.values())))


def _places(names: list[list[Group]], members: tuple[Group, ...], draws: Draws) -> Ints:
    """What each place of each draw's set is called: (D, s + 1) indices into the members; the last is the background."""
    index = {g: i for i, g in enumerate(members)}
    place = np.full((len(names), draws.kills.shape[1] + 1), len(members))
    for chain, groups in enumerate(names):
        place[chain, : len(groups)] = [index[g] for g in groups]
    return place[draws.chain]


def _if_at_work(place: Ints, members: tuple[Group, ...], draws: Draws, cell: Ints, cells: int) -> tuple[Floats, Floats]:
    """Each member's share of each cell and its rate, over the draws whose set holds it."""
    killer = np.take_along_axis(place, draws.killer, axis=1)
    share, rate = np.zeros((len(members) + 1, cells)), np.zeros(len(members))
    size = np.maximum(np.bincount(cell, minlength=cells), 1)
    for row in range(len(members) + 1):
        held = place == row
        if held.any():
            share[row] = np.bincount(cell, weights=(killer[held.any(1)] == row).mean(0), minlength=cells) / size
            rate[row : row + 1] = draws.kills[held[:, :-1]].mean() if row < len(members) else 0.0
    return share, rate


def _twins(place: Ints, members: tuple[Group, ...], decision: Decision, rng: np.random.Generator) -> Ints:
    """The places, with those that nothing parts from a twin given to the twin as often as it may be the one."""
    either = place.copy()
    for a, b in decision.twins:
        odds = decision.probability[b] / max(decision.probability[a] + decision.probability[b], 1e-9)
        mine, theirs = members.index(a), members.index(b)
        moved = (rng.random(len(place)) < odds) & ~(place == theirs).any(1)
        either[(place == mine) & moved[:, None]] = theirs
    return either
