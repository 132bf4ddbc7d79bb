"""Which exact release did each use of an action run, although its reference floats?

In come rows of `action_uses`, `releases` and `tag_observations`; out come the same uses with ``version`` filled. A
commit is the surest witness: a release tag at that commit is the release, even where the workflow says ``v6``. Where
only the reference is known, an exact tag is its own answer, and a floating tag (``v6``, ``v6.11``) is the newest
release below it that was published when the job ran. Versions are written as ``6.11.0``, without the leading v.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

_EXACT = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)(?:[-+.]([0-9A-Za-z.-]+))?$")
_FLOATING = re.compile(r"^v?(\d+)(?:\.(\d+))?$")
_SHA = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")
_TIMES = ("used_at", "started_at", "created_at")

Key = tuple[int, int, int, int, str]


def resolve_versions(action_uses: pd.DataFrame, releases: pd.DataFrame, tag_observations: pd.DataFrame) -> pd.DataFrame:
    """The uses with ``version`` filled where it can be known.

    Parameters
    ----------
    action_uses : DataFrame
        Rows of the `action_uses` table. A column ``used_at`` (or ``started_at``), UTC, says when the job ran; without
        it a floating tag whose commit is not known is what it points to now.
    releases : DataFrame
        Rows of the `releases` table: ``action``, ``tag``, ``sha``, ``published_at``.
    tag_observations : DataFrame
        Rows of the `tag_observations` table: ``action``, ``tag``, ``sha``, ``first_seen_at``, ``last_seen_at``.

    Returns
    -------
    DataFrame
        A copy with ``version``: what was there stays; null where neither commit nor reference tells. Where the commit
        was filled from a tag, ``sha`` is filled and ``resolved_from`` says ``sha-lookup``.
    """
    known = _Releases(releases, tag_observations)
    resolved = action_uses.copy()
    time_column = next((name for name in _TIMES if name in resolved.columns), None)
    versions: list[str | None] = []
    cache: dict[tuple[Any, ...], str | None] = {}
    times = resolved[time_column] if time_column else [None] * len(resolved)
    given = resolved["version"] if "version" in resolved.columns else [None] * len(resolved)
    for action, ref, sha, old, moment in zip(
        resolved["action"], resolved["ref"], resolved["sha"], given, times, strict=True
    ):
        if _text(old) is not None:
            versions.append(_text(old))
            continue
        key = (action, _text(ref), _text(sha), None if _text(sha) else moment)
        if key not in cache:
            cache[key] = known.version(str(action), _text(ref), _text(sha), _moment(moment))
        versions.append(cache[key])
    resolved["version"] = pd.array(versions, dtype="object")
    return resolved


def plain_version(tag: str) -> str:
    """A tag as a version: ``v6.11.0`` is ``6.11.0``; a tag that is no version stays.

    Examples
    --------
    >>> plain_version("v6.11.0"), plain_version("stable")
    ('6.11.0', 'stable')
    """
    return tag[1:] if tag.startswith("v") and _EXACT.match(tag) else tag


class _Releases:
    """Tags of every action by commit and by number."""

    def __init__(self, releases: pd.DataFrame, tag_observations: pd.DataFrame) -> None:
        self._by_sha: dict[tuple[str, str], list[str]] = {}
        self._exact: dict[str, dict[str, tuple[Key, pd.Timestamp | None]]] = {}
        self._tags: dict[tuple[str, str], list[tuple[pd.Timestamp | None, pd.Timestamp | None, str]]] = {}
        for action, tag, sha, published in _rows(releases, "published_at"):
            self._add(action, tag, sha)
            key = _key(tag)
            if key is not None:
                self._exact.setdefault(action, {})[plain_version(tag)] = (key, _moment(published))
            elif sha:
                self._tags.setdefault((action, tag), []).append((None, None, sha))
        for action, tag, sha, seen in _rows(tag_observations, "first_seen_at", "last_seen_at"):
            self._add(action, tag, sha)
            key = _key(tag)
            if key is not None:
                self._exact.setdefault(action, {}).setdefault(plain_version(tag), (key, None))
            elif sha:
                self._tags.setdefault((action, tag), []).append((_moment(seen[0]), _moment(seen[1]), sha))

    def version(self, action: str, ref: str | None, sha: str | None, moment: pd.Timestamp | None) -> str | None:
        if ref is not None and _SHA.match(ref):
            sha, ref = sha or ref, None
        if sha is not None:
            found = self._at_commit(action, sha)
            if found is not None:
                return found
        if ref is None:
            return None
        if _key(ref) is not None:
            return plain_version(ref)
        if _FLOATING.match(ref):
            return None if sha is not None else self._floating(action, ref, moment)
        if self._tags.get((action, ref)):
            return ref
        return None

    def _add(self, action: str, tag: str, sha: str | None) -> None:
        if sha and tag not in (tags := self._by_sha.setdefault((action, sha), [])):
            tags.append(tag)

    def _at_commit(self, action: str, sha: str) -> str | None:
        """The exact release at a commit; of several the highest; a tag that is no version where there is no other."""
        tags = self._by_sha.get((action, sha), [])
        exact = [tag for tag in tags if _key(tag) is not None]
        if exact:
            return plain_version(max(exact, key=lambda tag: _key(tag) or (0, 0, 0, 0, "")))
        named = [tag for tag in tags if not _FLOATING.match(tag)]
        return named[0] if named else None

    def _floating(self, action: str, ref: str, moment: pd.Timestamp | None) -> str | None:
        """What a floating tag pointed to at a time: an observation around it, else the newest release below it."""
        for first, last, sha in self._tags.get((action, ref), []):
            if moment is not None and first is not None and last is not None and first <= moment <= last:
                found = self._at_commit(action, sha)
                if found is not None and _key(found) is not None:
                    return found
        match = _FLOATING.match(ref)
        if match is None:
            return None
        wanted = tuple(int(part) for part in match.groups() if part is not None)
        below = [
            (key, name)
            for name, (key, published) in self._exact.get(action, {}).items()
            if key[: len(wanted)] == wanted
            and key[3] == 1
            and (moment is None or (published is not None and published <= moment))
        ]
        return max(below)[1] if below else None


def _key(tag: str) -> Key | None:
    """Sort key of an exact version: numbers, then releases above pre-releases; None for what is no exact version."""
    match = _EXACT.match(tag)
    if match is None:
        return None
    return int(match[1]), int(match[2]), int(match[3]), int(match[4] is None), match[4] or ""


def _rows(table: pd.DataFrame, *times: str) -> Iterator[tuple[str, str, str | None, Any]]:
    if table is None or not len(table):
        return
    columns: Iterable[Any] = (table[name] if name in table.columns else [None] * len(table) for name in times)
    for action, tag, sha, *moments in zip(table["action"], table["tag"], table["sha"], *columns, strict=True):
        if _text(action) and _text(tag):
            yield str(action), str(tag), _text(sha), moments[0] if len(times) == 1 else tuple(moments)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _moment(value: Any) -> pd.Timestamp | None:
    if value is None or value is pd.NaT or value != value:
        return None
    moment = pd.Timestamp(value)
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment
