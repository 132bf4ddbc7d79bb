"""What to run or collect next, and how often, to decide.

In: cells, the judgement and what is missing from the data. Out: items of the verdict document's `next_evidence`,
the cheapest first. Runs are those that a comparison of two shares needs for 90 % power at the estimated effect.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from analysis.diagnose.attribution import Attribution
from analysis.diagnose.search import Posterior
from analysis.diagnose.suspects import Question
from analysis.diagnose.verdict import Decision, Group

POWER = 0.9
_LEVEL = 0.05
_FEWEST = 5


def runs_for_power(rate: float, background: float, power: float = POWER, level: float = _LEVEL) -> int:
    """Runs of each arm that tell two shares of failures apart (arcsine transform, two-sided).

    Parameters
    ----------
    rate, background : float
        Shares of failures in the two arms.
    power, level : float

    Returns
    -------
    int
        At least 5.
    """
    arms = np.arcsin(np.sqrt(np.clip([rate, background], 0.0, 1.0)))
    effect = 2 * abs(float(arms[0] - arms[1]))
    if effect < 1e-6:
        return 10_000
    needed = 2 * ((ndtri(1 - level / 2) + ndtri(power)) / effect) ** 2
    return int(max(np.ceil(needed), _FEWEST))


def next_evidence(
    posterior: Posterior, attribution: Attribution, decision: Decision, question: Question | None, unread: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """The next steps, the cheapest first.

    Parameters
    ----------
    posterior : Posterior
    attribution : Attribution
    decision : Decision
    question : Question or None
    unread : int
        Failed jobs whose log was not read.

    Returns
    -------
    list of dict
        `statement`, `runs_needed`, `power`.
    """
    found: list[dict[str, Any]] = []
    background = _background(posterior)
    if unread:
        found.append(_item(f"read the logs of the {unread} failed jobs that were not read: collect again with a larger "
                           "--budget", None))  # fmt: skip
    for group in _open(decision):
        rate = max(_rate(posterior, attribution, group), 3 * background, 0.2)
        found.append(_experiment(group, min(rate, 0.95), background, question))
    for a, b in decision.twins:
        found.append(_item(f"{_plain(a)} and {_plain(b)} met the same jobs: run one of them without the other on the "
                           "same commit", 2 * runs_for_power(0.6, background)))  # fmt: skip
    if not found and question is not None and question.old and question.new:
        rate = max(3 * background, 0.2)
        found.append(_experiment(("action-version", f"{question.action}@{question.new}"), rate, background, question))
    if decision.small:
        found.append(_item("collect a longer window or more repositories that use the same services: fewer than sixty "
                           "comparable jobs decide nothing", None))  # fmt: skip
    return found[:6]


def _open(decision: Decision) -> list[Group]:
    """Suspects between doubt and certainty, and the leading one where nobody is guilty."""
    ranked = sorted(decision.probability, key=lambda g: -decision.probability[g])
    return [g for g in ranked if 0.1 < decision.probability[g] < 0.95][:3]


def _experiment(group: Group, rate: float, background: float, question: Question | None) -> dict[str, Any]:
    cause, name = group
    runs = runs_for_power(rate, background)
    if cause == "action-version":
        action, new = name.split("@", 1)
        old = question.old if question and question.action == action and question.new == new else None
        other = f"with {old}" if old else "with the version before"
        words = (f"run {new} of {action} and the same job {other} side by side on one commit, {runs} runs of each "
                 f"(actions-incident experiment --action {action} --old {old or 'OLD'} --new {new})")  # fmt: skip
        return _item(words, 2 * runs)
    if cause in ("tool-version", "runner-image"):
        return _item(f"pin the version before {name} in one job and leave another as it is, on one commit", 2 * runs)
    if cause in ("service", "rate-limit"):
        return _item(f"probe {name} from the runners (actions-incident probe {name} --workflow probe.yml) and rerun "
                     "failed jobs unchanged: passes speak for the service", runs)  # fmt: skip
    return _item(f"rerun the last green commit of {name}, unchanged: a failure acquits its later commits", runs)


def _rate(posterior: Posterior, attribution: Attribution, group: Group) -> float:
    if group in attribution.members:
        return float(attribution.rate[attribution.members.index(group)])
    return 0.5


def _background(posterior: Posterior) -> float:
    a, b = posterior.observed.base[0] if len(posterior.observed.base) else (1.0, 20.0)
    return float(np.clip(a / (a + b), 0.01, 0.5))


def _plain(group: Group) -> str:
    return f"{group[0].replace('-', ' ')} {group[1]}"


def _item(statement: str, runs: int | None) -> dict[str, Any]:
    return {"statement": statement, "runs_needed": runs, "power": POWER if runs else None}
