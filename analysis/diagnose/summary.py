"""The verdict in one or two plain sentences, and the values that the longer texts quote.

In: the verdict document as far as it is filled, and the judgement. Out: text.
"""

from __future__ import annotations

from typing import Any

from analysis.diagnose.facts import percent
from analysis.diagnose.judge import Judgement
from analysis.diagnose.suspects import Question
from analysis.store import Store


def summary(document: dict[str, Any], judgement: Judgement, asked: Question | None) -> str:
    scope, decision = document["scope"], judgement.decision
    counts = f"{scope['failed_jobs']} of {scope['jobs']} jobs failed in {scope['repos']} repositories"
    if decision.guilty:
        by = {f"{c['cause']}:{c['name']}": c for c in document["causes"]}
        parts = [_accounts(by[f"{cause}:{name}"]) for cause, name in decision.guilty]
        first = f"{counts}; {' and '.join(parts)}."
    elif decision.verdict == "flakiness":
        first = f"{counts}, which is no more than the usual background explains."
    else:
        first = f"{counts}; the evidence does not say why: {_reason(judgement)}."
    if asked is None or asked.new is None:
        return first
    odds = decision.probability.get(("action-version", f"{asked.action}@{asked.new}"), 0.0)
    decided = decision.verdict != "insufficient-evidence"
    word = "guilty" if odds > 0.5 else "innocent" if odds < 0.2 and decided else "open"
    return f"{first} {asked.action}@{asked.new}: {word}, probability of guilt {percent(odds)}."


def _accounts(cause: dict[str, Any]) -> str:
    kind = cause["cause"].replace("-", " ")
    return (f"{cause['name']} ({kind}, {percent(cause['probability'])}) accounts for about "
            f"{cause['failures_explained']:.0f}")  # fmt: skip


def values(store: Store, document: dict[str, Any], judgement: Judgement, asked: Question | None) -> dict[str, str]:
    values = {"reason": _reason(judgement), "next": "\n".join(f"# {e['statement']}" for e in document["next_evidence"])}
    mine = f"{asked.action}@{asked.new}" if asked else ""
    odds = [c["probability"] for c in document["causes"] if c["name"] == mine]
    values["p_asked"] = percent(odds[0] if odds else 0.0)
    guilty = judgement.decision.guilty
    leading = judgement.posterior.best_variant(guilty[0]) if guilty else None
    if leading is not None:
        suspect = judgement.posterior.suspects[leading]
        if suspect.start is not None and suspect.end is not None:
            values["hours"] = f"{(suspect.end - suspect.start) / 3600:.1f} hours"
    if guilty and guilty[0][0] == "action-version":
        action, version_ = guilty[0][1].split("@", 1)
        moves = [c["from"] for c in document["changes"] if (c["name"], c["to"]) == (action, version_)]
        values["old"] = (asked.old if asked and asked.action == action and asked.new == version_ else None) or (
            moves[0] if moves else "the version before"
        )
        values["old_sha"] = _sha(store, action, values["old"])
        lead = document["causes"][0]
        values["evidence"] = "\n".join(f"- {e['statement']}" for e in lead["evidence"][:4])
    return values


def _sha(store: Store, action: str, version_: str) -> str:
    releases = store.read("releases")
    plain = version_.removeprefix("v")
    found = releases[(releases["action"] == action) & (releases["tag"].astype(str).str.removeprefix("v") == plain)]
    return str(found["sha"].iloc[0]) if len(found) and found["sha"].iloc[0] else "COMMIT_OF_THAT_RELEASE"


def _reason(judgement: Judgement) -> str:
    decision = judgement.decision
    if decision.twins:
        a, b = decision.twins[0]
        return f"{a[1]} and {b[1]} met the same jobs"
    if decision.small:
        return "there are too few comparable jobs"
    ranked = sorted(decision.probability, key=lambda g: -decision.probability[g])
    named = " and ".join(f"{g[1]} ({percent(decision.probability[g])})" for g in ranked[:2])
    return f"no suspect stands out; closest are {named}" if named else "no suspect stands out"
