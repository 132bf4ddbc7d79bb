"""What would have helped: failures avoided by rolling back, retrying, pinning, mirroring or waiting.

In: cells, the averaged judgement and the decision. Out: for each remedy the failures it would have avoided, a 95 %
interval from draws of the posterior, and the minutes. All come from the fitted model: a suspect's share of each
failure, its rate of killing, and how often reruns of its failures passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Cells
from analysis.diagnose.likelihood import Fit, fit
from analysis.diagnose.search import RERUN, Posterior
from analysis.diagnose.verdict import Decision

Floats = npt.NDArray[np.float64]
Group = tuple[str, str]

_DRAWS = 400
_MIRRORED = frozenset({"docker-hub", "ghcr", "ecr-public", "gar", "mcr", "quay", "other-registry"})
_MIRROR_WORKS = (18.0, 2.0)


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


@dataclass(frozen=True)
class Attribution:
    """Who killed what, in the best subset that holds the guilty.

    Attributes
    ----------
    members : tuple of (cause, name)
    share : (members + 1, failing cells) float
        Posterior share; the last row is the background.
    jobs : (failing cells,) float
        Failed jobs in each failing cell, unweighted.
    """

    members: tuple[Group, ...]
    share: Floats
    jobs: Floats
    fitted: Fit
    subset: tuple[int, ...]


def attribute(posterior: Posterior, jobs_in_cell: Floats) -> Attribution:
    """The most probable subset, with each member's share of each failing cell."""
    subset = posterior.subsets[0]
    fitted = fit(posterior.observed, posterior.pool, np.array([subset], np.int64).reshape(1, len(subset)))
    members = tuple(posterior.suspects[i].group for i in subset)
    return Attribution(members, fitted.share[0], jobs_in_cell[posterior.failing], fitted, subset)


def explained(attribution: Attribution, group: Group, rng: np.random.Generator) -> tuple[float, tuple[float, float]]:
    """Failed jobs that a suspect accounts for, with a 95 % interval."""
    if group not in attribution.members:
        return 0.0, (0.0, 0.0)
    share = attribution.share[attribution.members.index(group)]
    draws = _draw(attribution.jobs, share, rng)
    return float(share @ attribution.jobs), _interval(draws)


def counterfactuals(
    cells: Cells, posterior: Posterior, attribution: Attribution, decision: Decision, minutes: Floats,
    rng: np.random.Generator,
) -> Mapping[str, Saved | None]:  # fmt: skip
    """What each remedy would have avoided.

    Parameters
    ----------
    cells : Cells
    posterior : Posterior
    attribution : Attribution
    decision : Decision
    minutes : (cells,) float
        Mean minutes of the jobs of each cell.
    rng : Generator

    Returns
    -------
    mapping
        rollback, retry_once, retry_twice, pin, mirror, wait. None where the remedy does not apply.
    """
    cost = minutes[posterior.failing]
    versioned = {"action-version", "tool-version", "runner-image"}
    kinds = [g[0] for g in attribution.members]
    held = {"rollback": {"action-version"}, "pin": versioned, "service": {"service", "rate-limit"}}
    rows = {k: [i for i, kind in enumerate(kinds) if kind in causes] for k, causes in held.items()}
    ones = np.ones(_DRAWS)
    mirrored = [i for i in rows["service"] if attribution.members[i][1] in _MIRRORED
                and posterior.suspects[attribution.subset[i]].operations != frozenset({"push"})]  # fmt: skip
    once, twice = _retries(posterior, attribution, rng)
    everyone = list(range(len(attribution.share)))
    return {
        "rollback": _saved(attribution, rows["rollback"], ones, cost, rng),
        "retry_once": _saved(attribution, everyone, once, cost, rng),
        "retry_twice": _saved(attribution, everyone, twice, cost, rng),
        "pin": _saved(attribution, rows["pin"], ones, cost, rng),
        "mirror": _saved(attribution, mirrored, rng.beta(*_MIRROR_WORKS, _DRAWS), cost, rng) if mirrored else None,
        "wait": _saved(attribution, rows["service"], ones, cost, rng) if rows["service"] else None,
    }


def _retries(posterior: Posterior, attribution: Attribution, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draws of each member's success of one retry and of two: (members + 1, draws).

    Two retries within an outage are not independent: the second one's success, given that the first failed, is the
    first one's success of a member drawn anew around a lower mean (Polya's urn of the same Beta).
    """
    observed, pool = posterior.observed, posterior.pool
    rerun = observed.marks[RERUN]
    again = np.stack([rerun == 0, rerun == 1], axis=1) * attribution.jobs[:, None]
    seen = attribution.share @ again
    prior = np.vstack([pool.marks[RERUN][list(attribution.subset)].reshape(-1, 2), observed.base_marks[RERUN][:1]])
    beta = prior + seen
    once = rng.beta(beta[:, :1], beta[:, 1:], (len(beta), _DRAWS))
    size = np.minimum(beta.sum(1, keepdims=True), 4.0)
    second = once * size / (size + 1.0)
    return once, once + (1 - once) * second


def _saved(
    attribution: Attribution, members: list[int], success: Floats, cost: Floats, rng: np.random.Generator
) -> Saved:
    rows = np.asarray(members, np.int64)
    if len(rows) == 0 or len(attribution.jobs) == 0:
        return Saved(0.0, (0.0, 0.0), 0.0)
    chance = np.broadcast_to(success, (len(rows), _DRAWS)) if success.ndim == 1 else success[rows]
    mean = chance.mean(1)
    by_cell = (attribution.share[rows] * mean[:, None]).sum(0)
    draws = sum((_draw(attribution.jobs, attribution.share[r], rng, chance[k]) for k, r in enumerate(rows)),
                np.zeros(_DRAWS))  # fmt: skip
    return Saved(float(by_cell @ attribution.jobs), _interval(draws), float(by_cell @ (attribution.jobs * cost)))


def _draw(jobs: Floats, share: Floats, rng: np.random.Generator, success: Floats | None = None) -> Floats:
    """Draws of how many failures a member caused (and a remedy would have avoided): a normal sum of Bernoullis."""
    mean, spread = float(jobs @ share), float(np.sqrt(jobs @ (share * (1 - share))))
    caused = np.clip(rng.normal(mean, spread + 1e-9, _DRAWS), 0.0, jobs.sum())
    if success is None:
        return caused
    avoided: Floats = np.minimum(rng.binomial(np.round(caused).astype(np.int64), np.clip(success, 0, 1)), caused)
    return avoided


def _interval(draws: Floats) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
