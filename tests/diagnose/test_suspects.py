"""Who is a suspect, and of what: exposures and variants."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.diagnose.cells import Cells, fold
from analysis.diagnose.chance import Chances
from analysis.diagnose.judge import Judgement, weigh
from analysis.diagnose.local import code_suspects, merge_suspects
from analysis.diagnose.search import prepare
from analysis.diagnose.suspects import Question, Suspect, version_suspects, with_contrast
from analysis.diagnose.variants import BROKEN
from analysis.diagnose.windows import service_suspects
from tests.diagnose.histories import ACTION, NEW, OLD, START, Frames, Job, bad_version, history, nothing

ASKED = Question(ACTION, OLD, NEW)
VERSION = ("action-version", f"{ACTION}@{NEW}")
VAGUE = ("unknown", "other", "other")


def judged(frames: Frames) -> Judgement:
    return weigh(frames, ASKED)


def plain(cells: Cells) -> Suspect:
    found = version_suspects(cells, ASKED)
    return next(s for s in found if s.group == VERSION and not s.variant)


def test_the_step_of_an_action_is_known_whatever_its_version_is_called() -> None:
    frames = history(bad_version())
    labels = frames.versions[ACTION].astype(object).where(frames.versions[ACTION].notna(), None)
    frames.versions[ACTION] = labels.map({OLD: "6@1111111", NEW: "6@2222222"}).astype("category")
    cells = fold(frames)
    suspects = [s for s in version_suspects(cells, None) if s.name == f"{ACTION}@6@2222222" and not s.variant]
    _, pool, failing = prepare(cells, suspects)
    own = cells.step[failing] == cells.step_names.index(ACTION)
    assert (pool.hints[0][own] > -0.5).all()
    assert own.any()


def test_no_code_was_merged_with_a_version_that_only_open_bumps_carry() -> None:
    frames = history(bad_version(), adopt={0: 3.0, 1: 5.0})
    merged = merge_suspects(fold(frames), [plain(fold(frames))])
    assert {s.name for s in merged} == {"acme/r0", "acme/r1"}
    new = frames.versions[ACTION] == NEW
    frames.jobs.loc[new, "event"] = "pull_request"
    assert merge_suspects(fold(frames), [plain(fold(frames))]) == []


def test_a_part_of_an_exposure_counts_once_and_other_actions_inputs_make_none() -> None:
    frames = history(bad_version())
    new = (frames.versions[ACTION] == NEW).to_numpy()
    some = new & (frames.jobs["repo"] == "acme/r0").to_numpy()
    for name in ("push", "tags"):
        frames.inputs[f"{ACTION}:{name}"] = some
    frames.inputs["docker/login-action:username"] = some
    words = [s.variant for s in version_suspects(fold(frames), ASKED) if s.group == VERSION and s.variant]
    assert sum("is set" in w for w in words) == 1
    assert not any("login-action" in w for w in words)


def test_a_tool_that_came_with_the_runner_image_is_no_suspect_of_its_own() -> None:
    frames = history(bad_version())
    late = frames.jobs["started_at"] > frames.jobs["started_at"].quantile(0.5)
    frames.jobs["image"] = "ubuntu-24.04"
    frames.jobs["image_version"] = np.where(late, "20250112.1.0", "20250105.1.0")
    frames.jobs["buildx_version"] = np.where(late, "0.20.0", "0.19.0")
    causes = {s.cause for s in version_suspects(fold(frames), ASKED)}
    assert "runner-image" in causes
    assert "tool-version" not in causes
    frames.jobs.loc[late & (np.arange(len(late)) % 4 == 0), "buildx_version"] = "0.21.0"
    frames.versions["docker/setup-buildx-action"] = frames.versions[ACTION].map({OLD: "3.9.0", NEW: "3.9.0"})
    assert "tool-version" not in {s.cause for s in version_suspects(fold(frames), ASKED)}
    frames.inputs["docker/setup-buildx-action:version"] = frames.versions[ACTION].notna().to_numpy()
    names = {s.name for s in version_suspects(fold(frames), ASKED) if s.cause == "tool-version"}
    assert "buildx@0.21.0" in names


def test_strata_without_contrast_are_kept_where_the_others_have_spoken() -> None:
    cells = fold(history(bad_version(), adopt={0: 3.0, 1: 5.0, 2: 6.0, 3: -1.0}))
    exposed = (cells.actions[ACTION].code == cells.actions[ACTION].levels.index(NEW)).astype(float)
    constant = cells.repo == cells.repo_names.index("acme/r3")
    assert exposed[constant].any()
    assert (with_contrast(cells, exposed) == exposed).all()
    mostly = fold(history(bad_version(), adopt={0: 13.0, 3: -1.0, 4: -1.0, 5: -1.0}))
    exposed = (mostly.actions[ACTION].code == mostly.actions[ACTION].levels.index(NEW)).astype(float)
    constant = np.isin(mostly.repo, [mostly.repo_names.index(f"acme/r{r}") for r in (3, 4, 5)])
    assert not with_contrast(mostly, exposed)[constant].any()


def test_all_runs_of_a_job_that_named_a_service_once_are_its_users() -> None:
    def kill(job: Job, rng: np.random.Generator) -> tuple[str, str, str] | None:
        if job.job != "test" or job.repo != 0 or not 5.0 <= job.day < 5.5:
            return None
        return ("apt", "http-5xx", "build-step") if rng.random() < 0.5 else VAGUE

    cells = fold(history(kill, flaky=0.0, runs=900))
    found = [s for s in service_suspects(cells) if s.name == "apt"]
    vague = cells.failed & np.isin(cells.text, [k for k, c in enumerate(cells.classes) if c.group == "vague"])
    assert max(float(s.exposed[vague].sum()) for s in found) == vague.sum() > 0


def test_bare_exit_codes_do_not_tell_a_version_from_a_trouble_of_its_hours() -> None:
    def kill(job: Job, rng: np.random.Generator) -> tuple[str, str, str] | None:
        return VAGUE if job.job == "build" and job.day >= 11.0 and rng.random() < 0.7 else None

    frames = history(kill, adopt={}, runs=900)
    late = frames.jobs["started_at"] >= START + pd.Timedelta(days=11)
    used = frames.versions[ACTION].notna()
    frames.versions[ACTION] = pd.Series(np.where(late, NEW, OLD)).where(used, None).astype("category")
    found = judged(frames)
    assert found.posterior.probability[VERSION] > 0.9
    assert VERSION not in found.decision.guilty
    assert found.decision.verdict == "insufficient-evidence"


def test_a_version_may_fail_those_runs_alone_that_push() -> None:
    frames = history(bad_version())
    pushes = (frames.jobs["job"] == "build") & ~frames.jobs["event"].str.startswith("pull")
    frames.registries["push:ghcr"] = pushes.to_numpy()
    frames.jobs["failed"] &= frames.versions[ACTION].ne(NEW).to_numpy() | pushes.to_numpy()
    found = [
        s for s in version_suspects(fold(frames), ASKED) if s.group == VERSION and s.variant == "in runs that push"
    ]
    assert len(found) == 1
    assert judged(frames).decision.guilty == (VERSION,)


def test_a_runner_image_may_break_those_jobs_alone_that_use_an_action() -> None:
    def kill(job: Job, rng: np.random.Generator) -> tuple[str, str, str] | None:
        late = job.job == "build" and job.day >= 7.0 + 0.4 * job.repo
        return ("user-code", "missing-file", "build-step") if late and rng.random() < 0.7 else None

    frames = history(kill, adopt={}, runs=900)
    day = (frames.jobs["started_at"] - START).dt.total_seconds() / 86400
    repo = frames.jobs["repo"].str.removeprefix("acme/r").astype(int)
    frames.jobs["image"] = "ubuntu-24.04"
    frames.jobs["image_version"] = np.where(day >= 7.0 + 0.4 * repo, "20250112.1.0", "20250105.1.0")
    found = judged(frames)
    assert found.decision.guilty == (("runner-image", "ubuntu-24.04@20250112.1.0"),)
    best = found.posterior.best_variant(found.decision.guilty[0])
    assert best is not None
    assert found.posterior.suspects[best].variant == f"in jobs that use {ACTION}"


def test_a_version_that_writes_what_code_writes_is_found_by_who_ran_it() -> None:
    found = judged(history(bad_version(0.7, ("user-code", "test-failure", "test")), flaky=0.12))
    assert VERSION in found.decision.guilty


def test_three_failures_on_a_new_version_convict_nobody() -> None:
    frames = history(bad_version(1.0), adopt={0: 8.0, 1: 9.0}, flaky=0.02)
    bad = np.flatnonzero((frames.versions[ACTION] == NEW).to_numpy() & frames.jobs["failed"].to_numpy())
    frames.jobs.loc[bad[3:], ["failed", "has_log"]] = False
    frames.jobs.loc[bad[3:], ["component", "kind", "operation", "failed_action"]] = None
    assert VERSION not in judged(frames).decision.guilty


def test_bots_that_fail_whatever_they_carry_accuse_no_version() -> None:
    frames = history(nothing, runs=900)
    bot = (frames.jobs["credential_class"] == "bot").to_numpy() & (frames.jobs["job"] == "build").to_numpy()
    told = {"failed": True, "has_log": True, "component": "user-config", "kind": "missing-input",
            "operation": "login", "failed_action": "docker/login-action"}  # fmt: skip
    for name, value in told.items():
        frames.jobs.loc[bot, name] = value
    assert not [g for g in judged(frames).decision.guilty if g[0] == "action-version"]


def test_before_a_version_came_up_an_unread_job_ran_what_others_ran_then() -> None:
    frames = history(bad_version(), adopt={0: 6.0, 1: 6.0, 2: 6.0})
    lonely = (frames.jobs["repo"] == "acme/r0").to_numpy()
    early = (frames.jobs["started_at"] < START + pd.Timedelta(days=5.5)).to_numpy()
    frames.versions.loc[lonely & early, ACTION] = None
    cells = fold(frames)
    exposed = Chances(cells, cells.actions[ACTION], by_stratum=True).of(cells.actions[ACTION].levels.index(NEW))
    unread = cells.actions[ACTION].unknown & (cells.repo == cells.repo_names.index("acme/r0"))
    assert unread.any() and exposed[unread].max() < 0.2


def test_a_version_may_break_some_jobs_for_reasons_that_nothing_tells() -> None:
    broken = {0, 2, 4}

    def kill(job: Job, rng: np.random.Generator) -> tuple[str, str, str] | None:
        return (
            VAGUE if job.job == "build" and job.version == NEW and job.repo in broken and rng.random() < 0.7 else None
        )

    frames = history(kill, adopt=dict.fromkeys(range(6), 6.0))
    picked = [s for s in version_suspects(fold(frames), ASKED) if s.group == VERSION and s.variant == BROKEN]
    cells = fold(frames)
    assert {cells.repo_names[r] for r in np.unique(cells.repo[picked[0].exposed > 0.5])} == {
        "acme/r0",
        "acme/r2",
        "acme/r4",
    }
    assert picked[0].log_prior < plain(cells).log_prior - np.log(20), "each way to pick three of six jobs is paid"
    assert VERSION in judged(frames).decision.guilty


def test_code_that_broke_nothing_on_the_main_branch_is_no_suspect() -> None:
    frames = history(nothing)
    mine = (frames.jobs["repo"] == "acme/r1").to_numpy() & (frames.jobs["job"] == "test").to_numpy()
    late = (frames.jobs["started_at"] > START + pd.Timedelta(days=9)).to_numpy()
    for column, value in {
        "failed": True,
        "component": "user-code",
        "kind": "compile-error",
        "operation": "build-step",
    }.items():
        frames.jobs.loc[mine & late, column] = value
    frames.jobs.loc[mine & late, "branch"] = "feature/x"
    frames.jobs.loc[mine & late, "branch_class"] = "other"
    first = frames.jobs.index[mine & late][0]
    frames.jobs.loc[first, ["branch", "branch_class"]] = ["main", "default"]
    since = (START + pd.Timedelta(days=9)).timestamp()
    assert not any(s.name == "acme/r1" and s.start and s.start >= since for s in code_suspects(fold(frames)))
