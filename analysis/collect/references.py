"""Stage 4: what the actions' tags and releases are, and how the workflow files read over time.

A few requests give what many logs would: the commits that touched a workflow file say when the default branch took a
new version, and an action's tags say which release a commit is. A server that has no such thing is asked once.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pandas as pd

from analysis.collect.desk import Desk
from analysis.errors import GoneError, NotFoundError, RemoteError
from analysis.facts.action_versions import resolve_versions
from analysis.github.client import items
from analysis.github.rows import file_text, moment, release_row, tag_row, text, uses_of

Row = dict[str, Any]

SHARE = 0.08
TAG_PAGES = 3
TEXTS_A_FILE = 8
_ACTION = re.compile(r"^[\w.-]+/[\w.-]+$", re.ASCII)
_WORKFLOW = re.compile(r"^\.github/workflows/[^/?#]+\.ya?ml$", re.IGNORECASE)


@dataclass
class _File:
    """One workflow file: its commits that matter, newest first, and the texts at them."""

    repo: str
    path: str
    commits: list[tuple[str, datetime]] = field(default_factory=list)


def read_references(desk: Desk) -> None:
    """Read workflow files' history and actions' tags and releases, then name the exact release of every use."""
    files = _files(desk)
    name_versions(desk)
    actions = _actions(desk)
    desk.progress.stage("workflow files and releases", len(files) + len(actions))
    _read_files(desk, files)
    _read_actions(desk, actions or _actions(desk))
    name_versions(desk)


def read_unnamed_actions(desk: Desk) -> None:
    """Once more, for what only the last logs showed; then file the tags that all logs saw."""
    name_versions(desk)
    asked = [action for action in _actions(desk) if action not in desk.history.asked_actions]
    if asked:
        _read_actions(desk, asked)
        name_versions(desk)
    file_tags(desk)


def file_tags(desk: Desk) -> None:
    """File at which commits logs saw each tag."""
    desk.file(
        "tag_observations",
        [
            {"action": a, "tag": t, "sha": s, "first_seen_at": first, "last_seen_at": last, "seen_in": "log"}
            for (a, t, s), (first, last) in desk.history.tags.items()
            if (a, t, s) not in desk.history.tags_written
        ],
    )
    desk.history.tags_written = set(desk.history.tags)


def name_versions(desk: Desk) -> None:
    """Fill the exact release of every use that a log named without one, and file those that changed."""
    desk.flush()
    uses = [use for rows in desk.history.uses.values() for use in rows]
    open_uses = [use for use in uses if not use.get("version")]
    if not open_uses:
        return
    began = {
        (repo, job["job_id"]): job["started_at"]
        for (repo, _), jobs in desk.history.jobs.items()
        for job in jobs.values()
    }
    frame = pd.DataFrame([use | {"used_at": began.get((use["repo"], use["job_id"]))} for use in open_uses])
    named = resolve_versions(frame, desk.store.read("releases"), desk.store.read("tag_observations"))
    filled = named[["version", "sha", "resolved_from"]].itertuples(index=False, name=None)
    for use, (version, sha, source) in zip(open_uses, filled, strict=True):
        if isinstance(version, str) and version:
            use |= {"version": version, "sha": use["sha"] or sha, "resolved_from": source}
    desk.file("action_uses", [use for use in open_uses if use.get("version")])


# -- workflow files ------------------------------------------------------------------------------------


def _files(desk: Desk) -> list[_File]:
    """Workflow files of repositories with something new, those with most red runs first."""
    count: Counter[tuple[str, str]] = Counter()
    for run in desk.history.runs.values():
        if desk.is_asked(run) and desk.history.is_due(run) and _WORKFLOW.match(run["path"] or ""):
            count[run["repo"], run["path"]] += 1 if run["conclusion"] == "success" else 10
    return [_File(repo, path) for (repo, path), _ in sorted(count.items(), key=lambda e: (-e[1], e[0]))]


def _read_files(desk: Desk, files: list[_File]) -> None:
    afford = min(desk.share(SHARE), desk.left)
    silent: set[str] = set()

    def commits(file: _File) -> list[tuple[str, datetime]] | None:
        if file.repo in silent:
            return None
        page = desk.github.get(f"/repos/{file.repo}/commits", {"path": file.path, "per_page": 100})
        return _that_matter(items(page, None), desk.since)

    known: list[_File] = []
    for file, answer in desk.each(files[: int(min(1e6, afford / 3))], commits):
        desk.progress.advance()
        if isinstance(answer, RemoteError):
            silent.add(file.repo)
            desk.gap(file.repo, "workflow-file", file.path, answer.line())
        elif answer:
            file.commits = answer
            known.append(file)
    _read_texts(desk, known, silent)


def _that_matter(commits: Iterable[Any], since: datetime) -> list[tuple[str, datetime]]:
    """Commits inside the window and the one that holds at its start, newest first."""
    found: list[tuple[str, datetime]] = []
    for commit in commits:
        dates = (commit.get("commit") or {}).get("committer") or {}
        sha, when = text(commit.get("sha")), moment(dates.get("date"))
        if sha and when:
            found.append((sha, when))
            if when < since:
                break
    return found[:TEXTS_A_FILE]


def _read_texts(desk: Desk, files: list[_File], silent: set[str]) -> None:
    wanted = [(file, sha, when) for file in files for sha, when in file.commits]

    def contents(item: tuple[_File, str, datetime]) -> Any:
        file, sha, _ = item
        if file.repo in silent:
            return None
        return desk.github.get(f"/repos/{file.repo}/contents/{quote(file.path)}", {"ref": sha})

    rows: dict[tuple[str, str, datetime], Row] = {}
    for (file, _, when), answer in desk.each(wanted, contents):
        if isinstance(answer, RemoteError):
            silent.add(file.repo)
            desk.gap(file.repo, "workflow-file", file.path, answer.line())
            continue
        written = file_text(answer) if isinstance(answer, dict) else None
        blob = text(answer.get("sha")) if isinstance(answer, dict) else None
        if written and blob:
            row = {"repo": file.repo, "path": file.path, "blob_sha": blob, "first_commit_at": when}
            rows[file.repo, file.path, when] = row | {"uses": uses_of(written)}
            desk.history.named_in_files.update(use.split("@")[0] for use in uses_of(written))
    desk.file("workflow_files", list(rows.values()))


# -- actions -------------------------------------------------------------------------------------------


def _actions(desk: Desk) -> list[str]:
    """Actions whose tags are worth a look, those of most jobs first.

    Worth a look: none of its releases is known, or a log read now shows a commit that is none of them.
    """
    releases = desk.store.read("releases", ["action", "sha"])
    known, commits = set(releases["action"]), set(releases["sha"])
    jobs: Counter[str] = Counter()
    unnamed: set[str] = set()
    for rows in desk.history.uses.values():
        for action in {_owner_name(use["action"]) for use in rows}:
            jobs[action] += 1
    for place in desk.history.read_now:
        for use in desk.history.uses[place]:
            if not use.get("version") or (use.get("sha") and use["sha"] not in commits):
                unnamed.add(_owner_name(use["action"]))
    for name in desk.history.named_in_files:
        jobs[_owner_name(name)] += 1
    wanted = [a for a in jobs if _ACTION.match(a) and (a in unnamed or a not in known)]
    wanted = [a for a in wanted if (a, "releases", a) not in desk.known_gaps]
    return sorted(wanted, key=lambda a: (-jobs[a], a))


def _owner_name(action: str) -> str:
    return "/".join(action.split("/")[:2])


def _read_actions(desk: Desk, actions: list[str]) -> None:
    needed: dict[str, set[str]] = defaultdict(set)
    for rows in desk.history.uses.values():
        for use in rows:
            if use.get("sha"):
                needed[_owner_name(use["action"])].add(use["sha"])
    afford = int(min(desk.share(SHARE), desk.left, 1e6)) // 2
    desk.history.asked_actions.update(actions[:afford])

    def ask(action: str) -> tuple[list[Any], list[Any]]:
        releases = items(desk.github.get(f"/repos/{action}/releases", {"per_page": 100}), None)
        tags: list[Any] = []
        missing = set(needed[action])
        for number, page in enumerate(desk.github.lists(f"/repos/{action}/tags", {"per_page": 100}), 1):
            tags += items(page, None)
            missing -= {row["sha"] for tag in items(page, None) if (row := tag_row(action, tag))}
            if number == TAG_PAGES or not missing:
                break
        return releases, tags

    for action, answer in desk.each(actions[:afford], ask):
        desk.progress.advance()
        if isinstance(answer, RemoteError):
            lasting = isinstance(answer, NotFoundError | GoneError)
            desk.gap(action, "releases" if lasting else "releases-failed", action, answer.line())
            continue
        releases, tags = answer
        rows = _tags_and_releases(action, tags, releases)
        desk.file("releases", rows)
        if not rows:
            desk.gap(action, "releases", action, "it has no tags and no releases")
        seen = datetime.fromtimestamp(desk.github.date or desk.until.timestamp(), UTC)
        desk.file(
            "tag_observations",
            [
                {"action": action, "tag": r["tag"], "sha": r["sha"], "first_seen_at": seen, "last_seen_at": seen,
                 "seen_in": "tags"}
                for r in rows if r["sha"] and (action, r["tag"], r["sha"]) not in desk.history.tags
            ],
        )  # fmt: skip
    if len(actions) > afford:
        desk.sampling["actions_not_asked"] += len(actions) - afford


def _tags_and_releases(action: str, tags: list[Any], releases: list[Any]) -> list[Row]:
    """One row a tag: its commit from the tags, its day from the releases."""
    rows = {row["tag"]: row for tag in tags if (row := tag_row(action, tag))}
    for release in releases:
        row = release_row(action, release)
        if row is not None:
            rows[row["tag"]] = row | {"sha": rows.get(row["tag"], row)["sha"]}
    return list(rows.values())
