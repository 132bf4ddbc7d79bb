"""Instatus, Better Stack and Cachet."""

from typing import Any

from tests.status.bodies import at, read, the_incident


def test_instatus_leaves_empty_lists_out_when_it_is_up() -> None:
    answer = read({"page": {"name": "Mirror", "url": "https://status.mirror", "status": "UP"}}, "mirror")
    assert (answer.kind, answer.incidents, answer.indicator) == ("instatus", [], "none")


def test_instatus_writes_its_start_as_a_script_does() -> None:
    running = {
        "name": "Pulls fail",
        "started": "Sat Jun 11 2022 18:55:50 GMT+0000 (Coordinated Universal Time)",
        "status": "INVESTIGATING",
        "impact": "MAJOROUTAGE",
        "url": "https://status.mirror/cl123",
    }
    row = the_incident({"page": {"status": "HASISSUES"}, "activeIncidents": [running]}, "mirror")
    assert row["posted_at"] == at("2022-06-11T18:55:50+00:00")
    assert (row["incident_id"], row["impact"], row["direction"]) == ("cl123", "critical", "all")


def test_instatus_gives_a_maintenances_minutes_as_text() -> None:
    planned = {
        "id": "m1",
        "name": "Move",
        "start": "2025-01-09T02:00:00Z",
        "status": "COMPLETED",
        "duration": "60",
    }
    row = the_incident({"page": {"status": "UP"}, "activeMaintenances": [planned]}, "mirror")
    assert row["is_maintenance"]
    assert row["resolved_at"] == at("2025-01-09T03:00:00+00:00")


def betterstack(**report: Any) -> dict[str, Any]:
    attributes = {
        "title": "Pull errors", "report_type": "manual", "starts_at": "2025-01-08T13:00:00Z", "ends_at": None,
        "aggregate_state": "resolved", "affected_resources": [{"status_page_resource_id": "9", "status": "downtime"}],
    }  # fmt: skip
    return {
        "data": {"id": "1", "type": "status_page", "attributes": {"aggregate_state": "operational"}},
        "included": [
            {"id": "9", "type": "status_page_resource", "attributes": {"public_name": "ghcr.io", "status": "downtime"}},
            {"id": "5", "type": "status_report", "attributes": attributes | report,
             "relationships": {"status_updates": {"data": [{"id": "7", "type": "status_update"}]}}},
            {"id": "7", "type": "status_update",
             "attributes": {"message": "Back.", "published_at": "2025-01-08T14:30:00Z", "status_report_id": 5}},
        ],
    }  # fmt: skip


def test_better_stack_leaves_the_end_empty_on_a_report_that_is_over() -> None:
    row = the_incident(betterstack(), "mirror")
    assert row["resolved_at"] == at("2025-01-08T14:30:00+00:00")
    assert row["began_at"] == at("2025-01-08T13:00:00+00:00")


def test_better_stack_names_the_resource_that_was_hit() -> None:
    row = the_incident(betterstack(aggregate_state="downtime"), "mirror")
    assert (row["components"], row["impact"], row["resolved_at"]) == (["ghcr"], "critical", None)


def test_cachet_of_version_2_has_times_without_a_zone() -> None:
    record = {
        "id": 3, "component_id": 0, "name": "Mirror down", "status": 4, "human_status": "Fixed", "message": "Done",
        "created_at": "2025-01-08 13:00:00", "updated_at": "2025-01-08 14:00:00", "scheduled_at": "2025-01-08 13:00:00",
    }  # fmt: skip
    row = the_incident({"meta": {"pagination": {}}, "data": [record]}, "mirror")
    assert row["posted_at"] == at("2025-01-08T13:00:00+00:00")
    assert row["resolved_at"] == at("2025-01-08T14:00:00+00:00")


def test_cachet_of_version_3_wraps_each_value() -> None:
    attributes = {
        "name": "Mirror down",
        "message": "x",
        "status": {"human": "Watching", "value": 3},
        "occurred": {"human": "1 day ago", "string": "2025-01-08T12:50:00Z"},
        "created": {"string": "2025-01-08T13:00:00Z"},
    }
    row = the_incident({"links": {}, "data": [{"id": "3", "type": "incidents", "attributes": attributes}]}, "mirror")
    assert (row["began_at"], row["resolved_at"]) == (at("2025-01-08T12:50:00+00:00"), None)
