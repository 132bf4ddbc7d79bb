"""Hostile answers: bounded, plain, and never a crash."""

import contextlib
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analysis.errors import UsageError
from analysis.schema import TABLES
from analysis.status import read_status
from analysis.store import Store
from tests.status.bodies import NOW, incident, read, statusio_rss, statuspage, statuspage_atom, update

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["incidents", "incident", "page", "id", "result", "status_overall", "months", "name", "year", "data", "type",
         "included", "attributes", "incident_updates", "components", "created_at", "started_at", "start", "display_at",
         "external_desc", "begin", "updates", "archive", "current", "arn", "date", "event_log", "timestamp", "status",
         "impacted_services", "activeIncidents", "meta", "maintenance", "active", "messages", "_id", "datetime"]),
        inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
@example([{"external_desc": 1, "begin": 2, "updates": [None, 3], "affected_products": [{"title": None}]}])
@example({"result": {"status_overall": 1, "incidents": [{"messages": [{"state": "x", "status": None}]}]}})
@example(
    {"incidents": [{"id": 5, "name": None, "incident_updates": [{"display_at": 99999999999999}]}], "page": {"id": 1}}
)
@example([{"arn": "x", "date": "1e999", "event_log": [{"timestamp": -5, "status": "y"}]}])
def test_no_json_crashes_the_reader(document: Any) -> None:
    try:
        answer = read_status("github", json.dumps(document).encode(), "https://x", NOW)
    except UsageError:
        return
    for row in answer.incidents:
        assert set(row) == set(TABLES["incidents"].columns)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_crash_the_reader(body: bytes) -> None:
    try:
        read_status("github", body, "https://x", NOW)
    except UsageError as refused:
        assert "\n" not in refused.line()


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=60))
def test_no_feed_crashes_the_reader(when: str, state: str, published: str) -> None:
    escape = {"<": "", "&": "", ">": "", "]": "", "\x00": ""}
    clean = [text.translate(str.maketrans(escape)) for text in (when, state, published)]
    try:
        read(statusio_rss((clean[0], clean[1], "x"), published=clean[2]), "docker-hub")
    except UsageError:
        return


def test_the_order_of_the_incidents_does_not_matter() -> None:
    ones = [incident(id=f"incident{n:04}", name=f"Number {n}") for n in range(5)]
    forwards = {row["incident_id"]: row for row in read(statuspage(*ones)).incidents}
    backwards = {row["incident_id"]: row for row in read(statuspage(*reversed(ones))).incidents}
    assert forwards == backwards


def test_a_text_that_draws_on_the_terminal_or_turns_it_around_is_made_plain() -> None:
    text = "Pull\x1b[31m \u202eevil\u202c\x00 <script>alert(1)</script><img src=x onerror=alert(1)>done"
    answer = read(statuspage(incident(name=text, incident_updates=[update("2025-01-08T13:00:00Z", text)])))
    for shown in (answer.incidents[0]["name"], answer.incident_updates[0]["body"]):
        assert shown == "Pull[31m evil alert(1)done"


def test_a_text_without_end_is_cut() -> None:
    answer = read(
        statuspage(incident(name="x" * 10_000, incident_updates=[update("2025-01-08T13:00:00Z", "y" * 10**6)]))
    )
    assert len(answer.incidents[0]["name"]) == 500
    assert len(answer.incident_updates[0]["body"]) == 20_000


def test_a_time_out_of_all_reason_is_no_time() -> None:
    body = statuspage(incident(updated_at="9999-12-31T23:59:59Z", resolved_at="0001-01-01T00:00:00Z"))
    row = read(body).incidents[0]
    assert row["resolved_at"] is None
    assert row["updated_at"].year == 2025


def test_an_entity_that_stands_for_gigabytes_is_not_expanded() -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    for name, before in zip("bcdefghi", "abcdefgh", strict=True):
        bomb += f'<!ENTITY {name} "{f"&{before};" * 10}">'
    bomb += "]><rss version='2.0'><channel><title>x</title><item><title>&i;</title></item></channel></rss>"
    started = time.monotonic()
    with contextlib.suppress(UsageError):
        read(bomb)
    assert time.monotonic() - started < 5


def test_a_yaml_whose_aliases_stand_for_gigabytes_is_refused() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nstart: 2025-01-08\n"
    with pytest.raises(UsageError):
        read(bomb, "team")


@pytest.mark.parametrize(
    "text",
    ["(" * 20_000, "between " * 3_000, "from 1:" * 3_000, "began " + "0" * 20_000, "<small>" * 3_000, "- " * 10_000],
)
def test_a_text_made_to_be_slow_is_read_in_time(text: str) -> None:
    started = time.monotonic()
    read(statuspage(incident(name=text, components=[], incident_updates=[update("2025-01-08T13:00:00Z", text)])))
    read(statuspage_atom(("Jan 8, 15:00 UTC", "Resolved", text), published="2025-01-08T15:00:53Z"))
    assert time.monotonic() - started < 4


def test_deeply_nested_json_is_refused() -> None:
    with pytest.raises(UsageError):
        read("[" * 100_000)


def test_names_that_are_paths_stay_inside_the_data_folder(tmp_path) -> None:
    body = statuspage(incident(id="../../../etc/passwd"))
    answer = read_status("../../escape", json.dumps(body).encode(), "https://x", datetime(2025, 1, 20, tzinfo=UTC))
    store = Store(tmp_path / "data")
    store.upsert("incidents", answer.incidents)
    assert [path for path in tmp_path.rglob("*.parquet") if tmp_path / "data" not in path.parents] == []
    assert store.read("incidents")["provider"].tolist() == ["../../escape"]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)//", "https://x/\"onmouseover='x'", "data:text/html,x", "file:///x"]
)
def test_only_a_web_address_becomes_a_link(link: str) -> None:
    body = statuspage(incident(shortlink=link)) | {"page": {"id": "x", "url": link}}
    row = read(body).incidents[0]
    assert row["url"] in (None, "https://status.example/answer")
    assert read("title,start\nx,2025-01-08T13:00Z\n", "team", url="mine.csv").incidents[0]["url"] is None
