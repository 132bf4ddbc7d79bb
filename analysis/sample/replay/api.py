"""Answers GitHub's REST API, its log storage and status pages out of a raw history.

In: a `RawHistory`, a request, and what time it is. Out: status, headers and body as the real servers give them:
paging with Link, the cap of 1,000 results on filtered lists, ETags, rate-limit headers, the redirect of logs to
another host. Nothing later than `now` is visible. Pure; `adapter.py` and tests/fake_github put it to use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qs, unquote, urlsplit

from analysis.sample.objects import API, stable_sha
from analysis.sample.raw import RawHistory
from analysis.sample.replay import git, logs, runs
from analysis.sample.replay.answer import Answer, Missing, Request, json_answer, message
from analysis.sample.replay.status_pages import status_page

BLOBS = "https://productionresultssa1.blob.core.windows.net"


def respond(
    history: RawHistory,
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    now: datetime | None = None,
    used: int = 0,
    limit: int = 5000,
    token: str | None = None,
    blob_url: str = BLOBS,
) -> Answer:
    """Answer one request.

    Parameters
    ----------
    now : datetime, optional
        What time it is for the servers; default `RawHistory.ends_at`.
    used, limit : int
        Requests of this hour so far, and how many a token has (60 without a token).
    token : str, optional
        The only token that is accepted; None accepts any.
    blob_url : str
        Scheme and host of the storage that logs are redirected to.

    Returns
    -------
    Answer
        ``(status, headers, body)``. A 304 does not count against the limit.
    """
    parsed = urlsplit(url)
    lower = {key.lower(): value for key, value in headers.items()}
    path, prefix = unquote(parsed.path), ""
    if path.startswith("/api/v3/"):
        path, prefix = path.removeprefix("/api/v3"), "/api/v3"
    params = {key: values[-1] for key, values in parse_qs(parsed.query, keep_blank_values=True).items()}
    request = Request(
        history, f"{parsed.scheme}://{parsed.netloc}{prefix}", path, params, lower, now or history.ends_at, blob_url, {}
    )
    if method not in ("GET", "HEAD"):
        return message(404, "Not Found")
    if path.startswith("/blobs/"):
        return logs.blob(request)
    page = status_page(history, parsed.hostname or "", path)
    if page is not None:
        return page
    return _limited(request, used, limit, token)


def _limited(request: Request, used: int, limit: int, token: str | None) -> Answer:
    given = request.headers.get("authorization", "").split(" ")[-1]
    if given and token is not None and given != token:
        return message(401, "Bad credentials")
    allowed = limit if given else min(60, limit)
    reset = request.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    rate = {
        "X-RateLimit-Limit": str(allowed),
        "X-RateLimit-Used": str(min(used + 1, allowed)),
        "X-RateLimit-Remaining": str(max(allowed - used - 1, 0)),
        "X-RateLimit-Reset": str(int(reset.timestamp())),
        "X-RateLimit-Resource": "core",
        "X-GitHub-Request-Id": stable_sha(request.path, used)[:24].upper(),
        "X-GitHub-Api-Version-Selected": "2022-11-28",
        "Date": request.now.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    if used >= allowed and request.path != "/rate_limit":
        answer = message(403, "API rate limit exceeded for user ID 1.")
    else:
        answer = _route(request, rate)
    answer = _tagged(request, answer)
    return Answer(answer.status, {**answer.headers, **rate}, answer.body)


def _route(request: Request, rate: Mapping[str, str]) -> Answer:
    if request.path == "/rate_limit":
        return _rate_limit(rate)
    for pattern, handler in _ROUTES:
        found = pattern.match(request.path)
        if found:
            try:
                return handler(Request(**{**vars(request), "parts": found.groupdict()}))
            except Missing:
                return message(404, "Not Found")
    return message(404, "Not Found")


def _tagged(request: Request, answer: Answer) -> Answer:
    """ETag and 304, and links of the server that was asked instead of api.github.com."""
    if answer.status != 200:
        return answer
    body = answer.body if request.base == API else answer.body.replace(API.encode(), request.base.encode())
    tag = f'W/"{sha256(body).hexdigest()}"'
    headers = {**answer.headers, "ETag": tag}
    if request.headers.get("if-none-match") in (tag, tag.removeprefix("W/")):
        return Answer(304, headers, b"")
    return Answer(200, headers, body)


def _rate_limit(rate: Mapping[str, str]) -> Answer:
    core = {
        "limit": int(rate["X-RateLimit-Limit"]),
        "used": int(rate["X-RateLimit-Used"]) - 1,
        "remaining": int(rate["X-RateLimit-Remaining"]) + 1,
        "reset": int(rate["X-RateLimit-Reset"]),
    }
    search = {"limit": 30, "used": 0, "remaining": 30, "reset": core["reset"]}
    return json_answer({"resources": {"core": core, "search": search}, "rate": core})


_REPO = r"/repos/(?P<owner>[^/]+)/(?P<name>[^/]+)"
_ROUTES: tuple[tuple[re.Pattern[str], Callable[[Request], Answer]], ...] = tuple(
    (re.compile(f"^{pattern}$"), handler)
    for pattern, handler in (
        (_REPO, git.repository),
        (r"/(?:orgs|users)/(?P<owner>[^/]+)/repos", git.owned),
        (r"/user", git.user),
        (r"/user/repos", git.visible),
        (_REPO + r"/actions/runs", runs.runs),
        (_REPO + r"/actions/workflows", runs.workflows),
        (_REPO + r"/actions/workflows/(?P<workflow>[^/]+)/runs", runs.runs),
        (_REPO + r"/actions/runs/(?P<run>\d+)", runs.run),
        (_REPO + r"/actions/runs/(?P<run>\d+)/jobs", runs.run_jobs),
        (_REPO + r"/actions/runs/(?P<run>\d+)/logs", logs.run_log),
        (_REPO + r"/actions/runs/(?P<run>\d+)/attempts/(?P<attempt>\d+)", runs.attempt),
        (_REPO + r"/actions/runs/(?P<run>\d+)/attempts/(?P<attempt>\d+)/jobs", runs.attempt_jobs),
        (_REPO + r"/actions/runs/(?P<run>\d+)/attempts/(?P<attempt>\d+)/logs", logs.run_log),
        (_REPO + r"/actions/jobs/(?P<job>\d+)", runs.job),
        (_REPO + r"/actions/jobs/(?P<job>\d+)/logs", logs.job_log),
        (_REPO + r"/check-runs/(?P<job>\d+)/annotations", logs.job_annotations),
        (_REPO + r"/releases", git.releases),
        (_REPO + r"/tags", git.tags),
        (_REPO + r"/git/matching-refs/(?P<ref>.+)", git.matching_refs),
        (_REPO + r"/git/ref/(?P<ref>.+)", git.one_ref),
        (_REPO + r"/commits", git.commits),
        (_REPO + r"/commits/(?P<ref>.+)", git.commit),
        (_REPO + r"/contents/(?P<path>.+)", git.contents),
    )
)
