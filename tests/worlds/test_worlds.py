"""The simulated histories that measure the judge: the same each time, true to themselves, shaped like GitHub's."""

import ast
from pathlib import Path

import pytest

from benchmarks.worlds.families import FAMILIES
from benchmarks.worlds.serve import serve
from benchmarks.worlds.world import World, held_out, make_world

WORLDS = Path(__file__).resolve().parents[2] / "benchmarks" / "worlds"


@pytest.fixture(scope="module")
def regression() -> World:
    return make_world("regression", 3, "small")


def test_the_worlds_share_nothing_with_the_judge_or_the_log_reader() -> None:
    for path in WORLDS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                room = ".".join((node.module or "").split(".")[:2])
                assert room not in ("analysis.diagnose", "analysis.correlate", "analysis.facts"), path


def test_a_world_comes_out_the_same_each_time() -> None:
    one, two = make_world("outage-meets-upgrade", 5, "small"), make_world("outage-meets-upgrade", 5, "small")
    first, second = serve(one), serve(two)
    assert first.repos.keys() == second.repos.keys()
    for name, repo in first.repos.items():
        assert repo.runs == second.repos[name].runs
        assert repo.jobs == second.repos[name].jobs
        assert [repo.logs[k] for k in list(repo.logs)[:3]] == [repo.logs[k] for k in list(second.repos[name].logs)[:3]]


def test_another_seed_is_another_world() -> None:
    assert make_world("regression", 4, "small").question != make_world("regression", 9, "small").question


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_says_which_verdicts_are_right_and_who_is_guilty(family: str) -> None:
    world = make_world(family, 1, "small")
    assert world.accepted
    named = {"action-version", "service", "tool-version", "runner-image", "code-change", "configuration", "rate-limit"}
    assert {g.cause for g in world.guilty} <= named
    for guilty in world.guilty:
        assert guilty.cause in world.accepted
        assert world.killed.get(guilty.simulated, 0) > 0, "a guilty party that killed nothing cannot be found"
    assert (not world.guilty) == (not world.accepted & named) or world.tolerated


def test_a_third_of_the_families_and_more_is_kept_from_tuning() -> None:
    kept = [f for f in FAMILIES if held_out(f)]
    assert len(FAMILIES) / 3 < len(kept) < len(FAMILIES) / 2


def test_only_jobs_with_the_guilty_release_are_killed_by_it(regression: World) -> None:
    guilty = regression.guilty[0].simulated
    action, _, version = guilty.removeprefix("action-version:").partition("@")
    killed = [j for r in regression.played.runs for a in r.attempts for j in a.jobs if j.cause == guilty]
    assert killed
    assert all(j.refs[action][1].version == version for j in killed)


def test_a_log_names_the_release_by_its_commit_and_ends_in_the_cause(regression: World) -> None:
    history = serve(regression)
    guilty = regression.guilty[0].simulated
    run, job = next(
        (r, j) for r in regression.played.runs for a in r.attempts for j in a.jobs if j.cause == guilty and j.text
    )
    log = history.repos[run.repo.full].logs[job.number].decode()
    action = guilty.removeprefix("action-version:").partition("@")[0]
    assert f"(SHA:{job.refs[action][1].sha})" in log
    assert job.text[-1].strip() in log


def test_jobs_run_inside_their_run_and_steps_inside_their_job(regression: World) -> None:
    for repo in serve(regression).repos.values():
        attempts = {(r["id"], r["run_attempt"]): r for r in [*repo.runs, *repo.attempts]}
        for job in repo.jobs:
            run = attempts[job["run_id"], job["run_attempt"]]
            assert job["head_sha"] == run["head_sha"]
            if job["conclusion"] in ("success", "failure") and job["started_at"] >= run["run_started_at"]:
                assert job["completed_at"] <= run["updated_at"]
                assert all(job["started_at"] <= s["started_at"] <= s["completed_at"] for s in job["steps"])
            failing = [s for s in job["steps"] if s["conclusion"] == "failure"]
            assert len(failing) == (job["conclusion"] == "failure")


def test_a_rerun_of_failed_jobs_carries_the_others_over_with_their_own_times() -> None:
    world = make_world("outage-meets-upgrade", 0, "normal")
    carried = [(a, j) for r in world.played.runs for a in r.attempts for j in a.jobs if j.carried]
    assert carried
    assert all(j.conclusion == "success" and j.started < a.started for a, j in carried)


def test_what_runs_when_the_history_ends_has_no_conclusion() -> None:
    world = make_world("ongoing-regression", 0, "normal")
    assert all(a.updated <= world.played.end for r in world.played.runs for a in r.attempts)
    going = [a for r in world.played.runs for a in r.attempts if a.status != "completed"]
    assert all(a.conclusion is None for a in going)
