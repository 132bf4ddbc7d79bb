"""Controls, exonerations, text, load, persistence, reruns: each speaks for or against, or says it cannot."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from analysis.correlate.controls import (
    bystanders,
    difference_in_differences,
    exonerations,
    negative_control,
)
from analysis.correlate.dose import load_exhibit, persistence_exhibit
from analysis.correlate.reruns import rerun_exhibit
from analysis.correlate.text import classes, text_exhibit
from analysis.correlate.versions import ran
from tests.correlate.frames import ACTION, exposure_of, jobs


def both(hour: float, new_failures: int, old_failures: int, **columns: object) -> pd.DataFrame:
    return pd.concat([
        jobs(60, hour=hour, version="6.11.0", failures=new_failures, **columns),
        jobs(60, hour=hour, version="6.10.0", failures=old_failures, **columns),
    ])  # fmt: skip


def test_test_failures_that_rise_with_the_version_speak_against_blaming_it() -> None:
    rising = exposure_of(both(0, 30, 5, kind="test-failure", component="user-code"))
    level = exposure_of(both(0, 12, 12, kind="test-failure", component="user-code"))
    got, fine = (negative_control(e, ran(e, ACTION, "6.11.0"), "6.11.0", "6.10.0") for e in (rising, level))
    assert got.supports is False and "something else" in got.statement
    assert fine.supports is None and "as it should be" in fine.statement


def test_jobs_without_the_action_that_fail_in_the_same_hours_point_elsewhere() -> None:
    lint = [jobs(80, hour=0, failures=2, job="lint"), jobs(40, hour=30, failures=20, job="lint")]
    died_before_the_step = jobs(9, hour=30, failures=9)
    frame = pd.concat([both(0, 0, 0), *lint, both(30, 30, 30), died_before_the_step])
    exposure = exposure_of(frame.assign(versions_observed=True))
    got = bystanders(exposure, ACTION, datetime(2025, 1, 7, 6, tzinfo=UTC), datetime(2025, 1, 7, 8, tzinfo=UTC))
    assert got.supports is False and got.estimate is not None and got.estimate > 10
    assert got.n == 120, "a job that died before the step is no bystander"


def test_who_failed_without_it_or_before_it_and_who_passed_with_it_free_a_suspect() -> None:
    frame = pd.concat([jobs(50, hour=0, version="6.10.0", failures=4), both(30, 20, 18), both(50, 0, 0)])
    exposure = exposure_of(frame)
    exposed = ran(exposure, ACTION, "6.11.0")
    window = datetime(2025, 1, 7, 6, tzinfo=UTC), datetime(2025, 1, 7, 8, tzinfo=UTC)
    found = exonerations(exposure, exposed, exposure.jobs["failed"], "6.11.0", "6.10.0", *window)
    assert {e.test: e.statement.split(" (")[0] for e in found} == {
        "failed-on-old": "18 of 60", "passed-outside": "60 of 60", "failed-before": "4 of 50",
    }  # fmt: skip
    assert all(e.supports is False and e.runs for e in found)


def test_a_level_for_each_stretch_of_hours_frees_the_version_that_came_with_the_outage() -> None:
    quiet = [jobs(60, hour=h, version="6.10.0", failures=2, repo=r) for h in (0, 12, 24) for r in ("a/x", "a/y")]
    bad = [
        jobs(60, hour=36, version="6.11.0", failures=30, repo="a/x"),
        jobs(60, hour=36, version="6.10.0", failures=30, repo="a/y"),
    ]
    innocent = exposure_of(pd.concat([*quiet, *bad]))
    guilty = exposure_of(pd.concat([*quiet, bad[0], jobs(60, hour=36, version="6.10.0", failures=2, repo="a/y")]))
    freed, convicted = (
        difference_in_differences(e, ran(e, ACTION, "6.11.0"), "6.11.0", "6.10.0") for e in (innocent, guilty)
    )
    assert freed.estimate == pytest.approx(1, abs=0.2) and freed.supports is not True
    assert convicted.supports is True and convicted.estimate is not None and convicted.estimate > 10


def test_failures_that_name_the_service_support_it() -> None:
    hub = jobs(20, hour=0, failures=10, component="docker-hub", kind="http-403", operation="pull")
    own = jobs(20, hour=9, failures=10, component="user-code", kind="test-failure", operation="test")
    exposure = exposure_of(pd.concat([hub, own]))
    laid = exposure.jobs["failed"] & (exposure.jobs["started_at"] < pd.Timestamp("2025-01-06T08:00Z"))
    assert text_exhibit(exposure, laid, "Docker Hub", ["docker-hub"]).supports is True
    assert text_exhibit(exposure, laid, "npm", ["npm"]).supports is None
    assert classes(exposure)["n"].tolist() == [10, 10]


def test_a_limit_follows_the_load_and_plain_flakiness_does_not() -> None:
    rng = np.random.default_rng(3)
    loads = [int(n) for n in rng.integers(5, 60, 96)]
    limited = [jobs(n, hour=h, failures=int(n * min(0.5, n / 120))) for h, n in enumerate(loads)]
    flaky = [jobs(n, hour=h, failures=int(rng.binomial(n, 0.1))) for h, n in enumerate(loads)]
    one, other = (exposure_of(pd.concat(part)) for part in (limited, flaky))
    assert load_exhibit(one, one.jobs["failed"], "the limit").supports is True
    assert load_exhibit(other, other.jobs["failed"], "the limit").supports is not True


def test_an_expired_credential_goes_on_failing() -> None:
    exposure = exposure_of(jobs(40, hour=0).assign(failed=[i > 15 for i in range(40)]))
    failed = exposure.jobs["failed"]
    assert persistence_exhibit(exposure, failed, "the login", lasting_cause=True).supports is True
    assert persistence_exhibit(exposure, failed, "Docker Hub", lasting_cause=False).supports is False


def test_a_rerun_that_passes_unchanged_speaks_against_the_version_and_for_the_service() -> None:
    frame = jobs(20, hour=0, failures=20)
    reruns = pd.DataFrame({
        "row": range(20), "attempt": 2, "gap_hours": 1.0, "passed": [i > 1 for i in range(20)], "same_version": True,
        "component": None, "kind": None, "html_url": "https://github.com/acme/web/actions/runs/1",
    })  # fmt: skip
    reruns["same_version"] = reruns["same_version"].astype("boolean")
    exposure = exposure_of(frame, reruns=reruns)
    version = rerun_exhibit(exposure, exposure.jobs["failed"], "6.11.0", transient_cause=False)
    service = rerun_exhibit(exposure, exposure.jobs["failed"], "Docker Hub", transient_cause=True)
    assert (version.supports, service.supports) == (False, True)
    assert version.estimate == pytest.approx(0.9)
    exposure.reruns["same_version"] = pd.array([False] * 20, dtype="boolean")
    assert rerun_exhibit(exposure, exposure.jobs["failed"], "6.11.0", transient_cause=False).n == 0
