"""What GitHub says of users, repositories, releases, tags and commits.

In: the few facts that matter. Out: dictionaries with every field of GitHub's schemas.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from analysis.sample.objects.identity import API, WEB, email_of, node_id, stable_id, stable_sha, stamp

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
    person = {"name": author, "email": email_of(author), "date": stamp(date)}
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
        **minimal_repository(repo),
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


@lru_cache(maxsize=4096)
def minimal_repository(repo: str) -> dict[str, Any]:
    """A repository as it stands inside a run."""
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
