"""A raw history goes to a folder and comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.errors import CorruptFileError, NoDataError
from analysis.sample.raw import (
    RawHistory,
    RawRepo,
    StatusAnswer,
    commit_object,
    job_object,
    release_object,
    repository_object,
    run_object,
    tag_object,
)

NOON = datetime(2025, 1, 8, 12, 0, tzinfo=UTC)
WORKFLOW = ".github/workflows/ci.yml"


@pytest.fixture
def history() -> RawHistory:
    run = run_object("acme/web", created_at=NOON, message="Line one\u2028still line one")
    first = run_object("acme/web", created_at=NOON, run_attempt=1)
    job = job_object(run)
    return RawHistory(
        {
            "acme/web": RawRepo(
                repository_object("acme/web"),
                runs=[run],
                attempts=[first],
                jobs=[job],
                logs={job["id"]: "\ufeff2025-01-08T12:00:00.0000000Z Grüße\n".encode()},
                commits=[commit_object("acme/web", run["head_sha"], NOON)],
                contents={(run["head_sha"], WORKFLOW): "on: push\n"},
                annotations={job["id"]: [{"message": "boom"}]},
            ),
            "docker/build-push-action": RawRepo(
                repository_object("docker/build-push-action"),
                releases=[release_object("docker/build-push-action", "v6.11.0", NOON)],
                tags=[tag_object("docker/build-push-action", "v6.11.0", "b" * 40)],
            ),
        },
        {"docker-hub": StatusAnswer("rss", "<rss/>\n"), "github": StatusAnswer("json", "{}\n")},
    )


def test_what_is_written_is_read_again(history: RawHistory, tmp_path: Path) -> None:
    history.write(tmp_path)
    assert RawHistory.read(tmp_path) == history


def test_the_same_history_gives_the_same_bytes(history: RawHistory, tmp_path: Path) -> None:
    for name in ("one", "two"):
        history.write(tmp_path / name)
    written = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(written) > 8
    for path in written:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_ids_follow_from_the_facts_and_every_attempt_of_a_run_has_the_same(history: RawHistory) -> None:
    again = run_object("acme/web", created_at=NOON, run_attempt=2)
    assert again["id"] == history.repos["acme/web"].runs[0]["id"]
    assert again["id"] != run_object("acme/web", created_at=NOON, run_number=2)["id"]


@pytest.mark.parametrize("name", ["runs.jsonl.zst", "logs.tar.zst", "repository.json"])
def test_a_damaged_file_is_named(history: RawHistory, tmp_path: Path, name: str) -> None:
    history.write(tmp_path)
    path = tmp_path / "github/acme/web" / name
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(CorruptFileError) as caught:
        RawHistory.read(tmp_path)
    assert name in caught.value.where


def test_a_folder_without_history_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match="actions-incident sample"):
        RawHistory.read(tmp_path)
