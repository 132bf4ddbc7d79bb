"""Status.io's JSON: what is open now, with its components and its severity."""

from typing import Any

from tests.status.bodies import at, posts_of, read, the_incident

INCIDENT = {
    "name": "Docker Hub Registry errors",
    "_id": "68f5e1c741c825463df7486c",
    "datetime_open": "2025-10-20T07:16:23.700Z",
    "messages": [
        {"details": "Pulls fail.", "state": 100, "status": 500, "datetime": "2025-10-20T07:16:23.800Z"},
        {"details": "Better.", "state": 300, "status": 300, "datetime": "2025-10-20T09:40:00.000Z"},
    ],
    "containers_affected": [{"name": "AWS", "_id": "c"}],
    "components_affected": [{"name": "Docker Hub Registry", "_id": "r"}, {"name": "Docker Scout", "_id": "s"}],
}


def answer(*incidents: dict[str, Any], **maintenance: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "result": {
            "status_overall": {"updated": "2025-10-20T09:40:00Z", "status": "Full Disruption", "status_code": 500},
            "status": [
                {"id": "r", "name": "Docker Hub Registry", "status": "Security Issue", "status_code": 600},
                {"id": "w", "name": "Docker Hub Web", "status": "Operational", "status_code": 100},
            ],
            "incidents": list(incidents),
            "maintenance": {"active": [], "upcoming": []} | maintenance,
        }
    }


def test_severity_and_stage_are_read_by_their_codes_and_never_mixed() -> None:
    read_now = read(answer(INCIDENT), "docker-hub")
    assert read_now.incidents[0]["impact"] == "critical"
    assert [status for status, _ in posts_of(read_now)] == ["investigating", "monitoring"]


def test_there_is_no_end_before_a_message_says_resolved() -> None:
    assert the_incident(answer(INCIDENT), "docker-hub")["resolved_at"] is None
    over = {"details": "Over.", "state": 400, "status": 100, "datetime": "2025-10-20T10:05:00Z"}
    done = INCIDENT | {"messages": [*INCIDENT["messages"], over]}
    assert the_incident(answer(done), "docker-hub")["resolved_at"] == at("2025-10-20T10:05:00+00:00")


def test_the_registry_is_docker_hub_and_the_rest_keeps_its_name() -> None:
    row = the_incident(answer(INCIDENT), "docker-hub")
    assert (row["components"], row["regions"]) == (["docker-hub", "Docker Scout"], ["AWS"])


def test_automated_builds_are_not_the_registry() -> None:
    builds = INCIDENT | {"name": "Builds", "components_affected": [{"name": "Docker Hub Automated Builds"}]}
    assert the_incident(answer(builds), "docker-hub")["components"] == ["Docker Hub Automated Builds"]


def test_authentication_alone_is_docker_hubs_login() -> None:
    login = INCIDENT | {"name": "Errors", "components_affected": [{"name": "Docker Authentication"}]}
    row = the_incident(answer(login), "docker-hub")
    assert (row["components"], row["direction"]) == (["docker-hub"], "auth")


def test_without_any_date_the_id_says_when_it_was_opened() -> None:
    bare = {"name": "Errors", "_id": "68f5e1c741c825463df7486c", "messages": []}
    row = the_incident(answer(bare), "docker-hub")
    assert (row["began_at"], row["began_source"]) == (at("2025-10-20T07:16:23+00:00"), "id")


def test_a_maintenance_has_its_planned_start_and_not_the_time_of_planning() -> None:
    planned = {
        "name": "Database move",
        "_id": "5f4e8b7f2250a004bc3453da",
        "datetime_open": "2020-09-01T17:57:19Z",
        "datetime_planned_start": "2020-09-02T17:55:00Z",
        "datetime_planned_end": "2020-09-02T18:55:00Z",
        "messages": [{"details": "x", "state": 100, "status": 200, "datetime": "2020-09-01T17:57:19Z"}],
    }
    row = the_incident(answer(upcoming=[planned]), "gitlab")
    assert (row["is_maintenance"], row["impact"]) == (True, "maintenance")
    assert row["began_at"] == at("2020-09-02T17:55:00+00:00")


def test_the_states_now_are_read_by_code_because_labels_vary() -> None:
    read_now = read(answer(), "docker-hub")
    assert read_now.states == {"Docker Hub Registry": "minor", "Docker Hub Web": "none"}
    assert read_now.indicator == "critical"
