"""The fake server on loopback, and what goes wrong on request."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from analysis.errors import RateLimitError, ServiceUnavailableError
from analysis.github import GitHub
from analysis.sample.objects import job_object, repository_object, run_object
from analysis.sample.raw import RawHistory, RawRepo
from tests.fake_github import FakeGitHub, Faults

ROOT = Path(__file__).resolve().parents[2]
NAME = "acme/web"
RUN = run_object(NAME, created_at=datetime(2025, 1, 8, 12, 0, tzinfo=UTC))
JOB = job_object(RUN, conclusion="failure")
HISTORY = RawHistory({NAME: RawRepo(repository_object(NAME), runs=[RUN], jobs=[JOB], logs={JOB["id"]: b"the log\n"})})


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with FakeGitHub(HISTORY) as serving:
        yield serving


def test_a_log_comes_from_another_host_name_without_the_token(fake: FakeGitHub) -> None:
    assert GitHub("token", fake.api_url).job_log(NAME, JOB["id"]) == b"the log\n"
    asked = [(seen.host.split(":")[0], "Authorization" in seen.headers, seen.status) for seen in fake.seen]
    assert asked == [("127.0.0.1", True, 302), ("localhost", False, 200)]


def test_errors_and_resets_pass_when_the_client_tries_again() -> None:
    with FakeGitHub(HISTORY, faults=Faults(errors=0.5, resets=0.5)) as fake:
        github = GitHub("token", fake.api_url, sleep=lambda _: None)
        assert github.get(f"/repos/{NAME}")["full_name"] == NAME
        assert [seen.status in (0, 502) for seen in fake.seen] == [True, True, False]


def test_an_outage_that_lasts_is_told(fake: FakeGitHub) -> None:
    fake.faults = Faults(errors=1.0, in_a_row=10_000)
    with pytest.raises(ServiceUnavailableError):
        GitHub("token", fake.api_url, sleep=lambda _: None).get(f"/repos/{NAME}")


def test_a_secondary_limit_says_how_long_to_wait(fake: FakeGitHub) -> None:
    fake.faults = Faults(secondary=1.0, retry_after=7)
    waited: list[float] = []
    github = GitHub("token", fake.api_url, sleep=waited.append)
    assert github.get(f"/repos/{NAME}")["full_name"] == NAME
    assert sum(waited) >= 7
    fake.faults = Faults(secondary=1.0, retry_after=7)
    with pytest.raises(RateLimitError):
        GitHub("token", fake.api_url, wait=False).get(f"/repos/{NAME}")


def test_faults_strike_only_where_they_are_meant_to() -> None:
    with FakeGitHub(HISTORY, faults=Faults(errors=1.0, only="/logs")) as fake:
        assert requests.get(f"{fake.api_url}/repos/{NAME}", timeout=5).status_code == 200
        assert requests.get(f"{fake.api_url}/repos/{NAME}/actions/jobs/1/logs", timeout=5).status_code == 502


def test_the_command_says_clearly_that_a_folder_holds_no_history(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fake_github", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert "no raw history here" in done.stderr and "Traceback" not in done.stderr
