"""What a job ran whose log nobody read: versions, machines, services, credentials. One history, many questions."""

from typing import Any

import pandas as pd
import pytest

from analysis.correlate.bumps import parse_bump
from analysis.correlate.exposure import Exposure, exposure
from analysis.correlate.workflow_lines import named
from analysis.scope import Scope
from tests.correlate.builder import BUILD_PUSH, History, at

BUMP = "Bump docker/build-push-action from 6.10.0 to 6.11.0"
BOT = {"event": "pull_request", "actor": "dependabot[bot]", "triggering_actor": "dependabot[bot]",
       "head_branch": "dependabot/github_actions/docker/build-push-action-6.11.0", "pull_request": 12,
       "display_title": BUMP}  # fmt: skip
PULL = {"event": "pull_request", "head_branch": "ann/idea", "pull_request": 9}
UBUNTU = {"image": "ubuntu-24.04", "image_version": "20250105.1.0", "region": "eastus", "buildkit_version": "0.18.2",
          "base_images": ["php:8.3-fpm"], "logged_in": ["ghcr.io"]}  # fmt: skip


def merged_bump(history: History) -> None:
    """acme/web: a bump is opened at 4, merged at 10; logs of hours 0 and 20 alone were read on main."""
    history.build(0, version="6.10.0", inputs=("push", "tags"), environment=UBUNTU)
    history.run(3)
    history.run(5, **BOT)
    history.run(6, **PULL)
    history.run(9)
    history.run(10, display_title="Bump docker/build-push-action (#12)")
    history.run(11)
    history.run(12, **PULL)
    history.build(20, version="6.11.0", inputs=("push", "tags"), environment=UBUNTU)


def floating_tag(history: History) -> None:
    """acme/float and acme/other use v6; it moved at 10, when 6.11.0 was published."""
    for hours, repo, version in ((0, "acme/float", "6.10.0"), (9, "acme/other", "6.10.0"),
                                 (13, "acme/other", "6.11.0"), (30, "acme/float", "6.11.0")):  # fmt: skip
        history.build(hours, repo=repo, ref="v6", version=version)
    history.run(9.5, repo="acme/float")
    history.run(11, repo="acme/float")
    history.rows["releases"].append({"action": BUILD_PUSH, "tag": "v6.11.0", "sha": "b" * 40, "published_at": at(10)})


def unread_around_a_release(history: History) -> None:
    """acme/seldom uses v5, which one log alone tells of, at 20; 5.1.0 came out at 10 and 5.2.0 at 40."""
    history.build(20, repo="acme/seldom", ref="v5", version="5.1.0")
    history.run(5, repo="acme/seldom")
    history.run(45, repo="acme/seldom")
    for hours, tag in ((-100, "v5.0.0"), (10, "v5.1.0"), (40, "v5.2.0"), (41, "v5.3.0-rc.1")):
        row = {"action": BUILD_PUSH, "tag": tag, "sha": tag[1] * 40, "published_at": at(hours)}
        history.rows["releases"].append(row)


def workflow_file(history: History) -> None:
    """acme/file: the file's commit at 7 is all that dates the change."""
    history.build(0, repo="acme/file", version="6.10.0", sha="a" * 40)
    history.run(6, repo="acme/file")
    history.run(8, repo="acme/file")
    history.build(40, repo="acme/file", version="6.11.0", sha="b" * 40)
    for hours, sha in ((-100, "a"), (7, "b")):
        history.rows["workflow_files"].append({
            "repo": "acme/file", "path": ".github/workflows/ci.yml", "blob_sha": sha, "first_commit_at": at(hours),
            "uses": [f"docker/build-push-action@{sha * 40}", "./local", "acme/x/.github/workflows/y.yml@main"],
        })  # fmt: skip


def early_death(history: History) -> None:
    """acme/early: one job dies in checkout, one at Docker Hub, one in the step that builds."""
    history.build(0, repo="acme/early", version="6.10.0", environment=UBUNTU)
    for hours, step, component in ((1, 2, "git-hosting"), (2, 4, "docker-hub"), (3, 4, "docker-hub")):
        history.build(hours, repo="acme/early", failed=True, failing_step=step, component=component, version="6.10.0",
                      run={"head_branch": "main"})  # fmt: skip
    history.build(4, repo="acme/early", version="6.10.0")
    history.build(5, repo="acme/early", failed=True, failing_step=4, component="docker-hub", version="6.10.0")


def kin(history: History) -> None:
    """acme/kin: the log of `test` was read before and after the change, of `build` after it, of `lint` before it."""
    for hours, name, version in ((0, "test", "6.10.0"), (1, "lint", "6.10.0"), (20, "test", "6.11.0"),
                                 (25, "build", "6.11.0")):  # fmt: skip
        history.build(hours, repo="acme/kin", name=name, version=version)
    for hours in (0.5, 22, 30):
        run = history.run(hours, repo="acme/kin")
        for name in ("build", "lint"):
            history.job(run, hours, repo="acme/kin", name=name)


def silent_bumps(history: History) -> None:
    """Merged titles that name the new version alone: acme/from is seen before and after, acme/only after,
    acme/mixed has two jobs of two versions."""  # fmt: skip
    title = {"display_title": "Update docker/build-push-action action to v6.11.0 (#7)"}
    for repo, looks in (
        ("acme/from", ((0, "test", "6.10.0"), (20, "build", "6.11.0"))),
        ("acme/only", ((20, "build", "6.11.0"),)),
        ("acme/mixed", ((0, "test", "6.10.0"), (0, "lint", "6.9.0"), (20, "build", "6.11.0"))),
    ):
        for hours, name, version in looks:
            history.build(hours, repo=repo, name=name, version=version)
        for hours, more in ((9, {}), (10, title), (11, {})):
            history.job(history.run(hours, repo=repo, **more), hours, repo=repo)
            if repo == "acme/from" and hours != 10:
                history.job(history.last_run, hours, repo=repo, name="test")


def arrivals(history: History) -> None:
    """Each is seen once, at 30: acme/late runs a release above all seen before, acme/moved a tag that became it,
    acme/stale one that is below them."""  # fmt: skip
    for repo, more in (
        ("acme/late", {"version": "6.12.0"}),
        ("acme/moved", {"ref": "v6.12", "version": "6.12.0"}),
        ("acme/stale", {"version": "6.9.1"}),
    ):
        history.run(5, repo=repo)
        history.run(33, repo=repo)
        history.build(30, repo=repo, **more)


def rights(history: History) -> None:
    """acme/rights: a fork, a bot, and people."""
    history.build(0, repo="acme/rights", run={"event": "pull_request", "head_repository": "eve/rights"})
    history.build(1, repo="acme/rights", run=BOT)
    history.build(2, repo="acme/rights", run=PULL)
    history.build(3, repo="acme/rights", run={"event": "schedule"})
    history.build(4, repo="acme/rights", run={"head_branch": "release/1"})


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Exposure:
    history = History()
    for part in (
        merged_bump,
        floating_tag,
        unread_around_a_release,
        workflow_file,
        early_death,
        rights,
        kin,
        silent_bumps,
        arrivals,
    ):
        part(history)
    spelled = history.build(0, repo="acme/rust", action="Swatinem/rust-cache", version="2.7.5", inputs=("key",))
    assert spelled
    return exposure(history.write(tmp_path_factory.mktemp("data")), Scope())


def seen(table: Exposure, repo: str, **where: Any) -> dict[float, Any]:
    """The version of docker/build-push-action by hours after the start."""
    mask = table.jobs["repo"] == repo
    for column, value in where.items():
        mask &= table.jobs[column] == value
    hours = (table.jobs.loc[mask, "created_at"] - pd.Timestamp(at(0))).dt.total_seconds() / 3600
    return dict(zip(hours, table.versions.loc[mask, BUILD_PUSH], strict=True))


def test_the_default_branch_has_the_new_version_from_the_merge_of_the_bump_on(table: Exposure) -> None:
    main = seen(table, "acme/web", branch_class="default")
    assert main == {0: "6.10.0", 3: "6.10.0", 9: "6.10.0", 10: "6.11.0", 11: "6.11.0", 20: "6.11.0"}


def test_a_bump_branch_carries_the_new_version_before_anybody_else(table: Exposure) -> None:
    assert seen(table, "acme/web", branch_class="bump") == {5: "6.11.0"}


def test_a_pull_request_from_before_the_bump_runs_the_new_version_after_it(table: Exposure) -> None:
    assert seen(table, "acme/web", branch_class="pull-request") == {6: "6.10.0", 12: "6.11.0"}


def test_a_floating_tag_moves_for_everybody_when_the_release_comes_out(table: Exposure) -> None:
    assert seen(table, "acme/float") == {0: "6.10.0", 9.5: "6.10.0", 11: "6.11.0", 30: "6.11.0"}


def test_a_floating_tag_was_no_release_that_was_not_out_and_follows_the_newest_where_nobody_looked(
    table: Exposure,
) -> None:
    assert seen(table, "acme/seldom") == {5: "5.0.0", 20: "5.1.0", 45: "5.2.0"}


def test_a_workflow_files_commit_dates_the_change(table: Exposure) -> None:
    assert seen(table, "acme/file") == {0: "6.10.0", 6: "6.10.0", 8: "6.11.0", 40: "6.11.0"}


def test_a_job_seen_on_one_side_of_a_change_ran_what_its_kin_ran_on_the_other(table: Exposure) -> None:
    assert seen(table, "acme/kin", job="build") == {0.5: "6.10.0", 22: "6.11.0", 25: "6.11.0", 30: "6.11.0"}
    assert seen(table, "acme/kin", job="lint") == {0.5: "6.10.0", 1: "6.10.0", 22: "6.11.0", 30: "6.11.0"}
    told = table.jobs.loc[(table.jobs["repo"] == "acme/kin") & ~table.jobs["versions_observed"], "version_confidence"]
    assert told.max() < 1, "what kin tell is inferred"


def test_a_merged_bump_replaced_what_the_whole_repository_had_run(table: Exposure) -> None:
    assert seen(table, "acme/from", job="build") == {9: "6.10.0", 10: "6.11.0", 11: "6.11.0", 20: "6.11.0"}
    assert seen(table, "acme/from", job="test") == {0: "6.10.0", 9: "6.10.0", 11: "6.11.0"}


@pytest.mark.parametrize("repo", ["acme/only", "acme/mixed"])
def test_before_the_merge_that_first_brought_it_a_version_is_not_assumed(table: Exposure, repo: str) -> None:
    ran = seen(table, repo, job="build")
    assert pd.isna(ran.pop(9)) and ran == {10: "6.11.0", 11: "6.11.0", 20: "6.11.0"}


@pytest.mark.parametrize("repo", ["acme/late", "acme/moved"])
def test_nobody_ran_a_release_above_all_others_before_it_came_up(table: Exposure, repo: str) -> None:
    ran = seen(table, repo)
    assert pd.isna(ran.pop(5)) and ran == {30: "6.12.0", 33: "6.12.0"}


def test_a_release_below_others_may_have_stood_there_all_along(table: Exposure) -> None:
    assert seen(table, "acme/stale") == {5: "6.9.1", 30: "6.9.1", 33: "6.9.1"}


def test_a_job_that_died_before_the_step_was_not_exposed(table: Exposure) -> None:
    mask = table.jobs["repo"] == "acme/early"
    assert table.jobs.loc[mask, "reached"].tolist() == [True, False, True, True, True, True]
    assert table.versions.loc[mask, BUILD_PUSH].isna().tolist() == [False, True, False, False, False, False]
    assert table.registries.loc[mask, "docker-hub"].tolist() == [True, False, True, True, True, True]


def test_only_the_first_failure_of_a_streak_has_position_zero(table: Exposure) -> None:
    mask = table.jobs["repo"] == "acme/early"
    assert table.jobs.loc[mask, "streak_position"].tolist() == [-1, 0, 0, 1, -1, 0]


def test_services_and_inputs_of_an_unread_job_are_those_of_its_neighbour(table: Exposure) -> None:
    mask = (table.jobs["repo"] == "acme/web") & table.jobs["imputed"]
    assert table.registries.loc[mask, ["docker-hub", "ghcr", "push:ghcr"]].all(axis=None)
    assert table.inputs.loc[mask, [f"{BUILD_PUSH}:push", f"{BUILD_PUSH}:tags"]].all(axis=None)


def test_a_machine_is_inferred_only_where_the_neighbours_agree(table: Exposure) -> None:
    unread = table.jobs[(table.jobs["repo"] == "acme/web") & table.jobs["imputed"]]
    assert (unread["image"] == "ubuntu-24.04").all() and (unread["buildkit_version"] == "0.18.2").all()
    assert unread["region"].isna().all(), "a region is drawn anew for each job"


def test_forks_and_bots_have_their_own_credentials(table: Exposure) -> None:
    rows = table.jobs[table.jobs["repo"] == "acme/rights"]
    assert rows["credential_class"].tolist() == ["fork", "bot", "normal", "normal", "normal"]
    assert rows["branch_class"].tolist() == ["pull-request", "bump", "pull-request", "default", "other"]


def test_actions_are_spelled_as_the_logs_spell_them(table: Exposure) -> None:
    assert "Swatinem/rust-cache" in table.versions and "Swatinem/rust-cache:key" in table.inputs


def test_all_frames_share_one_index(table: Exposure) -> None:
    frames = (table.versions, table.registries, table.inputs)
    assert all(frame.index.equals(table.jobs.index) for frame in frames)
    part = table.where(table.jobs["failed"])
    assert part.versions.index.equals(part.jobs.index) and part.jobs["failed"].all()


@pytest.mark.parametrize(
    ("title", "branch", "found"),
    [
        (BUMP + " (#12)", "", [("docker/build-push-action", "6.10.0", "6.11.0")]),
        (f'Revert "{BUMP}"', "", [("docker/build-push-action", "6.11.0", "6.10.0")]),
        ("chore(deps): update actions/checkout action to v4", "", [("actions/checkout", None, "~v4")]),
        ("", "dependabot/github_actions/docker/login-action-3.3.0", [("docker/login-action", None, "3.3.0")]),
        ("", "dependabot/npm_and_yarn/lodash-4.17.21", []),
        ("Bump the actions group with 3 updates", "dependabot/github_actions/actions-8f2b", []),
        ("bump " * 5000, "renovate/" + "a/" * 4000, []),
    ],
)
def test_titles_and_branches_tell_bumps(title: str, branch: str, found: list[Any]) -> None:
    assert parse_bump(title, branch) == found


def test_an_action_that_a_file_names_twice_with_two_references_is_left_out() -> None:
    uses = ["actions/checkout@v4", "actions/checkout@v3", "actions/cache/restore@v4.2.0", "docker://alpine:3", "x"]
    assert named(uses, {}) == {"actions/cache": "4.2.0"}
