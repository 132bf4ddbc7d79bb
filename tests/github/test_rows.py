"""Rows from GitHub's JSON, tolerant of all that its fields can be."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.github.rows import (
    attempt_row,
    file_text,
    job_rows,
    release_row,
    run_row,
    tag_row,
    uses_of,
)
from analysis.schema import TABLES

RUN: dict[str, Any] = {
    "id": 12, "run_attempt": 2, "name": "CI", "path": ".github/workflows/ci.yml@refs/heads/main", "event": "push",
    "status": "completed", "conclusion": "failure", "created_at": "2025-01-08T13:02:11Z", "run_number": 7,
    "run_started_at": "2025-01-09T01:00:00Z", "updated_at": "2025-01-09T01:09:00Z", "workflow_id": 3,
    "head_branch": "main", "head_sha": "a" * 40, "head_repository": {"full_name": "o/r"},
    "repository": {"full_name": "o/r"}, "actor": {"login": "x"}, "triggering_actor": {"login": "y"},
    "pull_requests": [{"number": 5}], "display_title": "Title", "html_url": "https://github.com/o/r/actions/runs/12",
    "referenced_workflows": [{"path": "o/w/.github/workflows/b.yml@v1", "sha": "b" * 40, "ref": "v1"}],
}  # fmt: skip
JOB: dict[str, Any] = {
    "id": 34, "run_id": 12, "run_attempt": 1, "name": "build (ubuntu-latest, 3.12)", "status": "completed",
    "conclusion": "failure", "created_at": "2025-01-31T23:59:58Z", "started_at": "2025-02-01T00:00:01Z",
    "completed_at": "2025-02-01T00:05:00Z", "labels": ["ubuntu-latest"], "runner_name": "", "workflow_name": "CI",
    "steps": [{"number": 1, "name": "Set up job", "status": "completed", "conclusion": "success",
               "started_at": "2025-02-01T00:00:01Z", "completed_at": None}],
}  # fmt: skip


def fits(table: str, row: dict[str, Any]) -> None:
    pa.Table.from_pylist([row], schema=TABLES[table].arrow)


def test_a_run_becomes_a_row_with_its_own_times_and_without_the_ref_in_its_path() -> None:
    row = run_row(RUN)
    assert row is not None
    assert (row["path"], row["run_attempt"], row["pull_request"]) == (".github/workflows/ci.yml", 2, 5)
    assert row["created_at"] == datetime(2025, 1, 8, 13, 2, 11, tzinfo=UTC)
    assert row["run_started_at"] == datetime(2025, 1, 9, 1, tzinfo=UTC)
    assert row["referenced_workflows"] == [f"o/w/.github/workflows/b.yml@{'b' * 40}"]
    fits("runs", row)


def test_a_job_lies_in_the_month_in_which_its_run_was_created() -> None:
    found = job_rows(JOB, "o/r", datetime(2025, 1, 31, 23, 59, tzinfo=UTC))
    assert found is not None
    assert found[0]["month"] == found[1][0]["month"] == "2025-01"
    assert found[0]["runner_name"] is None
    fits("jobs", found[0])
    fits("steps", found[1][0])


def test_the_repository_is_told_by_addresses_of_both_servers() -> None:
    for url in ("https://api.github.com/repos/o/r/actions/jobs/34", "https://ghe.example/api/v3/repos/o/r/actions/x"):
        found = job_rows({**JOB, "url": url})
        assert found is not None and found[0]["repo"] == "o/r"


@pytest.mark.parametrize(
    "nulls",
    [
        ("name", "head_branch", "display_title", "actor", "head_commit", "head_repository", "pull_requests"),
        ("conclusion", "referenced_workflows", "path", "run_attempt", "run_started_at", "triggering_actor"),
    ],
)
def test_every_field_that_github_leaves_null_may_be_null(nulls: tuple[str, ...]) -> None:
    row = run_row(RUN | dict.fromkeys(nulls))
    assert row is not None
    fits("runs", row)


def test_a_skipped_job_has_no_steps_and_may_end_before_it_began() -> None:
    skipped = JOB | {"conclusion": "skipped", "steps": [], "labels": None, "completed_at": "2025-01-31T23:59:57Z"}
    found = job_rows(skipped, "o/r")
    assert found is not None and found[1] == []
    assert found[0]["completed_at"] < found[0]["started_at"]


def test_states_of_graphql_and_empty_ones_read_like_those_of_the_rest_api() -> None:
    found = job_rows(JOB | {"conclusion": "TIMED_OUT", "status": ""}, "o/r")
    assert found is not None
    assert (found[0]["conclusion"], found[0]["status"]) == ("timed_out", None)


def test_what_has_no_id_no_repository_or_no_time_is_no_row() -> None:
    assert run_row({}) is None
    assert run_row({"id": 1, "created_at": "2025-01-01T00:00:00Z"}) is None
    assert run_row(RUN | {"created_at": "0001-01-01T00:00:00Z", "run_started_at": None}) is None
    assert job_rows({"id": 1, "run_id": 2}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("2025-01-08T13:02:11Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*RUN, *JOB, "number"]), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*RUN, *JOB]), JSON))
def test_whatever_the_fields_hold_a_row_fits_its_table_or_is_none(item: dict[str, Any]) -> None:
    run = run_row(item, "o/r")
    if run is not None:
        fits("runs", run)
    found = job_rows(item, "o/r")
    if found is not None:
        fits("jobs", found[0])
        for step in found[1]:
            fits("steps", step)


def test_an_earlier_attempt_is_put_together_from_its_jobs() -> None:
    run = run_row(RUN | {"conclusion": "success"})
    found = job_rows(JOB, "o/r")
    assert run is not None and found is not None
    passed = found[0] | {"job_id": 35, "conclusion": "success"}
    row = attempt_row(run, [found[0], passed], 1)
    assert row is not None
    assert (row["run_attempt"], row["conclusion"], row["triggering_actor"]) == (1, "failure", "x")
    assert row["run_started_at"] == run["created_at"]
    assert attempt_row(run, [], 1) is None
    fits("runs", row)


def test_a_draft_is_no_release_and_a_tag_brings_its_commit() -> None:
    assert release_row("o/a", {"tag_name": "v1", "draft": True}) is None
    row = release_row("o/a", {"tag_name": "v1.0.0", "published_at": "2025-01-08T13:02:11Z"})
    tag = tag_row("o/a", {"name": "v1.0.0", "commit": {"sha": "c" * 40}})
    assert row is not None and tag is not None and tag["sha"] == "c" * 40
    fits("releases", row)
    fits("releases", tag)
    assert tag_row("o/a", {"name": "v1"}) is None


def test_uses_are_found_at_any_depth_in_jobs_and_steps() -> None:
    written = """
on: push
jobs:
  call: {uses: o/w/.github/workflows/b.yml@v1}
  build:
    steps:
      - uses: actions/checkout@v4   # comment
      - {name: x, uses: "docker/build-push-action@48aba3b46d1b1fec4febb7c5d0c644b249a11355"}
      - uses: ./local
      - uses: docker://alpine:3
"""
    assert uses_of(written) == [
        "actions/checkout@v4",
        "docker/build-push-action@48aba3b46d1b1fec4febb7c5d0c644b249a11355",
        "o/w/.github/workflows/b.yml@v1",
    ]


def test_a_workflow_that_is_no_yaml_is_still_searched_and_an_alias_bomb_ends() -> None:
    assert uses_of("jobs: [\n  - uses: actions/checkout@v4\n") == ["actions/checkout@v4"]
    bomb = "a: &a [x, {uses: o/a@v1}]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert uses_of(bomb) == ["o/a@v1"]


def test_a_files_text_is_read_from_base64_with_line_breaks() -> None:
    assert file_text({"content": base64.encodebytes(b"uses: x\n" * 20).decode()}) == "uses: x\n" * 20
    assert file_text({"content": None}) is None
