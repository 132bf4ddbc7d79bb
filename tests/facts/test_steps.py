"""A job's steps, told to the second, against a log told to the microsecond."""

from __future__ import annotations

import pytest

from analysis.facts.runner_log import read_job_log

CAUSE = "ERROR: failed to solve: alpine: unexpected status from HEAD to https://registry-1.docker.io/v2/: 403 Forbidden"


def _log(*, ended: str, after: str, marker: str = "Post job cleanup.") -> bytes:
    """A build that fails at `ended`; the next step writes its first line at `after` (seconds of one minute)."""
    stamped = [
        ("01.1000000", "Current runner version: '2.321.0'"),
        ("02.2000000", "##[group]Run actions/checkout@v4"),
        ("02.2100000", "##[endgroup]"),
        ("03.4000000", "##[group]Run docker build ."),
        ("03.4100000", "##[endgroup]"),
        (ended, CAUSE),
        (ended, "##[error]Process completed with exit code 1."),
        (after, marker),
        (after, "[command]/usr/bin/git version"),
        ("12.0000000", "Cleaning up orphan processes"),
    ]
    return "\n".join(f"2026-03-02T10:00:{second}Z {text}" for second, text in stamped).encode()


def _steps(build_ends: int, post_begins: int) -> list[dict[str, object]]:
    at = "2026-03-02T10:00:{:02d}Z".format
    return [
        {"number": n, "name": name, "conclusion": conclusion, "started_at": at(start), "completed_at": at(end)}
        for n, name, conclusion, start, end in (
            (1, "Set up job", "success", 1, 2),
            (2, "Run actions/checkout@v4", "success", 2, 3),
            (3, "Run docker build .", "failure", 3, build_ends),
            (6, "Post Run actions/checkout@v4", "success", post_begins, 11),
            (7, "Complete job", "success", 12, 12),
        )
    ]


@pytest.mark.parametrize(
    ("ended", "after", "build_ends", "post_begins"),
    [
        pytest.param("09.8990000", "09.9410000", 9, 9, id="all in one second"),
        pytest.param("09.9990000", "10.0010000", 9, 10, id="on both sides of a second"),
        pytest.param("09.8990000", "10.2000000", 10, 10, id="the step's end is told late"),
        pytest.param("09.8990000", "09.9410000", 10, 10, id="times are rounded up"),
        pytest.param("08.1000000", "09.9410000", 8, 9, id="a pause between them"),
    ],
)
def test_a_steps_last_words_are_its_own_though_the_next_step_begins_in_that_second(
    ended: str, after: str, build_ends: int, post_begins: int
) -> None:
    facts = read_job_log(_log(ended=ended, after=after), steps=_steps(build_ends, post_begins))
    assert facts.failure is not None
    assert (facts.failure.component, facts.failure.kind) == ("docker-hub", "http-403")
    assert facts.failure.step_number == 3


def test_without_the_runners_first_words_an_error_still_belongs_to_the_step_that_failed() -> None:
    log = _log(ended="09.8990000", after="09.9410000", marker="Nothing that we know")
    facts = read_job_log(log, steps=_steps(9, 9))
    assert facts.failure is not None
    assert (facts.failure.component, facts.failure.step_number) == ("docker-hub", 3)


def test_a_clean_up_that_fails_keeps_its_own_error() -> None:
    log = _log(ended="09.1000000", after="09.9410000").replace(
        CAUSE.encode(), b"all well").replace(b"##[error]Process completed with exit code 1.", b"done").replace(
        b"[command]/usr/bin/git version", b"##[error]getaddrinfo ENOTFOUND github.com")  # fmt: skip
    steps = _steps(9, 9)
    steps[2]["conclusion"], steps[3]["conclusion"] = "success", "failure"
    facts = read_job_log(log, steps=steps)
    assert facts.failure is not None
    assert (facts.failure.component, facts.failure.step_number) == ("network", 6)
