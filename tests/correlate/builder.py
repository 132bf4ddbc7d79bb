"""Small histories by hand: rows of the data folder's tables, written through the Store."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from analysis.store import Store

START = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)
BUILD_PUSH = "docker/build-push-action"


def at(hours: float) -> datetime:
    """A moment so many hours after the history's start."""
    return START + timedelta(hours=hours)


@dataclass
class History:
    """Collects rows, then writes them."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    last_run: int = 0
    last_job: int = 1000

    def run(self, hours: float, *, repo: str = "acme/web", conclusion: str | None = "success", attempt: int = 1,
            run_id: int | None = None, **columns: Any) -> int:  # fmt: skip
        """Add one attempt of a run; answers its id."""
        if run_id is None:
            self.last_run += 1
            run_id = self.last_run
        row = {
            "repo": repo, "month": "2025-01", "run_id": run_id, "run_attempt": attempt,
            "path": ".github/workflows/ci.yml", "workflow_name": "CI", "event": "push", "head_branch": "main",
            "head_sha": f"{run_id:040x}", "head_repository": repo, "status": "completed", "conclusion": conclusion,
            "created_at": at(hours), "run_started_at": at(hours), "updated_at": at(hours + 0.1),
            "actor": "ann", "triggering_actor": "ann", "html_url": f"https://github.com/{repo}/actions/runs/{run_id}",
        }  # fmt: skip
        self.rows["runs"].append(row | columns)
        return run_id

    def job(self, run_id: int, hours: float, *, repo: str = "acme/web", name: str = "build", attempt: int = 1,
            conclusion: str | None = "success", minutes: float = 5, version: str | None = None, ref: str | None = None,
            sha: str | None = None, action: str = BUILD_PUSH, inputs: tuple[str, ...] = (), step: int = 4,
            failing_step: int | None = None, component: str | None = None, kind: str | None = "http-403",
            operation: str = "pull", environment: dict[str, Any] | None = None, **columns: Any) -> int:  # fmt: skip
        """Add a job of a run; with `version` (or `ref`) its log was read, with `component` its failure is known."""
        self.last_job += 1
        job_id = self.last_job
        key = {"repo": repo, "month": "2025-01", "job_id": job_id}
        done = at(hours) + timedelta(minutes=minutes)
        self.rows["jobs"].append(
            key | {
                "run_id": run_id, "run_attempt": attempt, "workflow_name": "CI", "name": name,
                "status": "completed", "conclusion": conclusion, "created_at": at(hours), "started_at": at(hours),
                "completed_at": done, "html_url": f"https://github.com/{repo}/actions/runs/{run_id}/job/{job_id}",
            } | columns
        )  # fmt: skip
        if version or ref:
            self.use(job_id, repo, action, version, ref or f"v{version}", sha, inputs, step)
        if environment is not None:
            self.rows["environments"].append(key | {"observed": True} | environment)
        if failing_step is not None:
            self.rows["steps"].append(key | {"number": failing_step, "name": "step", "conclusion": "failure"})
        if component is not None:
            self.rows["failures"].append(
                key | {"component": component, "kind": kind, "operation": operation, "step_number": failing_step}
            )
        return job_id

    def use(self, job_id: int, repo: str, action: str, version: str | None, ref: str | None = None,
            sha: str | None = None, inputs: tuple[str, ...] = (), step: int = 4) -> None:  # fmt: skip
        """Add one more action to a job whose log was read."""
        self.rows["action_uses"].append({
            "repo": repo, "month": "2025-01", "job_id": job_id, "step_number": step, "action": action, "path": "",
            "ref": ref, "sha": sha, "version": version, "inputs": list(inputs), "resolved_from": "log",
            "observed": True,
        })  # fmt: skip

    def build(self, hours: float, *, repo: str = "acme/web", failed: bool = False, run: dict[str, Any] | None = None,
              **job: Any) -> int:  # fmt: skip
        """Add a run with one job; answers the run's id."""
        conclusion = "failure" if failed else "success"
        run_id = self.run(hours, repo=repo, conclusion=conclusion, **(run or {}))
        self.job(run_id, hours, repo=repo, conclusion=conclusion, **job)
        return run_id

    def write(self, folder: Path, *, data_as_of: datetime | None = None) -> Store:
        """Write everything; the data reaches far beyond the last job unless told."""
        store = Store(folder)
        moment = data_as_of or at(24 * 60)
        self.rows["collections"].append(
            {"month": "2025-01", "started_at": moment, "data_as_of": moment, "arguments": "", "requests": 0}
        )
        for table, rows in self.rows.items():
            store.upsert(table, rows)
        return store
