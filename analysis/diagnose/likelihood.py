"""How well a set of suspects explains the history: a variational lower bound of its marginal likelihood.

The model (docs/method.md). A job of stratum g fails with probability 1 - (1 - b_g) prod_c (1 - q_c x_jc). The first
cause that fires (in a fixed order, the background last) writes the text class and decides whether a plain rerun
passes. b_g, q_c are Beta; the texts are Dirichlet; reruns are Beta. Given who killed each failed job everything is
conjugate, so the assignment is the only thing to be averaged over: mean-field coordinate ascent, for many subsets of
suspects at once.

Green jobs enter by their sums alone. So do failing cells that no member of a subset met: the background killed them,
and its evidence for a stratum is known in closed form. What is left is folded: failing cells of one stratum, one kind
and one text that met the members alike are one. The cost of a subset grows with these and not with jobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.special import digamma, gammaln

from analysis.diagnose.observed import Observed, Pool, side

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STEPS = 30
# Exposures below this are none.
_UNMET = 1e-9
_AT_ONCE = 2_000_000
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@dataclass(frozen=True)
class Fit:
    """Subsets, fitted. B subsets of s suspects each.

    Attributes
    ----------
    bound : (B,) float
        Lower bound of the log marginal likelihood.
    explained : (B, s) float
        Failures each suspect accounts for.
    kills : (B, s, 2) float
        Beta posterior of q.
    within : (B, s, s) float
        Failures that the first accounts for and the second met as well.
    """

    bound: Floats
    explained: Floats
    kills: Floats
    within: Floats


def fit(observed: Observed, pool: Pool, subsets: Ints, steps: int = _STEPS) -> Fit:
    """Fit subsets of suspects, all of one size, from two starts: what the texts say, and who was exposed alone.

    Coordinate ascent ends at the top of the nearest hill. Where a cause writes what others usually write, the texts
    start it at the foot of the wrong one.

    Parameters
    ----------
    observed : Observed
    pool : Pool
    subsets : (B, s) int
        Rows of the pool; s may be 0.
    steps : int
        Rounds of coordinate ascent.

    Returns
    -------
    Fit
        Of each subset the start that ended higher.
    """
    fits = [_higher(observed, pool, folded, steps)[0] for folded in _folds(observed, pool, subsets)]
    return Fit(*(np.concatenate(part) for part in zip(*(vars(f).values() for f in fits), strict=True)))


def shares(observed: Observed, pool: Pool, subset: tuple[int, ...]) -> Floats:
    """Who killed each failing cell, by the fit of one subset: (s + 1, F); the last row is the background."""
    (folded,) = _folds(observed, pool, np.array([subset], np.int64).reshape(1, len(subset)))
    share = np.zeros((len(subset) + 1, len(observed.weight)))
    share[-1] = 1.0
    share[:, folded.cell] = _higher(observed, pool, folded, _STEPS)[1][:, folded.group]
    return share


@dataclass(frozen=True)
class _Folded:
    """What some subsets met, folded. B subsets of s suspects, C failing cells that were met, T groups of these.

    Attributes
    ----------
    subsets : (B, s) int
    cell, group : (C,) int
        Each met cell of each subset and its group.
    first : (T,) int
        A cell of each group.
    row : (T,) int
        The group's subset.
    weight : (T,) float
    exposed, hints : (s, T) float
    """

    subsets: Ints
    cell: Ints
    group: Ints
    first: Ints
    row: Ints
    weight: Floats
    exposed: Floats
    hints: Floats


def _folds(observed: Observed, pool: Pool, subsets: Ints) -> Iterator[_Folded]:
    """The subsets in batches, each folded."""
    size = max(1, _AT_ONCE // max(len(observed.weight) * subsets.shape[1], 1))
    for start in range(0, len(subsets), size):
        rows = subsets[start : start + size]
        met = np.zeros((len(rows), len(observed.weight)), bool)
        for member in rows.T:
            met |= pool.exposed[member] > _UNMET
        row, cell = np.nonzero(met)
        exposed, hints = pool.exposed[rows[row].T, cell], pool.hints[rows[row].T, cell]
        key = (row * len(observed.weight) + observed.alike[cell]).astype(np.uint64)
        for values in (*exposed, *hints):
            key = (key ^ values.view(np.uint64)) * _MIX
            key ^= key >> _HALF
        group, distinct = pd.factorize(key)
        first = np.zeros(len(distinct), np.int64)
        first[group[::-1]] = np.arange(len(group))[::-1]
        weight = np.bincount(group, weights=observed.weight[cell], minlength=len(distinct)).astype(np.float64)
        yield _Folded(rows, cell, group, cell[first], row[first], weight, exposed[:, first], hints[:, first])


def _higher(observed: Observed, pool: Pool, folded: _Folded, steps: int) -> tuple[Fit, Floats]:
    """Of each subset the start that ended higher, and who killed each group: (s + 1, T)."""
    ascent = _Ascent(observed, pool, folded)
    told, told_share = ascent.climb(steps, blindly=False)
    if folded.subsets.shape[1] == 0:
        return told, told_share
    met, met_share = ascent.climb(steps, blindly=True)
    higher = met.bound > told.bound
    best = Fit(*(np.where(higher.reshape(-1, *[1] * (a.ndim - 1)), b, a)
                 for a, b in zip(vars(told).values(), vars(met).values(), strict=True)))  # fmt: skip
    return best, np.where(higher[folded.row], met_share, told_share)


class _Ascent:
    """Mean-field coordinate ascent on a batch of folded subsets.

    All arrays are flat: T groups, each of one subset (`row`), and M spots, a stratum that some group of a subset
    belongs to. What nobody met stays with the background throughout and enters by its sums (`idle`).
    """

    def __init__(self, observed: Observed, pool: Pool, folded: _Folded) -> None:
        subsets, row, first = folded.subsets, folded.row, folded.first
        self.observed, self.folded = observed, folded
        self.count, self.members = subsets.shape
        self.green, self.kills = pool.green[subsets], pool.kills[subsets]
        self.can = np.log(np.maximum(folded.exposed, _UNMET)) + folded.hints
        self.rows = _sums(row, self.count)
        strata = len(observed.green)
        spots, self.spot = np.unique(row * strata + observed.stratum[first], return_inverse=True)
        self.spots = _sums(self.spot, len(spots))
        at = spots % strata
        self.base, self.calm = observed.base[at], observed.green[at]
        self.idle = observed.dead[at] - self.spots @ folded.weight
        self.spot_row = spots // strata
        self.rest = observed.calm.sum() - np.bincount(self.spot_row, weights=observed.calm[at], minlength=self.count)
        self.marks = [own[subsets] for own in pool.marks]
        self.slots: list[_Slots] = []
        self.base_slots: list[_Slots] = []
        self.idle_marks: list[Floats] = []
        for mark, own, base, written in zip(
            observed.marks, pool.marks, observed.base_marks, observed.written, strict=True
        ):
            height, width = base.shape
            text, kind = mark[first], observed.kind[first]
            known = text >= 0
            sides = own.shape[1]
            place = (row * sides + side(kind, sides)) * width + text
            self.slots.append(_Slots(np.where(known, place, -1), self.count * sides * width))
            slots = _Slots(np.where(known, (row * height + kind) * width + text, -1), self.count * height * width)
            self.base_slots.append(slots)
            self.idle_marks.append(written - slots.add(folded.weight[None]).reshape(self.count, height, width))

    def climb(self, steps: int, blindly: bool) -> tuple[Fit, Floats]:
        """Ascend. The second result is who killed each group: (s + 1, T)."""
        seen, folded, s = self.observed, self.folded, self.members
        kills = self.kills + np.stack([np.ones(self.green.shape), self.green * 0.2], axis=-1)
        marks = self.marks
        base_marks = [np.broadcast_to(base, (self.count, *base.shape)) for base in seen.base_marks]
        base = self.base + np.stack([0.0 * self.calm, self.calm], axis=1)
        for step in range(steps):
            log_q, log_pass = _expected_log(kills)
            log_b, log_calm = _expected_log(base)
            base_texts = [_log_mean(own) for own in base_marks]
            rho = np.empty((s + 1, len(folded.row)))
            rho[:s] = self.can + log_q.T[:, folded.row]
            rho[s] = log_b[self.spot]
            if not (blindly and step == 0):
                for mark, text, slot, base_slot in zip(marks, base_texts, self.slots, self.base_slots, strict=True):
                    rho[:s] += slot.take(_log_mean(mark).swapaxes(0, 1).reshape(s, slot.width))
                    rho[s] += base_slot.take(text.reshape(1, -1))[0]
            rho[1:] += np.cumsum(log_pass.T[:, folded.row] * folded.exposed, axis=0)
            top = rho.max(axis=0)
            share = np.exp(rho - top)
            total = share.sum(axis=0)
            share /= total
            weighted = share * folded.weight
            later = np.cumsum(weighted[:0:-1], axis=0)[::-1]
            dead = (self.rows @ weighted[:s].T).reshape(self.count, s)
            survived = self.green + (self.rows @ (later * folded.exposed).T).reshape(self.count, s)
            used = (kills, base, marks, base_marks)
            kills = self.kills + np.stack([dead, survived], axis=-1)
            marks = [prior + slot.add(weighted[:s]).reshape(s, self.count, *prior.shape[2:]).swapaxes(0, 1)
                     for prior, slot in zip(self.marks, self.slots, strict=True)]  # fmt: skip
            base_marks = [prior + idle + slot.add(weighted[s:]).reshape(idle.shape) for prior, idle, slot
                          in zip(seen.base_marks, self.idle_marks, self.base_slots, strict=True)]  # fmt: skip
            base = self.base + np.stack([self.idle + self.spots @ weighted[s], self.calm], axis=-1)
        local = log_b * self.idle + log_calm * self.calm - _dirichlet_kl(used[1], self.base)
        bound = (
            self.rest
            + self.rows @ ((top + np.log(total)) * folded.weight)
            + np.bincount(self.spot_row, weights=local, minlength=self.count)
            + (log_pass * self.green).sum(-1)
            + sum((text * idle).sum((-1, -2)) for text, idle in zip(base_texts, self.idle_marks, strict=True))
            - _dirichlet_kl(used[0], self.kills).sum(-1)
            - sum(_dirichlet_kl(q, p).sum((-1, -2)) for q, p in zip(used[2], self.marks, strict=True))
            - sum(_dirichlet_kl(q, p).sum(-1) for q, p in zip(used[3], seen.base_marks, strict=True))
        )
        within = np.stack([self.rows @ (weighted[:s] * met).T for met in folded.exposed], axis=-1) if s else (
            np.zeros((self.count, 0, 0)))  # fmt: skip
        return Fit(bound, dead, kills, within), share


class _Slots:
    """Where the groups' marks are counted; -1 is nowhere."""

    def __init__(self, place: Ints, width: int) -> None:
        self._place, self.width = np.where(place >= 0, place, width), width
        self._sums = _sums(self._place, width + 1)

    def take(self, values: Floats) -> Floats:
        """Each group's value: (s, T) of (s, width)."""
        return np.pad(values, ((0, 0), (0, 1)))[:, self._place]

    def add(self, weights: Floats) -> Floats:
        """The weights in each slot: (s, width) of (s, T)."""
        counted: Floats = (self._sums @ weights.T)[: self.width].T
        return counted


def _sums(place: Ints, width: int) -> csr_array:
    """A sparse matrix that sums over the groups of each place: (width, T)."""
    return csr_array((np.ones(len(place)), (place, np.arange(len(place)))), shape=(width, len(place)))


def _log_mean(dirichlet: Floats) -> Floats:
    mean: Floats = digamma(dirichlet) - digamma(dirichlet.sum(-1, keepdims=True))
    return mean


def _expected_log(beta: Floats) -> tuple[Floats, Floats]:
    total = digamma(beta.sum(-1))
    return digamma(beta[..., 0]) - total, digamma(beta[..., 1]) - total


def _dirichlet_kl(q: Floats, p: Floats) -> Floats:
    log_t = digamma(q) - digamma(q.sum(-1, keepdims=True))
    kl: Floats = gammaln(q.sum(-1)) - gammaln(p.sum(-1)) - (gammaln(q) - gammaln(p)).sum(-1) + ((q - p) * log_t).sum(-1)
    return kl
