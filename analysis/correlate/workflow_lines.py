"""Which versions did the default branch's workflow files name, from when until when?

In come the tables ``workflow_files`` (texts and when a commit brought them), ``releases`` and the uses that logs showed
(which commit is which release); out come rows ``repo, workflow, action, at, token``: one at the commit, one in the
second before the next commit.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import ibis
import pandas as pd

from analysis.store import Store

_USE = re.compile(r"^(?P<action>[\w.-]{1,100}/[\w.-]{1,100})(?P<path>(?:/[\w./-]{1,200})?)@(?P<ref>[\w./-]{1,200})$")
_EXACT = re.compile(r"^v?\d+\.\d+\.\d+")
_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_SCHEMA = {"repo": "string", "workflow": "string", "action": "string", "at": "timestamp('UTC', 6)", "token": "string"}


def workflow_lines(store: Store, connection: ibis.BaseBackend) -> ibis.Table:
    """What the workflow files of the default branch named, at the moments that bound it.

    Returns
    -------
    ibis.Table
        ``repo, workflow`` (file name) ``, action`` (lower case) ``, at, token`` (a release, or ``~ref`` where it
        floats). An action that a file names with two references is left out.
    """
    files = store.read("workflow_files", ["repo", "path", "first_commit_at", "uses"])
    files = files.dropna(subset=["first_commit_at"]).sort_values(["repo", "path", "first_commit_at"], kind="stable")
    if files.empty:
        return ibis.memtable(pd.DataFrame(columns=list(_SCHEMA)), schema=_SCHEMA)
    files["until"] = files.groupby(["repo", "path"])["first_commit_at"].shift(-1) - pd.Timedelta(seconds=1)
    releases = _commits(store, connection)
    rows = []
    records: Iterable[Any] = files.itertuples(index=False)
    for file in records:
        workflow = str(file.path).rsplit("/", 1)[-1]
        for action, token in named(file.uses if file.uses is not None else (), releases).items():
            for moment in (file.first_commit_at, file.until):
                if not pd.isna(moment):
                    rows.append((file.repo, workflow, action, moment, token))
    return ibis.memtable(pd.DataFrame(rows, columns=list(_SCHEMA)), schema=_SCHEMA)


def named(uses: Iterable[str], releases: dict[tuple[str, str], str]) -> dict[str, str]:
    """Release or floating reference of each action in a file's ``uses:`` lines, where there is only one."""
    found: dict[str, set[str]] = defaultdict(set)
    for use in uses:
        match = _USE.match(str(use))
        if match is None or match["path"].startswith("/.github/"):
            continue
        action, ref = match["action"].lower(), match["ref"]
        if _COMMIT.match(ref):
            found[action].add(releases.get((action, ref), ref[:7]))
        else:
            found[action].add(re.sub(r"^v(?=\d)", "", ref) if _EXACT.match(ref) else f"~{ref}")
    return {action: tokens.pop() for action, tokens in found.items() if len(tokens) == 1}


def _commits(store: Store, connection: ibis.BaseBackend) -> dict[tuple[str, str], str]:
    """Release of each commit, as releases and logs tell."""
    uses = store.table("action_uses", connection)
    seen = uses.filter(uses.version.notnull() & uses.sha.notnull()).select("action", "sha", "version").distinct()
    releases = store.table("releases", connection)
    exact = releases.filter(releases.tag.re_search(_EXACT.pattern)).select("action", "sha", version=releases.tag)
    table = connection.to_pyarrow(exact.union(seen)).to_pydict()
    rows = zip(table["action"], table["sha"], table["version"], strict=True)
    return {(action.lower(), sha): re.sub(r"^v(?=\d)", "", version) for action, sha, version in rows if sha}
