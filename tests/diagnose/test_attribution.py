"""How many failures each suspect accounts for, in histories in which that is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.diagnose.attribution import Attribution, attribute
from analysis.diagnose.counterfactuals import counterfactuals, explained
from analysis.diagnose.judge import Judgement, weigh
from analysis.diagnose.suspects import Question
from tests.diagnose.histories import ACTION, NEW, OLD, Frames, Job, Kill, bad_version, history, outage

ASKED = Question(ACTION, OLD, NEW)
VERSION, HUB = ("action-version", f"{ACTION}@{NEW}"), ("service", "docker-hub")


def judged(frames: Frames) -> tuple[Judgement, Attribution]:
    found = weigh(frames, ASKED)
    failed = np.bincount(found.cells.cell_of, weights=frames.jobs["failed"].to_numpy(float), minlength=found.cells.size)
    return found, attribute(found.cells, found.posterior, found.decision, failed, np.random.default_rng(0))


def unseen(kill: Kill, start: float, end: float) -> Kill:
    """The same outage for tests of some repositories, which pull images unseen."""

    def both(job: Job, rng: np.random.Generator) -> tuple[str, str, str] | None:
        if job.job == "test" and job.repo in (1, 4, 5) and start <= job.day < end and rng.random() < 0.6:
            return "unknown", "other", "other"
        return kill(job, rng)

    return both


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_interval_holds_how_many_an_outage_killed(seed: int) -> None:
    frames = history(outage(6.2, 7.4, vague=0.5), seed=seed)
    _, attribution = judged(frames)
    truth = int((frames.jobs["failed"] & frames.jobs["component"].isin(["docker-hub", "unknown"])).sum())
    _, (low, high) = explained(attribution, HUB)
    assert low <= truth <= high
    assert high - low <= 0.5 * truth


def test_a_version_answers_for_a_repository_that_never_ran_another() -> None:
    frames = history(bad_version(), adopt={0: 6.0, 1: 6.7, 2: 7.4, 3: -2.0})
    _, attribution = judged(frames)
    truth = int((frames.jobs["component"] == "buildkit").sum())
    mean, (low, high) = explained(attribution, VERSION)
    assert low <= truth <= high
    assert mean == pytest.approx(truth, rel=0.05)


def test_an_outage_answers_for_jobs_that_use_the_service_unseen() -> None:
    seen = outage(6.2, 7.4)
    frames = history(unseen(seen, 6.2, 7.4))
    told = frames.jobs["failed"] & frames.jobs["component"].isin(["docker-hub", "unknown"])
    hidden = int((told & (frames.jobs["job"] == "test")).sum())
    _, attribution = judged(frames)
    mean, (low, high) = explained(attribution, HUB)
    assert hidden >= 3
    assert low <= int(told.sum()) <= high
    assert mean > int(told.sum()) - hidden + 1


def test_a_rollback_of_an_innocent_version_saves_nothing() -> None:
    found, attribution = judged(history(outage(6.2, 7.4)))
    minutes = np.full(len(found.posterior.failing), 4.0)
    saved = counterfactuals(found.posterior, attribution, minutes, ASKED, np.random.default_rng(0))
    assert saved["rollback"] is not None
    assert saved["rollback"].avoided < 1.0
    assert saved["wait"] is not None
    assert saved["wait"].avoided == pytest.approx(explained(attribution, HUB)[0])
    assert saved["wait"].minutes == pytest.approx(4.0 * saved["wait"].avoided)


def test_where_the_verdict_is_open_the_interval_is_too() -> None:
    found, _ = judged(history(bad_version(0.5)))
    open_ = replace(found.decision, guilty=(), twins=((VERSION, HUB),), probability={VERSION: 0.48, HUB: 0.48})
    failed = (found.cells.failed & (found.cells.n > 0)).astype(float)
    attribution = attribute(found.cells, found.posterior, open_, failed, np.random.default_rng(0))
    mean, (low, high) = explained(attribution, VERSION)
    assert low == 0.0
    assert high > 1.5 * mean
