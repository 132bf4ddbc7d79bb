"""Repositories, releases, tags, commits and the texts of files at a commit."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from analysis.sample.objects import API, WEB, moment, stable_sha, stamp, user_object
from analysis.sample.raw import RawRepo
from analysis.sample.replay.answer import Answer, Missing, Request, json_answer, message, paged

_Object = dict[str, Any]


def repository(request: Request) -> Answer:
    return json_answer(request.repo.repository)


def owned(request: Request) -> Answer:
    owner = request.parts["owner"]
    found = [r.repository for name, r in request.history.repos.items() if name.split("/")[0] == owner]
    if not found:
        raise Missing
    return paged(request, sorted(found, key=lambda repo: str(repo["full_name"])))


def visible(request: Request) -> Answer:
    """What the token's user can see: here, every repository that runs something."""
    if "authorization" not in request.headers:
        return message(401, "Requires authentication")
    found = [repo.repository for repo in request.history.repos.values() if repo.runs]
    return paged(request, sorted(found, key=lambda repo: str(repo["pushed_at"]), reverse=True))


def user(request: Request) -> Answer:
    if "authorization" not in request.headers:
        return message(401, "Requires authentication")
    user = user_object("octo-dev")
    absent = dict.fromkeys(("bio", "blog", "company", "email", "hireable", "location", "name"))
    zero = dict.fromkeys(("public_gists", "public_repos", "followers", "following"), 0)
    return json_answer(
        {**user, **absent, **zero, "created_at": "2020-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z"}
    )


def releases(request: Request) -> Answer:
    return paged(request, [r for r in request.repo.releases if moment(r["published_at"]) <= request.now])


def tags(request: Request) -> Answer:
    return paged(request, request.repo.tags)


def matching_refs(request: Request) -> Answer:
    found = [_ref(request, tag) for tag in request.repo.tags if f"tags/{tag['name']}".startswith(request.parts["ref"])]
    return json_answer(sorted(found, key=lambda ref: str(ref["ref"])))


def one_ref(request: Request) -> Answer:
    for tag in request.repo.tags:
        if f"tags/{tag['name']}" == request.parts["ref"]:
            return json_answer(_ref(request, tag))
    raise Missing


def _ref(request: Request, tag: _Object) -> _Object:
    sha = tag["commit"]["sha"]
    url = f"{API}/repos/{request.name}/git"
    return {
        "ref": f"refs/tags/{tag['name']}",
        "node_id": tag["node_id"],
        "url": f"{url}/refs/tags/{tag['name']}",
        "object": {"sha": sha, "type": "commit", "url": f"{url}/commits/{sha}"},
    }


def commits(request: Request) -> Answer:
    repo, path = request.repo, request.params.get("path")
    head = _resolve(repo, request.params.get("sha") or repo.repository["default_branch"])
    since, until = request.params.get("since", ""), request.params.get("until", "9999")
    found = [
        commit
        for commit in _history(repo, head)
        if since <= commit["commit"]["committer"]["date"] <= min(until, stamp(request.now))
        and (path is None or (commit["sha"], path) in repo.contents)
    ]
    return paged(request, sorted(found, key=lambda c: str(c["commit"]["committer"]["date"]), reverse=True))


def commit(request: Request) -> Answer:
    repo = request.repo
    commit = repo.commits_by_sha.get(_resolve(repo, request.parts["ref"]))
    if commit is None:
        raise Missing
    return json_answer({**commit, "stats": {"additions": 1, "deletions": 1, "total": 2}, "files": []})


def contents(request: Request) -> Answer:
    repo, path = request.repo, request.parts["path"]
    ref = _resolve(repo, request.params.get("ref") or repo.repository["default_branch"])
    text = next((repo.contents[c["sha"], path] for c in _history(repo, ref) if (c["sha"], path) in repo.contents), None)
    if text is None:
        raise Missing
    if "raw" in request.headers.get("accept", ""):
        return Answer(200, {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}, text.encode())
    body = text.encode()
    sha = stable_sha("blob", text)
    url = f"{API}/repos/{request.name}/contents/{path}?ref={ref}"
    blob = f"{API}/repos/{request.name}/git/blobs/{sha}"
    page = f"{WEB}/{request.name}/blob/{ref}/{path}"
    return json_answer(
        {
            "name": path.split("/")[-1],
            "path": path,
            "sha": sha,
            "size": len(body),
            "url": url,
            "html_url": page,
            "git_url": blob,
            "download_url": f"https://raw.githubusercontent.com/{request.name}/{ref}/{path}",
            "type": "file",
            "content": base64.encodebytes(body).decode(),
            "encoding": "base64",
            "_links": {"self": url, "git": blob, "html": page},
        }
    )


def _resolve(repo: RawRepo, ref: str) -> str:
    """A branch, tag or commit as a commit; a branch stands where its latest run found it."""
    ref = ref.removeprefix("refs/").removeprefix("heads/").removeprefix("tags/")
    if ref in repo.commits_by_sha:
        return ref
    tagged = next((tag["commit"]["sha"] for tag in repo.tags if tag["name"] == ref), None)
    run = next((run["head_sha"] for run in repo.runs_newest_first if run["head_branch"] == ref), None)
    found = tagged or run
    if found not in repo.commits_by_sha and ref == repo.repository["default_branch"] and repo.commits:
        found = repo.commits[0]["sha"]
    if found is None:
        raise Missing
    return str(found)


def _history(repo: RawRepo, sha: str) -> Iterator[_Object]:
    """A commit and its ancestors, nearest first."""
    seen, waiting = {sha}, [sha]
    while waiting:
        commit = repo.commits_by_sha.get(waiting.pop(0))
        if commit is None:
            continue
        yield commit
        fresh = [parent["sha"] for parent in commit["parents"] if parent["sha"] not in seen]
        seen.update(fresh)
        waiting += fresh
