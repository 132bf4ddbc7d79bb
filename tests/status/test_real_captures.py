"""Every real capture parses, with the facts it holds. The captures lie beside the repository."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analysis.status import read_status
from tests.status.bodies import NOW, at

STATUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "status"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not STATUS.is_dir(), reason="the real captures are not beside the repository"),
]


def rows(provider: str, *paths: Path) -> Iterator[dict[str, Any]]:
    for path in paths:
        answer = read_status(provider, path.read_bytes(), path.name, NOW)
        assert answer.problems == [], path
        yield from answer.incidents


def minute(moment: datetime | None) -> datetime | None:
    return moment.replace(second=0, microsecond=0) if moment else None


@pytest.fixture(scope="module")
def dated() -> list[dict[str, str]]:
    return list(csv.DictReader((STATUS / "incidents_real.csv").open(encoding="utf-8")))


@pytest.fixture(scope="module")
def github() -> dict[str, dict[str, Any]]:
    paths = sorted((STATUS / "github_incident_history" / "incidents").glob("*.json"))
    return {row["incident_id"]: row for row in rows("github", *paths)}


@pytest.fixture(scope="module")
def atom() -> dict[str, dict[str, Any]]:
    paths = sorted((STATUS / "github_mrshu" / "atom_snapshots").glob("*.atom"))
    return {row["incident_id"]: row for row in rows("github", *paths)}


def test_1282_incidents_of_github_are_read_and_none_ends_before_it_began(github: dict[str, dict[str, Any]]) -> None:
    assert len(github) == 1282
    assert Counter(row["impact"] for row in github.values()) == {"minor": 1048, "major": 199, "none": 33, "critical": 2}
    assert all(row["began_at"] <= row["posted_at"] for row in github.values())
    assert all(row["began_at"] <= row["resolved_at"] for row in github.values())


def test_their_beginnings_and_ends_are_those_of_the_dated_list(
    github: dict[str, dict[str, Any]], dated: list[dict[str, str]]
) -> None:
    known = {row["incident_id"]: row for row in dated if row["provider"] == "GitHub"}
    compared = 0
    for identifier, row in github.items():
        if identifier not in known:
            continue
        compared += 1
        started, ended = at(known[identifier]["started_utc"]), at(known[identifier]["resolved_utc"])
        if row["began_source"] == "text":
            assert started - timedelta(days=2) <= row["began_at"] <= started
        else:
            assert abs(row["began_at"] - started) < timedelta(milliseconds=1)
        assert abs(row["resolved_at"] - ended) < timedelta(milliseconds=1)
    assert compared == 451


def test_the_imported_incidents_are_points_without_a_duration(github: dict[str, dict[str, Any]]) -> None:
    imported = [row for row in github.values() if row["posted_at"] < at("2018-12-05T00:00:00+00:00")]
    assert len(imported) == 831
    assert all(row["resolved_at"] - row["posted_at"] == timedelta() for row in imported)


def test_the_51_snapshots_of_the_feed_give_each_incident_its_first_post_and_its_end(
    atom: dict[str, dict[str, Any]],
) -> None:
    lines = (STATUS / "github_mrshu" / "incidents.jsonl").read_text("utf-8").splitlines()
    known = {entry["url"].rsplit("/", 1)[-1]: entry for entry in map(json.loads, lines)}
    assert len(atom) == 781
    for identifier, row in atom.items():
        entry = known[identifier]
        assert minute(row["posted_at"]) == minute(at(entry["started_at"])), identifier
        assert minute(row["resolved_at"]) == minute(at(entry["resolved_at"])), identifier
        assert row["is_maintenance"] == (entry["impact"] == "maintenance"), identifier


def test_the_feed_and_the_json_of_one_incident_agree(
    atom: dict[str, dict[str, Any]], github: dict[str, dict[str, Any]]
) -> None:
    both = [(atom[identifier], github[identifier]) for identifier in atom.keys() & github.keys()]
    assert len(both) > 200
    agreeing = [abs(feed["posted_at"] - page["posted_at"]) < timedelta(minutes=1) for feed, page in both]
    assert sum(agreeing) / len(agreeing) > 0.98


def test_dockers_feed_gives_the_second_by_its_ids() -> None:
    found = {row["incident_id"]: row for row in rows("docker-hub", *sorted((STATUS / "docker_rss").glob("*.xml")))}
    assert {identifier: row["posted_at"] for identifier, row in found.items()} == {
        "6a216c468614df05b0372d0d": at("2026-06-04T12:15:02+00:00"),
        "6a0ec04beac9dc05ffa1f136": at("2026-05-28T14:00:00+00:00"),
        "69e5e86ffcdb9205f3a36fa8": at("2026-04-20T08:48:47+00:00"),
    }
    assert found["69e5e86ffcdb9205f3a36fa8"]["resolved_at"] is None


@pytest.mark.parametrize(
    ("name", "provider", "kind", "incidents", "maintenances"),
    [
        ("docker_partial.json", "docker-hub", "statusio", 1, 0),
        ("gitlab_security.json", "gitlab", "statusio", 1, 0),
        ("gitlab_maintenance.json", "gitlab", "statusio", 1, 1),
        ("twilio_incident.json", "twilio", "statuspage", 2, 9),
        ("cloudamqp_maintenance.json", "cloudamqp", "statuspage", 0, 1),
        ("github_incident.json", "github", "statuspage", 1, 2),
    ],
)
def test_the_other_captures_hold_what_they_hold(
    name: str, provider: str, kind: str, incidents: int, maintenances: int
) -> None:
    path = STATUS / "statusio_amureki" / name
    answer = read_status(provider, path.read_bytes(), name, NOW)
    planned = sum(row["is_maintenance"] for row in answer.incidents)
    assert (answer.kind, len(answer.incidents) - planned, planned) == (kind, incidents, maintenances)


def test_google_posted_22_of_157_incidents_after_their_end() -> None:
    found = list(rows("google-cloud", STATUS / "gcp_moritalous" / "incidents.json"))
    assert len(found) == 157
    assert sum(row["posted_at"] > row["resolved_at"] for row in found) == 22
    assert Counter(row["impact"] for row in found) == {"major": 118, "critical": 20, "minor": 19}
    registry = [row for row in found if "gar" in row["components"]]
    assert len(registry) == 7


def test_the_old_aws_events_are_all_over_and_begin_before_their_post() -> None:
    found = list(rows("aws", STATUS / "aws_moritalous" / "data.json"))
    assert len(found) == 86
    assert all(row["began_at"] <= row["posted_at"] <= row["resolved_at"] for row in found)
    assert sum(row["began_source"] == "text" for row in found) >= 75
    assert Counter(row["impact"] for row in found) == {"minor": 72, "major": 11, "critical": 3}


def test_the_dated_list_is_read_as_a_users_own_file(dated: list[dict[str, str]]) -> None:
    found = list(rows("", STATUS / "incidents_real.csv"))
    assert len(found) == len(dated) == 1125
    assert Counter(row["provider"] for row in found)["github"] == 1038
    desktop = next(row for row in found if row["incident_id"] == "677dd6e2108ba105c8d0258c")
    assert "docker-hub" not in desktop["components"]
    quay = next(row for row in found if row["incident_id"] == "k7kvfvgfrbdf")
    assert (quay["components"], quay["direction"]) == (["quay"], "push")


def test_the_derived_windows_are_read_as_a_users_own_file() -> None:
    path = STATUS / "github_mrshu" / "downtime_windows.csv"
    found = list(rows("github", path))
    assert len(found) == sum(1 for _ in csv.DictReader(path.open(encoding="utf-8")))
