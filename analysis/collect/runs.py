"""Stage 1: every run of the window, as the lists show it.

A filtered list ends silently at 1,000 results, so a window that holds more is read in parts. Windows have fixed ends:
runs that start meanwhile move no page. Earlier collections' last 35 days are listed again, because a re-run within
30 days changes a run and does not move the time it was created.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from analysis.collect.desk import Desk
from analysis.collect.options import CollectOptions
from analysis.errors import NotFoundError, PermissionDeniedError, RemoteError
from analysis.github import GitHub
from analysis.github.client import items
from analysis.github.rows import run_row, text, whole
from analysis.scope import iso

Row = dict[str, Any]

LIST_CAP = 1_000
RERUN_DAYS = timedelta(days=35)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Window:
    """Runs of one repository created from `first` to `last`, both whole seconds and included."""

    repo: str
    first: datetime
    last: datetime

    def parts(self, count: int) -> list[Window]:
        """The same seconds in so many windows, newest first."""
        step = max(_SECOND, (self.last - self.first) / count)
        found, last = [], self.last
        while last >= self.first:
            first = max(self.first, _whole_second(last - step + _SECOND))
            found.append(Window(self.repo, first, last))
            last = first - _SECOND
        return found


def find_repositories(desk: Desk, repos: Sequence[str]) -> list[str]:
    """Names as GitHub writes them, the organisation's included; unknown ones are gaps.

    Raises
    ------
    RemoteError
        Not one repository can be read.
    """
    found: dict[str, None] = {}
    refused: RemoteError | None = None
    for repo, answer in desk.each(dict.fromkeys(repos), lambda name: desk.github.get(f"/repos/{name}")):
        if isinstance(answer, RemoteError):
            refused = _unknown(repo) if isinstance(answer, NotFoundError) else answer
            desk.gap(repo, "repository", repo, refused.line())
            desk.missing.append(f"{repo} could not be read: {refused.line()}")
            continue
        name = text(answer.get("full_name")) or repo
        found[name] = None
        desk.history.default_branch[name] = text(answer.get("default_branch")) or ""
    if desk.options.org:
        for item in desk.github.pages(f"/orgs/{desk.options.org}/repos", {"per_page": 100, "type": "all"}):
            member = text(item.get("full_name"))
            if member and not item.get("archived") and not item.get("disabled"):
                found[member] = None
                desk.history.default_branch[member] = text(item.get("default_branch")) or ""
    if not found and refused:
        raise refused
    return list(found)


def _unknown(repo: str) -> NotFoundError:
    return NotFoundError(
        f"there is no repository {repo}, or it is private and the token may not see it",
        remedy="check the name, and that the token has access to it",
        status=404,
    )


def list_runs(desk: Desk, repos: Sequence[str], since: dict[str, datetime]) -> None:
    """List every run of each repository from its own `since` on, and file what is new or changed."""
    desk.progress.stage("runs", None)
    last = _whole_second(desk.until - timedelta(microseconds=1))
    windows = [Window(repo, _whole_second(since[repo]), last) for repo in repos]
    while windows:
        asked, windows = windows, []
        for window, answer in desk.each(asked, lambda w: _list(desk.github, desk.options, w)):
            if isinstance(answer, RemoteError):
                _refused(desk, window, answer)
            elif isinstance(answer, int):
                windows += window.parts(answer // 700 + 1)
            else:
                _take(desk, answer)
    for path, header in desk.github.partial.items():
        repo = "/".join(path.split("/repos/", 1)[-1].split("/")[:2])
        desk.gap(repo, "single-sign-on", path, f"GitHub left out organisations ({header}); authorise the token for SSO")


def _list(github: GitHub, options: CollectOptions, window: Window) -> list[Row] | int:
    """Rows of one window's runs, or how many there are where they do not fit one list."""
    created = f"{iso(window.first)}..{iso(window.last)}"
    try:
        return _read(github, options, window, {"created": created})
    except RemoteError as error:
        if error.status != 422:
            raise
    return _read(github, options, window, {})


def _read(github: GitHub, options: CollectOptions, window: Window, filters: dict[str, str]) -> list[Row] | int:
    is_file = bool(options.workflow) and str(options.workflow).endswith((".yml", ".yaml"))
    below = f"/workflows/{str(options.workflow).rsplit('/', 1)[-1]}" if is_file else ""
    params = {**filters, "per_page": 100, "branch": options.branch}
    rows: list[Row] = []
    for page in github.lists(f"/repos/{window.repo}/actions{below}/runs", params):
        total = whole(page.get("total_count")) if isinstance(page, dict) else None
        if filters and total and total >= LIST_CAP and window.first < window.last:
            return total
        found = [row for run in items(page, "workflow_runs") if (row := run_row(run, window.repo))]
        rows += [row for row in found if window.first <= row["created_at"] < window.last + _SECOND]
        if not filters and found and max(row["created_at"] for row in found) < window.first:
            break
    if options.workflow and not is_file:
        rows = [row for row in rows if row["workflow_name"] == options.workflow]
    return rows


def _take(desk: Desk, rows: list[Row]) -> None:
    latest: dict[tuple[str, int], Row] = {}
    for row in rows:
        key = (row["repo"], row["run_id"])
        if key not in latest or latest[key]["run_attempt"] <= row["run_attempt"]:
            latest[key] = row
    desk.file("runs", [row for row in latest.values() if desk.history.takes(row)])
    desk.progress.advance(len(latest))


def _refused(desk: Desk, window: Window, error: RemoteError) -> None:
    """A window that cannot be listed is a gap; a server that is down ends the collection."""
    if not isinstance(error, NotFoundError | PermissionDeniedError):
        desk.flush()
        raise error
    desk.gap(window.repo, "runs", f"{iso(window.first)}..{iso(window.last)}", error.line())
    desk.missing.append(f"runs of {window.repo} could not be listed: {error.line()}")


def _whole_second(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(microsecond=0)
