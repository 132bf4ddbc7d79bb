"""How surely a job was exposed to one version of something, where its log was not read.

Known exposures are 0 or 1. An unknown one is the share of that version among the green jobs whose version is known:
of the same stratum for an action (who upgrades is no coin toss), of all for what the runner brings, at about the
same time. Before the first job of a stratum whose version is known, that version may have been taken up at any moment
since anybody was first seen to run it, and what stood there until then is what others ran at that time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Attribute, Cells

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BIN_HOURS = 6.0
_MEMORY_BINS = 2.0
_PSEUDO = 0.05
# Seen within so many bins of the history's begin, a version may have been there all along.
_ESTABLISHED_BINS = 4


class Chances:
    """Exposure of each cell to each version of one attribute.

    Parameters
    ----------
    cells : Cells
    attribute : Attribute
    by_stratum : bool
        Whether unknown versions are judged by their own stratum (actions) or by all jobs (runner).
    """

    def __init__(self, cells: Cells, attribute: Attribute, by_stratum: bool) -> None:
        self.attribute = attribute
        self._shares: Floats | None = None
        self._unknown = np.flatnonzero(attribute.unknown)
        if len(self._unknown):
            self._shares = _shares(cells, attribute, by_stratum)

    def of(self, level: int) -> Floats:
        """Probability that each cell ran this version."""
        exposed: Floats = (self.attribute.code == level).astype(np.float64)
        if self._shares is not None:
            exposed[self._unknown] = self._shares[:, level]
        return exposed

    def of_any(self, levels: Sequence[int]) -> Floats:
        """Probability that each cell ran one of these versions."""
        exposed: Floats = np.isin(self.attribute.code, levels).astype(np.float64)
        if self._shares is not None:
            exposed[self._unknown] = np.minimum(self._shares[:, levels].sum(1), 1.0)
        return exposed


def _shares(cells: Cells, attribute: Attribute, by_stratum: bool) -> Floats:
    """Share of each version for each unknown cell: (unknown cells, versions)."""
    levels = len(attribute.levels)
    unknown = np.flatnonzero(attribute.unknown)
    bins = ((cells.time - cells.time.min()) // (_BIN_HOURS * 3600)).astype(np.int64)
    width = int(bins.max(initial=0)) + 1
    group = cells.stratum if by_stratum else np.zeros(cells.size, np.int64)
    groups, where = np.unique(group[unknown], return_inverse=True)
    distance = np.abs(np.arange(width)[:, None] - np.arange(width)[None, :])
    kernel = np.exp(-distance / _MEMORY_BINS)
    known = (attribute.code >= 0) & ~cells.failed
    everyone = np.zeros((width, levels))
    np.add.at(everyone, (bins[known], attribute.code[known]), cells.n[known])
    everyone = kernel @ everyone + 1e-9
    usual = everyone.sum(0) / everyone.sum()
    since = first_seen(attribute, bins)
    shares = np.zeros((len(unknown), levels))
    members, unknowns = _members(np.where(known, group, -1), groups), _members(groups[where], groups)
    for own, mine in zip(members, unknowns, strict=True):
        counts = np.zeros((width, levels))
        np.add.at(counts, (bins[own], attribute.code[own]), cells.n[own])
        smooth = kernel @ counts
        prior = _before(bins[own].min(), counts, everyone, since) if by_stratum and len(own) else usual
        mixed = (smooth + _PSEUDO * prior) / (smooth.sum(1, keepdims=True) + _PSEUDO)
        shares[mine] = mixed[bins[unknown[mine]]]
    return shares


def first_seen(attribute: Attribute, at: Floats | Ints) -> Floats:
    """When anybody was first seen to run each version, in the unit of `at`; infinite where nobody was.

    Parameters
    ----------
    attribute : Attribute
    at : (cells,) float or int
    """
    first, seen = np.full(len(attribute.levels), np.inf), attribute.code >= 0
    np.minimum.at(first, attribute.code[seen], at[seen].astype(np.float64))
    return first


def _before(begin: int, counts: Floats, everyone: Floats, since: Floats) -> Floats:
    """What a stratum runs where nothing near is known of it: (bins, versions).

    Parameters
    ----------
    begin : int
        Bin of its first job whose version is known.
    counts, everyone : (bins, versions) float
        Its own jobs, and all jobs near that time.
    since : (versions,) float
        Bin in which anybody was first seen to run each.
    """
    usual = counts.sum(0) / counts.sum()
    first = counts[begin] / counts[begin].sum()
    at = np.arange(len(counts))
    # How sure it is that the first version known was already there: a ramp from when anybody had it.
    new = int(first[first > 0] @ since[first > 0])
    there = np.clip((at - new) / max(begin - new, 1), 0.0, 1.0) if new >= _ESTABLISHED_BINS else np.ones(len(at))
    earlier = everyone * (since[None, :] < new)
    total = earlier.sum(1, keepdims=True)
    known = total > 0
    earlier = np.where(known, earlier / np.where(known, total, 1.0), first)
    ramp = there[:, None]
    mixed: Floats = np.where(at[:, None] < begin, ramp * first + (1.0 - ramp) * earlier, usual)
    return mixed


def _members(group: Ints, names: Ints) -> list[Ints]:
    """The places of each name."""
    order = np.argsort(group, kind="stable")
    edges = (np.searchsorted(group[order], names, side) for side in ("left", "right"))
    return [order[start:end] for start, end in zip(*edges, strict=True)]
