"""From odds to a verdict: who is guilty, and whether the data can say so at all.

In: cells and the averaged judgement. Out: a `Decision`. Before anyone is convicted it is asked whether another
suspect was exposed in the same jobs (a twin: nothing but its text parts the two), whether exposed and unexposed jobs
stand side by side, and whether there is enough data to say anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Cells
from analysis.diagnose.positivity import UNNAMED, twin
from analysis.diagnose.search import Posterior

Floats = npt.NDArray[np.float64]
Group = tuple[str, str]

GUILTY = 0.5
_FEW_JOBS = 60
_FEW_RUNS = 25
_OVERWHELMING = 0.995
_OPEN = 0.4
_NAMED = 1.5


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
    probability = _named(cells, posterior)
    twins: list[tuple[Group, Group]] = []
    for group in sorted(probability, key=lambda g: -probability[g]):
        if probability[group] > GUILTY:
            other = twin(cells, posterior, group)
            if other is not None:
                twins.append((group, other))
                probability[group] = min(probability[group], GUILTY - 0.02)
                probability[other] = max(probability.get(other, 0.0), 1.0 - posterior.probability[group], 0.3)
    small = runs < _FEW_RUNS or float((cells.n > 0).sum()) < 1 or _jobs(cells) < _FEW_JOBS
    if small:
        sure = _OVERWHELMING if runs >= _FEW_RUNS else 1.1
        probability = {g: p if p >= sure else min(p, GUILTY) for g, p in probability.items()}
    return _verdict(probability, tuple(twins), small, posterior)


def _named(cells: Cells, posterior: Posterior) -> dict[Group, float]:
    """The odds, with an unnamed service's added to those of the service that failures inside its window name."""
    probability = dict(posterior.probability)
    index = posterior.best_variant(UNNAMED)
    if index is None:
        return probability
    window = posterior.suspects[index].exposed > 0.5
    named = {}
    for group in probability:
        if group[0] == "service" and group != UNNAMED:
            own = [k for k, c in enumerate(cells.classes) if c.component == group[1]]
            named[group] = float(cells.n[window & cells.failed & np.isin(cells.text, own)].sum())
    best = max(named, key=lambda g: named[g], default=None)
    if best is not None and named[best] >= _NAMED and probability[best] >= 0.1:
        probability[best] = min(probability[best] + probability.pop(UNNAMED), 1.0)
    return probability


def _jobs(cells: Cells) -> float:
    return float(np.ceil(cells.n.sum()))


def _accountable(probability: dict[Group, float], posterior: Posterior) -> dict[Group, float]:
    """The odds, with nobody convicted beside the best account of the history who has no failure in it.

    Such a suspect owes its odds to many weak variants, each of which may explain a failure or two: none of them is
    needed once those that lead have taken theirs.
    """
    best = {posterior.suspects[i].group for i in posterior.subsets[0]}
    if not any(probability.get(group, 0.0) > GUILTY for group in best):
        return probability
    return {g: p if g in best else min(p, GUILTY - 0.02) for g, p in probability.items()}


def _verdict(
    probability: dict[Group, float], twins: tuple[tuple[Group, Group], ...], small: bool, posterior: Posterior
) -> Decision:
    probability = _accountable(probability, posterior)
    guilty = tuple(sorted((g for g, p in probability.items() if p > GUILTY), key=lambda g: -probability[g]))
    nobody = float(posterior.weights[[len(s) == 0 for s in posterior.subsets]].sum())
    if guilty:
        return Decision(guilty[0][0], guilty, probability[guilty[0]], probability, twins, small)
    if small or twins or nobody < 1 - _OPEN:
        top = max(probability.values(), default=0.0)
        sure = 0.9 if small or twins else max(min(1 - abs(2 * nobody - 1), 1.0), 1 - max(top, nobody))
        return Decision("insufficient-evidence", (), float(sure), probability, twins, small)
    return Decision("flakiness", (), nobody, probability, twins, small)
