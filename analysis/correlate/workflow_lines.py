"""Which versions did the default branch's workflow files name, from when until when?

In come the table ``workflow_files`` (texts, and when a commit brought them) and the names of the actions' commits; out
come rows ``repo, workflow, action, at, token``: one at the commit, one in the
second before the next commit.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.correlate.names import COMMIT, EXACT, Names, plain
from analysis.store import Store

_USE = re.compile(r"^(?P<action>[\w.-]{1,100}/[\w.-]{1,100})(?P<path>(?:/[\w./-]{1,200})?)@(?P<ref>[\w./-]{1,200})$")


def workflow_lines(store: Store, names: Names) -> pd.DataFrame:
    """What the workflow files of the default branch named, at the moments that bound it.

    Returns
    -------
    DataFrame
        ``repo, workflow`` (file name) ``, action`` (lower case) ``, at, token`` (a release, or ``~ref`` where it
        floats). An action that a file names with two references is left out.
    """
    files = store.read("workflow_files", ["repo", "path", "first_commit_at", "uses"])
    files = files.dropna(subset=["first_commit_at"]).sort_values(["repo", "path", "first_commit_at"], kind="stable")
    files["until"] = files.groupby(["repo", "path"])["first_commit_at"].shift(-1) - pd.Timedelta(seconds=1)
    rows = []
    records: Iterable[Any] = files.itertuples(index=False)
    for file in records:
        workflow = str(file.path).rsplit("/", 1)[-1]
        for action, token in named(file.uses if file.uses is not None else (), names).items():
            for moment in (file.first_commit_at, file.until):
                if not pd.isna(moment):
                    rows.append((file.repo, workflow, action, moment, token))
    frame = pd.DataFrame(rows, columns=["repo", "workflow", "action", "at", "token"], dtype="object")
    return frame.astype({"at": "datetime64[us, UTC]"})


def named(uses: Iterable[str], names: Names) -> dict[str, str]:
    """Release or floating reference of each action in a file's ``uses:`` lines, where there is only one."""
    found: dict[str, set[str]] = defaultdict(set)
    for use in uses:
        match = _USE.match(str(use))
        if match is None or match["path"].startswith("/.github/"):
            continue
        action, ref = match["action"].lower(), match["ref"]
        if re.match(COMMIT, ref):
            found[action].add(names.get((action, ref), ref[:7]))
        else:
            found[action].add(plain(ref) if re.match(EXACT, ref) else f"~{ref}")
    return {action: tokens.pop() for action, tokens in found.items() if len(tokens) == 1}
