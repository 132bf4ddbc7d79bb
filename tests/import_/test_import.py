"""Importing what somebody saved: kinds are told from content, and nothing known is lost for an unknown file."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from analysis.import_ import Imported, import_paths
from analysis.sample.raw import RawHistory
from analysis.store import Store
from tests.collect.history import build_history

DATA = Path(__file__).parents[3] / "shared" / "data"
REPO = "octo-org/app-0"
shared = pytest.mark.skipif(not DATA.is_dir(), reason="the real captures are not beside the repository")


@pytest.fixture(scope="module")
def history() -> RawHistory:
    return build_history(repos=1, runs=12, seed=4, failing=0.4)[0]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


def save(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def of(store: Store, table: str) -> Any:
    store.refresh()
    return store.read(table)


def test_lists_of_runs_and_jobs_become_rows_and_logs_find_their_jobs(
    history: RawHistory, store: Store, tmp_path: Path
) -> None:
    raw = history.repos[REPO]
    failed = next(job for job in raw.jobs if job["conclusion"] == "failure")
    paths = [
        save(tmp_path, f"{failed['id']}.log", raw.logs[failed["id"]]),
        save(tmp_path, "runs.json", {"total_count": len(raw.runs), "workflow_runs": raw.runs}),
        save(tmp_path, "jobs.json", {"total_count": len(raw.jobs), "jobs": raw.jobs}),
    ]
    done = import_paths(paths, store)
    assert done.problems == () and done.files == 3 and done.logs == 1
    assert set(of(store, "jobs")["job_id"]) == {job["id"] for job in raw.jobs}
    failure = of(store, "failures").iloc[0]
    assert (failure["job_id"], failure["component"], failure["step_number"]) == (failed["id"], "docker-hub", 3)
    assert store.read_log(REPO, failed["id"])
    uses = of(store, "action_uses").set_index("action").loc[["docker/build-push-action"]]
    assert uses["version"].isin(["6.10.0", "6.11.0"]).all() and len(uses) == 1


def test_importing_twice_changes_nothing(history: RawHistory, store: Store, tmp_path: Path) -> None:
    path = save(tmp_path, "runs.json", history.repos[REPO].runs)
    import_paths([path], store)
    before = of(store, "runs")
    import_paths([path], store)
    assert of(store, "runs").equals(before)


def gh_run(**fields: Any) -> dict[str, Any]:
    return {
        "databaseId": 19320357688, "attempt": 2, "number": 9, "workflowName": "CI", "event": "push",
        "status": "completed", "conclusion": "failure", "headBranch": "main", "headSha": "a" * 40,
        "createdAt": "2025-01-13T04:17:18Z", "startedAt": "2025-01-13T05:00:00Z", "updatedAt": "2025-01-13T05:09:00Z",
        "url": "https://github.com/o/r/actions/runs/19320357688", "displayTitle": "fix",
    } | fields  # fmt: skip


def test_what_gh_lists_and_views_is_read_with_its_jobs_and_steps(store: Store, tmp_path: Path) -> None:
    job = {
        "databaseId": 77, "name": "build", "status": "completed", "conclusion": "failure",
        "startedAt": "2025-01-13T05:00:05Z", "completedAt": "0001-01-01T00:00:00Z", "url": "",
        "steps": [{"number": 2, "name": "Run make", "status": "completed", "conclusion": "failure"}],
    }  # fmt: skip
    import_paths([save(tmp_path, "view.json", gh_run(jobs=[job]))], store)
    run, kept = of(store, "runs").iloc[0], of(store, "jobs").iloc[0]
    assert (run["repo"], run["run_attempt"], run["workflow_name"]) == ("o/r", 2, "CI")
    assert (kept["repo"], kept["run_id"], kept["run_attempt"]) == ("o/r", 19320357688, 2)
    assert kept["completed_at"] is None or kept["completed_at"] != kept["completed_at"]
    assert of(store, "steps")["conclusion"].tolist() == ["failure"]


def test_a_poorer_answer_takes_nothing_from_a_richer_one(history: RawHistory, store: Store, tmp_path: Path) -> None:
    run = history.repos[REPO].runs[0]
    import_paths([save(tmp_path, "api.json", run)], store)
    poor = {"databaseId": run["id"], "attempt": run["run_attempt"], "createdAt": run["created_at"],
            "url": run["html_url"], "conclusion": "cancelled"}  # fmt: skip
    import_paths([save(tmp_path, "gh.json", [poor])], store)
    row = of(store, "runs").iloc[0]
    assert (row["path"], row["conclusion"]) == (run["path"], "cancelled")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_powershells_utf_16_with_colours_is_undone(encoding: str, store: Store, tmp_path: Path) -> None:
    text = json.dumps([gh_run()]).replace('"databaseId"', '\x1b[1;34m"databaseId"\x1b[m')
    done = import_paths([save(tmp_path, "runs.json", text.encode(encoding))], store)
    assert done.problems == () and len(of(store, "runs")) == 1


def test_pages_that_follow_one_another_are_all_read(store: Store, tmp_path: Path) -> None:
    pages = b"".join(json.dumps({"workflow_runs": [run]}).encode() for run in _api_runs(3))
    assert import_paths([save(tmp_path, "all.json", pages)], store).problems == ()
    assert len(of(store, "runs")) == 3


def _api_runs(count: int) -> list[dict[str, Any]]:
    return [
        {"id": n, "run_number": n, "event": "push", "created_at": f"2025-01-0{n}T00:00:00Z",
         "repository": {"full_name": "o/r"}} for n in range(1, count + 1)
    ]  # fmt: skip


def test_a_zip_of_logs_goes_to_the_jobs_of_its_run(history: RawHistory, store: Store, tmp_path: Path) -> None:
    raw = history.repos[REPO]
    run = next(run for run in raw.runs if run["run_attempt"] == 1)
    jobs = [job for job in raw.jobs if job["run_id"] == run["id"]]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, job in enumerate(jobs):
            archive.writestr(f"{number}_{job['name']}.txt", raw.logs[job["id"]])
    paths = [save(tmp_path, f"logs_{run['id']}.zip", packed.getvalue()), save(tmp_path, "jobs.json", {"jobs": jobs})]
    done = import_paths(paths, store)
    assert done.problems == () and done.logs == len(jobs)
    assert store.log_ids(REPO) == {job["id"] for job in jobs}


def test_a_log_without_a_known_job_gets_a_run_of_its_own(history: RawHistory, store: Store, tmp_path: Path) -> None:
    raw = history.repos[REPO]
    job = next(job for job in raw.jobs if job["conclusion"] == "failure")
    path = save(tmp_path, "saved.log.gz", gzip.compress(raw.logs[job["id"]]))
    assert "--repo" in str(import_paths([path], store).problems[0])
    import_paths([path], store, repo="me/app")
    row = of(store, "jobs").iloc[0]
    assert (row["repo"], row["conclusion"]) == ("me/app", "failure")
    assert abs(row["started_at"].to_pydatetime().timestamp() - _time(job["started_at"])) < 2
    assert of(store, "failures")["component"].tolist() == ["docker-hub"]
    assert of(store, "runs")["conclusion"].tolist() == ["failure"]
    import_paths([path], store, repo="me/app")
    assert len(of(store, "jobs")) == 1


def _time(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_secrets_in_an_imported_log_never_reach_the_disk(store: Store, tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    log = f"2025-01-13T05:00:00.0000000Z echo {token}\n2025-01-13T05:00:01.0000000Z ##[error]boom {token}\n"
    import_paths([save(tmp_path, "x.log", log.encode())], store, repo="o/r")
    assert len(store.log_ids("o/r")) == 1
    kept = store.read_log("o/r", store.log_ids("o/r").pop())
    assert kept and token.encode() not in kept
    assert not any(token in str(value) for value in of(store, "failures").to_numpy().ravel())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"message": "Not Found", "documentation_url": "https://docs"}', "error of GitHub's: Not Found"),
        (b'{"artifacts": []}', "without runs"),
        (b'{"workflow_runs": [', "not whole JSON"),
        (b"just some notes\n", "neither a GitHub answer"),
        (b"PK\x03\x04 broken", "archive"),
        (b"", "neither"),
        (json.dumps([gh_run(url="")]).encode(), "--repo OWNER/NAME"),
        (b"[" * 100_000, "not whole JSON"),
    ],
)
def test_a_file_that_is_nothing_known_is_one_line_and_the_others_are_taken(
    content: bytes, words: str, store: Store, tmp_path: Path
) -> None:
    good = save(tmp_path, "good.json", [gh_run()])
    done = import_paths([save(tmp_path, "bad.txt", content), good, tmp_path / "absent"], store)
    assert len(done.problems) == 2 and words in str(done.problems[0])
    assert "\n" not in str(done.problems[0])
    assert done.rows["runs"] == 1


def take(folder: str, store: Store) -> Imported:
    return import_paths([DATA / folder], store, repo="owner/repository")


@shared
@pytest.mark.shared
@pytest.mark.parametrize("folder", ["api/link-assistant-agent", "api/link-foundation-box", "api/octokit-webhooks"])
def test_folders_that_people_saved_are_read_without_a_crash(folder: str, store: Store) -> None:
    done = take(folder, store)
    assert done.rows["runs"] > 0 and done.rows["jobs"] > 0
    assert all("\n" not in str(problem) for problem in done.problems)


@shared
@pytest.mark.shared
def test_a_real_gh_run_list_of_a_queued_run_has_no_conclusion(store: Store) -> None:
    folder = "api/link-assistant-hive-mind/issue-719-usage-limit/working-session-logs/ci-logs"
    import_paths([DATA / folder / "gh-run-list.after2.json"], store)
    run = of(store, "runs").query("run_id == 19320357688").iloc[0]
    assert run["conclusion"] != run["conclusion"]
    assert (run["repo"], run["status"]) == ("deep-assistant/hive-mind", "queued")


@shared
@pytest.mark.shared
def test_a_real_gh_log_and_its_run_come_together(store: Store) -> None:
    folder = DATA / "api/link-assistant-agent/issue-264/data"
    log = DATA / "logs/link-assistant-agent/issue-264/logs/actions-run-24467127126.log"
    done = import_paths([folder / "actions-run-24467127126.json", log], store)
    assert done.problems == () and done.logs == 1
    jobs = of(store, "jobs")
    assert jobs["repo"].unique().tolist() == ["Jhon-Crow/godot-topdown-MVP"]
    assert store.log_ids("Jhon-Crow/godot-topdown-MVP") <= set(jobs["job_id"])
    assert of(store, "environments")["runner_version"].tolist() == ["2.333.1"]
