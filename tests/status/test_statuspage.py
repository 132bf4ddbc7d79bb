"""Statuspage's JSON and the engines that answer in its shape."""

import pytest

from analysis.errors import UsageError
from tests.status.bodies import PAGE, at, incident, posts_of, read, statuspage, the_incident, update


def test_an_incident_keeps_its_four_times_and_its_impact() -> None:
    row = the_incident(statuspage(incident(updated_at="2025-01-08T15:00:01.000Z")))
    assert row["began_at"] == row["posted_at"] == at("2025-01-08T13:00:00+00:00")
    assert row["updated_at"] == at("2025-01-08T15:00:01+00:00")
    assert row["resolved_at"] == at("2025-01-08T15:00:00+00:00")
    assert (row["impact"], row["is_maintenance"], row["began_source"]) == ("minor", False, "post")


def test_githubs_packages_are_ghcr_and_actions_are_its_three_services() -> None:
    components = [{"name": "Packages"}, {"name": "Actions"}, {"name": "Pull Requests"}]
    row = the_incident(statuspage(incident(components=components)))
    assert row["components"] == ["ghcr", "gha-service", "gha-cache", "gha-artifact", "Pull Requests"]


def test_a_time_with_the_pages_offset_becomes_utc() -> None:
    row = the_incident(statuspage(incident(created_at="2025-01-08T05:00:00.000-08:00", started_at=None)))
    assert row["began_at"] == at("2025-01-08T13:00:00+00:00")


def test_a_start_later_than_the_end_is_the_time_of_posting_and_not_the_start() -> None:
    row = the_incident(
        statuspage(
            incident(
                created_at="2020-11-10T20:00:00.000Z",
                started_at="2020-11-16T09:55:00.989Z",
                resolved_at="2020-11-10T20:00:00.000Z",
                incident_updates=[
                    update("2020-11-16T09:55:01.035Z", status="resolved", display_at="2020-11-10T20:00:00.000Z")
                ],
            )
        )
    )
    assert row["began_at"] == at("2020-11-10T20:00:00+00:00")
    assert row["posted_at"] == at("2020-11-16T09:55:01.035+00:00")
    assert row["resolved_at"] >= row["began_at"]
    assert row["began_source"] == "page"


def test_posts_moved_from_another_system_keep_the_time_they_show() -> None:
    moved = update("2018-12-05T10:00:00.000Z", status="resolved", display_at="2014-03-02T08:00:00.000Z")
    row = the_incident(
        statuspage(
            incident(
                created_at="2014-03-02T08:00:00.000Z",
                resolved_at="2014-03-02T08:00:00.000Z",
                incident_updates=[moved],
            )
        )
    )
    assert row["posted_at"] == row["began_at"] == row["resolved_at"] == at("2014-03-02T08:00:00+00:00")


def test_an_incident_without_an_end_is_open() -> None:
    assert the_incident(statuspage(incident(status="monitoring", resolved_at=None)))["resolved_at"] is None


def test_components_of_an_incident_are_also_read_from_its_updates() -> None:
    updates = [
        update("2025-01-08T13:00:00Z", affected_components=[{"code": "x", "name": "Git Operations"}]),
        update("2025-01-08T13:05:00Z", affected_components=None),
    ]
    row = the_incident(statuspage(incident(components=[], incident_updates=updates)))
    assert row["components"] == ["git-hosting"]


def test_the_advertising_component_is_no_component() -> None:
    components = [{"name": "Visit www.githubstatus.com for more information"}, {"name": "Packages"}]
    assert the_incident(statuspage(incident(components=components)))["components"] == ["ghcr"]


def test_an_incident_without_components_is_read_by_its_words() -> None:
    body = statuspage(incident(name="Incident with GitHub Actions", components=[]))
    assert "gha-cache" in the_incident(body)["components"]


def test_an_incident_that_names_nothing_of_ours_excuses_nothing() -> None:
    body = statuspage(incident(name="Incident on 2019-01-09 16:33 UTC", components=[]))
    assert the_incident(body)["components"] == ["GitHub"]


def test_maintenance_is_its_own_kind_with_its_planned_hours() -> None:
    planned = incident(
        id="m1",
        status="completed",
        impact="maintenance",
        scheduled_for="2025-01-09T02:00:00Z",
        scheduled_until="2025-01-09T04:00:00Z",
        resolved_at=None,
        incident_updates=[update("2025-01-08T13:00:00Z", status="scheduled")],
    )
    row = the_incident({"page": PAGE, "scheduled_maintenances": [planned]})
    assert (row["impact"], row["is_maintenance"]) == ("maintenance", True)
    assert row["began_at"] == at("2025-01-09T02:00:00+00:00")
    assert row["resolved_at"] == at("2025-01-09T04:00:00+00:00")
    assert row["posted_at"] == at("2025-01-08T13:00:00+00:00")


def test_updates_are_kept_oldest_first_as_plain_text() -> None:
    updates = [
        update("2025-01-08T15:00:00Z", "All <b>good</b> &amp; done.<br />Thanks", status="resolved"),
        update("2025-01-08T13:00:00Z", "Looking."),
    ]
    answer = read(statuspage(incident(incident_updates=updates)))
    assert posts_of(answer) == [("investigating", "Looking."), ("resolved", "All good & done.\nThanks")]


def test_a_postmortem_is_a_post() -> None:
    body = statuspage(incident(postmortem_body="A disk failed.", postmortem_published_at="2025-01-12T09:00:00Z"))
    assert ("postmortem", "A disk failed.") in posts_of(read(body))


@pytest.mark.parametrize("wrapped", [True, False])
def test_one_incident_reads_the_same_wrapped_or_bare(wrapped: bool) -> None:
    one = incident()
    assert the_incident({"page": PAGE, "incident": one} if wrapped else one)["components"] == ["ghcr"]


def test_incident_io_may_say_null_where_statuspage_has_a_list() -> None:
    answer = read({"page": {"id": "01J", "name": "x", "url": "https://x"}, "incidents": None})
    assert (answer.kind, answer.incidents) == ("statuspage", [])
    bare = incident(components=None, incident_updates=None, shortlink=None, id="01JMXBRMFE6N2NNT7DG6XZQ6PW")
    del bare["components"]
    assert the_incident(statuspage(bare))["incident_id"] == "01JMXBRMFE6N2NNT7DG6XZQ6PW"


def test_a_history_page_gives_codes_with_the_end_of_their_month() -> None:
    shown = "Aug <var data-var='date'>10</var>, <var data-var='time'>00:17</var> - <var>01:30</var> UTC"
    months = [{"name": "August", "year": 2025, "incidents": [{"code": "8ljf3sxnz0d2", "timestamp": shown}]}]
    answer = read({"months": months})
    assert answer.kind == "statuspage-history"
    assert answer.codes == [("8ljf3sxnz0d2", at("2025-09-01T00:00:00+00:00"))]


def test_the_history_page_for_people_carries_the_same_codes() -> None:
    props = "{&quot;months&quot;:[{&quot;name&quot;:&quot;May&quot;,&quot;year&quot;:2025,&quot;incidents&quot;:"
    props += "[{&quot;code&quot;:&quot;abcd1234&quot;}]}]}"
    page = f'<!DOCTYPE html><html><div data-react-class="HistoryIndex" data-react-props="{props}"></div></html>'
    assert [code for code, _ in read(page).codes] == ["abcd1234"]


def test_another_page_for_people_is_refused_with_what_to_give_instead() -> None:
    with pytest.raises(UsageError, match=r"page for people.*incidents\.json"):
        read("<!doctype html><html><body>All systems operational</body></html>")


def test_a_summary_tells_the_states_of_components_and_the_pages_own_word() -> None:
    body = statuspage(
        components=[
            {"name": "Packages", "status": "major_outage"},
            {"name": "Visit www.githubstatus.com for more information", "status": "operational"},
            {"name": "A group", "status": "operational", "group": True},
        ],
        status={"indicator": "critical", "description": "Major outage"},
    )
    answer = read(body)
    assert (answer.states, answer.indicator) == ({"Packages": "critical"}, "critical")
