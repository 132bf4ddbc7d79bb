"""A history of some repositories for the collector: runs on main, pull requests and bump branches, re-runs, and an
action whose floating tag moves while another is bumped by hand. Seeded, and small or large as asked."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from analysis.sample.logs import JobPlan, StepPlan, planned_job, render_log
from analysis.sample.objects import (
    commit_object,
    release_object,
    repository_object,
    run_object,
    stable_sha,
    tag_object,
)
from analysis.sample.raw import RawHistory, RawRepo

START = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2025, 1, 22, tzinfo=UTC)
BUILD = "docker/build-push-action"
CHECKOUT = "actions/checkout"
RELEASES = {
    BUILD: {"v6.10.0": datetime(2024, 11, 26, tzinfo=UTC), "v6.11.0": datetime(2025, 1, 8, 9, tzinfo=UTC)},
    CHECKOUT: {"v4.2.1": datetime(2024, 10, 7, tzinfo=UTC), "v4.2.2": datetime(2025, 1, 12, 6, tzinfo=UTC)},
}
PATH = ".github/workflows/ci.yml"


def sha_of(action: str, tag: str) -> str:
    return stable_sha("release", action, tag)


@dataclass
class Truth:
    """Which version of the build action each run had, for judging how much of it was found out."""

    version: dict[int, str]


class LazyLogs(Mapping[int, bytes]):
    """Logs that are written when they are asked for."""

    def __init__(self) -> None:
        self.plans: dict[int, JobPlan] = {}

    def __getitem__(self, job: int) -> bytes:
        return render_log(self.plans[job])

    def __iter__(self) -> Iterator[int]:
        return iter(self.plans)

    def __len__(self) -> int:
        return len(self.plans)


def build_history(
    repos: int = 9, runs: int = 222, seed: int = 1, failing: float = 0.12, owner: str = "octo-org"
) -> tuple[RawHistory, Truth]:
    """So many repositories with so many runs each, in three weeks."""
    chance = random.Random(seed)
    truth = Truth({})
    found = {f"{owner}/app-{n}": _repo(f"{owner}/app-{n}", runs, chance, truth, failing) for n in range(repos)}
    return RawHistory(found | {action: _action(action) for action in RELEASES}), truth


def _action(action: str) -> RawRepo:
    tags = RELEASES[action]
    newest = max(tags, key=lambda tag: tags[tag])
    floating = newest.split(".")[0]
    return RawRepo(
        repository_object(action),
        releases=[release_object(action, tag, at) for tag, at in reversed(tags.items())],
        tags=[tag_object(action, tag, sha_of(action, tag)) for tag in reversed(tags)]
        + [tag_object(action, floating, sha_of(action, newest))],
    )


def _repo(repo: str, count: int, chance: random.Random, truth: Truth, failing: float) -> RawRepo:
    upgrade = START + timedelta(days=chance.uniform(8, 16))
    times = sorted(START + (END - START) * chance.random() for _ in range(count))
    raw = RawRepo(repository_object(repo), logs=LazyLogs())
    texts = {START - timedelta(days=40): "v6.10.0", upgrade: "v6.11.0"}
    parent: list[str] = []
    for at, tag in texts.items():
        sha = stable_sha("workflow", repo, tag)
        raw.commits.insert(0, commit_object(repo, sha, at, parents=parent))
        raw.contents[sha, PATH] = f"jobs:\n  build:\n    steps:\n    - uses: {CHECKOUT}@v4\n    - uses: {BUILD}@{tag}\n"  # type: ignore[index]
        parent = [sha]
    for number, at in enumerate(times, 1):
        _run(raw, repo, number, at.replace(microsecond=0), upgrade, chance, truth, failing)
    return raw


def _run(
    raw: RawRepo, repo: str, number: int, at: datetime, upgrade: datetime, chance: random.Random, truth: Truth,
    failing: float,
) -> None:  # fmt: skip
    kind = chance.choices(["push", "pull_request", "bump", "schedule"], [0.45, 0.4, 0.08, 0.07])[0]
    version = "v6.11.0" if at >= upgrade else "v6.10.0"
    branch, actor, event = "main", "octo-dev", kind
    if kind == "pull_request":
        branch = f"feature-{chance.randrange(12)}"
    if kind == "bump" and RELEASES[BUILD]["v6.11.0"] < at < upgrade:
        branch, actor, event = "dependabot/github_actions/docker/build-push-action-6.11.0", "dependabot[bot]", "push"
        version = "v6.11.0"
    elif kind == "bump":
        branch, actor, event = f"dependabot/npm/left-pad-{number % 3}", "dependabot[bot]", "pull_request"
    sick = RELEASES[BUILD]["v6.11.0"] <= at < RELEASES[BUILD]["v6.11.0"] + timedelta(hours=18)
    fails = chance.random() < (0.5 if sick else failing)
    attempts = 2 if fails and chance.random() < 0.35 else 1
    common: dict[str, Any] = {
        "run_number": number, "path": PATH, "event": event, "head_branch": branch, "actor": actor,
        "pull_request": 7 if event == "pull_request" else None,
        "head_sha": stable_sha("workflow", repo, version) if branch == "main" else stable_sha(repo, branch, number),
    }  # fmt: skip
    for attempt in range(1, attempts + 1):
        red = fails and (attempt == 1 or chance.random() < 0.3)
        begun = at + timedelta(hours=2 * (attempt - 1))
        run = run_object(
            repo, created_at=at, run_attempt=attempt, run_started_at=begun, updated_at=begun + timedelta(minutes=9),
            conclusion="failure" if red else "success", **common,
        )  # fmt: skip
        truth.version[run["id"]] = version
        (raw.runs if attempt == attempts else raw.attempts).append(run)
        for name in ("test", "build"):
            plan = _plan(name, begun + timedelta(seconds=5), version, red and name == "build")
            job = planned_job(run, plan)
            raw.jobs.append(job)
            raw.logs.plans[job["id"]] = plan  # type: ignore[attr-defined]


def _plan(name: str, at: datetime, version: str, red: bool) -> JobPlan:
    checkout = "v4.2.2" if at >= RELEASES[CHECKOUT]["v4.2.2"] else "v4.2.1"
    minute = timedelta(minutes=1)
    steps = [
        StepPlan("Checkout", at + minute / 4, at + minute, uses=f"{CHECKOUT}@v4", sha=sha_of(CHECKOUT, checkout)),
    ]
    if name == "build":
        steps.append(
            StepPlan(
                "Build", at + minute, at + 5 * minute, uses=f"{BUILD}@{version}", sha=sha_of(BUILD, version),
                inputs={"push": "true", "tags": "octo/app:latest"},
                output=["#5 [internal] load metadata for docker.io/library/node:22"],
                conclusion="failure" if red else "success",
                error="buildx failed with: ERROR: failed to solve: node:22: failed to resolve source metadata for "
                "docker.io/library/node:22: unexpected status from HEAD request to "
                "https://registry-1.docker.io/v2/library/node/manifests/22: 403 Forbidden" if red else None,
            )
        )  # fmt: skip
    else:
        steps.append(StepPlan("Test", at + minute, at + 3 * minute, run="make test", output=["12 passed"]))
    return JobPlan(name, at, at + 6 * minute, steps)
