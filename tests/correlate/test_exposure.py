"""One row per first attempt of a job: what counts, what does not, and what each was exposed to."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.correlate.exposure import Exposure, exposure
from analysis.scope import Scope
from tests.correlate.builder import BUILD_PUSH, History, at


@pytest.fixture
def history() -> History:
    return History()


def table(history: History, folder: Path, **columns: object) -> Exposure:
    return exposure(history.write(folder), Scope(**columns))  # type: ignore[arg-type]


def test_an_empty_folder_gives_an_empty_table_with_its_columns(tmp_path: Path) -> None:
    got = table(History(), tmp_path)
    assert got.jobs.empty and {"repo", "failed", "censored", "rerun_passed"} <= set(got.jobs.columns)


def test_cancelled_and_skipped_jobs_are_neither_success_nor_failure(history: History, tmp_path: Path) -> None:
    run = history.run(0, conclusion="failure")
    for conclusion in ("success", "failure", "timed_out", "cancelled", "skipped", "neutral", "action_required"):
        history.job(run, 0, name=conclusion, conclusion=conclusion)
    jobs = table(history, tmp_path).jobs
    assert dict(zip(jobs["job"], jobs["failed"], strict=True)) == {
        "success": False, "failure": True, "timed_out": True,
    }  # fmt: skip


def test_a_later_attempt_is_no_vote_but_says_whether_the_rerun_passed(history: History, tmp_path: Path) -> None:
    run = history.run(0, conclusion="failure")
    history.run(2, run_id=run, attempt=2, conclusion="success")
    history.job(run, 0, conclusion="failure", version="6.11.0", component="docker-hub")
    history.job(run, 0, name="lint", version="6.11.0")
    history.job(run, 2, attempt=2, version="6.11.0")
    history.job(run, 0, name="lint", attempt=2)
    got = table(history, tmp_path)
    assert list(got.jobs["job"]) == ["build", "lint"]
    assert got.jobs["rerun_passed"].tolist() == [True, pd.NA]
    assert got.jobs["rerun_same_version"].tolist() == [True, pd.NA]
    assert len(got.reruns) == 1 and got.reruns["gap_hours"][0] == pytest.approx(2 - 5 / 60)


def test_a_rerun_that_took_a_floating_tag_anew_is_told_apart(history: History, tmp_path: Path) -> None:
    run = history.run(0, conclusion="failure")
    history.run(2, run_id=run, attempt=2, conclusion="success")
    history.job(run, 0, conclusion="failure", ref="v6", version="6.11.0", component="docker-hub")
    history.job(run, 2, attempt=2, ref="v6", version="6.12.0")
    got = table(history, tmp_path)
    assert got.jobs["rerun_same_version"].tolist() == [False]
    assert got.reruns["changed"].tolist() == [f"{BUILD_PUSH} 6.11.0 to 6.12.0"]


def test_the_jobs_of_a_green_run_that_was_not_asked_for_are_those_of_its_neighbours(
    history: History, tmp_path: Path
) -> None:
    history.build(0, version="6.10.0")
    history.run(1)
    history.build(2, failed=True, version="6.10.0", component="docker-hub")
    got = table(history, tmp_path)
    assert got.jobs["imputed"].tolist() == [False, True, False]
    assert got.jobs["failed"].tolist() == [False, False, True]
    assert got.versions[BUILD_PUSH].tolist() == ["6.10.0"] * 3
    assert got.jobs["versions_observed"].tolist() == [True, False, True]


def test_green_runs_before_a_workflow_broke_are_counted_though_its_nearest_known_run_was_skipped(
    history: History, tmp_path: Path
) -> None:
    history.run(0)
    skipped = history.run(1, event="pull_request", conclusion="skipped")
    history.job(skipped, 1, conclusion="skipped")
    history.build(9, failed=True, failing_step=4, component="docker-hub", version="6.11.0")
    got = exposure(history.write(tmp_path), Scope())
    assert got.jobs["failed"].tolist() == [False, True]
    assert got.jobs["imputed"].tolist() == [True, False]


def test_a_failed_job_without_a_read_log_has_no_component(history: History, tmp_path: Path) -> None:
    history.build(0, failed=True)
    jobs = table(history, tmp_path).jobs
    assert jobs["component"].isna().all() and not jobs["has_log"].any()


def test_young_jobs_are_censored_while_data_ends(history: History, tmp_path: Path) -> None:
    for hour in range(10):
        history.build(hour, minutes=40)
    history.build(11.9, failed=True, minutes=2)
    jobs = exposure(history.write(tmp_path, data_as_of=at(12)), Scope()).jobs
    assert jobs["censored"].tolist() == [False] * 10 + [True]


def test_matrix_values_are_stripped_from_the_job_name(history: History, tmp_path: Path) -> None:
    history.build(0, name="call / build (ubuntu-latest, 3.12)")
    jobs = table(history, tmp_path).jobs
    assert (jobs["job"][0], jobs["matrix"][0]) == ("call / build", "ubuntu-latest, 3.12")
