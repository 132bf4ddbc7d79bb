"""What the bench counts as right, wrong and undecided."""

from typing import Any

import pytest

from benchmarks.judge_bench import brier, expected_calibration_error
from benchmarks.worlds.score import score
from benchmarks.worlds.world import World, make_world


@pytest.fixture(scope="module")
def outage() -> World:
    return make_world("short-outage", 2, "small")


def told(verdict: str, *guilty: str) -> dict[str, Any]:
    causes = [
        {"cause": g.partition(":")[0], "name": g.partition(":")[2], "probability": 0.9, "failures_explained": 5.0,
         "ci": [4.0, 6.0]}
        for g in guilty
    ]  # fmt: skip
    return {"verdict": verdict, "guilty": list(guilty), "causes": causes}


def outcome(world: World, document: dict[str, Any]) -> str:
    return score(world, document, asked=True, seconds=0, requests=0).outcome


def test_naming_the_guilty_and_nobody_else_is_right(outage: World) -> None:
    assert outcome(outage, told("service", "service:docker-hub")) == "right"


def test_a_false_party_beside_the_true_one_is_wrong_and_counts_as_blame(outage: World) -> None:
    assert outage.question is not None
    innocent = f"action-version:{outage.question.action}@{outage.question.new}"
    found = score(outage, told("service", "service:docker-hub", innocent), asked=True, seconds=0, requests=0)
    assert (found.outcome, found.blamed_action, found.acquitted_any) == ("wrong", True, False)


def test_not_enough_evidence_where_the_truth_could_be_found_is_undecided(outage: World) -> None:
    assert outcome(outage, told("insufficient-evidence")) == "undecided"


def test_another_service_is_wrong(outage: World) -> None:
    assert outcome(outage, told("service", "service:ghcr")) == "wrong"


def test_one_of_two_guilty_parties_is_not_enough() -> None:
    world = make_world("outage-and-regression", 2, "small")
    version = world.guilty[0].simulated
    assert outcome(world, told("service", "service:docker-hub")) == "wrong"
    assert outcome(world, told("action-version", version, "service:docker-hub")) == "right"


def test_a_dozen_runs_are_insufficient_evidence() -> None:
    world = make_world("a-dozen-runs", 0, "normal")
    assert outcome(world, told("insufficient-evidence")) == "right"
    assert outcome(world, told("flakiness")) == "wrong"


def test_brier_and_calibration_are_nought_for_a_prophet_and_not_for_a_coward() -> None:
    prophet, coward = [(1.0, 1), (0.0, 0)], [(0.5, 1), (0.5, 1)]
    assert brier(prophet) == expected_calibration_error(prophet) == 0
    assert brier(coward) == pytest.approx(0.25)
    assert expected_calibration_error(coward) == pytest.approx(0.5)
