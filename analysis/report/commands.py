"""The commands that a report ends with: the one that makes it again, and the one for real data."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import pandas as pd

from analysis.notebook.case import Case
from analysis.scope import iso
from analysis.store import Store


@dataclass(frozen=True)
class Collections:
    """What collecting took: requests in all, and the moment up to which the data speaks (None if not recorded)."""

    requests: int | None
    as_of: pd.Timestamp | None


def collections(store: Store) -> Collections:
    """Sum up the data folder's record of its collections."""
    found = store.read("collections", ["requests", "data_as_of"])
    if found.empty:
        return Collections(None, None)
    as_of = found["data_as_of"].max()
    return Collections(int(found["requests"].fillna(0).sum()), None if pd.isna(as_of) else as_of)


def again(case: Case) -> str:
    """The command that makes this report again from the same data folder."""
    words = ["actions-incident", "report", "--data-dir", str(case.store.data_dir)]
    asked, scope = case.verdict.get("question") or {}, case.scope
    for option in ("action", "old", "new"):
        words += [f"--{option}", str(asked[option])] if asked.get(option) else []
    for repo in scope.repos:
        words += ["--repo", repo]
    for option, moment in (("since", scope.since), ("until", scope.until)):
        words += [f"--{option}", str(iso(moment))] if moment else []
    for option, text in (("workflow", scope.workflow), ("branch", scope.branch)):
        words += [f"--{option}", text] if text else []
    return shlex.join(words)


def real(case: Case) -> str:
    """The commands for the reader's own repositories, asking the same question."""
    action = f" --action {shlex.quote(case.question[0])}" if case.question else ""
    return f"export GITHUB_TOKEN=...\nactions-incident collect OWNER/REPO --since 14d\nactions-incident report{action}"
