"""What the jobs beside it tell of a job: one family of jobs, looks by hand, moments in between."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.correlate.kin import Kin

Look = tuple[int, int, int]


def told(looks: list[Look], job: int, at: int) -> tuple[int, int, int]:
    """Tokens before, after and nearer, for looks of (job, moment, token) at one family."""
    columns = [np.array(column, dtype=np.int64) for column in zip(*looks, strict=True)]
    jobs, moments, tokens = columns or [np.zeros(0, dtype=np.int64)] * 3
    kin = Kin(np.zeros(len(jobs), dtype=np.int64), jobs, moments, tokens)
    asked = (np.array([value], dtype=np.int64) for value in (0, job, at))
    before, after, nearer = kin.beside(*asked)
    return int(before[0]), int(after[0]), int(nearer[0])


CHANGE = [(1, 0, 10), (1, 20, 11)]


def test_a_change_seen_in_one_job_dates_it_for_a_job_that_was_only_seen_after_it() -> None:
    looks = [*CHANGE, (2, 25, 11)]
    assert told(looks, job=2, at=-5) == (-1, 10, 10)
    assert told(looks, job=2, at=22) == (11, 11, 11)


def test_a_change_seen_in_one_job_dates_it_for_a_job_that_was_only_seen_before_it() -> None:
    assert told([*CHANGE, (2, -3, 10)], job=2, at=30) == (11, -1, 11)


def test_kin_narrow_the_time_in_which_a_job_itself_changed() -> None:
    looks = [*CHANGE, (2, -50, 10), (2, 90, 11)]
    assert told(looks, job=2, at=-1) == (10, 10, 10) and told(looks, job=2, at=21) == (11, 11, 11)
    assert told(looks, job=2, at=4) == (10, 11, 10) and told(looks, job=2, at=16) == (10, 11, 11)


def test_two_changes_in_a_row_are_followed_back() -> None:
    assert told([*CHANGE, (3, 22, 11), (3, 40, 12), (2, 50, 12)], job=2, at=-5) == (-1, 10, 10)


def test_a_change_that_no_job_showed_on_both_sides_tells_nothing() -> None:
    """One job at one version and another at another: they may always have differed."""
    assert told([(1, 0, 10), (2, 25, 11)], job=2, at=-5) == (-1, -1, -1)


def test_where_a_job_stayed_behind_nothing_is_told_beyond_the_change() -> None:
    looks = [*CHANGE, (3, -8, 10), (3, 60, 10), (2, 25, 11)]
    assert told(looks, job=2, at=-9) == (-1, -1, -1)
    assert told(looks, job=2, at=24) == (11, 11, 11)


def test_a_change_and_its_revert_are_both_followed() -> None:
    looks = [*CHANGE, (1, 40, 10), (2, -8, 10), (2, 60, 10), (3, 70, 10)]
    assert told(looks, job=3, at=21) == (11, 10, 11) and told(looks, job=3, at=-5) == (10, 10, 10)


def test_jobs_without_a_look_and_empty_families_are_told_nothing() -> None:
    assert told(CHANGE, job=2, at=5) == (-1, -1, -1) and told([], job=2, at=5) == (-1, -1, -1)


looks = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 2)), max_size=12)


@settings(deadline=None)
@given(looks, st.integers(0, 3), st.integers(-2, 14))
def test_the_order_of_looks_does_not_matter_and_only_what_was_seen_is_told(
    looks: list[Look], job: int, at: int
) -> None:
    found = told(looks, job, at)
    assert told(looks[::-1], job, at) == found
    assert set(found) <= {token for _, _, token in looks} | {-1}


@settings(deadline=None)
@given(looks, st.integers(0, 3))
def test_what_a_job_was_seen_with_is_not_overridden(looks: list[Look], job: int) -> None:
    alone = {look[:2]: look for look in looks}
    own = {at: token for who, at, token in alone.values() if who == job}
    others_then = {at for who, at, _ in alone.values() if who != job}
    for at in own.keys() - others_then:
        assert told(list(alone.values()), job, at) == (own[at], own[at], own[at])
