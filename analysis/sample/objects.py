"""GitHub's answers as whole objects: what the REST API would say of a run, a job, a commit, a release.

In: the few facts that matter. Out: dictionaries with every field that GitHub's OpenAPI description asks
for (tests/conformance holds them to it). Every id follows from the facts, so that the same facts give the
same bytes. Objects share their parts (a repository, a user): treat them as read-only.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b, sha1
from typing import Any
from urllib.parse import quote

API = "https://api.github.com"
WEB = "https://github.com"

_REPOSITORY_LINKS = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}
_USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


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
            "author": {"name": actor, "email": _email(actor)},
            "committer": {"name": "GitHub", "email": "noreply@github.com"},
        },
        "repository": _minimal_repository(repo),
        "head_repository": _minimal_repository(head_repository or repo),
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


def release_object(
    repo: str, tag: str, published_at: datetime, *, body: str = "", author: str = "octo-dev", prerelease: bool = False
) -> dict[str, Any]:
    """A published release as ``GET /repos/{repo}/releases`` lists it."""
    number = stable_id("release", repo, tag) % 10**9
    url = f"{API}/repos/{repo}/releases/{number}"
    return {
        "url": url,
        "assets_url": f"{url}/assets",
        "upload_url": f"https://uploads.github.com/repos/{repo}/releases/{number}/assets{{?name,label}}",
        "html_url": f"{WEB}/{repo}/releases/tag/{tag}",
        "id": number,
        "author": user_object(author),
        "node_id": node_id("RE", number),
        "tag_name": tag,
        "target_commitish": "master",
        "name": tag,
        "draft": False,
        "prerelease": prerelease,
        "created_at": stamp(published_at - timedelta(minutes=4)),
        "published_at": stamp(published_at),
        "assets": [],
        "tarball_url": f"{API}/repos/{repo}/tarball/{tag}",
        "zipball_url": f"{API}/repos/{repo}/zipball/{tag}",
        "body": body,
    }


def tag_object(repo: str, tag: str, sha: str) -> dict[str, Any]:
    """A tag as ``GET /repos/{repo}/tags`` lists it."""
    return {
        "name": tag,
        "zipball_url": f"{API}/repos/{repo}/zipball/refs/tags/{tag}",
        "tarball_url": f"{API}/repos/{repo}/tarball/refs/tags/{tag}",
        "commit": {"sha": sha, "url": f"{API}/repos/{repo}/commits/{sha}"},
        "node_id": node_id("REF", stable_id("tag", repo, tag)),
    }


def commit_object(
    repo: str,
    sha: str,
    date: datetime,
    *,
    message: str = "Update",
    author: str = "octo-dev",
    parents: Sequence[str] = (),
) -> dict[str, Any]:
    """A commit as ``GET /repos/{repo}/commits`` lists it."""
    url = f"{API}/repos/{repo}/commits/{sha}"
    person = {"name": author, "email": _email(author), "date": stamp(date)}
    return {
        "sha": sha,
        "node_id": node_id("C", stable_id("commit", sha)),
        "commit": {
            "author": person,
            "committer": {"name": "GitHub", "email": "noreply@github.com", "date": stamp(date)},
            "message": message,
            "tree": {
                "sha": stable_sha("tree", sha),
                "url": f"{API}/repos/{repo}/git/trees/{stable_sha('tree', sha)}",
            },
            "url": f"{API}/repos/{repo}/git/commits/{sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": url,
        "html_url": f"{WEB}/{repo}/commit/{sha}",
        "comments_url": f"{url}/comments",
        "author": user_object(author),
        "committer": user_object("web-flow"),
        "parents": [
            {"sha": p, "url": f"{API}/repos/{repo}/commits/{p}", "html_url": f"{WEB}/{repo}/commit/{p}"}
            for p in parents
        ],
    }


def repository_object(
    repo: str,
    *,
    default_branch: str = "main",
    private: bool = False,
    description: str | None = None,
    created_at: datetime = datetime(2021, 3, 1, 9, 0, tzinfo=UTC),
    pushed_at: datetime | None = None,
) -> dict[str, Any]:
    """A repository as ``GET /repos/{repo}`` answers."""
    return {
        **_minimal_repository(repo),
        "private": private,
        "visibility": "private" if private else "public",
        "description": description,
        "created_at": stamp(created_at),
        "updated_at": stamp(pushed_at or created_at),
        "pushed_at": stamp(pushed_at or created_at),
        "git_url": f"git://github.com/{repo}.git",
        "ssh_url": f"git@github.com:{repo}.git",
        "clone_url": f"{WEB}/{repo}.git",
        "svn_url": f"{WEB}/{repo}",
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "default_branch": default_branch,
        "archived": False,
        "disabled": False,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": False,
        **dict.fromkeys(
            (
                "size", "forks", "forks_count", "open_issues", "open_issues_count", "stargazers_count",
                "watchers", "watchers_count", "network_count", "subscribers_count",
            ),
            0,
        ),
    }  # fmt: skip


@lru_cache(maxsize=4096)
def user_object(login: str) -> dict[str, Any]:
    """A user, bot (``name[bot]``) or organization, as it stands inside other objects."""
    number = stable_id("user", login) % 10**8
    url = f"{API}/users/{quote(login)}"
    bot = login.endswith("[bot]")
    return {
        "login": login,
        "id": number,
        "node_id": node_id("BOT" if bot else "U", number),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{WEB}/apps/{login.removesuffix('[bot]')}" if bot else f"{WEB}/{login}",
        **{key: url + tail for key, tail in _USER_LINKS.items()},
        "type": "Bot" if bot else "User",
        "site_admin": False,
    }


def stable_id(*facts: object) -> int:
    """A number of 14 digits that follows from the facts."""
    digest = blake2b("\0".join(map(str, facts)).encode(), digest_size=8).digest()
    return 10**13 + int.from_bytes(digest, "big") % (9 * 10**13)


def stable_sha(*facts: object) -> str:
    """A commit-like SHA-1 that follows from the facts."""
    return sha1("\0".join(map(str, facts)).encode(), usedforsecurity=False).hexdigest()


def node_id(kind: str, number: int) -> str:
    """A GraphQL node id."""
    return f"{kind}_{base64.urlsafe_b64encode(number.to_bytes(8, 'big')).decode().rstrip('=')}"


def stamp(time: datetime) -> str:
    """A time as GitHub writes it: UTC, whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.fromisoformat(text)


@lru_cache(maxsize=4096)
def _minimal_repository(repo: str) -> dict[str, Any]:
    number = stable_id("repository", repo) % 10**9
    owner, name = repo.split("/")
    url = f"{API}/repos/{repo}"
    return {
        "id": number,
        "node_id": node_id("R", number),
        "name": name,
        "full_name": repo,
        "private": False,
        "owner": {**user_object(owner), "type": "Organization", "html_url": f"{WEB}/{owner}"},
        "html_url": f"{WEB}/{repo}",
        "description": None,
        "fork": False,
        "url": url,
        **{key: url + tail for key, tail in _REPOSITORY_LINKS.items()},
    }


def _pull_request(repo: str, number: int, branch: str | None, sha: str) -> dict[str, Any]:
    small = {key: _minimal_repository(repo)[key] for key in ("id", "url", "name")}
    return {
        "url": f"{API}/repos/{repo}/pulls/{number}",
        "id": stable_id("pull", repo, number),
        "number": number,
        "head": {"ref": branch or "", "sha": sha, "repo": small},
        "base": {"ref": "main", "sha": stable_sha("base", repo, number), "repo": small},
    }


def _email(login: str) -> str:
    # GitHub writes name[bot]@..., which its own description (format: email) refuses.
    return f"{login.replace('[bot]', '-bot')}@users.noreply.github.com"
