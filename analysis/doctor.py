"""Is all ready to collect? Each check says OK, or what to do: token, permissions, rate limit, clock, data folder.

A missing permission is named with what it costs, because most of the kit works without some of them.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from analysis import __version__
from analysis.collect.options import DEFAULT_BUDGET
from analysis.errors import AuthenticationError, KitError, NotFoundError, PermissionDeniedError, RemoteError
from analysis.github import API_URL, GitHub, find_token
from analysis.github.client import items
from analysis.github.token import NO_TOKEN_REMEDY, Run, run_command
from analysis.schema import TABLES
from analysis.store import Store

CLOCK_SECONDS = 60.0
_LIBRARIES = ("pandas", "pyarrow", "duckdb", "ibis-framework", "plotly", "jupyterlab")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
    ok : bool
        False where something has to be done; a permission that is missing but only narrows the answer is not OK too.
    detail : str
        What was found.
    remedy : str
        What to do, empty where nothing.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class _Permission:
    """What a token may be allowed, how to find out on a repository, and what lacking it costs."""

    name: str
    path: str
    cost: str


_PERMISSIONS = (
    _Permission("Metadata: read", "", "nothing can be collected"),
    _Permission("Actions: read", "/actions/runs", "no runs, jobs or logs: nothing can be collected"),
    _Permission("Contents: read", "/commits", "workflow files stay unread: versions are known from logs alone"),
    _Permission("Pull requests: read", "/pulls", "bump pull requests cannot be told from others"),
)


def examine(
    data_dir: Path,
    api_url: str | None = None,
    *,
    repo: str | None = None,
    env: Mapping[str, str] = os.environ,
    run: Run = run_command,
    session: requests.Session | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Check]:
    """Look at everything that collect needs; never raises for what it finds.

    Parameters
    ----------
    data_dir : Path
        The data folder that would be written.
    api_url : str, optional
        The server; github.com by default.
    repo : str, optional
        ``owner/name`` whose permissions are tried; by default one that was collected before, else one of the user's.
    env, run, session, clock
        The world, for tests.

    Returns
    -------
    list of Check
    """
    url = api_url or API_URL
    token = find_token(env, run, (urlsplit(url).hostname or "").removeprefix("api."))
    checks = [_versions(), _data_folder(data_dir)]
    try:
        github = GitHub(token, url, session, wait=False, clock=clock, pace=None)
    except AuthenticationError as error:
        return [*checks, Check("token", False, error.what, error.remedy)]
    return [*checks, *_server(github, bool(token), repo or _known_repo(data_dir), clock)]


def _server(github: GitHub, has_token: bool, repo: str | None, clock: Callable[[], float]) -> Iterator[Check]:
    try:
        limits = github.get("/rate_limit", keep=False)
    except AuthenticationError as error:
        yield Check("token", False, error.what, error.remedy)
        return
    except NotFoundError:
        limits = {}
    except KitError as error:
        yield Check("server", False, error.line(), "check the network, a proxy, and --api-url")
        return
    yield Check("server", True, github.api_url)
    if has_token:
        yield Check("token", True, "GitHub accepts it")
    else:
        yield Check("token", github.is_loopback, "there is none", "" if github.is_loopback else NO_TOKEN_REMEDY)
    yield _rate(limits, clock())
    yield _clock(github, clock())
    yield from _permissions(github, repo or _own_repo(github))


def _rate(limits: Any, now: float) -> Check:
    core = (limits.get("resources") or {}).get("core") or limits.get("rate") or {} if isinstance(limits, dict) else {}
    left, most, reset = core.get("remaining"), core.get("limit"), core.get("reset")
    if not isinstance(left, int):
        return Check("rate limit", True, "the server has none")
    detail = f"{left:,} of {most:,} requests left this hour"
    if left >= DEFAULT_BUDGET:
        return Check("rate limit", True, detail)
    minutes = max(0.0, (reset - now) / 60) if isinstance(reset, int | float) else 60.0
    remedy = f"a default collect takes up to {DEFAULT_BUDGET:,}: it would wait; all are back in {minutes:.0f} minutes"
    return Check("rate limit", False, detail, remedy)


def _clock(github: GitHub, now: float) -> Check:
    if github.date is None:
        return Check("clock", True, "the server does not tell its time")
    skew = now - github.date
    if abs(skew) <= CLOCK_SECONDS:
        return Check("clock", True, f"within {CLOCK_SECONDS:.0f} s of the server's")
    ahead = "ahead of" if skew > 0 else "behind"
    return Check("clock", False, f"{abs(skew):.0f} s {ahead} the server's", "set the system's clock (NTP)")


def _permissions(github: GitHub, repo: str | None) -> Iterator[Check]:
    if repo is None:
        yield Check("permissions", True, "not tried: no repository is known yet", "")
        return
    for permission in _PERMISSIONS:
        try:
            github.get(f"/repos/{repo}{permission.path}", {"per_page": 1} if permission.path else None, keep=False)
        except RemoteError as error:
            yield Check(permission.name, False, f"{repo}: {error.what}", f"without it {permission.cost}")
            if isinstance(error, NotFoundError) and not permission.path:
                return
        else:
            yield Check(permission.name, True, repo)
    yield from _log_and_checks(github, repo)


def _log_and_checks(github: GitHub, repo: str) -> Iterator[Check]:
    """Reading one log and its annotations tells more than any header does."""
    try:
        runs = items(github.get(f"/repos/{repo}/actions/runs", {"per_page": 1, "status": "completed"}), "workflow_runs")
        jobs = items(github.get(f"/repos/{repo}/actions/runs/{runs[0]['id']}/jobs"), "jobs") if runs else []
    except RemoteError:
        return
    ran = [job for job in jobs if job.get("conclusion") not in (None, "skipped")]
    if not ran:
        return
    for name, look, cost in (
        ("logs", lambda: github.job_log(repo, ran[0]["id"]), "causes and versions stay unknown"),
        (
            "Checks: read",
            lambda: github.get(f"/repos/{repo}/check-runs/{ran[0]['id']}/annotations"),
            "errors of jobs whose log is gone stay unknown",
        ),
    ):
        try:
            look()
        except PermissionDeniedError as error:
            yield Check(name, False, f"{repo}: {error.what}", f"without it {cost}")
        except RemoteError as error:
            yield Check(name, True, f"not known: {error.what}")
        else:
            yield Check(name, True, repo)


def _known_repo(data_dir: Path) -> str | None:
    try:
        for values, _ in Store(data_dir).partitions("runs"):
            return values["repo"]
    except (OSError, ValueError):
        pass
    return None


def _own_repo(github: GitHub) -> str | None:
    try:
        found = items(github.get("/user/repos", {"per_page": 1, "sort": "pushed"}, keep=False), None)
    except RemoteError:
        return None
    name = found[0].get("full_name") if found else None
    return name if isinstance(name, str) else None


def _data_folder(data_dir: Path) -> Check:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=data_dir):
            pass
        free = os.statvfs(data_dir).f_bavail * os.statvfs(data_dir).f_frsize if hasattr(os, "statvfs") else None
    except OSError as error:
        return Check("data folder", False, f"{data_dir}: {error.strerror}", "choose another with --data-dir")
    store = Store(data_dir)
    for table in TABLES:
        store.files(table)
    if store.problems:
        return Check("data folder", False, f"{store.problems[0].path} is damaged", "delete it and collect again")
    room = "" if free is None else f", {free / 1e9:,.1f} GB free"
    return Check("data folder", True, f"{data_dir} can be written{room}")


def _versions() -> Check:
    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return Check("versions", False, f"{name} is not installed", "set up the environment again: make lab")
    python = platform.python_version()
    ok = (3, 11) <= sys.version_info[:2] < (3, 15)
    return Check("versions", ok, f"kit {__version__}, Python {python}, {', '.join(found)}")
