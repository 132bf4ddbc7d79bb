"""What would have helped: failures avoided by rolling back, retrying, pinning, mirroring or waiting.

In: who killed which job in each draw of the posterior (`attribution.py`), and the question. Out: for each remedy the
failures it would have avoided, a 95 % interval and the minutes. Every remedy counts the same draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.diagnose.attribution import Attribution, Group
from analysis.diagnose.search import Posterior
from analysis.diagnose.suspects import SOFTWARE, Question

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_MIRRORED = frozenset({"docker-hub", "ghcr", "ecr-public", "gar", "mcr", "quay", "other-registry"})
_MIRROR_WORKS = (18.0, 2.0)
_TRANSIENT = frozenset({"service", "rate-limit"})
_URN = 4.0


@dataclass(frozen=True)
class Saved:
    """Failures avoided.

    Attributes
    ----------
    avoided : float
        Posterior mean, in failed jobs.
    ci : (float, float)
        95 % interval.
    minutes : float
        Job minutes that the avoided failures had cost.
    """

    avoided: float
    ci: tuple[float, float]
    minutes: float


def explained(attribution: Attribution, group: Group) -> tuple[float, tuple[float, float]]:
    """Failed jobs that a suspect accounts for, with a 95 % interval."""
    killed = attribution.killed_by({group}).sum(1)
    return float(killed.mean()), _interval(killed)


def counterfactuals(
    posterior: Posterior, attribution: Attribution, minutes: Floats, question: Question | None, rng: np.random.Generator
) -> Mapping[str, Saved | None]:
    """What each remedy would have avoided.

    Parameters
    ----------
    posterior : Posterior
    attribution : Attribution
    minutes : (failing cells,) float
        Mean minutes of the jobs of each failing cell.
    question : Question or None
        The upgrade that a roll-back would undo; every guilty action version where none is asked about.
    rng : Generator

    Returns
    -------
    mapping
        rollback, retry_once, retry_twice, pin, mirror, wait. None where the remedy does not apply.
    """
    cost = minutes[attribution.cell]
    versions = {g for g in attribution.members if g[0] in SOFTWARE}
    actions = {g for g in versions if g[0] == "action-version"}
    asked = {("action-version", f"{question.action}@{question.new}")} if question and question.new else actions
    services = {g for g in attribution.members if g[0] in _TRANSIENT}
    mirrored = {g for g in services if g[1] in _MIRRORED and not _pushes(posterior, g)}
    waited = attribution.killed_by(services)
    once, twice = _retried(attribution.passes, rng)
    works = rng.beta(*_MIRROR_WORKS, (len(attribution.killer), 1))
    pulled = attribution.killed_by(mirrored)
    served = rng.random(pulled.shape) < works
    return {
        "rollback": _saved(attribution.killed_by(asked), cost),
        "retry_once": _saved(once, cost),
        "retry_twice": _saved(twice, cost),
        "pin": _saved(attribution.killed_by(versions), cost),
        "mirror": _saved(pulled & served, cost) if pulled.any() else None,
        "wait": _saved(waited, cost) if waited.any() else None,
    }


def _pushes(posterior: Posterior, group: Group) -> bool:
    """Whether a service is at fault in pushes alone, which no mirror takes."""
    best = posterior.best_variant(group)
    return best is not None and posterior.suspects[best].operations == frozenset({"push"})


def _retried(passes: Floats, rng: np.random.Generator) -> tuple[Bools, Bools]:
    """Which jobs one retry turns green, and which two: (D, J) each.

    Two retries within an outage are not independent: an outage that beat the first beats the second more often
    (Polya's urn).
    """
    once = rng.random(passes.shape) < passes
    second = rng.random(passes.shape) < passes * _URN / (_URN + 1.0)
    return once, once | second


def _saved(avoided: Bools, cost: Floats) -> Saved:
    counts = avoided.sum(1)
    return Saved(float(counts.mean()), _interval(counts), float((avoided.mean(0) * cost).sum()))


def _interval(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    return float(np.quantile(counts, 0.025, method="lower")), float(np.quantile(counts, 0.975, method="higher"))
