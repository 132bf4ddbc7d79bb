"""What we ask and what the fake answers is GitHub's: a proxy made of GitHub's OpenAPI description says so.

The description knows no 304, 403 or 429 for these paths: those are tested without the proxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from analysis.collect import CollectOptions, collect
from analysis.errors import RemoteError
from analysis.github import GitHub
from analysis.sample.case import load_case
from analysis.sample.history import build_history
from analysis.sample.raw import RawHistory
from analysis.store import Store
from tests.conformance.description import USED, write_cut
from tests.conformance.proxy import DESCRIPTION, install, prism
from tests.fake_github import FakeGitHub

REPOS = ("acme-shop/checkout-api", "acme-shop/storefront")
ACTIONS = ("docker/build-push-action", "actions/checkout")


@dataclass(frozen=True)
class Bench:
    """The fake, and the proxy before it."""

    fake: FakeGitHub
    url: str
    history: RawHistory


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    install()
    folder = tmp_path_factory.mktemp("conformance")
    write_cut(DESCRIPTION, folder / "cut.json")
    history = _one_day()
    with FakeGitHub(history) as fake, prism(folder / "cut.json", fake.api_url, folder / "prism.log") as url:
        fake.public_url = url
        yield Bench(fake, url, history)


def _one_day() -> RawHistory:
    """The worst day of the sample: every kind of run, reruns and skipped jobs among them."""
    case = load_case("docker-hub-2025-01")
    repos = tuple(repo for repo in case.repos if repo.name in REPOS)
    day = datetime(2025, 1, 8, tzinfo=UTC)
    return build_history(replace(case, since=day, until=day + timedelta(days=1), repos=repos), seed=5)


def test_a_whole_collection_passes_the_proxy(bench: Bench, tmp_path: Path) -> None:
    bench.fake.seen.clear()
    window = CollectOptions(since=bench.history.ends_at - timedelta(days=2), until=bench.history.ends_at, logs="all")
    github = GitHub("token", bench.url)
    done = collect(REPOS, window, Store(tmp_path), github, now=lambda: bench.history.ends_at)
    assert done.ended == "done"
    assert not done.gaps, "the proxy answers a violation with an error, which would be a gap"
    assert done.rows["runs"] >= 20 and done.rows["failures"] >= 5
    assert {seen.status for seen in bench.fake.seen} <= {200, 302}
    followed = [seen for seen in bench.fake.seen if seen.path.startswith("/blobs/")]
    assert followed and not any("Authorization" in seen.headers for seen in followed)


@pytest.mark.parametrize(
    "path",
    [
        "/rate_limit",
        "/user",
        "/user/repos",
        "/orgs/acme-shop/repos",
        f"/repos/{REPOS[0]}",
        f"/repos/{REPOS[0]}/actions/workflows",
        f"/repos/{REPOS[0]}/actions/runs?per_page=2&page=2&created=2025-01-08..2025-01-09&exclude_pull_requests=true",
        f"/repos/{REPOS[0]}/actions/runs?branch=main&event=push&status=failure",
        f"/repos/{REPOS[0]}/actions/workflows/ci.yml/runs?per_page=5",
        "RUN",
        "RUN/attempts/1",
        "RUN/attempts/1/jobs",
        "RUN/jobs?filter=all",
        "JOB",
        "ANNOTATIONS",
        f"/repos/{REPOS[0]}/commits?path=.github/workflows/ci.yml&sha=main&since=2025-01-08T00:00:00Z",
        f"/repos/{REPOS[0]}/commits/main",
        f"/repos/{REPOS[0]}/contents/.github/workflows/ci.yml?ref=main",
        *(f"/repos/{action}/{what}" for action in ACTIONS for what in ("releases", "tags", "git/matching-refs/tags/v")),
        f"/repos/{ACTIONS[0]}/git/ref/tags/v6.11.0",
    ],
)
def test_an_answer_is_what_github_describes(bench: Bench, path: str) -> None:
    answer = requests.get(bench.url + _addressed(bench, path), headers={"Authorization": "Bearer token"}, timeout=30)
    assert answer.status_code == 200, answer.text[:1000]
    assert answer.json()


@pytest.mark.parametrize("path", ["JOB/logs", "RUN/logs"])
def test_a_log_is_a_redirect_to_another_host(bench: Bench, path: str) -> None:
    answer = requests.get(
        bench.url + _addressed(bench, path),
        headers={"Authorization": "Bearer token"},
        timeout=30,
        allow_redirects=False,
    )
    assert answer.status_code == 302, answer.text[:1000]
    assert answer.headers["Location"].startswith(bench.fake.blob_url)


def test_the_proxy_refuses_an_answer_that_github_would_not_give(bench: Bench) -> None:
    name = REPOS[1]
    repo = bench.history.repos[name]
    broken = replace(repo, repository={key: value for key, value in repo.repository.items() if key != "default_branch"})
    bench.fake.history = replace(bench.history, repos={**bench.history.repos, name: broken})
    try:
        with pytest.raises(RemoteError):
            GitHub("token", bench.url, sleep=lambda _: None).get(f"/repos/{name}")
    finally:
        bench.fake.history = bench.history


def test_every_address_that_the_collector_builds_is_among_the_described(bench: Bench) -> None:
    asked = {re.sub(r"\?.*", "", seen.path) for seen in bench.fake.seen if not seen.path.startswith("/blobs/")}
    known = [re.compile("^" + re.sub(r"\\\{\w+\\\}", "[^?]+", re.escape(path)) + "$") for path in USED]
    assert asked, "the collection ran before"
    assert not [path for path in asked if not any(pattern.match(path) for pattern in known)]


def _addressed(bench: Bench, path: str) -> str:
    """Fill in a run and a job that failed."""
    repo = bench.history.repos[REPOS[0]]
    failed = next(job for job in repo.jobs if job["conclusion"] == "failure" and job["run_attempt"] == 1)
    below = f"/repos/{REPOS[0]}"
    path = re.sub(r"^RUN", f"{below}/actions/runs/{failed['run_id']}", path)
    path = re.sub(r"^JOB", f"{below}/actions/jobs/{failed['id']}", path)
    return path.replace("ANNOTATIONS", f"{below}/check-runs/{failed['id']}/annotations")
