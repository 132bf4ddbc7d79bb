"""Is a second cause needed, or is it the first one that kills here more and there less?

In: subsets of suspects as fitted. Out: how many members of each kill only jobs that a version of the subset met too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.diagnose.likelihood import Fit
from analysis.diagnose.observed import Observed, Pool
from analysis.diagnose.suspects import FIRM, SOFTWARE, Suspect

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_ALL = 0.9


def nested(result: Fit, rows: Ints, software: Bools, inside: Bools) -> Ints:
    """How many members of each subset kill only jobs that a version of the subset met as well.

    A version does not kill at the same rate in every repository; what looks like a second cause among its own jobs
    is mostly that.

    Parameters
    ----------
    result : Fit
        B subsets of s suspects.
    rows : (B, s) int
    software : (S,) bool
    inside : (S, S) bool
        As `inside` gives it.

    Returns
    -------
    (B,) int
    """
    members = rows.shape[1]
    if members < 2:
        return np.zeros(len(rows), np.int64)
    within = result.within / np.maximum(result.explained, 1e-9)[:, :, None]
    covered = (within > _ALL) & software[rows][:, None, :] & ~software[rows][:, :, None]
    covered |= inside[rows[:, :, None], rows[:, None, :]]
    counts: Ints = covered.any(-1).sum(-1)
    return counts


def inside(suspects: Sequence[Suspect], observed: Observed, pool: Pool) -> Bools:
    """Whether all failures that code or a secret could account for met a version in some of its forms.

    A version that kills one platform alone is seldom told apart by a job's name and inputs to the last job.

    Parameters
    ----------
    suspects : sequence of S Suspect
    observed : Observed
    pool : Pool

    Returns
    -------
    (S, S) bool
        True where the second is a variant of a version that all failures of the first met.
    """
    firm = np.flatnonzero([s.cause in FIRM for s in suspects])
    forms: dict[tuple[str, str], list[int]] = {}
    for i, suspect in enumerate(suspects):
        if suspect.cause in SOFTWARE:
            forms.setdefault(suspect.group, []).append(i)
    mass = pool.exposed[firm] @ observed.weight
    covered = np.zeros((len(suspects), len(suspects)), bool)
    for members in forms.values():
        lasting = [i for i in members if suspects[i].start is None]
        variants = [i for i in members if suspects[i].variant]
        if lasting and variants:
            met = pool.exposed[firm] @ (observed.weight * pool.exposed[lasting].max(axis=0))
            covered[np.ix_(firm, np.array(variants))] = (met > _ALL * mass)[:, None]
    return covered
