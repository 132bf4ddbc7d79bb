"""What several commands take: options, and how their texts become a scope, a clock and a GitHub client."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from analysis.errors import NoDataError, UsageError
from analysis.scope import Scope, parse_time

if TYPE_CHECKING:
    from analysis.github.client import GitHub
    from analysis.store import Store

DEFAULT_DATA_DIR = Path("data/local")

DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder of the collected history.", show_default=True)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
Since = Annotated[str | None, typer.Option("--since", help="From: ISO 8601 (2025-01-08T13:00Z) or an age (14d, 36h).")]
Until = Annotated[str | None, typer.Option("--until", help="Up to, not included: ISO 8601 or an age.")]
Repos = Annotated[list[str] | None, typer.Option("--repo", help="Only this repository (may be repeated).")]
Workflow = Annotated[str | None, typer.Option("--workflow", help="Only this workflow: its file (ci.yml) or name.")]
Branch = Annotated[str | None, typer.Option("--branch", help="Only this head branch.")]
Action = Annotated[str | None, typer.Option("--action", help="The action in question, OWNER/NAME.")]
Old = Annotated[str | None, typer.Option("--old", help="Its version before the upgrade (found if left out).")]
New = Annotated[str | None, typer.Option("--new", help="Its version after the upgrade (found if left out).")]
Engine = Annotated[
    str | None, typer.Option("--engine", help="Where large tables are aggregated: duckdb, or spark://HOST:PORT.")
]
ApiUrl = Annotated[
    str | None,
    typer.Option("--api-url", envvar="GITHUB_API_URL", help="GitHub Enterprise Server: https://HOST/api/v3."),
]

PUBLIC_API = "https://api.github.com"


def now() -> datetime:
    """The clock of every command."""
    return datetime.now(UTC)


def moment(text: str | None) -> datetime | None:
    """A time option as UTC, None where it was not given."""
    return parse_time(text, now=now()) if text else None


def scope_of(
    repos: list[str] | None,
    since: str | None,
    until: str | None,
    workflow: str | None = None,
    branch: str | None = None,
) -> Scope:
    """The part of the history that the options name.

    Raises
    ------
    UsageError
        A repository is not ``owner/name``, a time is none, or the window is empty.
    """
    scope = Scope(tuple(repository(r) for r in repos or ()), moment(since), moment(until), workflow, branch)
    if scope.since and scope.until and scope.since >= scope.until:
        raise UsageError("--since is not before --until", where=f"{since} .. {until}", remedy="swap them")
    return scope


def repository(text: str) -> str:
    """``owner/name`` out of itself or a GitHub URL.

    Raises
    ------
    UsageError
        It is neither.
    """
    path = text.strip().removesuffix("/").removesuffix(".git")
    if "://" in path:
        path = "/".join(path.split("://", 1)[1].split("/")[1:3])
    owner, _, name = path.partition("/")
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    if not owner or not name or not set(owner + name) <= allowed:
        raise UsageError(f"{text!r} is not a repository", remedy="write OWNER/NAME, such as docker/build-push-action")
    return f"{owner}/{name}"


def open_store(data_dir: Path) -> Store:
    """The data folder, which must hold history.

    Raises
    ------
    NoDataError
        It does not exist or holds no runs.
    """
    from analysis.store import Store

    store = Store(data_dir)
    if not store.files("runs") and not store.problems:
        raise NoDataError(
            "there is no history here yet",
            where=str(data_dir),
            remedy="actions-incident collect OWNER/REPO first, or try --data-dir data/sample",
        )
    return store


def open_github(data_dir: Path, api_url: str | None, **settings: Any) -> GitHub:
    """GitHub with the user's token; a sample's own recorded answers where the data folder is a sample.

    Raises
    ------
    AuthenticationError
        No token was found and the server needs one.
    """
    from analysis.github import GitHub, find_token

    if api_url in (None, PUBLIC_API) and (data_dir / "raw" / "github").is_dir():
        from analysis.sample.raw import RawHistory
        from analysis.sample.replay import replay_session

        return GitHub("sample", session=replay_session(RawHistory.read(data_dir / "raw")), **settings)
    url = (api_url or PUBLIC_API).rstrip("/")
    host = (urlsplit(url).hostname or "").removeprefix("api.")
    return GitHub(find_token(os.environ, host=host), api_url=url, cache_dir=data_dir / ".cache", **settings)
