"""From odds to a verdict: who is guilty, and whether the data can say so at all.

In: cells and the averaged judgement. Out: a `Decision`. Before anyone is convicted it is asked whether another
suspect was exposed in the same jobs (a twin: nothing but its text parts the two), whether exposed and unexposed jobs
stand side by side, and whether there is enough data to say anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Cells
from analysis.diagnose.likelihood import fit
from analysis.diagnose.search import Posterior
from analysis.diagnose.suspects import LATE

Floats = npt.NDArray[np.float64]
Group = tuple[str, str]

GUILTY = 0.5
_TWIN_NATS = 2.0
_TWIN_SURE = 9.0
_FEW_JOBS = 60
_FEW_RUNS = 15
_OVERWHELMING = 0.995
_OPEN = 0.25
_VERSIONED = frozenset({"action-version", "tool-version", "runner-image"})


@dataclass(frozen=True)
class Decision:
    """The verdict.

    Attributes
    ----------
    verdict : str
        A cause, `flakiness` or `insufficient-evidence`.
    guilty : tuple of (cause, name)
        Most probable first.
    confidence : float
    probability : dict of (cause, name) to float
        After what cannot be parted was taken into account.
    twins : tuple of pairs of (cause, name)
        Suspects that were exposed in the same jobs.
    small : bool
        Too little data to convict anyone.
    """

    verdict: str
    guilty: tuple[Group, ...]
    confidence: float
    probability: dict[Group, float]
    twins: tuple[tuple[Group, Group], ...]
    small: bool


def decide(cells: Cells, posterior: Posterior, runs: int) -> Decision:
    """The verdict.

    Parameters
    ----------
    cells : Cells
    posterior : Posterior
    runs : int
        Workflow runs behind the cells.

    Returns
    -------
    Decision
    """
    probability = dict(posterior.probability)
    twins: list[tuple[Group, Group]] = []
    for group in sorted(probability, key=lambda g: -probability[g]):
        if probability[group] > GUILTY:
            twin = _twin(posterior, group)
            if twin is not None:
                twins.append((group, twin))
                probability[group] = min(probability[group], GUILTY - 0.02)
                probability[twin] = max(probability.get(twin, 0.0), 1.0 - posterior.probability[group], 0.3)
    small = runs < _FEW_RUNS or float((cells.n > 0).sum()) < 1 or _jobs(cells) < _FEW_JOBS
    if small:
        sure = _OVERWHELMING if runs >= _FEW_RUNS else 1.1
        probability = {g: p if p >= sure else min(p, GUILTY) for g, p in probability.items()}
    return _verdict(probability, tuple(twins), small, posterior)


def _jobs(cells: Cells) -> float:
    return float(np.ceil(cells.n.sum()))


def _verdict(
    probability: dict[Group, float], twins: tuple[tuple[Group, Group], ...], small: bool, posterior: Posterior
) -> Decision:
    guilty = tuple(sorted((g for g, p in probability.items() if p > GUILTY), key=lambda g: -probability[g]))
    nobody = float(posterior.weights[[len(s) == 0 for s in posterior.subsets]].sum())
    if guilty:
        return Decision(guilty[0][0], guilty, probability[guilty[0]], probability, twins, small)
    if small or twins or nobody < 1 - _OPEN:
        top = max(probability.values(), default=0.0)
        sure = 0.9 if small or twins else max(min(1 - abs(2 * nobody - 1), 1.0), 1 - max(top, nobody))
        return Decision("insufficient-evidence", (), float(sure), probability, twins, small)
    return Decision("flakiness", (), nobody, probability, twins, small)


def _twin(posterior: Posterior, group: Group) -> Group | None:
    """Another suspect that explains the same failures as well, when nothing is read but who was exposed."""
    index = posterior.best_variant(group)
    if index is None:
        return None
    subset = next(s for s in posterior.subsets if index in s)
    rivals = [r for r in range(len(posterior.suspects)) if posterior.suspects[r].group not in
              {posterior.suspects[i].group for i in subset} and _may_stand_in(posterior, index, r)]  # fmt: skip
    if not rivals:
        return None
    observed = posterior.observed.blind()
    pool = replace(posterior.pool, kills=np.ones_like(posterior.pool.kills))
    place = subset.index(index)
    swapped = [[*subset[:place], r, *subset[place + 1 :]] for r in rivals]
    bounds = fit(observed, pool, np.array([list(subset), *swapped], np.int64)).bound
    told = fit(posterior.observed, posterior.pool, np.array([list(subset), *swapped], np.int64)).bound
    close = [(bounds[0] - bounds[k + 1], r) for k, r in enumerate(rivals)
             if bounds[0] - bounds[k + 1] < _TWIN_NATS and told[0] - told[k + 1] < _TWIN_SURE]  # fmt: skip
    return posterior.suspects[min(close)[1]].group if close else None


def _may_stand_in(posterior: Posterior, index: int, rival: int) -> bool:
    """Whether only exposure can part these two: a version may write anything, and so may a merge that brings it.

    What was fitted to the failures afterwards (a version from some day on) is nobody's twin.
    """
    mine, other = posterior.suspects[index], posterior.suspects[rival]
    if other.variant == LATE:
        return False
    return mine.cause in _VERSIONED or (mine.cause == "code-change" and other.cause in _VERSIONED)
