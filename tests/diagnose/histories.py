"""Small histories with a known cause, as exposure frames: what the judge's tests look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

ACTION = "docker/build-push-action"
OLD, NEW = "6.10.0", "6.11.0"
START = pd.Timestamp("2025-01-01", tz="UTC")
Kill = Callable[["Job", np.random.Generator], tuple[str, str, str] | None]


@dataclass
class Job:
    """One job as a cause sees it."""

    repo: int
    day: float
    version: str
    job: str
    bot: bool


@dataclass
class Frames:
    """The frames of `correlate.exposure.Exposure` that the judge reads."""

    jobs: pd.DataFrame
    versions: pd.DataFrame
    registries: pd.DataFrame
    inputs: pd.DataFrame = field(default_factory=pd.DataFrame)


def history(
    kill: Kill, *, seed: int = 1, repos: int = 6, days: int = 14, runs: int = 400,
    adopt: dict[int, float] | None = None, flaky: float = 0.03,
) -> Frames:  # fmt: skip
    """Runs of a build and a test job; repositories take the new version up on their own days, bots a day before."""
    rng = np.random.default_rng(seed)
    taken = {r: 6.0 + 0.7 * r for r in range(repos // 2 + 1)} if adopt is None else adopt
    rows = []
    for run in range(runs):
        repo, day = int(rng.integers(repos)), float(rng.uniform(0, days))
        bot = bool(rng.random() < 0.15)
        from_day = taken.get(repo, np.inf) - (1.0 if bot else 0.0)
        version = NEW if day >= from_day else OLD
        for name in ("build", "test"):
            told = kill(Job(repo, day, version, name, bot), rng)
            if told is None and rng.random() < (flaky if name == "test" else flaky / 3):
                told = ("user-code", "test-failure", "test")
            rows.append(_row(run, repo, day, version, name, bot, told))
    frame = pd.DataFrame(rows).sort_values("started_at", kind="stable").reset_index(drop=True)
    build = frame["job"] == "build"
    return Frames(
        jobs=frame.drop(columns="version"),
        versions=pd.DataFrame({ACTION: frame["version"].where(build, None).astype("category")}),
        registries=pd.DataFrame({"docker-hub": build.to_numpy()}),
        inputs=pd.DataFrame(index=frame.index),
    )


def _row(
    run: int, repo: int, day: float, version: str, name: str, bot: bool, told: tuple[str, str, str] | None
) -> dict[str, object]:
    component, kind, operation = told or (None, None, None)
    return {
        "repo": f"acme/r{repo}", "workflow": "ci", "job": name, "job_name": name, "job_id": run * 2 + (name == "test"),
        "run_id": run, "branch": f"bump-{run}" if bot else "main", "event": "pull_request" if bot else "push",
        "credential_class": "bot" if bot else "normal", "head_sha": f"{run:040x}",
        "started_at": START + pd.Timedelta(seconds=round(day * 86400)), "failed": told is not None, "censored": False,
        "minutes": 4.0, "step_number": 5, "component": component, "kind": kind, "operation": operation,
        "has_log": told is not None, "imputed": False, "rerun_passed": None, "versions_observed": True, "image": None,
        "image_version": None, "os": None, "region": None, "docker_version": None, "buildx_version": None,
        "buildkit_version": None, "binfmt_version": None, "weight": 1.0, "version": version,
        "html_url": f"https://github.com/acme/r{repo}/actions/runs/{run}",
        "failed_action": (ACTION if name == "build" else "") if told is not None else None,
    }  # fmt: skip


def outage(start: float, end: float, rate: float = 0.6, vague: float = 0.3) -> Kill:
    """Docker Hub fails those who pull, whatever they run."""

    def kill(job: Job, rng: np.random.Generator) -> tuple[str, str, str] | None:
        if job.job != "build" or not start <= job.day < end or rng.random() > rate:
            return None
        return ("unknown", "other", "other") if rng.random() < vague else ("docker-hub", "http-403", "pull")

    return kill


def bad_version(rate: float = 0.7, text: tuple[str, str, str] = ("buildkit", "other", "build-step")) -> Kill:
    """The new version fails those who run it."""

    def kill(job: Job, rng: np.random.Generator) -> tuple[str, str, str] | None:
        return text if job.job == "build" and job.version == NEW and rng.random() < rate else None

    return kill


def nothing(job: Job, rng: np.random.Generator) -> None:
    """No cause at all."""
