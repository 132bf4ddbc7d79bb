"""Version bumps that runs give away without a log: bump branches carry the new version, merged bumps date the change.

In come runs (branch, title, pull request); out come `Bump` records. ``Bump docker/build-push-action from 6.10.0 to
6.11.0`` is the title of Dependabot's pull request, of its runs, and of the commit that lands on the default branch; a
revert names the same, and a merge names the pull request at least. Titles and branches are written by others: only
whole, bounded patterns count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.correlate.codes import isin

_NAME = r"(?P<action>[\w.-]{1,100}/[\w.-]{1,100})(?:/[\w./-]{1,100})?"
_VERB = r"\b(?:bumps?|updates?|upgrades?)\b:? +"
_FROM_TO = re.compile(
    rf"{_VERB}{_NAME}(?: action)? +from +v?(?P<old>[\w.-]{{1,60}}) +to +v?(?P<new>[\w.-]{{1,60}})", re.IGNORECASE
)
_TO = re.compile(rf"{_VERB}{_NAME}(?: action)? +to +v?(?P<new>\d[\w.-]{{0,60}})", re.IGNORECASE)
_REVERT = re.compile(r"\b(?:revert|roll(?:ing)? ?back)\b", re.IGNORECASE)
_BRANCH = re.compile(r"^dependabot/github_actions/(?:.*/)?(?P<action>[\w.-]+/[\w.-]+?)-(?P<new>\d[\w.]*)$")
_MERGED = re.compile(r"\(#(\d{1,9})\)|^Merge pull request #(\d{1,9})\b")
_LIKELY = r"(?i)bump|update|upgrade|revert|roll ?back|dependabot|renovate|#[0-9]+"
_FULL = re.compile(r"^\d+\.\d+\.\d+")

Step = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class Bump:
    """One step of one action from a version to another, in one repository.

    Attributes
    ----------
    repo, action : str
        ``owner/name`` of each, the action in lower case.
    old, new : str or None
        Versions; ``~v6`` where a floating tag is meant. None where the text does not say.
    at, until : datetime
        When the first and the last run of it were created.
    branch : str or None
        The bump branch that carries the new version; None once it is on the default branch.
    """

    repo: str
    action: str
    old: str | None
    new: str | None
    at: datetime
    until: datetime
    branch: str | None


def read_bumps(runs: pd.DataFrame) -> list[Bump]:
    """Find the bumps among runs.

    Parameters
    ----------
    runs : DataFrame
        What `first_attempts.collected` gave.

    Returns
    -------
    list of Bump
        Each branch's and each merged one once per action, branches first, in the order of time.
    """
    likely = runs[isin(runs["branch_class"], ("bump", "default", "pull-request"))]
    spoken = pa.array(likely["display_title"], pa.string(), from_pandas=True)
    tells = np.asarray(pc.fill_null(pc.match_substring_regex(spoken, _LIKELY), False))
    likely = likely[isin(likely["branch_class"], ("bump",)) | tells]
    by = ["repo", "branch_class", "branch", "display_title", "pull_request"]
    grouped = likely.groupby(by, dropna=False, observed=True, as_index=False)["created_at"].agg(["min", "max"])
    frame = grouped.rename(columns={"min": "at", "max": "until"}).sort_values(["at", *by], kind="stable")
    on_main = frame["branch_class"] == "default"
    branches = list(_of_branches(frame[~on_main]))
    pulls: dict[tuple[str, int], list[Step]] = {}
    for number, bump in branches:
        if number is not None:
            pulls.setdefault((bump.repo, number), []).append((bump.action, bump.old, bump.new))
    once: dict[tuple[str, str | None, str, str | None], Bump] = {}
    for bump in [*(bump for _, bump in branches), *_of_main(frame[on_main], pulls)]:
        once.setdefault((bump.repo, bump.branch, bump.action, bump.new), bump)
    return list(once.values())


def _of_branches(frame: pd.DataFrame) -> Iterator[tuple[int | None, Bump]]:
    for row in _records(frame):
        title, branch = _text(row.display_title), _text(row.branch)
        number = None if pd.isna(row.pull_request) else int(row.pull_request)
        for action, old, new in parse_bump(title, branch):
            yield number, Bump(str(row.repo), action, old, new, *_times(row), branch)


def _of_main(frame: pd.DataFrame, pulls: dict[tuple[str, int], list[Step]]) -> Iterator[Bump]:
    for row in _records(frame):
        title = _text(row.display_title)
        steps = parse_bump(title)
        number = _MERGED.search(title)
        if not steps and number and not _REVERT.search(title):
            steps = pulls.get((str(row.repo), int(number[1] or number[2])), [])
        for action, old, new in steps:
            yield Bump(str(row.repo), action, old, new, *_times(row), None)


def _records(frame: pd.DataFrame) -> Iterator[Any]:
    return frame.itertuples(index=False)


def _times(row: Any) -> tuple[datetime, datetime]:
    return pd.Timestamp(row.at).to_pydatetime(), pd.Timestamp(row.until).to_pydatetime()


def _text(value: Any) -> str:
    return value[:500] if isinstance(value, str) else ""


def parse_bump(title: str, branch: str = "") -> list[Step]:
    """Actions with their old and new version, as a title and a branch name tell them.

    >>> parse_bump("Bump docker/build-push-action from 6.10.0 to 6.11.0 (#12)")
    [('docker/build-push-action', '6.10.0', '6.11.0')]
    >>> parse_bump('Revert "Bump docker/build-push-action from 6.10.0 to 6.11.0"')
    [('docker/build-push-action', '6.11.0', '6.10.0')]
    """
    title, back = title[:500], _REVERT.search(title[:500]) is not None
    found: list[Step] = []
    for match in _FROM_TO.finditer(title):
        old, new = _token(match["old"]), _token(match["new"])
        found.append((match["action"].lower(), new, old) if back else (match["action"].lower(), old, new))
    for hit in (None if back else _TO.search(title), _BRANCH.match(branch[:300])):
        if hit is not None and not found:
            found.append((hit["action"].lower(), None, _token(hit["new"])))
    return found


def _token(version: str) -> str:
    version = version.rstrip(".")
    return version if _FULL.match(version) else f"~v{version}"
