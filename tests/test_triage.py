"""The five minutes of an outage, on the embedded sample's own recorded answers."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.collect.options import Silent
from analysis.errors import NoDataError, UsageError
from analysis.github import GitHub
from analysis.sample.raw import RawHistory
from analysis.sample.replay import replay_session
from analysis.store import Store
from analysis.triage import repository_of, triage

RAW = Path(__file__).resolve().parents[1] / "data" / "sample" / "raw"
REPOS = ("acme-shop/checkout-api", "https://github.com/acme-shop/payments/actions/runs/1/job/2")


def run(folder: Path, now: datetime, said: list[str], targets: tuple[str, ...] = REPOS):
    github = GitHub("sample", session=replay_session(RawHistory.read(RAW)))
    return triage(
        targets, Store(folder), org=None, action="docker/build-push-action", budget=600,
        output=folder / "triage.html", github=github, progress=Silent(), say=said.append,
        services=lambda store, say: ["docker-hub: out of reach"], now=now,
    )  # fmt: skip


def test_each_stage_says_more_and_the_report_is_written(tmp_path: Path) -> None:
    said: list[str] = []
    done = run(tmp_path, datetime(2025, 1, 8, 20, tzinfo=UTC), said)
    assert [line for line in said if line.startswith("reading what happened since 2025-01-07 20:00")]
    assert done.verdict["causes"][0]["name"] == "docker-hub"
    assert done.report is not None
    assert done.report.read_text("utf-8").startswith("<!")
    assert done.partly, "a page that could not be asked is said"


def test_an_outage_of_nobody_is_told_as_such(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(NoDataError, match="14 days"):
        run(tmp_path, datetime(2024, 6, 1, tzinfo=UTC), said)
    assert sum("looking further back" in line for line in said) == 3


@pytest.mark.parametrize(
    "target",
    [
        "octo-org/octo-repo",
        "https://github.com/octo-org/octo-repo",
        "https://github.com/octo-org/octo-repo/actions/runs/123",
        "https://github.com/octo-org/octo-repo/actions/runs/123/attempts/2",
        "https://ghes.example.com/octo-org/octo-repo/actions/runs/123/job/456?pr=7",
    ],
)
def test_a_target_names_its_repository(target: str) -> None:
    assert repository_of(target) == "octo-org/octo-repo"


@pytest.mark.parametrize("target", ["octo-repo", "https://example.com", "javascript:alert(1)", "a/b/c d"])
def test_anything_else_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="neither a run nor a repository"):
        repository_of(target)
