"""The judge on small histories whose cause is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from analysis.diagnose import positivity, verdict
from analysis.diagnose.judge import Judgement, weigh
from analysis.diagnose.suspects import Question, Suspect
from tests.diagnose.histories import ACTION, NEW, OLD, Frames, Job, bad_version, history, nothing, outage

ASKED = Question(ACTION, OLD, NEW)
VERSION = ("action-version", f"{ACTION}@{NEW}")
HUB = ("service", "docker-hub")


def judged(frames: Frames) -> Judgement:
    return weigh(frames, ASKED)


def test_an_outage_in_the_days_of_the_upgrade_acquits_the_upgrade() -> None:
    found = judged(history(outage(6.2, 8.0)))
    assert found.decision.verdict == "service"
    assert found.decision.guilty == (HUB,)
    assert found.decision.probability.get(VERSION, 0.0) < 0.1


def test_the_same_history_with_the_guilt_swapped_convicts_the_version() -> None:
    found = judged(history(bad_version()))
    assert found.decision.guilty == (VERSION,)
    assert found.decision.probability.get(HUB, 0.0) < 0.1


def test_a_version_that_makes_the_registry_answer_403_to_it_alone_is_convicted() -> None:
    found = judged(history(bad_version(text=("docker-hub", "http-403", "pull"))))
    assert VERSION in found.decision.guilty


def test_an_outage_and_a_bad_version_are_both_named() -> None:
    down, bad = outage(2.0, 3.2), bad_version()

    def both(job: Job, rng: np.random.Generator) -> tuple[str, str, str] | None:
        return down(job, rng) or bad(job, rng)

    assert set(judged(history(both)).decision.guilty) == {HUB, VERSION}


def test_nobody_is_guilty_of_the_usual_background() -> None:
    found = judged(history(nothing, flaky=0.05))
    assert found.decision.verdict == "flakiness"
    assert found.decision.guilty == ()


def test_a_dozen_runs_decide_nothing() -> None:
    found = judged(history(bad_version(1.0), runs=12))
    assert found.decision.verdict == "insufficient-evidence"
    assert found.decision.small


def test_few_failures_that_name_one_registry_in_one_evening_are_strong_evidence() -> None:
    found = judged(history(outage(9.0, 9.4, rate=0.9, vague=0.0), runs=300, repos=4))
    assert 4 <= (found.cells.failed & (found.cells.text >= 0)).sum() <= 30
    assert found.decision.guilty == (HUB,)


def test_one_repository_that_merged_the_version_with_code_cannot_be_decided() -> None:
    vague = ("unknown", "other", "other")
    found = judged(history(bad_version(0.9, vague), adopt={0: 7.0}))
    assert found.decision.verdict == "insufficient-evidence"
    assert found.decision.twins[0][0] == VERSION


def test_the_order_of_the_rows_does_not_matter() -> None:
    frames = history(outage(6.2, 8.0), runs=200)
    order = np.random.default_rng(0).permutation(len(frames.jobs))
    mixed = Frames(*(getattr(frames, name).iloc[order].reset_index(drop=True)
                     for name in ("jobs", "versions", "registries", "inputs")))  # fmt: skip
    first, second = judged(frames), judged(mixed)
    assert first.decision.verdict == second.decision.verdict
    assert first.decision.confidence == pytest.approx(second.decision.confidence, abs=0.02)


def test_jobs_whose_outcome_is_not_known_yet_have_no_vote() -> None:
    frames = history(outage(6.2, 8.0), runs=200)
    late = frames.jobs["started_at"] > frames.jobs["started_at"].quantile(0.9)
    frames.jobs["censored"] = late
    found = judged(frames)
    assert (found.cells.cell_of[late.to_numpy()] == -1).all()
    assert found.cells.time.max() <= frames.jobs.loc[~late, "started_at"].max().timestamp() + 1


def test_nobody_is_convicted_beside_the_best_account_without_a_failure_in_it() -> None:
    names = [("service", "docker-hub"), ("code-change", "acme/web")]
    suspects = [SimpleNamespace(group=name) for name in names]
    best = SimpleNamespace(suspects=suspects, subsets=((0,), (0, 1)))
    odds = {names[0]: 0.99, names[1]: 0.66}
    found = verdict._accountable(odds, best)  # type: ignore[arg-type]
    assert found[names[0]] == 0.99
    assert found[names[1]] < verdict.GUILTY
    both = SimpleNamespace(suspects=suspects, subsets=((0, 1), (0,)))
    assert verdict._accountable(odds, both) == odds  # type: ignore[arg-type]


def test_a_version_is_held_against_a_secret_that_ran_out_and_an_image_is_not() -> None:
    nobody = np.zeros(1)
    version = Suspect("action-version", "docker/login-action@3.7.0", "", nobody, 0.0)
    image = Suspect("runner-image", "ubuntu-24.04@20250112.1.0", "", nobody, 0.0)
    secret = Suspect("configuration", "acme/web", "", nobody, 0.0, start=1.0, end=2.0)
    outage = Suspect("service", "ghcr", "", nobody, 0.0, start=1.0, end=2.0)
    assert positivity._may_stand_in(version, secret)
    assert not positivity._may_stand_in(image, secret)
    assert not positivity._may_stand_in(version, outage)


def test_three_failures_of_a_service_days_apart_are_no_outage_of_it() -> None:
    frames = history(nothing, flaky=0.03)
    build = np.flatnonzero(frames.jobs["job"].eq("build") & ~frames.jobs["failed"])
    for place in build[[len(build) // 3, len(build) // 2, 2 * len(build) // 3]]:
        frames.jobs.loc[place, ["failed", "component", "kind", "operation"]] = [True, "docker-hub", "http-5xx", "pull"]
    found = judged(frames)
    assert found.decision.guilty == ()
    assert found.decision.probability.get(HUB, 0.0) < 0.3


def test_a_repository_that_a_version_hits_harder_needs_no_broken_code_beside_it() -> None:
    def uneven(job: Job, rng: np.random.Generator) -> tuple[str, str, str] | None:
        rate = 0.95 if job.repo == 0 else 0.35
        hit = job.version == NEW and job.job == "build" and rng.random() < rate
        return ("unknown", "other", "build-step") if hit else None

    found = judged(history(uneven, seed=3))
    assert found.decision.guilty == (VERSION,)
