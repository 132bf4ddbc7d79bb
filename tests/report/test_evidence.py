"""A line of evidence: its side, and its numbers in their own unit."""

from typing import Any

import pytest

from analysis.report.evidence import line
from analysis.report.texts import Texts

EN = Texts("en")


def item(test: str, **changed: Any) -> dict[str, Any]:
    return {
        "supports": False, "test": test, "statement": "s", "estimate": 1.0, "ci": [0.8, 1.2], "p": 0.5, "n": 1200,
        "strata": 7, "runs": [],
    } | changed  # fmt: skip


@pytest.mark.parametrize(
    ("ci", "supports", "side"),
    [([0.8, 1.3], False, "against"), ([0.1, 40], False, "open"), ([0.1, None], False, "open"), ([2, 9], True, "for")],
)
def test_an_interval_that_holds_both_one_and_a_doubling_tells_nothing(ci: Any, supports: bool, side: str) -> None:
    assert line(item("stratified-risk-ratio", ci=ci, supports=supports), EN).side == side


def test_a_comparison_that_mixes_hours_takes_no_side() -> None:
    assert line(item("pooled-risk-ratio", ci=[1.5, 3], supports=True), EN).side == "open"


def test_numbers_come_in_the_unit_of_their_test() -> None:
    shown = dict(line(item("reruns", estimate=0.8, ci=[0.6, 0.9]), EN).figures)
    assert shown["estimate"].replace("\u2009", " ") == "80 % (60 % – 90 %)"
    assert shown["Jobs"] == "1\u2009200"


def test_only_ratios_stand_in_the_forest() -> None:
    assert line(item("reruns", estimate=0.8), EN).estimate is None
    assert line(item("stratified-risk-ratio", estimate=None, ci=[0.2, None]), EN).estimate == (None, 0.2, float("inf"))


def test_a_test_that_the_report_does_not_know_is_shown_under_its_own_name() -> None:
    assert line(item("some-new-test"), EN).test == "some new test"
