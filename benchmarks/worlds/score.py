"""Is a verdict right? A verdict document beside the truth of its world.

In: a world, the verdict document. Out: a `Score`.

What counts: *right* is a verdict among the accepted ones with every guilty party named and nobody else (those that a
world tolerates may be named beside them); *undecided* is insufficient-evidence where the truth could be found; all else
is *wrong*. An *innocent action is blamed* when the `guilty` list holds an action version that is none; a *guilty one is
acquitted* when a guilty action version is not in it and the verdict is not insufficient-evidence.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.worlds.setup import Guilty
from benchmarks.worlds.world import World


@dataclass(frozen=True)
class Score:
    """One verdict, judged."""

    family: str
    seed: int
    size: str
    asked: bool
    outcome: str
    verdict: str
    named: tuple[str, ...]
    truth: tuple[str, ...]
    blamed_action: bool
    blamed_any: bool
    acquitted_action: bool
    acquitted_any: bool
    question_probability: float
    question_truth: int
    suspects: tuple[tuple[str, float, int], ...]
    covered: tuple[tuple[str, float, float, float, float, bool], ...]
    seconds: float
    requests: int
    error: str = ""

    def row(self) -> dict[str, Any]:
        return asdict(self)


def score(world: World, document: dict[str, Any], *, asked: bool, seconds: float, requests: int) -> Score:
    """Judge a verdict document."""
    named = tuple(document["guilty"])
    missing = [g for g in world.guilty if not any(g.is_named_by(n) for n in named)]
    allowed = [*world.guilty, *world.tolerated]
    extra = [n for n in named if not any(g.is_named_by(n) for g in allowed)]
    verdict = document["verdict"]
    if verdict in world.accepted and not missing and (not extra or verdict == "insufficient-evidence"):
        outcome = "right"
    else:
        outcome = "undecided" if verdict == "insufficient-evidence" else "wrong"
    undecided = verdict == "insufficient-evidence"
    probability, truth = _question(world, document)
    return Score(
        family=world.family,
        seed=world.seed,
        size=world.size,
        asked=asked,
        outcome=outcome,
        verdict=verdict,
        named=named,
        truth=tuple(f"{g.cause}:{g.names[0]}" for g in world.guilty),
        blamed_action=any(n.startswith("action-version:") for n in extra),
        blamed_any=bool(extra),
        acquitted_action=not undecided and any(g.cause == "action-version" for g in missing),
        acquitted_any=not undecided and bool(missing),
        question_probability=probability,
        question_truth=truth,
        suspects=tuple(_suspects(allowed, document)),
        covered=tuple(_coverage(world, document)),
        seconds=seconds,
        requests=requests,
    )


def failed(world: World, error: str, *, asked: bool, requests: int) -> Score:
    """A case in which the judge raised."""
    truth = tuple(f"{g.cause}:{g.names[0]}" for g in world.guilty)
    return Score(
        world.family, world.seed, world.size, asked, "error", "error", (), truth, False, False, False, False,
        0.0, 0, (), (), 0.0, requests, error,
    )  # fmt: skip


def _suspects(guilty: list[Guilty], document: dict[str, Any]) -> list[tuple[str, float, int]]:
    rows = []
    for cause in document["causes"]:
        name = f"{cause['cause']}:{cause['name']}"
        if cause["cause"] in ("flakiness", "insufficient-evidence"):
            continue
        rows.append((name, float(cause["probability"]), int(any(g.is_named_by(name) for g in guilty))))
    return rows


def _question(world: World, document: dict[str, Any]) -> tuple[float, int]:
    """Probability that the questioned new version is guilty, and whether it is."""
    if world.question is None:
        return 0.0, 0
    name = f"action-version:{world.question.action}@{world.question.new}"
    found = [c["probability"] for c in document["causes"] if f"{c['cause']}:{c['name']}".startswith(name)]
    return max(found, default=0.0), int(any(g.is_named_by(name) for g in world.guilty))


def _coverage(world: World, document: dict[str, Any]) -> list[tuple[str, float, float, float, float, bool]]:
    """(what, truth, estimate, low, high, inside) for failures that guilty parties explain, and for the roll-back."""
    rows = []
    for cause in document["causes"]:
        name = f"{cause['cause']}:{cause['name']}"
        for g in world.guilty:
            if g.is_named_by(name) and cause["probability"] > 0.5:
                rows.append(
                    _inside("explained", world.killed.get(g.simulated, 0), cause["failures_explained"], cause["ci"])
                )
    rollback = document.get("counterfactuals", {}).get("rollback") or {}
    if rollback.get("ci") and world.question is not None:
        tag = f"{world.question.action}@{world.question.new}"
        killed = world.killed.get(f"action-version:{tag}", 0)
        rows.append(_inside("rollback", killed, rollback["avoided"], rollback["ci"]))
    return rows


def _inside(what: str, truth: float, estimate: Any, ci: Any) -> tuple[str, float, float, float, float, bool]:
    low, high = float(ci[0]), float(ci[1])
    return what, float(truth), float(estimate), low, high, low <= truth <= high
