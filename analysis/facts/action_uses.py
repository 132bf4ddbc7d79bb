"""Which actions did the job use: by which reference, at which commit, with which inputs?

In comes a `LogView`, out go rows of the `action_uses` table without repository and job. The runner tells the commit
of each action when it downloads it, before the first step; each step then echoes ``##[group]Run X@REF`` with its
``with:`` keys. Names of inputs are kept, never their values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from analysis.facts.log_lines import LogView

_MOST_DOWNLOADS = 1000
_EXCERPT_LIMIT = 1 << 18
_NAME = r"[\w.-]{1,100}/[\w.-]{1,100}(?:/[\w./-]{1,200})?"
_DOWNLOAD = re.compile(rf"Download action repository '({_NAME})@([^']{{1,250}})'(?: \(SHA:([0-9a-f]{{40,64}})\))?")
_IMMUTABLE = re.compile(rf"Download immutable action package '({_NAME})@([^']{{1,250}})'")
_IMMUTABLE_VERSION = re.compile(r"^\s*Version: v?(\S+)")
_IMMUTABLE_COMMIT = re.compile(r"^\s*Source commit SHA: ([0-9a-f]{40,64})")
_RUN = re.compile(rf"^(?:##\[group\])?Run ({_NAME})@(\S{{1,250}})$")
_INPUT = re.compile(r"^ {2}([A-Za-z_][\w-]{0,99}):(?: |$)")


@dataclass
class _Use:
    action: str
    path: str
    ref: str
    step: int | None = None
    inputs: dict[str, None] = field(default_factory=dict)


@dataclass
class _Download:
    sha: str | None
    version: str | None = None


def read_action_uses(view: LogView) -> list[dict[str, Any]]:
    """Rows of the `action_uses` table, without repository and job, in the order of the log.

    Parameters
    ----------
    view : LogView
        The log; where it knows the steps, each use bears its step's number.

    Returns
    -------
    list of dict
        ``action`` is owner/name, ``path`` what stands below it (empty for the root), ``inputs`` the names of its
        ``with:`` keys. An action that was downloaded and never ran has no step number and no inputs.
    """
    downloads = _downloads(view)
    uses = _runs(view)
    ran = {(use.action, use.ref) for use in uses}
    for action, path, ref in downloads:
        if (action, ref) not in ran:
            uses.append(_Use(action, path, ref))
    by_commit = {(action, ref): found for (action, _, ref), found in downloads.items()}
    merged: dict[tuple[int | None, str, str, str], dict[str, Any]] = {}
    for use in uses:
        found = by_commit.get(
            (use.action, use.ref), _Download(use.ref if re.fullmatch(r"[0-9a-f]{40}", use.ref) else None)
        )
        row = merged.setdefault(
            (use.step, use.action, use.path, use.ref),
            {
                "step_number": use.step, "action": use.action, "path": use.path, "ref": use.ref, "sha": found.sha,
                "version": found.version, "inputs": [], "resolved_from": "log", "observed": True,
            },
        )  # fmt: skip
        row["inputs"] = list(dict.fromkeys((*row["inputs"], *use.inputs)))
    return list(merged.values())


def split_use(name: str) -> tuple[str, str]:
    """Owner/name of an action and the path below it.

    Examples
    --------
    >>> split_use("github/codeql-action/init")
    ('github/codeql-action', 'init')
    """
    owner, _, rest = name.partition("/")
    repository, _, path = rest.partition("/")
    return f"{owner}/{repository}", path


def _downloads(view: LogView) -> dict[tuple[str, str, str], _Download]:
    """What the runner downloaded before the first step: (action, path, ref) to commit and version."""
    found: dict[tuple[str, str, str], _Download] = {}
    last: _Download | None = None
    for text in _setup_texts(view):
        match = _DOWNLOAD.search(text)
        if match is not None:
            action, path = split_use(match[1])
            found.setdefault((action, path, match[2]), _Download(match[3]))
            last = None
            continue
        match = _IMMUTABLE.search(text)
        if match is not None:
            action, path = split_use(match[1])
            last = found.setdefault((action, path, match[2]), _Download(None))
            continue
        if last is None:
            continue
        version, commit = _IMMUTABLE_VERSION.match(text), _IMMUTABLE_COMMIT.match(text)
        if version is not None:
            last.version = last.version or version[1]
        elif commit is not None:
            last.sha = last.sha or commit[1]
    return found


def _setup_texts(view: LogView) -> Iterator[str]:
    """The lines that tell of a download, each with the few that follow it (an immutable package has its own)."""
    buffer, read_to = view.buffer, -1
    for start, end in view.landmarks.lines("download")[:_MOST_DOWNLOADS]:
        at = max(start, read_to + 1)
        for _ in range(5 if b"immutable" in buffer[start:end] else 1):
            if at >= len(buffer):
                break
            stop = buffer.find(b"\n", at)
            stop = len(buffer) if stop < 0 else stop
            yield view.text_at(at, stop)
            at = read_to = stop + 1
            read_to -= 1


def _runs(view: LogView) -> list[_Use]:
    uses: list[_Use] = []
    for group in view.groups:
        match = _RUN.match(group.title) if group.is_run_echo else None
        if match is not None:
            action, path = split_use(match[1])
            use = _Use(action, path, match[2], view.step_at(group.start))
            use.inputs.update(dict.fromkeys(_input_names(view.group_body(group))))
            uses.append(use)
    if not view.groups and len(view.buffer) <= _EXCERPT_LIMIT:
        uses.extend(_runs_of_excerpt(view))
    return uses


def _runs_of_excerpt(view: LogView) -> list[_Use]:
    """Uses in a text that someone copied from the web page, where the group markers are lost."""
    uses: list[_Use] = []
    if b"Run " not in view.buffer:
        return uses
    texts = [line.text for line in view.lines(1, 2000)]
    for index, text in enumerate(texts):
        match = _RUN.match(text.strip())
        if match is not None:
            action, path = split_use(match[1])
            use = _Use(action, path, match[2], view.line(index + 1).step)
            indent = len(text) - len(text.lstrip())
            use.inputs.update(dict.fromkeys(_input_names([line[indent:] for line in texts[index + 1 : index + 60]], 2)))
            uses.append(use)
    return uses


def _input_names(body: Iterable[str], offset: int = 0) -> list[str]:
    """Names of the keys below ``with:``, up to ``env:``; a value's further lines are none."""
    names: list[str] = []
    within = False
    for text in body:
        text = text[offset:] if offset and text.startswith(" " * (offset + 2)) else text
        plain = text.strip()
        if plain == "with:":
            within = True
        elif plain == "env:" or text.startswith("##[endgroup]"):
            break
        elif within and (match := _INPUT.match(text)) is not None:
            names.append(match[1])
        elif offset and within and plain and not text.startswith(" "):
            break
    return names
