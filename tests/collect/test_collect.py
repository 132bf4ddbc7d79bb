"""collect end to end, against a history that answers as GitHub does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

from analysis.collect import Collected, CollectOptions, collect
from analysis.errors import AuthenticationError, NoDataError, NotFoundError, ServiceUnavailableError, UsageError
from analysis.github import GitHub
from analysis.sample.raw import RawHistory
from analysis.sample.replay import ReplayAdapter
from analysis.store import Store
from tests.collect.history import BUILD, CHECKOUT, END, START, Truth, build_history
from tests.fake_github import FakeGitHub

REPOS = ("octo-org/app-0", "octo-org/app-1")
WINDOW = CollectOptions(since=START, until=END)


@pytest.fixture(scope="module")
def history() -> tuple[RawHistory, Truth]:
    return build_history(repos=2, runs=20, seed=3, failing=0.25)


@pytest.fixture(scope="module")
def whole(history: tuple[RawHistory, Truth], tmp_path_factory: pytest.TempPathFactory) -> tuple[Collected, Store]:
    """The history, collected once without a disturbance."""
    return run(history[0], tmp_path_factory.mktemp("whole"))


class Server:
    """A replayed history with a hook before each request."""

    def __init__(self, history: RawHistory, now: datetime = END) -> None:
        self.adapter = ReplayAdapter(history, now)
        self.before: Callable[[requests.PreparedRequest], Any] = lambda request: None
        self.paths: list[str] = []
        answer = self.adapter.send

        def send(request: requests.PreparedRequest, *args: Any, **settings: Any) -> requests.Response:
            self.paths.append(request.path_url)
            other = self.before(request)
            return other if isinstance(other, requests.Response) else answer(request, *args, **settings)

        self.adapter.send = send  # type: ignore[method-assign]

    def github(self, **settings: Any) -> GitHub:
        session = requests.Session()
        session.mount("https://", self.adapter)
        return GitHub("token", session=session, pace=None, sleep=lambda s: None, **settings)


def answer(status: int, body: bytes = b"{}") -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = body
    response.raw = requests.packages.urllib3.HTTPResponse(__import__("io").BytesIO(body), preload_content=False)
    return response


def run(
    history: RawHistory,
    folder: Path,
    options: CollectOptions = WINDOW,
    repos: tuple[str, ...] = REPOS,
    server: Server | None = None,
    now: datetime = END,
    **settings: Any,
) -> tuple[Collected, Store]:
    store = Store(folder)
    server = server or Server(history, now)
    return collect(repos, options, store, server.github(**settings), now=lambda: now), store


def tables(store: Store) -> dict[str, pd.DataFrame]:
    store.refresh()
    names = ("runs", "jobs", "steps", "action_uses", "environments", "failures", "releases", "workflow_files")
    return {n: store.read(n).astype(str).sort_values(list(store.read(n).columns)).reset_index(drop=True) for n in names}


def uses_of(store: Store, action: str) -> pd.DataFrame:
    uses = store.read("action_uses")
    return uses[uses["action"] == action]


def same(left: Store, right: Store) -> None:
    other = tables(right)
    for name, frame in tables(left).items():
        pd.testing.assert_frame_equal(frame, other[name], obj=name)


def test_a_small_history_is_collected_whole_within_the_default_budget(
    history: tuple[RawHistory, Truth], whole: tuple[Collected, Store]
) -> None:
    (raw, truth), (got, store) = history, whole
    assert got.ended == "done" and not got.gaps and got.requests <= 1200
    first = store.read("runs").query("run_attempt == 1")
    assert set(first["run_id"]) == set(truth.version)
    failed = {job["id"] for repo in REPOS for job in raw.repos[repo].jobs if job["conclusion"] == "failure"}
    assert set(store.read("failures")["job_id"]) == failed
    assert set(store.read("failures")["component"]) == {"docker-hub"}
    assert store.log_ids(REPOS[0]) | store.log_ids(REPOS[1]) >= failed
    uses = uses_of(store, BUILD)
    runs_of = store.read("jobs").set_index("job_id")["run_id"]
    assert all(truth.version[runs_of[u.job_id]] == f"v{u.version}" for u in uses.itertuples())
    assert set(uses_of(store, CHECKOUT)["version"]) == {"4.2.1", "4.2.2"}


def test_a_second_collection_changes_nothing_and_asks_little(history: tuple[RawHistory, Truth], tmp_path: Path) -> None:
    first, store = run(history[0], tmp_path / "a")
    other = Store(tmp_path / "b")
    run(history[0], tmp_path / "b")
    again, _ = run(history[0], tmp_path / "a", now=END + timedelta(minutes=5))
    same(store, other)
    assert again.requests <= 10 < first.requests
    assert again.ended == "done"


@pytest.mark.parametrize("requests_before", [3, 30, 120])
def test_a_killed_collection_is_resumed_to_the_same_result(
    history: tuple[RawHistory, Truth], whole: tuple[Collected, Store], tmp_path: Path, requests_before: int
) -> None:
    server = Server(history[0])

    def kill(_: requests.PreparedRequest) -> None:
        if len(server.paths) > requests_before:
            raise KeyboardInterrupt

    server.before = kill
    with pytest.raises(KeyboardInterrupt):
        run(history[0], tmp_path / "killed", server=server)
    store = Store(tmp_path / "killed")
    assert store.read("collections")["ended"].tolist() == ["killed"]
    run(history[0], tmp_path / "killed", now=END + timedelta(seconds=1))
    same(store, whole[1])


def test_a_log_that_was_kept_without_its_facts_is_read_from_the_disk(
    history: tuple[RawHistory, Truth], whole: tuple[Collected, Store], tmp_path: Path
) -> None:
    _, store = run(history[0], tmp_path)
    for name in ("environments", "action_uses", "failures", "collections"):
        for _, folder in list(store.partitions(name)):
            (folder / "data.parquet").unlink()
    server = Server(history[0])
    run(history[0], tmp_path, server=server)
    same(Store(tmp_path), whole[1])
    assert not [path for path in server.paths if path.endswith("/logs")]


def test_more_than_a_thousand_runs_in_the_window_are_all_listed(tmp_path: Path) -> None:
    raw, truth = build_history(repos=1, runs=2300, seed=5, failing=0.0)
    options = CollectOptions(since=START, until=END, logs="none", jobs="failed", budget=80)
    got, store = run(raw, tmp_path, options, repos=REPOS[:1])
    assert set(store.read("runs")["run_id"]) == set(truth.version)
    assert got.sampling["runs"] == 2300


def test_a_rerun_that_came_later_is_noticed_though_created_at_stands_still(
    history: tuple[RawHistory, Truth], tmp_path: Path
) -> None:
    raw = history[0]
    rerun = max(
        (run for repo in REPOS for run in raw.repos[repo].runs if run["run_attempt"] == 2),
        key=lambda r: str(r["run_started_at"]),
    )
    began = datetime.fromisoformat(rerun["run_started_at"])
    options = CollectOptions(since=START, until=None)
    _, store = run(raw, tmp_path, options, now=began - timedelta(minutes=5))
    before = store.read("runs").query("run_id == @rerun['id']")
    assert before["run_attempt"].tolist() == [1]
    later = CollectOptions(since=began - timedelta(hours=1))
    run(raw, tmp_path, later, now=began + timedelta(hours=1))
    store.refresh()
    assert sorted(store.read("runs").query("run_id == @rerun['id']")["run_attempt"]) == [1, 2]
    assert set(store.read("jobs").query("run_id == @rerun['id']")["run_attempt"]) == {1, 2}


def test_a_user_budget_that_ends_early_says_what_is_missing_and_is_gone_on_from(
    history: tuple[RawHistory, Truth], tmp_path: Path
) -> None:
    got, store = run(history[0], tmp_path, CollectOptions(since=START, until=END, budget=20))
    assert got.ended == "budget" and got.requests <= 30
    assert any("were not read" in line for line in got.missing)
    run(history[0], tmp_path, now=END + timedelta(seconds=1))
    store.refresh()
    failed = store.read("jobs").query("conclusion == 'failure'")
    assert set(store.read("failures")["job_id"]) == set(failed["job_id"])


def test_a_rate_limit_without_waiting_keeps_what_came_and_ends_so(
    history: tuple[RawHistory, Truth], tmp_path: Path
) -> None:
    server = Server(history[0])
    server.adapter.limit = 30
    got, store = run(history[0], tmp_path, server=server, wait=False)
    assert got.ended == "rate-limit" and got.missing
    assert len(store.read("runs")) >= 40


def test_the_order_spends_on_failures_first_and_keeps_a_quarter_for_green_controls(tmp_path: Path) -> None:
    raw, _ = build_history(repos=2, runs=60, seed=9, failing=0.4)
    got, _ = run(raw, tmp_path, CollectOptions(since=START, until=END, budget=130))
    assert got.requests <= 130
    counts = got.sampling
    assert counts["red_runs_read"] == counts["red_runs"] > 40
    assert 0 < counts["failed_logs"] < counts["failed_jobs"]
    assert counts["green_logs"] >= 8


def test_failed_runs_beyond_the_budget_are_drawn_blind_weighted_and_read_by_the_next_call(tmp_path: Path) -> None:
    raw, _ = build_history(repos=1, runs=80, seed=6, failing=0.8)
    options = CollectOptions(since=START, until=END, budget=60)
    got, store = run(raw, tmp_path, options, repos=REPOS[:1])
    counts = got.sampling
    assert got.ended == "budget" and 0 < counts["red_runs_read"] < counts["red_runs"]
    runs, jobs = store.read("runs"), store.read("jobs").drop_duplicates("run_id")
    passed = runs[(runs["conclusion"] == "success") & (runs["run_attempt"] == 1)]["run_id"]
    weights = jobs[~jobs["run_id"].isin(passed)]["sampling_weight"]
    assert weights.sum() == pytest.approx(counts["red_runs"])
    again, _ = run(raw, tmp_path, options, repos=REPOS[:1])
    assert again.sampling["red_runs_read"] > counts["red_runs_read"]


def test_an_unknown_repository_is_named_and_the_others_are_collected(
    history: tuple[RawHistory, Truth], tmp_path: Path
) -> None:
    got, store = run(history[0], tmp_path, repos=("octo-org/nothing", REPOS[0]))
    assert [gap.kind for gap in got.gaps] == ["repository"]
    assert "octo-org/nothing" in got.missing[0]
    assert set(store.read("runs")["repo"]) == {REPOS[0]}
    with pytest.raises(NotFoundError, match="private"):
        run(history[0], tmp_path / "alone", repos=("octo-org/nothing",))


def test_a_refused_token_ends_it_with_one_line(history: tuple[RawHistory, Truth], tmp_path: Path) -> None:
    server = Server(history[0])
    server.adapter.token = "another"
    with pytest.raises(AuthenticationError):
        run(history[0], tmp_path, server=server)


def test_logs_that_the_token_may_not_read_are_gaps_and_are_not_asked_for_one_by_one(
    history: tuple[RawHistory, Truth], tmp_path: Path
) -> None:
    server = Server(history[0])
    refused = b'{"message":"Must have admin rights to Repository."}'
    server.before = lambda r: answer(403, refused) if r.path_url.endswith("/logs") else None
    got, store = run(history[0], tmp_path, server=server)
    asked = [path for path in server.paths if path.endswith("/logs")]
    assert 3 * len(REPOS) <= len(asked) < 30
    assert {gap.kind for gap in got.gaps} == {"log-denied", "logs"}
    assert len(store.read("jobs")) > 0 and got.ended == "done"


def test_logs_past_their_retention_are_gaps_annotations_take_their_place_and_nothing_is_asked_again(
    history: tuple[RawHistory, Truth], tmp_path: Path
) -> None:
    late = END + timedelta(days=95)
    got, store = run(history[0], tmp_path, now=late)
    assert {gap.kind for gap in got.gaps} == {"log", "logs"}
    failures = store.read("failures")
    assert len(failures) == got.sampling["failed_jobs"] == got.sampling["failures_from_annotations"]
    assert set(failures["component"]) == {"docker-hub"} and failures["line_number"].isna().all()
    server = Server(history[0], late)
    run(history[0], tmp_path, CollectOptions(since=START, until=END, budget=900), server=server, now=late)
    known = {gap.identifier for gap in got.gaps if gap.kind == "log"}
    assert not [p for p in server.paths if p.endswith("/logs") and p.split("/")[-2] in known]


def test_a_server_without_attempts_and_commits_is_tolerated(history: tuple[RawHistory, Truth], tmp_path: Path) -> None:
    server = Server(history[0])
    lacks = ("/attempts/", "/commits?", "/releases?")
    server.before = lambda r: answer(404) if any(part in r.path_url for part in lacks) else None
    got, store = run(history[0], tmp_path, server=server)
    assert got.ended == "done"
    assert sum("/commits?" in path for path in server.paths) == len(REPOS)
    again = store.read("runs").query("run_attempt == 2")["run_id"]
    firsts = store.read("runs").query("run_attempt == 1 and run_id in @again")
    assert len(firsts) == len(again) > 0
    assert set(firsts["conclusion"]) == {"failure"}
    assert {gap.kind for gap in got.gaps} == {"workflow-file", "releases"}


def test_a_filter_that_the_server_does_not_know_is_left_out(history: tuple[RawHistory, Truth], tmp_path: Path) -> None:
    server = Server(history[0])
    server.before = lambda r: answer(422) if "created=" in r.path_url else None
    middle = START + timedelta(days=10)
    got, store = run(history[0], tmp_path, CollectOptions(since=middle, until=END, logs="none"), server=server)
    assert store.read("runs")["created_at"].min() >= middle
    assert got.sampling["runs"] == len(store.read("runs").query("run_attempt == 1"))


def test_the_filters_reach_github(history: tuple[RawHistory, Truth], tmp_path: Path) -> None:
    options = CollectOptions(since=START, until=END, workflow="ci.yml", branch="main", logs="none", jobs="failed")
    server = Server(history[0])
    _, store = run(history[0], tmp_path, options, server=server)
    assert set(store.read("runs")["head_branch"]) == {"main"}
    assert any("/actions/workflows/ci.yml/runs?" in path and "branch=main" in path for path in server.paths)


def test_an_organisation_brings_its_repositories(history: tuple[RawHistory, Truth], tmp_path: Path) -> None:
    options = CollectOptions(since=START, until=END, logs="none", jobs="failed", org="octo-org")
    got, _ = run(history[0], tmp_path, options, repos=())
    assert set(got.repos) == set(REPOS)


def test_all_jobs_and_all_logs_lift_the_cap(tmp_path: Path) -> None:
    raw, _ = build_history(repos=1, runs=15, seed=2)
    got, store = run(raw, tmp_path, CollectOptions(since=START, until=END, jobs="all", logs="all"), repos=REPOS[:1])
    assert set(store.read("jobs")["job_id"]) == {job["id"] for job in raw.repos[REPOS[0]].jobs}
    assert store.log_ids(REPOS[0]) == {job["id"] for job in raw.repos[REPOS[0]].jobs}
    assert set(store.read("jobs")["sampling_weight"]) == {1.0}
    assert got.ended == "done"


def test_green_controls_stand_for_all_green_runs_of_their_line(
    history: tuple[RawHistory, Truth], tmp_path: Path
) -> None:
    got, store = run(history[0], tmp_path, CollectOptions(since=START, until=END, budget=110))
    green = store.read("runs").query("run_attempt == 1 and conclusion == 'success'")
    weights = store.read("jobs").query("run_id in @green.run_id").drop_duplicates("run_id")["sampling_weight"]
    unseen = got.sampling["green_runs"] - weights.sum()
    assert len(weights) < len(green)
    assert unseen < 0.2 * len(green) and (weights >= 1).all()


def test_a_window_without_runs_and_one_turned_round_say_so(history: tuple[RawHistory, Truth], tmp_path: Path) -> None:
    empty = CollectOptions(since=START - timedelta(days=90), until=START - timedelta(days=80))
    with pytest.raises(NoDataError, match="no runs"):
        run(history[0], tmp_path, empty)
    run(history[0], tmp_path, CollectOptions(since=START, until=END, logs="none", jobs="failed"))
    with pytest.raises(NoDataError, match="no runs"):
        run(history[0], tmp_path, empty)
    with pytest.raises(UsageError, match="before it begins"):
        run(history[0], tmp_path, CollectOptions(since=END, until=START))


def test_over_a_socket_with_faults_the_token_stays_home_and_nothing_is_lost(
    history: tuple[RawHistory, Truth], whole: tuple[Collected, Store], tmp_path: Path
) -> None:
    from tests.fake_github.faults import Faults

    faults = Faults(errors=0.04, resets=0.03, seed=4)
    with FakeGitHub(history[0], now=END, token="secret", faults=faults) as server:
        github = GitHub("secret", server.api_url, sleep=lambda s: None)
        got = collect(REPOS, WINDOW, Store(tmp_path), github, now=lambda: END)
        assert len(server.seen) == got.requests
        assert got.ended == "done" and not got.gaps
        blobs = [seen for seen in server.seen if seen.host.startswith("localhost")]
        assert blobs and not any("authorization" in {h.lower() for h in seen.headers} for seen in blobs)
    same(Store(tmp_path), whole[1])


def test_a_server_that_goes_down_ends_it_soon_and_what_came_is_kept(
    history: tuple[RawHistory, Truth], whole: tuple[Collected, Store], tmp_path: Path
) -> None:
    server = Server(history[0])
    server.before = lambda r: answer(503, b"<html>") if len(server.paths) > 12 else None
    with pytest.raises(ServiceUnavailableError, match="503"):
        run(history[0], tmp_path, server=server)
    assert len(server.paths) < 200
    store = Store(tmp_path)
    assert len(store.read("runs")) >= 40
    run(history[0], tmp_path, now=END + timedelta(seconds=1))
    same(Store(tmp_path), whole[1])


@pytest.mark.slow
def test_two_thousand_runs_are_understood_from_twelve_hundred_requests(tmp_path: Path) -> None:
    raw, truth = build_history(repos=9, runs=222)
    repos = tuple(name for name in raw.repos if name.startswith("octo-org/"))
    got, store = run(raw, tmp_path, repos=repos)
    assert got.ended == "done" and got.requests <= 1200
    assert got.sampling["red_runs_read"] == got.sampling["red_runs"]
    assert got.sampling["failed_logs"] > 0.8 * got.sampling["failed_jobs"]
    assert known_share(store, truth) > 0.93


def known_share(store: Store, truth: Truth) -> float:
    """Share of runs whose version is rightly that of the nearest logs before and after on the same line."""
    from analysis.collect.lines import line_of

    runs = store.read("runs").query("run_attempt == 1")
    jobs = store.read("jobs").query("run_attempt == 1")
    uses = uses_of(store, BUILD)
    seen = uses.merge(jobs[["job_id", "run_id"]], on="job_id").drop_duplicates("run_id").set_index("run_id")["version"]
    runs = runs.assign(
        line=[line_of(row, "main") for row in runs.to_dict("records")],
        truth=[truth.version[i].removeprefix("v") for i in runs["run_id"]],
        seen=seen.reindex(runs["run_id"]).to_numpy(),
    )
    right = 0
    for _, line in runs.sort_values("created_at").groupby(["repo", "line"]):
        before, after = line["seen"].ffill(), line["seen"].bfill()
        before, after = before.fillna(after), after.fillna(before)
        right += int(((before == after) & (before == line["truth"])).sum())
    return right / len(runs)
