"""The two cases: the facts stay, the seed varies the rest, and guilt shows in the data alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import UsageError
from analysis.facts.runner_log import read_job_log
from analysis.sample import write_case, write_sample
from analysis.sample.case import Case, case_names, load_case
from analysis.sample.history import build_history
from analysis.sample.objects import moment
from analysis.sample.raw import RawHistory
from analysis.status import read_status
from analysis.store import Store

ROOT = Path(__file__).resolve().parents[2]
HUB = "docker-hub-2025-01"
OLD = "48aba3b46d1b1fec4febb7c5d0c644b249a11355"
NEW = "b32b51a8eda65d6793cd0494a773d4f6bcef32dc"
DOCKER = "https://www.dockerstatus.com/"
RELEASED = datetime(2025, 1, 8, 9, 14, 20, tzinfo=UTC)


@cache
def history(case: str = HUB, seed: int = 1, guilty: str | None = None) -> RawHistory:
    return build_history(load_case(case), seed, guilty)


def jobs(told: RawHistory) -> list[dict[str, Any]]:
    return [job for repo in told.repos.values() for job in repo.jobs]


def log_of(told: RawHistory, job: dict[str, Any]) -> str:
    return next(repo.logs[job["id"]] for repo in told.repos.values() if job["id"] in repo.logs).decode()


def failed_builds(told: RawHistory) -> list[tuple[dict[str, Any], str]]:
    failed = [job for job in jobs(told) if job["conclusion"] == "failure" and job["name"].startswith("build")]
    return [(job, log_of(told, job)) for job in failed]


def refused(text: str) -> bool:
    """The registry would not give or take something."""
    return re.search(r"unexpected status|missing content-length|error parsing HTTP \d+ response", text) is not None


def one_repository(case: str = HUB) -> Case:
    whole = load_case(case)
    day = datetime(2025, 1, 8, tzinfo=UTC)
    return replace(whole, since=day, until=day.replace(day=9), repos=whole.repos[:1])


def test_the_same_seed_gives_the_same_history_and_another_seed_another() -> None:
    assert build_history(one_repository(), 3) == build_history(one_repository(), 3)
    assert build_history(one_repository(), 3) != build_history(one_repository(), 4)


def test_the_new_version_is_in_no_log_before_its_release_and_floating_tags_follow_it() -> None:
    seen = {OLD: 0, NEW: 0}
    for job in jobs(history()):
        if not job["name"].startswith("build") or job["conclusion"] == "skipped":
            continue
        text = log_of(history(), job)
        if "Download action repository 'docker/build-push-action@v6' " in text:
            sha = NEW if moment(job["started_at"]) >= RELEASED else OLD
            assert f"'docker/build-push-action@v6' (SHA:{sha})" in text
            seen[sha] += 1
        elif moment(job["started_at"]) < RELEASED:
            assert NEW not in text
    assert min(seen.values()) > 20


def test_docker_hub_fails_the_old_version_as_well_as_the_new_and_jobs_without_the_action() -> None:
    texts = [text for _, text in failed_builds(history()) if refused(text)]
    assert sum(OLD in text for text in texts) >= 10
    assert sum(NEW in text for text in texts) >= 10
    assert any("docker/build-push-action" not in text for text in texts)


def test_a_swapped_guilt_leaves_the_registry_healthy_and_the_old_version_unharmed() -> None:
    swapped = history(guilty="action")
    texts = [text for _, text in failed_builds(swapped)]
    assert not any(refused(text) for text in texts)
    assert sum(NEW in text for text in texts) >= 30
    assert sum(OLD in text for text in texts) <= 8, "only the ordinary faults of a Dockerfile are left"


def test_whoever_pulls_elsewhere_is_spared() -> None:
    repo = history().repos["fabrikam-media/transcoder"]
    logs = [repo.logs[job["id"]].decode() for job in repo.jobs if job["conclusion"] == "failure"]
    assert any(NEW in repo.logs[job["id"]].decode() for job in repo.jobs if job["id"] in repo.logs)
    assert not any(refused(text) for text in logs)


def test_the_reader_of_real_logs_names_docker_hub_in_every_failure_that_is_its_own() -> None:
    found = [read_job_log(text.encode()).failure for _, text in failed_builds(history()) if refused(text)]
    assert len(found) >= 40
    assert {failure.component for failure in found if failure} == {"docker-hub"}
    assert {failure.http_status for failure in found if failure} >= {403, 404}


def test_reruns_pass_and_list_what_need_not_run_again() -> None:
    repos = history().repos.values()
    rerun = [run for repo in repos for run in repo.runs if run["run_attempt"] > 1]
    assert sum(run["conclusion"] == "success" for run in rerun) >= 15
    carried = [
        job
        for job in jobs(history())
        for run in rerun
        if job["run_id"] == run["id"] and job["run_attempt"] == run["run_attempt"]
        and moment(job["started_at"]) < moment(run["run_started_at"])
    ]  # fmt: skip
    assert carried and all(job["conclusion"] == "success" for job in carried)


def test_bots_open_the_new_version_beside_other_updates() -> None:
    runs = history().repos["acme-shop/payments"].runs
    bumps = [run for run in runs if "build-push-action" in run["display_title"]]
    others = [run for run in runs if run["actor"]["type"] == "Bot" and run not in bumps]
    assert len(bumps) >= 5 and others
    assert {run["event"] for run in bumps} == {"pull_request"}


def test_dockers_page_speaks_of_desktop_alone_and_only_of_the_registry_when_it_failed() -> None:
    page = history().status["docker-hub"].body
    incidents = read_status("docker-hub", page.encode(), DOCKER, load_case(HUB).until).incidents
    assert [one["components"] for one in incidents] == [["Docker Desktop"]]
    assert incidents[0]["began_at"].replace(second=0) == datetime(2025, 1, 8, 1, 37, tzinfo=UTC)
    late = history("us-east-1").status["docker-hub"].body
    incidents = read_status("docker-hub", late.encode(), DOCKER, load_case("us-east-1").until).incidents
    assert [one["components"] for one in incidents] == [["docker-hub"]]
    assert incidents[0]["posted_at"].replace(second=0) == datetime(2025, 10, 20, 7, 16, tzinfo=UTC)
    assert incidents[0]["resolved_at"] == datetime(2025, 10, 20, 10, 5, tzinfo=UTC)
    assert (
        "<item>" not in build_history(replace(load_case("us-east-1"), repos=()), 1, "action").status["docker-hub"].body
    )


def test_in_october_failures_begin_before_the_page_speaks_and_the_upgrade_was_the_day_before() -> None:
    told = history("us-east-1")
    began = sorted(job["started_at"] for job, text in failed_builds(told) if refused(text))
    assert "2025-10-20T06:4" < began[0] < "2025-10-20T07:16:00Z"
    assert len(began) >= 25 and began[-1] < "2025-10-20T10:30:00Z"
    merged = [
        run for repo in told.repos.values() for run in repo.runs if "from 6.17.0 to 6.18.0 (#" in run["display_title"]
    ]
    assert merged and {run["created_at"][:10] for run in merged} == {"2025-10-19"}


@pytest.mark.parametrize("case", case_names())
def test_another_seed_has_enough_to_judge_and_unique_ids(case: str) -> None:
    told = history(case, 7)
    assert 600 <= sum(len(repo.runs) for repo in told.repos.values()) <= 1_500
    assert sum(refused(text) for _, text in failed_builds(told)) >= 25
    assert len({job["id"] for job in jobs(told)}) == len(jobs(told))


def test_an_unknown_case_or_culprit_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="docker-hub-2025-01, us-east-1"):
        write_sample("nobody", 1, tmp_path)
    with pytest.raises(UsageError, match="service, action"):
        write_sample(HUB, 1, tmp_path, "weather")


def test_a_sample_is_a_data_folder_that_says_what_it_is(tmp_path: Path) -> None:
    told = write_case(one_repository(), 1, tmp_path / "one")
    assert json.loads((tmp_path / "one/sample.json").read_text("utf-8")) == told
    assert told["truth"] == {"cause": "service", "name": "docker-hub"}
    store = Store(tmp_path / "one")
    assert len(store.read("runs")) >= told["runs"] and set(store.read("incidents")["provider"]) == {
        "docker-hub",
        "github",
    }
    assert set(store.read("collections")["ended"]) == {"done"}
    assert not len(store.read("gaps"))
    assert RawHistory.read(tmp_path / "one/raw") == build_history(one_repository(), 1)


def test_a_sample_written_twice_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_case(one_repository(), 1, tmp_path / name, "action")
    write_case(one_repository(), 1, tmp_path / "two", "action")
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) > 20
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes(), path


def test_a_folder_with_other_data_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="no sample"):
        write_case(one_repository(), 1, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_the_embedded_sample_is_what_the_generator_writes_and_small() -> None:
    folder = ROOT / "data/sample"
    assert RawHistory.read(folder / "raw") == history()
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 4_000_000
