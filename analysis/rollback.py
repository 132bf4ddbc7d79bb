"""Who is hit if an action goes back to an earlier version, and the patches that do it.

In: workflow texts and the commit of the good version. Out: one `Change` a workflow file with a unified diff that pins
every use of the action by commit, the release as a comment, and leaves every other byte of the file as it was.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_USES = (
    r"^(?P<head>\s*-?\s*uses:\s*)(?P<quote>['\"]?)(?P<path>{action}(?:/[^@\s'\"#]+)?)"
    r"@(?P<ref>[^\s'\"#]+)(?P=quote)(?P<tail>[^\n]*)$"
)


@dataclass(frozen=True)
class Change:
    """One workflow file that uses the action.

    Attributes
    ----------
    repo, path : str
        Where the file is.
    refs : tuple of str
        What it used before, in order of first use.
    patch : str
        Unified diff for ``git apply``; empty where the file is pinned to that commit already.
    """

    repo: str
    path: str
    refs: tuple[str, ...]
    patch: str


def pin(repo: str, path: str, text: str, *, action: str, version: str, sha: str) -> Change | None:
    """Pin every use of an action in one workflow text.

    Parameters
    ----------
    repo, path : str
        Where the file is.
    text : str
        The workflow file.
    action : str
        ``owner/name``.
    version, sha : str
        The good release and its commit.

    Returns
    -------
    Change or None
        None where the file does not use the action.
    """
    pattern = re.compile(_USES.format(action=re.escape(action)), re.IGNORECASE | re.MULTILINE)
    refs = tuple(dict.fromkeys(match["ref"] for match in pattern.finditer(text)))
    if not refs:
        return None

    def pinned(match: re.Match[str]) -> str:
        line_end = "\r" if match["tail"].endswith("\r") else ""
        return f"{match['head']}{match['path']}@{sha} # {version}{line_end}"

    return Change(repo, path, refs, _diff(path, text, pattern.sub(pinned, text)))


def _diff(path: str, before: str, after: str) -> str:
    name = re.sub(r"[\x00-\x1f]", "?", path)
    lines: Iterable[str] = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
