"""Does the verdict stand when a part of the evidence is taken away?

In: cells, the averaged judgement and the decision. Out: one `Refit` for each thing taken away. A verdict that moves
is reported as moved and loses confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.diagnose.cells import Cells
from analysis.diagnose.search import Posterior, judge
from analysis.diagnose.suspects import Suspect
from analysis.diagnose.verdict import GUILTY, Decision, Group

_MOST_SUSPECTS = 14
_DOUBT = 0.03


@dataclass(frozen=True)
class Refit:
    """One refit.

    Attributes
    ----------
    without : str
        What was taken away, in plain words.
    probability : float
        Of the leading suspect, in the refit.
    moved : bool
        Whether the leading suspect fell to the other side of one half.
    """

    without: str
    probability: float
    moved: bool


def refits(cells: Cells, posterior: Posterior, decision: Decision) -> list[Refit]:
    """Refit on observed exposures only, without the texts, without the largest repository, with a tenth of the prior.

    Parameters
    ----------
    cells : Cells
    posterior : Posterior
    decision : Decision

    Returns
    -------
    list of Refit
        Empty where no suspect leads.
    """
    if not decision.probability:
        return []
    leading = max(decision.probability, key=lambda g: decision.probability[g])
    before = posterior.probability.get(leading, 0.0)
    rest = _contenders(posterior, leading)
    largest = int(np.argmax(np.bincount(cells.repo, weights=cells.n))) if cells.size else 0
    seen = replace(cells, n=np.where(cells.observed | cells.failed, cells.n, 0.0))
    others = replace(cells, n=np.where(cells.repo == largest, 0.0, cells.n))
    tried = [("the exposures that were inferred", _refit(seen, rest, leading)),
             ("the texts of the logs", _refit(cells, rest, leading, read_texts=False))]  # fmt: skip
    if len(cells.repo_names) > 1:
        tried.append((f"the largest repository ({cells.repo_names[largest]})", _refit(others, rest, leading)))
    tried.append(("nine tenths of its prior", _with_less_prior(posterior, leading)))
    return [Refit(words, p, (p > GUILTY) != (before > GUILTY)) for words, p in tried]


def doubted(confidence: float, found: Sequence[Refit]) -> float:
    """The confidence that is left after the refits."""
    return confidence * (1.0 - _DOUBT) ** sum(r.moved for r in found)


def _contenders(posterior: Posterior, leading: Group) -> list[Suspect]:
    held: dict[int, float] = {}
    for subset, weight in zip(posterior.subsets, posterior.weights, strict=True):
        for index in subset:
            held[index] = held.get(index, 0.0) + float(weight)
    best = sorted(held, key=lambda i: -held[i])[:_MOST_SUSPECTS]
    mine = [i for i in held if posterior.suspects[i].group == leading][:3]
    return [posterior.suspects[i] for i in dict.fromkeys([*mine, *best])]


def _refit(cells: Cells, suspects: list[Suspect], leading: Group, read_texts: bool = True) -> float:
    if not (cells.failed & (cells.n > 0)).any():
        return 0.0
    return judge(cells, suspects, read_texts, most=3).probability.get(leading, 0.0)


def _with_less_prior(posterior: Posterior, leading: Group) -> float:
    inside = np.array([any(posterior.suspects[i].group == leading for i in s) for s in posterior.subsets])
    weights = posterior.weights * np.where(inside, 0.1, 1.0)
    return float(weights[inside].sum() / weights.sum())
