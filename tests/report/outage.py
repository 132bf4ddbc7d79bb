"""An outage by hand: eight repositories, an upgrade that half of them took, and a registry that failed one day.

The data folder is drawn with a fixed seed; the verdict document is written by hand in the shape of the schema,
so that the report is tested on its own.
"""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from analysis.store import Store
from tests.correlate.builder import BUILD_PUSH, START, History, at

OLD, NEW = "6.10.0", "6.11.0"
OUTAGE = (46.0, 58.0)
UPGRADE = 44.0
DAYS = 6


def history(seed: int = 7, repos: int = 8) -> History:
    """The rows: a run of ``build`` and ``test`` about every two hours in each repository."""
    chance, made = random.Random(seed), History()
    for number in range(repos):
        repo = f"acme/{['web', 'api', 'docs', 'auth', 'search', 'mail', 'jobs', 'shop'][number % 8]}{number // 8 or ''}"
        hours = chance.random() * 2
        while hours < DAYS * 24:
            upgraded = hours > UPGRADE + number * 1.5 and number % 2 == 0
            bump = number % 2 == 1 and UPGRADE < hours < UPGRADE + 20 and chance.random() < 0.3
            _run(made, chance, repo, hours, NEW if upgraded or bump else OLD, bump)
            hours += 0.6 + 2.4 * chance.random()
    made.rows["incidents"] += [
        _post("docker-hub", "i1", "Issues with image pulls", ["docker-hub"], at(46.2), at(49.5), at(58.5)),
        _post("github", "i2", "Delayed webhooks", ["gha-service"], at(20.0), at(20.4), at(22.0)),
    ]
    return made


def _run(made: History, chance: random.Random, repo: str, hours: float, version: str, bump: bool) -> None:
    inside = OUTAGE[0] <= hours < OUTAGE[1]
    hub, own = inside and chance.random() < 0.45, chance.random() < 0.04
    branch = f"renovate/build-push-action-{NEW}" if bump else "main"
    run = made.run(hours, repo=repo, conclusion="failure" if hub or own else "success", head_branch=branch)
    made.job(
        run, hours, repo=repo, version=version, conclusion="failure" if hub else "success", minutes=9,
        failing_step=4 if hub else None, component="docker-hub" if hub else None, inputs=("context", "push"),
    )  # fmt: skip
    made.job(
        run, hours, repo=repo, name="test (3.12)", conclusion="failure" if own else "success", minutes=6,
        failing_step=3 if own else None, component="user-code" if own else None, kind="test-failure", operation="test",
    )  # fmt: skip
    if hub and chance.random() < 0.6:
        good = chance.random() < 0.8
        made.run(hours + 0.5, repo=repo, run_id=run, attempt=2, conclusion="success" if good else "failure",
                 head_branch=branch)  # fmt: skip
        made.job(
            run, hours + 0.5, repo=repo, version=version, attempt=2, conclusion="success" if good else "failure",
            failing_step=None if good else 4, component=None if good else "docker-hub",
        )  # fmt: skip


def _post(
    provider: str, ident: str, name: str, components: list[str], began: datetime, posted: datetime, resolved: datetime
) -> dict[str, Any]:
    return {
        "provider": provider, "incident_id": ident, "name": name, "impact": "major", "direction": "pull",
        "components": components, "regions": [], "began_at": began, "began_source": "stated", "posted_at": posted,
        "updated_at": resolved, "resolved_at": resolved, "is_maintenance": False,
        "url": f"https://status.example/{ident}",
    }  # fmt: skip


def folder(path: Path, **made: Any) -> Store:
    """The history as a data folder."""
    return history(**made).write(path, data_as_of=START + timedelta(days=DAYS))


def verdict(store: Store) -> dict[str, Any]:
    """A verdict document on that folder; counts are the folder's, odds are written by hand."""
    jobs = store.read("jobs")
    first = jobs[jobs["run_attempt"] == 1]
    failed = first[first["conclusion"] == "failure"]
    document: dict[str, Any] = json.loads(Path(__file__).with_name("verdict.json").read_text("utf-8"))
    document["scope"] |= {
        "repos": int(first["repo"].nunique()), "runs": int(first["run_id"].nunique()), "jobs": len(first),
        "failed_jobs": len(failed), "first_failure_at": _iso(failed["started_at"].min()),
        "last_failure_at": _iso(failed["started_at"].max()),
    }  # fmt: skip
    document["window"] = {"start": _iso(first["started_at"].min()), "end": _iso(first["started_at"].max())}
    document["data_as_of"] = _iso(START + timedelta(days=DAYS))
    return document


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


__all__ = ["BUILD_PUSH", "NEW", "OLD", "folder", "history", "verdict"]
