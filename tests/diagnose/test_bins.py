"""How finely time is cut."""

from __future__ import annotations

import numpy as np

from analysis.diagnose.bins import bins

JOBS, REPOS, DAY = 70_000, 20, 86400.0


def large(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sixty days in which nothing happens: times, failures, repositories, texts."""
    rng = np.random.default_rng(seed)
    seconds = 1.7e9 + np.sort(rng.uniform(0, 60 * DAY, JOBS))
    failed, repo = rng.random(JOBS) < 0.02, rng.integers(0, REPOS, JOBS)
    return seconds, failed, repo, np.where(failed, 0, -1)


def test_a_normal_history_is_cut_into_ten_minutes_and_keeps_its_times() -> None:
    seconds, failed, repo, text = (part[:5_000] for part in large())
    cut, moment = bins(seconds, failed, repo, text, repo)
    assert (cut == seconds // 600).all()
    assert (moment == seconds).all()


def test_failures_and_passes_of_a_quiet_wide_bin_have_one_moment() -> None:
    seconds, failed, repo, text = large()
    cut, moment = bins(seconds, failed, repo, text, repo)
    wide = ~np.isin(moment, seconds)
    assert wide.mean() > 0.7
    assert len(np.unique(moment[wide])) <= 60 * 24 + 1
    assert set(moment[wide & failed]) <= set(moment[wide & ~failed])
    assert len(np.unique(repo * (cut.max() + 1) + cut)) < JOBS / 2


def test_the_hours_of_an_outage_stay_fine_in_a_large_history() -> None:
    seconds, failed, repo, text = large()
    inside = (seconds > seconds[0] + 30.3 * DAY) & (seconds < seconds[0] + 30.4 * DAY)
    failed = failed | inside
    text = np.where(inside, 1, text)
    _, moment = bins(seconds, failed, repo, text, repo)
    assert (moment[inside] == seconds[inside]).all()


def test_of_a_trouble_of_weeks_the_beginning_and_the_end_stay_fine_and_the_middle_does_not() -> None:
    seconds, failed, repo, text = large()
    day = (seconds - seconds[0]) / DAY
    hit = (day > 20) & (day < 40) & (np.random.default_rng(2).random(JOBS) < 0.3)
    _, moment = bins(seconds, failed | hit, repo, np.where(hit, 1, text), repo)
    fine = moment == seconds
    assert fine[(day > 20) & (day < 20.5)].all()
    assert fine[(day > 39.5) & (day < 40)].all()
    assert fine[(day > 26) & (day < 34)].mean() < 0.1
