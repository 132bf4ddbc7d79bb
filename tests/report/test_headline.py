"""The verdict in one sentence."""

from typing import Any

import pytest

from analysis.report.headline import asked, headline
from analysis.report.texts import Texts

EN = Texts("en")
QUESTION = ("docker/build-push-action", "6.10.0", "6.11.0")


def plain(text: str) -> str:
    return text.replace("\u2009", " ")


def test_an_acquitted_upgrade_is_named_beside_the_guilty_service(verdict: dict[str, Any]) -> None:
    assert plain(headline(verdict, EN)) == "Almost certainly Docker Hub, not the upgrade: 97 %"


def test_nobody_speaks_of_an_upgrade_that_nobody_asked_about(verdict: dict[str, Any]) -> None:
    verdict["question"] = None
    assert plain(headline(verdict, EN)) == "Almost certainly Docker Hub: 97 %"
    assert asked(verdict, None, EN) == ""


def test_a_guilty_upgrade_is_named(verdict: dict[str, Any]) -> None:
    verdict["causes"] = [verdict["causes"][1] | {"probability": 0.9}]
    verdict |= {
        "verdict": "action-version",
        "guilty": ["action-version:docker/build-push-action@6.11.0"],
        "confidence": 0.9,
    }
    assert plain(headline(verdict, EN)) == "Very likely the upgrade to docker/build-push-action 6.11.0: 90 %"
    assert "among the causes" in asked(verdict, QUESTION, EN)


def test_two_guilty_ones_are_both_named(verdict: dict[str, Any]) -> None:
    verdict["causes"][1]["probability"] = 0.7
    verdict["guilty"].append("action-version:docker/build-push-action@6.11.0")
    assert plain(headline(verdict, EN)).startswith("2 causes at once: Docker Hub (97 %) and docker/build-push-action")


@pytest.mark.parametrize("state", ["flakiness", "insufficient-evidence"])
def test_without_a_culprit_none_is_named(verdict: dict[str, Any], state: str) -> None:
    verdict |= {"verdict": state, "guilty": [], "confidence": 0.6, "causes": []}
    assert "Docker Hub" not in headline(verdict, EN)
    assert "not among the suspects" in asked(verdict, QUESTION, EN)


@pytest.mark.parametrize("cause", ["tool-version", "runner-image", "code-change", "configuration", "rate-limit"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_kind_of_culprit_has_its_sentence(verdict: dict[str, Any], cause: str, lang: str) -> None:
    verdict["causes"] = [verdict["causes"][0] | {"cause": cause, "name": "thing@1"}]
    verdict |= {"verdict": cause, "guilty": [f"{cause}:thing@1"], "confidence": 0.8}
    assert "thing" in headline(verdict, Texts(lang))
