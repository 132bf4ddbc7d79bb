"""What the likelihood sees of a history and its suspects: arrays, the same for every subset that is tried.

In come cells and suspects, through `search.prepare`; out come `Observed` and `Pool`, which `likelihood.fit` and the
sampler read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Observed:
    """What is the same for all subsets.

    Attributes
    ----------
    weight : (F,) float
        Jobs in each failing cell.
    stratum : (F,) int
    green : (G,) float
        Green jobs of each stratum.
    base : (G, 2) float
        Beta prior of each stratum's background.
    kind : (F,) int
        Kind of job: each kind has a background text of its own.
    marks : tuple of (F,) int
        One array per channel (text class, outcome of a rerun): what was seen, -1 where nothing was.
    base_marks : tuple of (H, K) float
        Dirichlet priors of the background in each channel, one row per kind of job.
    """

    weight: Floats
    stratum: Ints
    green: Floats
    base: Floats
    kind: Ints
    marks: tuple[Ints, ...]
    base_marks: tuple[Floats, ...]

    def blind(self) -> Observed:
        """The same without any mark: nothing but who failed."""
        return replace(self, marks=tuple(np.full_like(m, -1) for m in self.marks))

    @cached_property
    def alike(self) -> Ints:
        """A number for each failing cell, the same for cells of one stratum, kind and marks: (F,)."""
        columns = np.stack([self.stratum, self.kind, *self.marks], axis=1)
        return np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)

    @cached_property
    def dead(self) -> Floats:
        """Failed jobs of each stratum: (G,)."""
        return np.bincount(self.stratum, weights=self.weight, minlength=len(self.green)).astype(np.float64)

    @cached_property
    def calm(self) -> Floats:
        """Log evidence of each stratum's outcomes where nobody but the background kills: (G,)."""
        a, b = self.base.T
        evidence: Floats = betaln(a + self.dead, b + self.green) - betaln(a, b)
        return evidence

    @cached_property
    def written(self) -> tuple[Floats, ...]:
        """Failed jobs of each kind and mark, for each channel: (H, K)."""
        return tuple(_counts(self.kind, mark, self.weight, base.shape)
                     for mark, base in zip(self.marks, self.base_marks, strict=True))  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """The suspects, as the likelihood sees them.

    Attributes
    ----------
    exposed : (S, F) float
        How surely each failing cell was exposed.
    hints : (S, F) float
        Log likelihood ratio of what only this suspect explains (the failed step is its own), 0 where nothing is known.
    green : (S,) float
        Green jobs that were exposed.
    kills : (S, 2) float
        Beta prior of q.
    marks : tuple of (S, J, K) float
        Dirichlet priors of each channel, for J sorts of jobs (`side`): what a cause writes hangs on what the job does.
    """

    exposed: Floats
    hints: Floats
    green: Floats
    kills: Floats
    marks: tuple[Floats, ...]


def side(kind: Ints, sides: int) -> Ints:
    """The sort of job of each kind: whether it builds images, where a channel tells these apart."""
    return kind % sides


def _counts(kind: Ints, mark: Ints, weight: Floats, shape: tuple[int, ...]) -> Floats:
    known = mark >= 0
    counts = np.zeros(shape)
    np.add.at(counts, (kind[known], mark[known]), weight[known])
    return counts
