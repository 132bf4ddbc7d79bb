"""How surely a job was exposed to one version of something, where its log was not read.

Known exposures are 0 or 1. An unknown one is the share of that version among the green jobs whose version is known:
of the same stratum for an action (who upgrades is no coin toss), of all for what the runner brings, at about the
same time.
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
    shares = np.zeros((len(unknown), levels))
    members, unknowns = _members(np.where(known, group, -1), groups), _members(groups[where], groups)
    for own, mine in zip(members, unknowns, strict=True):
        counts = np.zeros((width, levels))
        np.add.at(counts, (bins[own], attribute.code[own]), cells.n[own])
        smooth = kernel @ counts
        usual = counts.sum(0) if by_stratum and len(own) else everyone.sum(0)
        prior = usual / usual.sum()
        mixed = (smooth + _PSEUDO * prior) / (smooth.sum(1, keepdims=True) + _PSEUDO)
        shares[mine] = mixed[bins[unknown[mine]]]
    return shares


def _members(group: Ints, names: Ints) -> list[Ints]:
    """The places of each name."""
    order = np.argsort(group, kind="stable")
    edges = (np.searchsorted(group[order], names, side) for side in ("left", "right"))
    return [order[start:end] for start, end in zip(*edges, strict=True)]
