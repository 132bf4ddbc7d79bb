"""The small tables behind the charts, counted by hand."""

import pandas as pd
import pytest

from analysis.charts import tables

START = pd.Timestamp("2025-01-08T00:00Z")


def jobs(rows: list[tuple[float, bool, str]]) -> tuple[pd.DataFrame, pd.Series]:
    """Jobs of one repository from (hours, failed, version)."""
    frame = pd.DataFrame(
        {
            "repo": "acme/web", "job": "build", "started_at": [START + pd.Timedelta(hours=h) for h, _, _ in rows],
            "failed": [f for _, f, _ in rows], "censored": False, "component": "docker-hub", "rerun_passed": None,
        }
    )  # fmt: skip
    return frame, pd.Series([v for _, _, v in rows], dtype="object")


def test_a_censored_job_does_not_vote() -> None:
    frame, _ = jobs([(0, True, "1"), (0, True, "1")])
    frame.loc[0, "censored"] = True
    assert tables.failures_by_time(frame, pd.Timedelta(hours=1))["failed"].sum() == 1


def test_an_upgrade_that_only_shares_the_bad_hours_looks_guilty_before_and_after_and_innocent_side_by_side() -> None:
    calm = [(h / 10, False, "old") for h in range(200)]
    storm = [(30 + i / 40, i % 2 == 0, "old" if i % 4 < 2 else "new") for i in range(160)]
    found = tables.paradox(*jobs(calm + storm), "old", "new")
    assert found is not None and found.old is not None and found.new is not None
    assert found.before.rate < 0.05 and found.after.rate > 0.4
    assert found.old.rate == pytest.approx(found.new.rate, abs=0.05)
    assert found.misleads()


def test_a_guilty_version_is_guilty_in_the_same_hours_too() -> None:
    both = [(i / 20, i % 2 == 1 and i % 3 > 0, "new" if i % 2 else "old") for i in range(200)]
    found = tables.paradox(*jobs([(-h, False, "old") for h in range(1, 50)] + both), "old", "new")
    assert found is not None and found.old is not None and found.new is not None
    assert found.new.low > found.old.high
    assert not found.misleads()


def test_versions_that_never_met_cannot_be_compared_fairly() -> None:
    found = tables.paradox(*jobs([(0, False, "old"), (24, True, "new")]), "old", "new")
    assert found is not None
    assert found.strata == 0 and found.old is None


def test_a_version_that_never_ran_gives_no_comparison() -> None:
    assert tables.paradox(*jobs([(0, False, "old")]), "old", "new") is None


def test_the_shares_of_all_versions_add_up_in_each_bin() -> None:
    frame, version = jobs([(0, False, "1"), (1, False, "2"), (2, False, "3"), (8, False, "3")])
    shares = tables.adoption(frame, version, pd.Timedelta(hours=6), show=("1", "2"))
    assert shares.groupby("at")["share"].sum().tolist() == [1.0, 1.0]
    assert set(shares["version"]) == {"1", "2", "other"}


@pytest.mark.parametrize(("days", "hours"), [(1, 1), (10, 1), (11, 2), (21, 3), (60, 6), (400, 24)])
def test_bins_grow_with_the_window(days: int, hours: int) -> None:
    width = tables.bin_width(START, START + pd.Timedelta(days=days))
    assert width == pd.Timedelta(hours=hours)


def test_wilson_s_interval_holds_the_rate_and_stays_between_zero_and_one() -> None:
    rate = tables.wilson("x", pd.Series([True] * 1 + [False] * 9))
    assert (round(rate.low, 3), round(rate.high, 3)) == (0.018, 0.404)  # Newcombe 1998 gives the same for 1 of 10
    none = tables.wilson("x", pd.Series([False] * 10))
    assert none.low == 0 and 0 < none.high < 0.3


@pytest.mark.parametrize(("high", "low", "above"), [((56, 70), (48, 80), True), ((55, 70), (53, 80), False)])
def test_one_rate_is_above_another_where_newcombe_s_interval_of_the_difference_is(
    high: tuple[int, int], low: tuple[int, int], above: bool
) -> None:
    """56 of 70 against 48 of 80 is Newcombe's own example: 0.0524 to 0.3339 (Statistics in Medicine 17, 1998)."""
    one, other = (tables.wilson("x", pd.Series([True] * k + [False] * (n - k))) for k, n in (high, low))
    assert one.is_above(other) is above
