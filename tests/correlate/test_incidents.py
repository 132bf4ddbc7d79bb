"""Status incidents: they excuse only what they name, in the direction they name."""

from typing import Any

import pandas as pd

from analysis.correlate.exposure import Exposure
from analysis.correlate.incidents import incident_exhibit
from tests.correlate.frames import exposure_of, jobs


def history(operation: str = "pull") -> Exposure:
    """Three weeks of ten jobs every four hours; Docker Hub fails for eight hours on the tenth day."""
    parts = [
        jobs(10, hour=h, span=4, failures=5 if 216 <= h < 224 else 0, component="docker-hub", operation=operation)
        for h in range(0, 21 * 24, 4)
    ]
    return exposure_of(pd.concat(parts))


def incident(component: str = "docker-hub", direction: str = "all", began: str = "2025-01-15T00:30Z") -> pd.DataFrame:
    row: dict[str, Any] = {
        "components": [component], "direction": direction, "began_at": pd.Timestamp(began),
        "posted_at": pd.Timestamp(began), "resolved_at": pd.Timestamp(began) + pd.Timedelta(hours=7),
        "url": "https://status.example/1",
    }  # fmt: skip
    return pd.DataFrame([row])


def test_failures_inside_a_fitting_incident_support_the_service_and_late_posts_are_tolerated() -> None:
    got = incident_exhibit(history(), incident(), "docker-hub")
    assert got.supports is None and got.p is not None and got.p > 0.05, "four lags over 21 days cannot reach 0.05"
    assert got.estimate is not None and got.estimate > 20
    assert "no less than 0.19 can be reached" in got.statement


def test_with_a_longer_history_the_same_incident_is_beyond_chance() -> None:
    quiet = [jobs(4, hour=h, span=12) for h in range(21 * 24, 100 * 24, 12)]
    long = pd.concat([history().jobs.assign(version=None), *quiet])
    got = incident_exhibit(exposure_of(long), incident(), "docker-hub")
    assert got.supports is True and got.p is not None and got.p < 0.05


def test_an_incident_of_something_else_excuses_nothing() -> None:
    got = incident_exhibit(history(), incident("Docker Desktop"), "docker-hub")
    assert got.supports is None and got.estimate is None and "No incident of docker-hub" in got.statement


def test_an_incident_about_pushes_does_not_excuse_pulls() -> None:
    assert incident_exhibit(history("pull"), incident(direction="push"), "docker-hub").supports is False
    assert incident_exhibit(history("push"), incident(direction="push"), "docker-hub").supports is None


def test_an_incident_far_from_the_failures_does_not_support() -> None:
    got = incident_exhibit(history(), incident(began="2025-01-20T00:00Z"), "docker-hub")
    assert got.supports is None and got.p == 1.0
