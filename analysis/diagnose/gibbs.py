"""Who killed each failed job, drawn from the posterior: a Gibbs sampler over the assignments of a set of suspects.

In: what the likelihood sees, one set of suspects per chain, and the failed jobs one by one. Out: `Draws`, the killer
of each failed job in each draw and how often a rerun of each suspect's failures passes. The model is that of
`likelihood.py`; there a failure's share is fitted as if the suspects' rates and texts were known, here both are drawn
in turn, so that all failures of one draw share the same rates and texts and their sum is as uncertain as it should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from analysis.diagnose.likelihood import shares
from analysis.diagnose.observed import Observed, Pool, side

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TINY = 1e-12


@dataclass(frozen=True)
class Draws:
    """What the chains drew. D draws, s members (the largest set's size), J failed jobs.

    Attributes
    ----------
    chain : (D,) int
        The chain of each draw.
    killer : (D, J) int
        Place in the chain's set of who killed each job; s is the background.
    kills : (D, s) float
        How often each member kills whom it meets.
    passes : (D, J) float
        How often a job that its killer killed passes when it is started again at once.
    """

    chain: Ints
    killer: Ints
    kills: Floats
    passes: Floats


@dataclass(frozen=True)
class Reruns:
    """What reruns tell, and of which failures each tells.

    Attributes
    ----------
    channel : int
        The channel of `Observed.marks`: 0 it passed, 1 it failed again, -1 nobody started it again.
    nature : (F,) int
        Failures of one nature pass alike where nobody in particular killed them.
    prior : (N, 2) float
        Beta prior of each nature.
    """

    channel: int
    nature: Ints
    prior: Floats


class Reach(Protocol):
    """Who was exposed, drawn anew in each sweep: what the suspects' own exposures leave open."""

    def redraw(self, narrow: tuple[Floats, Floats], state: State, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Exposures of the failing cells (C, s, F) and exposed green jobs (C, s), given rates and texts.

        `narrow` holds the same two as the suspects themselves have them.
        """
        ...


@dataclass
class State:
    """The chains between two sweeps. C chains, s members, F failing cells, G strata.

    Attributes
    ----------
    exposed : (C, s, F) float
    green : (C, s) float
    kills : (C, s) float
    base : (C, G) float
    own : (C, s + 1, F) float
        Log likelihood of what each member writes, of the failing cell's texts, rerun and step.
    """

    exposed: Floats
    green: Floats
    kills: Floats
    base: Floats
    own: Floats


def sample(
    observed: Observed, pool: Pool, subsets: list[tuple[int, ...]], jobs: Ints, rng: np.random.Generator,
    burn: int, keep: int, thin: int, reach: Reach | None = None, reruns: Reruns | None = None,
) -> Draws:  # fmt: skip
    """Draw who killed whom.

    Parameters
    ----------
    observed : Observed
    pool : Pool
    subsets : list of C tuples of int
        Rows of the pool, a set of suspects for each chain.
    jobs : (J,) int
        The failing cell of each failed job.
    rng : Generator
    burn, keep, thin : int
        Sweeps before the first draw, draws of each chain, sweeps from draw to draw.
    reach : Reach or None
        None takes the suspects' exposures as they are.
    reruns : Reruns or None
        None leaves `passes` at zero.

    Returns
    -------
    Draws
    """
    chains = _Chains(observed, pool, subsets, jobs)
    narrow = chains.exposed, chains.green
    killer = chains.start(rng)
    state = chains.draw_rates(killer, rng)
    kept: list[tuple[Ints, Floats, Floats]] = []
    for sweep in range(burn + keep * thin):
        if reach is not None:
            chains.exposed, chains.green = reach.redraw(narrow, state, rng)
            state.exposed, state.green = chains.exposed, chains.green
        killer = chains.draw_killers(state, rng)
        state = chains.draw_rates(killer, rng)
        if sweep >= burn and (sweep - burn) % thin == thin - 1:
            passes = np.zeros(killer.shape) if reruns is None else chains.passing(killer, state.kills, reruns, rng)
            kept.append((killer, state.kills, passes))
    chain = np.tile(np.arange(len(subsets)), len(kept))
    return Draws(chain, *(np.concatenate(part) for part in zip(*kept, strict=True)))


class _Chains:
    """The fixed part of all chains. Sets smaller than the largest are filled with members that nobody met."""

    def __init__(self, observed: Observed, pool: Pool, subsets: list[tuple[int, ...]], jobs: Ints) -> None:
        self.observed, self.jobs, self.subsets = observed, jobs, subsets
        self.count, self.size = len(subsets), max(map(len, subsets))
        self.cells = len(observed.weight)
        rows = np.array([[*s, *[-1] * (self.size - len(s))] for s in subsets], np.int64).reshape(self.count, self.size)
        there = rows >= 0
        rows = np.where(there, rows, 0)
        self.exposed = pool.exposed[rows] * there[:, :, None]
        self.green = pool.green[rows] * there
        self.hints = pool.hints[rows]
        self.kills_prior = pool.kills[rows]
        self.marks_prior = [own[rows] for own in pool.marks]
        per_cell = np.bincount(jobs, minlength=self.cells)
        self.weight = (observed.weight / np.maximum(per_cell, 1))[jobs]
        self.pool = pool
        self.strata = _one_hot(observed.stratum, len(observed.green))
        sides = [own.shape[1] for own in pool.marks]
        self.sides = [side(observed.kind, many) for many in sides]
        self.texts = [_one_hot(np.where(mark >= 0, place * base.shape[1] + mark, -1), many * base.shape[1])
                      for (mark, base), place, many in zip(self._told(), self.sides, sides, strict=True)]  # fmt: skip
        self.kinds = [_one_hot(np.where(mark >= 0, observed.kind * base.shape[1] + mark, -1), base.size)
                      for mark, base in self._told()]  # fmt: skip
        self._marks: list[Floats] = []

    def start(self, rng: np.random.Generator) -> Ints:
        """Assignments drawn from the variational fit of each set."""
        share = np.zeros((self.count, self.size + 1, self.cells))
        for subset in set(self.subsets):
            fitted = shares(self.observed, self.pool, subset)
            mine = [i for i, s in enumerate(self.subsets) if s == subset]
            share[mine, : len(subset)] = fitted[:-1]
            share[mine, -1] = fitted[-1]
        return self._pick(share, rng)

    def draw_rates(self, killer: Ints, rng: np.random.Generator) -> State:
        """Rates and texts, given who killed whom."""
        seen = self.observed
        place = killer + (self.size + 1) * np.arange(self.count)[:, None]
        weighted = self._sums(place * self.cells + self.jobs, (self.count, self.size + 1, self.cells))
        later = np.cumsum(weighted[:, :0:-1], axis=1)[:, ::-1]
        dead, survived = weighted[:, :-1].sum(-1), self.green + (later * self.exposed).sum(-1)
        kills = rng.beta(self.kills_prior[..., 0] + dead, self.kills_prior[..., 1] + survived)
        base = rng.beta(seen.base[:, 0] + weighted[:, -1] @ self.strata, seen.base[:, 1] + seen.green)
        own = np.concatenate([self.hints, np.zeros((self.count, 1, self.cells))], axis=1)
        self._marks = []
        members = weighted[:, :-1].reshape(len(weighted) * (weighted.shape[1] - 1), self.cells)
        for channel, (mark, base_prior) in enumerate(self._told()):
            prior, known, text = self.marks_prior[channel], mark >= 0, np.maximum(mark, 0)
            drawn = _dirichlet(prior + (members @ self.texts[channel]).reshape(prior.shape), rng)
            counts = (weighted[:, -1] @ self.kinds[channel]).reshape(self.count, *base_prior.shape)
            own[:, :-1] += np.where(known, np.log(drawn)[:, :, self.sides[channel], text], 0.0)
            own[:, -1] += np.where(known, np.log(_dirichlet(base_prior + counts, rng))[:, seen.kind, text], 0.0)
            self._marks.append(drawn)
        return State(self.exposed, self.green, kills, base, own)

    def _told(self) -> Iterator[tuple[Ints, Floats]]:
        return zip(self.observed.marks, self.observed.base_marks, strict=True)

    def draw_killers(self, state: State, rng: np.random.Generator) -> Ints:
        """Who killed whom, given rates and texts."""
        rho = state.own.copy()
        rho[:, :-1] += np.log(np.maximum(state.exposed, _TINY)) + np.log(np.maximum(state.kills, _TINY))[:, :, None]
        rho[:, -1] += np.log(np.maximum(state.base, _TINY))[:, self.observed.stratum]
        spared = np.log1p(-np.minimum(state.kills, 1 - _TINY))[:, :, None] * state.exposed
        rho[:, 1:] += np.cumsum(spared, axis=1)
        chance = np.exp(rho - rho.max(axis=1, keepdims=True))
        return self._pick(chance, rng)

    def passing(self, killer: Ints, kills: Floats, reruns: Reruns, rng: np.random.Generator) -> Floats:
        """How often each job passes when it is started again at once: (C, J).

        It meets its killer again, so it cannot pass more often than others who meet it, whatever later reruns did.
        """
        seen, nature = self.observed.marks[reruns.channel][self.jobs], reruns.nature[self.jobs]
        hot = _one_hot(nature, len(reruns.prior))
        passed, failed = (((killer == self.size) & (seen == told)) @ hot for told in (0, 1))
        base: Floats = rng.beta(reruns.prior[:, 0] + passed, reruns.prior[:, 1] + failed)[:, nature]
        if self.size == 0:
            return base
        own = np.minimum(self._marks[reruns.channel][:, :, 0, 0], 1 - kills)
        theirs = np.take_along_axis(own, np.minimum(killer, self.size - 1), axis=1)
        passes: Floats = np.where(killer < self.size, theirs, base)
        return passes

    def _pick(self, chance: Floats, rng: np.random.Generator) -> Ints:
        upto = np.cumsum(chance, axis=1)[:, :, self.jobs]
        drawn = rng.random((self.count, 1, len(self.jobs))) * upto[:, -1:]
        picked: Ints = (drawn > upto[:, :-1]).sum(1)
        return picked

    def _sums(self, place: Ints, shape: tuple[int, int, int]) -> Floats:
        weight = np.broadcast_to(self.weight, place.shape)
        sums = np.bincount(place.ravel(), weights=weight.ravel(), minlength=int(np.prod(shape)))
        return sums.reshape(shape).astype(np.float64)


def _dirichlet(alpha: Floats, rng: np.random.Generator) -> Floats:
    drawn = np.maximum(rng.standard_gamma(alpha), 1e-300)
    shares: Floats = np.maximum(drawn / drawn.sum(-1, keepdims=True), _TINY)
    return shares


def _one_hot(codes: Ints, width: int) -> Any:
    """A sparse matrix of ones, (codes, width); a code of -1 has none."""
    known = np.flatnonzero(codes >= 0)
    return csr_array((np.ones(len(known)), (known, codes[known])), shape=(len(codes), width))
