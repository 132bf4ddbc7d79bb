"""What GitHub says of workflow runs, their jobs and steps.

In: the few facts that matter. Out: dictionaries with every field of GitHub's schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from analysis.sample.objects.identity import API, WEB, email_of, moment, node_id, stable_id, stable_sha, stamp
from analysis.sample.objects.repositories import minimal_repository, user_object


def run_object(
    repo: str,
    *,
    created_at: datetime,
    workflow: str = "CI",
    path: str = ".github/workflows/ci.yml",
    run_number: int = 1,
    run_attempt: int = 1,
    event: str = "push",
    head_branch: str | None = "main",
    head_sha: str | None = None,
    status: str = "completed",
    conclusion: str | None = "success",
    run_started_at: datetime | None = None,
    updated_at: datetime | None = None,
    actor: str = "octo-dev",
    triggering_actor: str | None = None,
    pull_request: int | None = None,
    head_repository: str | None = None,
    message: str = "Update the service",
    display_title: str | None = None,
    referenced_workflows: Sequence[tuple[str, str, str]] = (),
    run_id: int | None = None,
) -> dict[str, Any]:
    """A workflow run as ``GET /repos/{repo}/actions/runs`` lists it.

    Parameters
    ----------
    repo : str
        ``owner/name``.
    created_at, run_started_at, updated_at : datetime
        Aware times; the start of the attempt and the last change default to the creation and five minutes later.
    pull_request : int, optional
        Number of the pull request from the same repository that the run belongs to.
    referenced_workflows : sequence of (path, sha, ref)
        Reusable workflows that were called.
    run_id : int, optional
        Follows from repository, path and run number, hence is the same for every attempt.

    Returns
    -------
    dict
        All fields of GitHub's ``workflow-run`` schema.
    """
    number = run_id or stable_id("run", repo, path, run_number)
    sha = head_sha or stable_sha("head", repo, path, run_number)
    workflow_id = stable_id("workflow", repo, path) % 10**9
    suite = stable_id("suite", repo, number)
    url = f"{API}/repos/{repo}/actions/runs/{number}"
    started = run_started_at or created_at
    return {
        "id": number,
        "name": workflow,
        "node_id": node_id("WFR", number),
        "head_branch": head_branch,
        "head_sha": sha,
        "path": path,
        "display_title": display_title or message.splitlines()[0],
        "run_number": run_number,
        "event": event,
        "status": status,
        "conclusion": conclusion,
        "workflow_id": workflow_id,
        "check_suite_id": suite,
        "check_suite_node_id": node_id("CS", suite),
        "url": url,
        "html_url": f"{WEB}/{repo}/actions/runs/{number}",
        "pull_requests": [] if pull_request is None else [_pull_request(repo, pull_request, head_branch, sha)],
        "created_at": stamp(created_at),
        "updated_at": stamp(updated_at or started + timedelta(minutes=5)),
        "actor": user_object(actor),
        "run_attempt": run_attempt,
        "referenced_workflows": [{"path": p, "sha": s, "ref": r} for p, s, r in referenced_workflows],
        "run_started_at": stamp(started),
        "triggering_actor": user_object(triggering_actor or actor),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{API}/repos/{repo}/check-suites/{suite}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{run_attempt - 1}" if run_attempt > 1 else None,
        "workflow_url": f"{API}/repos/{repo}/actions/workflows/{workflow_id}",
        "head_commit": {
            "id": sha,
            "tree_id": stable_sha("tree", sha),
            "message": message,
            "timestamp": stamp(created_at - timedelta(seconds=20)),
            "author": {"name": actor, "email": email_of(actor)},
            "committer": {"name": "GitHub", "email": "noreply@github.com"},
        },
        "repository": minimal_repository(repo),
        "head_repository": minimal_repository(head_repository or repo),
    }


def job_object(
    run: dict[str, Any],
    *,
    name: str = "build",
    status: str = "completed",
    conclusion: str | None = "success",
    created_at: datetime | None = None,
    started_at: datetime | None = None,
    completed_at: datetime | None = None,
    steps: Iterable[dict[str, Any]] = (),
    labels: Sequence[str] = ("ubuntu-24.04",),
    runner: int | None = None,
    runner_name: str | None = None,
    runner_group_name: str | None = "GitHub Actions",
    job_id: int | None = None,
) -> dict[str, Any]:
    """A job of one attempt as ``GET /repos/{repo}/actions/runs/{id}/jobs`` lists it.

    Parameters
    ----------
    run : dict
        The run object of that attempt (`run_object`).
    started_at, completed_at : datetime, optional
        Default to the start of the attempt and five minutes later; a running job has no end.
    steps : iterable of dict
        From `step_object`.
    runner : int, optional
        Number of the hosted runner; its name is ``GitHub Actions N``.
    job_id : int, optional
        Follows from the run, the attempt and the job's name.

    Returns
    -------
    dict
        All fields of GitHub's ``job`` schema.
    """
    repo = run["repository"]["full_name"]
    number = job_id or stable_id("job", run["id"], run["run_attempt"], name)
    began = started_at or moment(run["run_started_at"])
    ended = completed_at or (began + timedelta(minutes=5) if status == "completed" else None)
    hosted = runner if runner is not None else number % 997 + 1
    url = f"{API}/repos/{repo}/actions"
    return {
        "id": number,
        "run_id": run["id"],
        "workflow_name": run["name"],
        "head_branch": run["head_branch"],
        "run_url": f"{url}/runs/{run['id']}",
        "run_attempt": run["run_attempt"],
        "node_id": node_id("CR", number),
        "head_sha": run["head_sha"],
        "url": f"{url}/jobs/{number}",
        "html_url": f"{WEB}/{repo}/actions/runs/{run['id']}/job/{number}",
        "status": status,
        "conclusion": conclusion,
        "created_at": stamp(created_at or began - timedelta(seconds=3)),
        "started_at": stamp(began),
        "completed_at": None if ended is None else stamp(ended),
        "name": name,
        "steps": list(steps),
        "check_run_url": f"{API}/repos/{repo}/check-runs/{number}",
        "labels": list(labels),
        "runner_id": hosted,
        "runner_name": f"GitHub Actions {hosted}" if runner_name is None else runner_name,
        "runner_group_id": 0,
        "runner_group_name": runner_group_name,
    }


def step_object(
    number: int,
    name: str,
    started_at: datetime | None,
    completed_at: datetime | None,
    conclusion: str | None = "success",
    status: str = "completed",
) -> dict[str, Any]:
    """One step of a job. Times are whole seconds, as GitHub gives them."""
    return {
        "name": name,
        "status": status,
        "conclusion": conclusion,
        "number": number,
        "started_at": None if started_at is None else stamp(started_at),
        "completed_at": None if completed_at is None else stamp(completed_at),
    }


def _pull_request(repo: str, number: int, branch: str | None, sha: str) -> dict[str, Any]:
    small = {key: minimal_repository(repo)[key] for key in ("id", "url", "name")}
    return {
        "url": f"{API}/repos/{repo}/pulls/{number}",
        "id": stable_id("pull", repo, number),
        "number": number,
        "head": {"ref": branch or "", "sha": sha, "repo": small},
        "base": {"ref": "main", "sha": stable_sha("base", repo, number), "repo": small},
    }
