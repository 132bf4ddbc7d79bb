"""What the pages said, in the data folder."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from analysis.status import StatusFetch, asked, file_status, settled
from analysis.store import Store
from tests.status.bodies import NOW, at, incident, read, statuspage, statuspage_atom, update


def fetched(body: Any, *, later: timedelta = timedelta()) -> StatusFetch:
    answer = read(body)
    updates = [row | {"fetched_at": NOW + later} for row in answer.incident_updates]
    return StatusFetch(answer.incidents, updates, {"github": answer.kind}, [], [], 1, NOW + later)


def test_filing_twice_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = file_status(store, fetched(statuspage(incident())))
    before = store.read("incidents")
    second = file_status(store, fetched(statuspage(incident()), later=timedelta(hours=1)))
    assert first == {"incidents": 1, "incident_updates": 1}
    assert second["incident_updates"] == 0
    assert store.read("incidents").equals(before)


def test_a_post_that_was_edited_is_kept_as_it_read_each_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for hours, text in enumerate(("Looking.", "Looking harder.")):
        body = statuspage(incident(incident_updates=[update("2025-01-08T13:00:00Z", text)]))
        file_status(store, fetched(body, later=timedelta(hours=hours)))
    assert sorted(store.read("incident_updates")["body"]) == ["Looking harder.", "Looking."]


def test_a_feed_that_comes_later_adds_the_end_and_keeps_impact_and_components(tmp_path: Path) -> None:
    store = Store(tmp_path)
    running = incident(
        id="nm83zrdky73y",
        name="Trouble",
        impact="major",
        resolved_at=None,
        status="investigating",
        components=[{"name": "Packages"}, {"name": "Actions"}],
    )
    file_status(store, fetched(statuspage(running)))
    atom = statuspage_atom(
        ("Jan 8, 15:00 UTC", "Resolved", "Over."),
        ("Jan 8, 13:00 UTC", "Investigating", "Looking."),
        title="Trouble",
        published="2025-01-08T15:00:53Z",
    )
    file_status(store, fetched(atom, later=timedelta(hours=3)))
    (row,) = store.read("incidents").to_dict("records")
    assert row["impact"] == "major"
    assert list(row["components"]) == ["ghcr", "gha-service", "gha-cache", "gha-artifact"]
    assert row["resolved_at"] == at("2025-01-08T15:00:53+00:00")


def test_a_page_that_was_asked_and_had_nothing_is_silent_and_not_unknown(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert asked(store) == {}
    file_status(store, fetched(statuspage()))
    assert asked(store) == {"github": NOW}


def test_only_what_was_over_two_weeks_ago_is_settled(tmp_path: Path) -> None:
    store = Store(tmp_path)
    over = incident(created_at="2025-01-01T22:00:00Z", resolved_at="2025-01-02T00:00:00Z")
    fresh = incident(id="freshfreshfr", resolved_at="2025-01-19T00:00:00Z")
    running = incident(id="openopenopen", resolved_at=None)
    file_status(
        store,
        fetched(statuspage(over, fresh, running)),
    )
    assert settled(store, NOW) == {("github", "abc123def456")}


def test_an_incident_that_is_opened_again_is_open(tmp_path: Path) -> None:
    store = Store(tmp_path)
    file_status(store, fetched(statuspage(incident())))
    again = incident(status="investigating", resolved_at=None)
    file_status(store, fetched(statuspage(again), later=timedelta(hours=1)))
    assert store.read("incidents")["resolved_at"].isna().all()


def test_a_look_at_a_page_does_not_claim_that_the_runs_are_known_until_then(tmp_path: Path) -> None:
    store = Store(tmp_path)
    file_status(store, fetched(statuspage(incident())))
    assert store.read("collections")["data_as_of"].isna().all()


def test_a_visit_that_nobody_answered_has_asked_nobody(tmp_path: Path) -> None:
    store = Store(tmp_path)
    file_status(store, StatusFetch([], [], {}, [], [], 3, NOW))
    assert asked(store) == {}
