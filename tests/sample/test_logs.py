"""Rendered logs read as the runner's own do: by the reader of real logs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from analysis.facts.runner_log import read_job_log
from analysis.sample import buildkit
from analysis.sample.logs import JobPlan, Runner, StepPlan, planned_job, render_log
from analysis.sample.objects import run_object

NOON = datetime(2025, 1, 8, 12, 0, tzinfo=UTC)
CHECKOUT = "11bd71901bbe5b1630ceea73d27597364c9af683"
BUILD = "b32b51a8eda65d6793cd0494a773d4f6bcef32dc"
PHP = "docker.io/library/php:8.3.15-fpm"
FRAME = buildkit.Frame(["", "COPY --from=ext /a /b", "RUN ln -sr /a /b", ""], first=4, pointed=6)


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def plan(*, answer: str | None = "403 Forbidden", fails: bool = True) -> JobPlan:
    builder = buildkit.builder_name("test")
    vertices = buildkit.build_vertices([PHP], ["RUN ln -sr /a /b"], tags=["docker.io/acme/web:1"], push=True)
    failure = None
    if fails:
        error = buildkit.blob_error(PHP, answer)
        vertices = [*vertices[:4], buildkit.from_vertex(PHP, 2, error)]
        failure = f"failed to compute cache key: {error}"
    build = StepPlan(
        "Build", at(8), at(30),
        uses="docker/build-push-action@v6",
        sha=BUILD,
        inputs={"context": ".", "tags": "acme/web:1\nacme/web:latest\n"},
        output=buildkit.build_output(builder, vertices, failure=failure, frame=FRAME if fails else None),
        conclusion="failure" if fails else "success",
        error=buildkit.build_error(failure) if failure else None,
        post=[],
    )  # fmt: skip
    checkout = StepPlan("Checkout", at(3), at(5), uses="actions/checkout@v4.2.2", sha=CHECKOUT, post=["git version"])
    setup = StepPlan("Buildx", at(5), at(8), run="docker buildx create", output=buildkit.setup_buildx_output(builder))
    last = StepPlan("Smoke test", at(30), at(40), run="./smoke.sh", conclusion="skipped" if fails else "success")
    return JobPlan("build", NOON, at(44), [checkout, setup, build, last], Runner(region="eastus"))


def test_the_reader_finds_runner_tools_and_actions() -> None:
    facts = read_job_log(render_log(plan(fails=False)))
    assert facts.failure is None
    told = facts.environment
    assert (told["runner_version"], told["image"], told["image_version"]) == ("2.321.0", "ubuntu-24.04", "20250105.1.0")
    assert (told["region"], told["buildkit_version"], told["buildx_version"]) == ("eastus", "0.18.2", "0.19.3")
    assert {(use["action"], use["ref"], use["sha"]) for use in facts.action_uses} == {
        ("actions/checkout", "v4.2.2", CHECKOUT),
        ("docker/build-push-action", "v6", BUILD),
    }


def test_a_refused_layer_is_the_registrys_fault_though_the_frame_points_at_a_run_line() -> None:
    found = read_job_log(render_log(plan())).failure
    assert found is not None
    assert (found.component, found.kind, found.http_status) == ("docker-hub", "http-403", 403)


def test_without_host_and_code_the_layer_is_still_docker_hubs() -> None:
    found = read_job_log(render_log(plan(answer=None))).failure
    assert found is not None
    assert found.component == "docker-hub"


def test_every_line_but_the_rest_of_a_long_input_has_a_time_that_never_goes_back() -> None:
    lines = render_log(plan()).decode("utf-8-sig").splitlines()
    stamped = [line for line in lines if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z ", line)]
    assert [line for line in lines if line not in stamped] == ["acme/web:latest", ""]
    assert [line[:28] for line in stamped] == sorted(line[:28] for line in stamped)


def test_a_skipped_step_leaves_no_line_and_post_steps_run_backwards() -> None:
    text = render_log(plan()).decode()
    assert "smoke.sh" not in text
    assert text.count("Post job cleanup.") == 2
    job = planned_job(run_object("acme/web", created_at=NOON), plan())
    assert [(step["number"], step["name"], step["conclusion"]) for step in job["steps"]] == [
        (1, "Set up job", "success"),
        (2, "Checkout", "success"),
        (3, "Buildx", "success"),
        (4, "Build", "failure"),
        (5, "Smoke test", "skipped"),
        (7, "Post Build", "success"),
        (9, "Post Checkout", "success"),
        (10, "Complete job", "success"),
    ]
    assert job["conclusion"] == "failure"


@pytest.mark.parametrize("fails", [True, False])
def test_a_plan_always_gives_the_same_bytes(fails: bool) -> None:
    assert render_log(plan(fails=fails)) == render_log(plan(fails=fails))
