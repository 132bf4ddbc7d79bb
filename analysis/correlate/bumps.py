"""Version bumps that runs give away without a log: bump branches carry the new version, merged bumps date the change.

In come runs (branch and title); out come `Bump` records. ``Bump docker/build-push-action from 6.10.0 to 6.11.0`` is the
title of Dependabot's pull request, of its runs, and of the commit that lands on the default branch; a revert names the
same. Titles and branches are written by others: only whole, bounded patterns count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import ibis
import pandas as pd

_NAME = r"(?P<action>[\w.-]{1,100}/[\w.-]{1,100})(?:/[\w./-]{1,100})?"
_FROM_TO = re.compile(
    rf"\b(?:bumps?|updates?|upgrades?)\b:? +{_NAME}(?: action)? +"
    r"from +v?(?P<old>[\w.-]{1,60}) +to +v?(?P<new>[\w.-]{1,60})",
    re.IGNORECASE,
)
_TO = re.compile(
    rf"\b(?:bumps?|updates?|upgrades?)\b:? +{_NAME}(?: action)? +to +v?(?P<new>\d[\w.-]{{0,60}})", re.IGNORECASE
)
_REVERT = re.compile(r"\b(?:revert|roll(?:ing)? ?back)\b", re.IGNORECASE)
_BRANCH = re.compile(r"^dependabot/github_actions/(?:.*/)?(?P<action>[\w.-]+/[\w.-]+?)-(?P<new>\d[\w.]*)$")
_LIKELY = r"(?i)bump|update|upgrade|revert|roll ?back|dependabot|renovate"
_FULL = re.compile(r"^\d+\.\d+\.\d+")


@dataclass(frozen=True)
class Bump:
    """One step of one action from a version to another, in one repository.

    Attributes
    ----------
    repo, action : str
        ``owner/name`` of each.
    old, new : str or None
        Versions; ``~v6`` where a floating tag is meant. None where the text does not say.
    at : datetime
        When the run was created.
    branch : str or None
        The bump branch that carries the new version; None once it is on the default branch.
    """

    repo: str
    action: str
    old: str | None
    new: str | None
    at: datetime
    branch: str | None


def read_bumps(connection: ibis.BaseBackend, found: ibis.Table) -> list[Bump]:
    """Find the bumps among runs.

    Parameters
    ----------
    found : ibis.Table
        What `first_attempts.runs` gave.

    Returns
    -------
    list of Bump
        In the order of time; a branch or a merge is named once per action.
    """
    likely = found.filter(
        (found.branch_class == "bump")
        | (found.branch_class.isin(("default", "pull-request")) & found.display_title.re_search(_LIKELY))
    )
    grouped = likely.group_by("repo", "branch_class", "branch", "display_title").aggregate(at=likely.created_at.min())
    frame = connection.to_pyarrow(grouped).to_pandas().sort_values(["at", "repo", "branch"], kind="stable")
    bumps: dict[tuple[str, str | None, str, str | None], Bump] = {}
    for row in frame.itertuples(index=False):
        title = row.display_title if isinstance(row.display_title, str) else ""
        branch = row.branch if isinstance(row.branch, str) and row.branch_class != "default" else None
        for action, old, new in parse_bump(title, branch or ""):
            bump = Bump(row.repo, action, old, new, pd.Timestamp(row.at).to_pydatetime(), branch)
            bumps.setdefault((bump.repo, branch, action, new), bump)
    return list(bumps.values())


def parse_bump(title: str, branch: str = "") -> list[tuple[str, str | None, str | None]]:
    """Actions with their old and new version, as a title and a branch name tell them.

    >>> parse_bump("Bump docker/build-push-action from 6.10.0 to 6.11.0 (#12)")
    [('docker/build-push-action', '6.10.0', '6.11.0')]
    >>> parse_bump('Revert "Bump docker/build-push-action from 6.10.0 to 6.11.0"')
    [('docker/build-push-action', '6.11.0', '6.10.0')]
    """
    title = title[:500]
    found: list[tuple[str, str | None, str | None]] = []
    back = _REVERT.search(title) is not None
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
