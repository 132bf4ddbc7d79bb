"""The verdict in one sentence, from the verdict document alone, in the reader's language."""

from __future__ import annotations

from typing import Any

from analysis.charts.words import chance
from analysis.report.texts import Texts


def headline(verdict: dict[str, Any], texts: Texts) -> str:
    """``Almost certainly Docker Hub, not the upgrade: 97 %``."""
    found = str(verdict["verdict"])
    guilty = [c for c in verdict["causes"] if f"{c['cause']}:{c['name']}" in verdict["guilty"]]
    if len(guilty) > 1 and found in {c["cause"] for c in guilty}:
        names = [texts("headline.named", name=suspect(c, texts), p=chance(c["probability"])) for c in guilty]
        return texts("headline.several", n=len(guilty), names=texts("headline.join").join(names))
    odds = texts.odds(verdict["confidence"])
    named = guilty[0] if guilty else next((c for c in verdict["causes"] if c["cause"] == found), None)
    values = {
        "Odds": odds[:1].upper() + odds[1:],
        "p": chance(verdict["confidence"]),
        "name": suspect(named, texts) if named else texts(f"causes.{found}") if found in CAUSES else "",
    }
    acquitted = verdict.get("question") and (asked_probability(verdict) or 0.0) < 0.2
    return texts("headline.service_not_upgrade" if found == "service" and acquitted else f"headline.{found}", **values)


CAUSES = (
    "action-version", "tool-version", "service", "runner-image", "code-change", "configuration", "rate-limit",
    "flakiness",
)  # fmt: skip


def asked(verdict: dict[str, Any], question: tuple[str, str, str] | None, texts: Texts) -> str:
    """What the judge says about the upgrade in question; empty where nobody asked about one."""
    if question is None or not (verdict.get("question") or {}).get("action"):
        return ""
    action, old, new = question
    p = asked_probability(verdict, question)
    if p is None:
        return texts("asked.unnamed", action=action, old=old, new=new)
    kind = "guilty" if p > 0.5 else "open" if p > 0.2 else "innocent"
    return texts(f"asked.{kind}", action=action, old=old, new=new, odds=texts.odds(p), p=chance(p))


def asked_probability(verdict: dict[str, Any], question: tuple[str, str, str] | None = None) -> float | None:
    """The highest probability of a suspect that is the upgrade in question; None where it is no suspect."""
    asked_for = verdict.get("question") or {}
    action, new = (question[0], question[2]) if question else (asked_for.get("action"), asked_for.get("new"))
    mine = [
        float(c["probability"])
        for c in verdict["causes"]
        if c["cause"] == "action-version" and c["name"].split("@")[0] == action
        and (not new or c["name"].partition("@")[2].split(" ")[0] == new)
    ]  # fmt: skip
    return max(mine, default=None)


def suspect(cause: dict[str, Any], texts: Texts) -> str:
    """A suspect as people call it: ``Docker Hub``, ``docker/build-push-action 6.11.0``."""
    name = str(cause["name"])
    if cause["cause"] in ("service", "rate-limit"):
        head, _, rest = name.partition(" ")
        return " ".join(part for part in (texts.words.service(head), rest) if part)
    return name.replace("@", " ", 1) if name else texts(f"causes.{cause['cause']}")
