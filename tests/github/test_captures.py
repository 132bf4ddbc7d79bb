"""Parsing of what real servers answered, as its owners recorded it."""

from __future__ import annotations

import base64
import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from analysis.github.answer import Answer, raise_for_error, seconds_to_wait
from analysis.github.rows import job_rows, release_row, run_row, tag_row
from analysis.schema import TABLES

API = Path(__file__).parents[3] / "shared" / "data" / "api"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not API.is_dir(), reason="the real captures are not beside the repository"),
]


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from inside(item)
    elif isinstance(value, list):
        for item in value:
            yield from inside(item)


def documents(folder: str) -> Iterator[Any]:
    """Every JSON document of a folder, those inside recordings too."""
    for path in sorted((API / folder).rglob("*")):
        if path.suffix == ".json":
            try:
                yield json.loads(path.read_text("utf-8"))
            except ValueError:
                continue
        elif path.suffix == ".txt" and folder == "pygithub":
            lines = path.read_text("utf-8").splitlines()
            yield from (json.loads(line) for line in lines if re.match(r"\[?\{\"|\[\]$", line))
        elif path.suffix == ".rec":
            for line in path.read_text("utf-8").splitlines():
                if re.fullmatch(r"[A-Za-z0-9+/]{16,}=*", line):
                    yield json.loads(base64.b64decode(line))


FOLDERS = sorted(path.name for path in API.iterdir() if path.is_dir()) if API.is_dir() else []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_object_of_any_capture_breaks_a_row_and_every_row_fits_its_table(folder: str) -> None:
    rows: dict[str, list[dict[str, Any]]] = {"runs": [], "jobs": [], "steps": [], "releases": []}
    for document in documents(folder):
        for item in inside(document):
            rows["runs"] += filter(None, [run_row(item, "o/r")])
            found = job_rows(item, "o/r")
            if found is not None:
                rows["jobs"].append(found[0])
                rows["steps"] += found[1]
            rows["releases"] += filter(None, [release_row("o/a", item), tag_row("o/a", item)])
    for table, members in rows.items():
        pa.Table.from_pylist(members, schema=TABLES[table].arrow)


def devlake(kind: str) -> list[dict[str, Any]]:
    csv.field_size_limit(10**9)
    with (API / "devlake" / f"_raw_github_api_{kind}.csv").open(encoding="utf-8") as stream:
        return [json.loads(row["data"]) for row in csv.DictReader(stream)]


def test_the_runs_that_a_real_list_held_keep_their_conclusions_attempts_and_events() -> None:
    rows = [row for run in devlake("runs") if (row := run_row(run))]
    assert len(rows) == 35 and {row["repo"] for row in rows} == {"panjf2000/ants"}
    conclusions = Counter(row["conclusion"] for row in rows)
    assert conclusions["success"] == 18 and conclusions["failure"] == 3 and conclusions[None] == 7
    assert conclusions["startup_failure"] == conclusions["timed_out"] == 1
    assert Counter(row["event"] for row in rows) == {"pull_request": 21, "schedule": 11, "push": 3}
    assert min(row["created_at"] for row in rows).isoformat() == "2022-06-25T04:17:45+00:00"


def test_the_jobs_that_a_real_list_held_keep_their_steps_and_get_small_letters() -> None:
    found = [rows for job in devlake("jobs") if (rows := job_rows(job))]
    assert len(found) == 35 and {row["repo"] for row, _ in found} == {"panjf2000/ants"}
    assert sum(len(steps) for _, steps in found) == 263
    conclusions = Counter(row["conclusion"] for row, _ in found)
    assert (conclusions["success"], conclusions["failure"], conclusions["cancelled"]) == (12, 3, 7)


def test_recorded_jobs_of_a_run_are_read_with_their_times() -> None:
    text = (API / "pygithub" / "WorkflowRun.test_jobs.txt").read_text("utf-8")
    listed = next(d for line in text.splitlines() if line.startswith('{"') and (d := json.loads(line)).get("jobs"))
    found = [rows for job in listed["jobs"] if (rows := job_rows(job))]
    assert len(found) == listed["total_count"] == 5
    first, steps = found[0]
    assert (first["name"], first["workflow_name"], first["conclusion"]) == ("test (Python 3.7)", "CI", "success")
    assert first["completed_at"].isoformat() == "2023-01-10T08:25:28+00:00"
    assert steps[1]["name"] == "Run actions/checkout@v2"


def test_a_recorded_run_at_an_earlier_attempt_is_told_from_its_latest() -> None:
    text = (API / "pygithub" / "WorkflowRun.testGetAttempt.txt").read_text("utf-8")
    runs = [row for line in text.splitlines() if line[:2] == '{"' and (row := run_row(json.loads(line)))]
    assert {row["run_attempt"] for row in runs} >= {2} and len({row["run_id"] for row in runs}) == 1


def recorded_limits() -> Iterator[tuple[str, Answer]]:
    for path in sorted((API / "hub4j" / "AbuseLimitHandlerTest").rglob("mappings/*.json")):
        answer = json.loads(path.read_text("utf-8"))["response"]
        if answer["status"] in (403, 429):
            headers = {k: v for k, v in answer["headers"].items() if "{{" not in v}
            body = answer.get("body", "").encode()
            yield path.parts[-3], Answer("https://api.github.com/x", answer["status"], headers, body)


def test_every_recorded_secondary_limit_is_recognised_and_waited_for_as_it_says() -> None:
    asked = {name: seconds_to_wait(answer, 0.0, 0) for name, answer in recorded_limits()}
    assert len(asked) == 10
    assert asked["testHandler_Wait"] == 2 and asked["testHandler_Fail"] == 30
    assert asked["testHandler_Wait_Secondary_Limits_Too_Many_Requests"] == 8
    assert asked["testHandler_Wait_Secondary_Limits_Body_Marker_Only"] == 60
    assert None not in asked.values()


def test_recorded_refusals_become_the_errors_that_fit() -> None:
    seen = set()
    for name in ("testBadCredentials", "testUnknownObject", "test2FARequired"):
        lines = (API / "pygithub" / f"SpecificExceptions.{name}.txt").read_text("utf-8").splitlines()
        for status, _, body in zip(lines, lines[1:], lines[2:], strict=False):
            if re.fullmatch(r"4\d\d", status):
                answer = Answer("https://api.github.com/x", int(status), {}, body.encode())
                with pytest.raises(Exception) as caught:
                    raise_for_error(answer)
                seen.add((name, type(caught.value).__name__, answer.message in caught.value.args[0]))
    assert ("testBadCredentials", "AuthenticationError", True) in seen
    assert ("testUnknownObject", "NotFoundError", True) in seen
