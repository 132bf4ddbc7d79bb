"""From a choice to a chart and its conclusion."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pandas as pd
import pytest

from analysis.notebook import views
from analysis.notebook.history import History, Selection, select

VIEWS = (
    views.failures, views.blast_radius, views.kinds, views.adoption, views.versions, views.same_hours,
    views.hours_of_day, views.days, views.inside_posts,
)  # fmt: skip
NAMES = [view.__name__ for view in VIEWS]


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_every_chart_is_followed_by_a_sentence(history: History, view: views.View) -> None:
    shown = view(history, Selection())
    assert shown.figure is not None and shown.figure.layout.meta["alt"]
    assert all(line.endswith(".") for line in shown.says) and shown.says


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_a_choice_that_leaves_no_job_says_so_instead_of_failing(history: History, view: views.View) -> None:
    long_ago = pd.Timestamp("2020-01-01T00:00Z")
    shown = view(history, Selection(since=long_ago, until=long_ago + pd.Timedelta(hours=2)))
    assert shown.says


def test_the_conclusion_counts_what_was_chosen(history: History) -> None:
    repo = "acme/api"
    mine = select(history, Selection(repository=repo))
    failed = int(mine["failed"].sum())
    assert (
        views.failures(history, Selection(repository=repo)).says[0].startswith(f"{failed} of {len(mine)} jobs failed")
    )
    assert set(mine["repo"]) == {repo}


def test_the_window_is_half_open(history: History) -> None:
    first = history.jobs["started_at"].min()
    assert len(select(history, Selection(since=first, until=first))) == 0
    assert len(select(history, Selection(until=first))) == 0


def test_the_hours_at_which_the_rate_changed_are_told_with_their_interval(history: History) -> None:
    start = history.jobs["started_at"].min().floor("h")
    frame = pd.DataFrame({"started_at": [start + pd.Timedelta(minutes=3 * i) for i in range(400)], "censored": False})
    jobs = history.jobs.iloc[[0] * 400].reset_index(drop=True).assign(**frame)

    def says(failed: pd.Series) -> tuple[str, ...]:
        part = dataclasses.replace(history.exposure, jobs=jobs.assign(failed=failed))
        return views.days(dataclasses.replace(history, exposure=part), Selection()).says

    told = says(jobs.index >= 200)
    assert any(line.startswith("Up from 0\u2009% to 100\u2009% at 2025") for line in told), told
    assert says(jobs.index % 2 == 0)[-1].endswith("the rate is steady.")


def test_the_action_whose_upgrade_is_in_question_comes_first(history: History) -> None:
    assert history.leading_versions(history.actions[0]) == ("6.10.0", "6.11.0")


@pytest.fixture(scope="module")
def large(history: History) -> History:
    """100,000 jobs: the small history's rows, drawn again at random times."""
    chance = np.random.default_rng(5)
    rows = history.jobs.index.to_numpy()[chance.integers(0, len(history.jobs), 100_000)]
    jobs = history.jobs.loc[rows].reset_index(drop=True)
    jobs["started_at"] += pd.to_timedelta(chance.integers(0, 3600, len(jobs)), unit="s")
    versions = history.exposure.versions.loc[rows].reset_index(drop=True)
    return dataclasses.replace(history, exposure=dataclasses.replace(history.exposure, jobs=jobs, versions=versions))


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_a_hundred_thousand_jobs_redraw_in_half_a_second(large: History, view: views.View) -> None:
    chosen = Selection(repository="acme/api", since=large.window[0])
    took = []
    for _ in range(3):
        start = time.process_time()
        shown = view(large, chosen)
        if shown.figure is not None:
            shown.figure.to_json()
        took.append(time.process_time() - start)
    assert min(took) < 0.5
    start = time.process_time()
    view(large, Selection())
    assert time.process_time() - start < 1.5
