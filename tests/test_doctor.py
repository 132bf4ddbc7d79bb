"""doctor names each thing that is not ready, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from analysis.doctor import Check, examine
from analysis.store import Store
from tests.github.transport import Reply, Script

NOW = 1_736_000_000.0
DATE = "Sat, 04 Jan 2025 14:13:20 GMT"


def look(
    folder: Path, answers: dict[str, Reply] | None = None, env: dict[str, str] | None = None, now: float = NOW
) -> dict[str, Check]:
    known: dict[str, Any] = {
        "/rate_limit": {"resources": {"core": {"limit": 5000, "remaining": 4900, "reset": NOW + 600}}},
        "/actions/runs?": {"workflow_runs": [{"id": 1}]},
        "/runs/1/jobs": {"jobs": [{"id": 5, "conclusion": "success"}]},
        "/user/repos": [{"full_name": "o/r"}],
    }

    def reply(request: requests.PreparedRequest) -> Reply:
        for part, answer in (answers or {}).items():
            if part in (request.url or ""):
                return answer
        body = next((value for part, value in known.items() if part in (request.url or "")), {})
        return 200, {"Date": DATE}, body

    session = requests.Session()
    session.mount("https://", Script(reply))
    given = {"GITHUB_TOKEN": "t"} if env is None else env
    checks = examine(folder, env=given, run=lambda command: "", session=session, clock=lambda: now)
    return {check.name: check for check in checks}


def test_a_healthy_place_is_all_ok(tmp_path: Path) -> None:
    checks = look(tmp_path)
    assert [name for name, check in checks.items() if not check.ok] == []
    assert {"token", "rate limit", "clock", "data folder", "versions", "logs", "Pull requests: read"} <= set(checks)


def test_without_a_token_the_remedy_names_the_permissions(tmp_path: Path) -> None:
    token = look(tmp_path, env={})["token"]
    assert not token.ok and "Actions, Contents, Metadata and Pull requests: read" in token.remedy


def test_a_token_that_is_refused_ends_the_questions(tmp_path: Path) -> None:
    checks = look(tmp_path, {"/rate_limit": (401, {}, {"message": "Bad credentials"})})
    assert not checks["token"].ok and "logs" not in checks


@pytest.mark.parametrize(
    ("path", "name", "cost"),
    [
        ("/pulls", "Pull requests: read", "bump pull requests"),
        ("/commits", "Contents: read", "versions are known from logs alone"),
        ("/annotations", "Checks: read", "log is gone"),
        ("/logs", "logs", "stay unknown"),
    ],
)
def test_a_missing_permission_is_named_with_what_it_costs(path: str, name: str, cost: str, tmp_path: Path) -> None:
    refused: Reply = (403, {}, {"message": "Resource not accessible by personal access token"})
    check = look(tmp_path, {path: refused})[name]
    assert not check.ok and cost in check.remedy


def test_a_nearly_used_up_limit_says_when_it_is_back(tmp_path: Path) -> None:
    limit: Reply = (200, {}, {"resources": {"core": {"limit": 5000, "remaining": 12, "reset": NOW + 1200}}})
    check = look(tmp_path, {"/rate_limit": limit})["rate limit"]
    assert not check.ok and "20 minutes" in check.remedy


def test_a_clock_that_is_wrong_is_told(tmp_path: Path) -> None:
    check = look(tmp_path, now=NOW - 300)["clock"]
    assert not check.ok and "300 s behind" in check.detail


def test_a_server_without_limits_and_one_that_is_down_are_told_apart(tmp_path: Path) -> None:
    assert look(tmp_path, {"/rate_limit": (404, {}, {"message": "Rate limiting is not enabled."})})["rate limit"].ok
    down = look(tmp_path, {"/rate_limit": requests.exceptions.SSLError("bad certificate")})["server"]
    assert not down.ok and "certificate" in down.detail


def test_a_data_folder_that_cannot_be_written_or_is_damaged_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert not look(file / "below")["data folder"].ok
    store = Store(tmp_path / "data")
    store.upsert("runs", [{"repo": "o/r", "month": "2025-01", "run_id": 1, "run_attempt": 1}])
    store.files("runs")[0].write_bytes(b"rubbish")
    check = look(tmp_path / "data")["data folder"]
    assert not check.ok and "damaged" in check.detail
