"""How things stand now."""

import time

from analysis.status import current_status
from analysis.status.providers import Provider, load_providers
from tests.status.bodies import NOW, incident, statuspage
from tests.status.server import serving

GITHUB = load_providers()["github"]


def page_of(provider: Provider, now: str) -> Provider:
    return Provider(**{**provider.__dict__, "now": now})


def summary(indicator: str, packages: str, *open_ones: dict[str, object]) -> dict[str, object]:
    components = [{"name": "Packages", "status": packages}, {"name": "Actions", "status": "operational"}]
    return statuspage(*open_ones, components=components, status={"indicator": indicator})


def test_a_healthy_page_says_so_for_each_component_of_ours() -> None:
    with serving({"/now": summary("none", "operational")}) as page:
        (state,) = current_status(providers=[page_of(GITHUB, f"{page.root}/now")], now=NOW)
    assert state.state == "operational"
    assert state.components == {
        "ghcr": "operational", "gha-cache": "operational", "gha-artifact": "operational", "gha-service": "operational",
    }  # fmt: skip
    assert state.latency_ms is not None


def test_the_worst_of_indicator_components_and_incidents_counts() -> None:
    running = incident(resolved_at=None, status="investigating", impact="major")
    with serving({"/now": summary("none", "operational", running)}) as page:
        (state,) = current_status(providers=[page_of(GITHUB, f"{page.root}/now")], now=NOW)
    assert (state.state, state.components["ghcr"], len(state.incidents)) == ("major", "major", 1)


def test_an_incident_that_is_over_does_not_count() -> None:
    with serving({"/now": summary("none", "operational", incident())}) as page:
        (state,) = current_status(providers=[page_of(GITHUB, f"{page.root}/now")], now=NOW)
    assert (state.state, state.incidents) == ("operational", [])


def test_a_page_that_cannot_be_reached_is_unknown_and_never_healthy() -> None:
    with serving({}) as page:
        states = current_status(["no-such-page"], now=NOW)
        states += current_status(providers=[page_of(GITHUB, f"{page.root}/now")], now=NOW)
    assert [state.state for state in states] == ["unknown", "unknown"]
    assert "404" in (states[1].error or "")


def test_slow_pages_are_unknown_together_within_the_time_given() -> None:
    with serving({"/now": summary("none", "operational")}, delay=2.0) as page:
        slow = [page_of(GITHUB, f"{page.root}/now")] * 6
        started = time.monotonic()
        states = current_status(providers=slow, timeout=0.5, now=NOW)
    assert time.monotonic() - started < 3
    assert {state.state for state in states} == {"unknown"}
