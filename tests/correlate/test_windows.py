"""When it began, and where failures crowd."""

import numpy as np
import pandas as pd
import pytest

from analysis.correlate.windows import change_points, hourly, onset_exhibit
from tests.correlate.frames import exposure_of, jobs


def outage(hours: range, rate: int = 6) -> pd.DataFrame:
    """Ten jobs an hour for three days; so many fail in the hours given, one in twenty hours elsewhere."""
    parts = [jobs(10, hour=h, failures=rate if h in hours else int(h % 20 == 0)) for h in range(72)]
    return pd.concat(parts)


def test_both_edges_of_an_outage_are_found_with_an_interval() -> None:
    found = change_points(hourly(exposure_of(outage(range(30, 36))).jobs))
    assert [c.at for c in found] == list(pd.to_datetime(["2025-01-07T06:00Z", "2025-01-07T12:00Z"]))
    assert all(c.low <= c.at <= c.high for c in found)
    assert found[0].before < 0.02 and found[0].after == pytest.approx(0.6)


def test_a_steady_rate_has_no_change_points() -> None:
    rng = np.random.default_rng(1)
    frame = pd.concat([jobs(10, hour=h) for h in range(200)])
    frame["failed"] = rng.random(len(frame)) < 0.1
    assert change_points(hourly(exposure_of(frame).jobs)) == []


def test_empty_hours_between_jobs_do_not_break_the_search() -> None:
    frame = pd.concat([jobs(20, hour=h, failures=0 if h < 100 else 15) for h in (0, 50, 99, 100, 180)])
    assert [c.after for c in change_points(hourly(exposure_of(frame).jobs))] == [0.75]


def test_failures_that_began_before_the_version_speak_against_it() -> None:
    exposure = exposure_of(outage(range(30, 72)))
    failures = exposure.jobs["failed"]
    late = onset_exhibit(exposure, failures, "6.11.0", {"its first job": pd.Timestamp("2025-01-07T20:00Z")})
    fits = onset_exhibit(exposure, failures, "6.11.0", {"its first job": pd.Timestamp("2025-01-07T06:00Z")})
    assert late.supports is False and late.estimate == pytest.approx(-14)
    assert "before its first job" in late.statement
    assert fits.supports is None
