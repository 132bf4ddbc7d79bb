"""A user's own file of incidents: whatever they called the columns."""

import json
from pathlib import Path

import pytest

from analysis.errors import StorageError, UsageError
from analysis.status import fetch_status
from tests.status.bodies import NOW, at, read, the_incident

CSV = "Title;Start;End;Severity;Services\nHub down;2025-01-08 13:00;2025-01-08 15:00;P1;Docker Hub, ghcr.io\n"


@pytest.mark.parametrize(
    "body",
    [
        CSV,
        CSV.replace(";", "\t"),
        "\ufeffname,started_at,resolved_at,impact,components\n"
        'Hub down,2025-01-08T13:00:00Z,2025-01-08T15:00:00Z,critical,"docker-hub|ghcr"\n',
        json.dumps([{"summary": "Hub down", "began": 1736341200, "ended": 1736348400000, "level": "outage",
                     "affected": ["Docker Hub", "ghcr"]}]),
        json.dumps({"incidents": [{"title": "Hub down", "from": "2025-01-08T14:00:00+01:00",
                                   "until": "2025-01-08T16:00:00+01:00", "priority": "p1",
                                   "components": [{"name": "docker.io"}, {"name": "GitHub Packages"}]}]}),
        "- name: Hub down\n  start: 2025-01-08T13:00:00Z\n  end: 2025-01-08 15:00:00\n  severity: critical\n"
        "  services: [docker-hub, ghcr]\n",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Hub down\r\n"
        "DTSTART:20250108T130000Z\r\nDTEND:20250108T150000Z\r\nCATEGORIES:docker-hub,ghcr\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n",
    ],
    ids=["semicolons", "tabs", "commas and a mark", "json list", "json mapping", "yaml", "calendar"],
)  # fmt: skip
def test_the_same_incident_is_read_from_every_kind_of_file(body: str) -> None:
    row = the_incident(body, "team")
    assert row["name"] == "Hub down"
    assert row["began_at"] == at("2025-01-08T13:00:00+00:00")
    assert row["resolved_at"] == at("2025-01-08T15:00:00+00:00")
    assert row["components"] == ["docker-hub", "ghcr"]
    assert row["impact"] in ("critical", None)


def test_a_bare_day_is_the_whole_day() -> None:
    row = the_incident("title,date\nPushes fail,2019-02-22\n", "docker-hub")
    assert row["began_at"] == at("2019-02-22T00:00:00+00:00")
    assert row["resolved_at"] == at("2019-02-22T23:59:59.999999+00:00")


def test_the_last_day_of_several_is_included() -> None:
    row = the_incident("title,from,to\nPushes fail,2025-06-03,2025-06-04\n", "docker-hub")
    assert row["resolved_at"] == at("2025-06-04T23:59:59.999999+00:00")


def test_a_timezone_column_is_obeyed_and_a_utc_column_needs_none() -> None:
    row = the_incident("title,start,tz\nx,2025-06-12 10:45,America/Los_Angeles\n", "team")
    assert row["began_at"] == at("2025-06-12T17:45:00+00:00")
    row = the_incident("title,started_utc,tz\nx,2025-06-12 10:45,America/Los_Angeles\n", "team")
    assert row["began_at"] == at("2025-06-12T10:45:00+00:00")


def test_minutes_give_the_end_where_no_end_is_written() -> None:
    row = the_incident("title,start,duration_minutes\nx,2025-01-08T13:00Z,90\n", "team")
    assert row["resolved_at"] == at("2025-01-08T14:30:00+00:00")


def test_an_incident_without_an_end_is_open() -> None:
    assert the_incident("title,start\nx,2025-01-08T13:00Z\n", "team")["resolved_at"] is None


def test_a_row_without_a_beginning_is_named_and_the_others_are_kept() -> None:
    answer = read("title,start,end\nx,2025-01-08T13:00Z,\ny,soon,\n", "team")
    assert len(answer.incidents) == 1
    assert answer.problems == ["row 3 has no time at which it began: left out"]


def test_two_rows_without_an_id_stay_two_and_reading_twice_gives_the_same_ids() -> None:
    text = "title,start\nx,2025-01-08T13:00Z\nx,2025-01-09T13:00Z\n"
    first, second = read(text, "team").incidents, read(text, "team").incidents
    ids = [row["incident_id"] for row in first]
    assert len(set(ids)) == 2
    assert ids == [row["incident_id"] for row in second]


def test_a_provider_column_decides_where_no_name_is_given() -> None:
    text = "provider,title,start,component\nDocker Hub,x,2025-01-08T13:00Z,Registry\nAcme,y,2025-01-08T13:00Z,\n"
    rows = read(text, "").incidents
    assert [(row["provider"], row["components"]) for row in rows] == [
        ("docker-hub", ["docker-hub"]),
        ("Acme", ["Acme"]),
    ]
    assert {row["provider"] for row in read(text, "our-name").incidents} == {"our-name"}


def test_a_direction_column_and_a_maintenance_column_are_taken() -> None:
    row = the_incident("title,start,direction,kind,component\nx,2025-01-08T13:00Z,push,maintenance,quay\n", "team")
    assert (row["direction"], row["is_maintenance"], row["impact"]) == ("push", True, "maintenance")


def test_an_all_day_calendar_event_ends_with_its_day() -> None:
    body = (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:Planned maintenance of the mirror\n"
        "DTSTART;VALUE=DATE:20250108\nDTEND;VALUE=DATE:20250109\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    row = the_incident(body, "team")
    assert row["resolved_at"] == at("2025-01-08T23:59:59.999999+00:00")
    assert row["is_maintenance"]


@pytest.mark.parametrize(
    "body", ["", "hello", "a,b\n1,2\n", "{}", '[{"x": 1}]', "[1, 2]", "key: value\n", "\x00\x01\x02"]
)
def test_a_file_that_holds_no_incidents_is_refused_in_one_line(body: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(body, "team")
    assert "\n" not in refused.value.line()


def test_an_empty_list_is_no_error() -> None:
    assert read("[]", "team").incidents == []


def test_a_file_is_filed_under_the_name_given(tmp_path: Path) -> None:
    path = tmp_path / "incidents.csv"
    path.write_text(CSV, "utf-8")
    fetched = fetch_status(["our-mirror"], file=path, now=NOW)
    assert [row["provider"] for row in fetched.incidents] == ["our-mirror"]
    assert (fetched.exit_code, fetched.requests, fetched.answered) == (0, 0, {"our-mirror": "csv"})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"absent\.csv"):
        fetch_status(file=tmp_path / "absent.csv")
    with pytest.raises(StorageError):
        fetch_status(file=tmp_path)
