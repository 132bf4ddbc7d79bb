"""What is a commit of an action called, so that everybody who ran it counts as one?

The same release is named ``v6``, ``v6.11.0`` or by its commit. In come the uses that logs showed, the releases, and
the bump branches (whose title says which release their commit is); out comes one name per commit: the exact release
where anything tells it, else the floating tag with the first seven digits of the commit, else these digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.correlate.bumps import Bump
from analysis.correlate.engine import Tables
from analysis.store import Store

EXACT = r"^v?\d+\.\d+\.\d+"
COMMIT = r"^[0-9a-f]{40}$"

Names = dict[tuple[str, str], str]


def seen_uses(tables: Tables) -> pd.DataFrame:
    """Every way in which a use was ever written: ``action, ref, sha, version`` as text or None, and ``n`` of each."""
    uses = tables["action_uses"]
    uses = uses.filter(uses.action.notnull())
    counted = uses.group_by("action", "ref", "sha", "version").aggregate(n=uses.count())
    frame: pd.DataFrame = tables.fetch(counted).to_pandas().astype(dict.fromkeys(_WRITTEN, "object"))
    return frame.where(frame.notna(), None).sort_values(list(_WRITTEN), ignore_index=True)


_WRITTEN = ("action", "ref", "sha", "version")


def release_names(store: Store, seen: pd.DataFrame, uses: pd.DataFrame, branch: pd.Series, bumps: list[Bump]) -> Names:
    """Name each commit of each action.

    Parameters
    ----------
    seen : DataFrame
        What `seen_uses` gave.
    uses : DataFrame
        Uses of first attempts: ``action, ref, sha``.
    branch : Series
        The branch of each of ``uses``, after its repository and a line break.
    bumps : list of Bump
        What `bumps.read_bumps` found.

    Returns
    -------
    dict of (str, str) to str
        By action (lower case) and full commit.
    """
    seen = seen[seen["sha"].notna()].assign(action=lambda t: t["action"].str.lower()).drop_duplicates(list(_WRITTEN))
    releases = store.read("releases", ["action", "tag", "sha"]).astype("object").dropna()
    exact = releases[releases["tag"].str.contains(EXACT)]
    floating = seen[~seen["ref"].fillna("").str.contains(f"{EXACT}|{COMMIT}") & seen["ref"].notna()]
    pinned = seen[seen["ref"].fillna("").str.contains(EXACT)]
    names: Names = {}
    # The weakest first: what comes later wins.
    _put(names, seen["action"], seen["sha"], seen["sha"].str[:7])
    _put(names, floating["action"], floating["sha"], floating["ref"] + "@" + floating["sha"].str[:7])
    names |= _told_by_bumps(uses, branch, bumps)
    _put(names, exact["action"].str.lower(), exact["sha"], exact["tag"])
    _put(names, pinned["action"], pinned["sha"], pinned["ref"])
    known = seen[seen["version"].notna()]
    _put(names, known["action"], known["sha"], known["version"])
    return names


def spellings(seen: pd.DataFrame) -> dict[str, str]:
    """How most logs write each action, by its name in lower case: GitHub does not tell cases apart, people do."""
    counts = seen.groupby("action")["n"].sum().sort_index().sort_values(kind="stable")
    return {str(name).lower(): str(name) for name in counts.index}


def plain(version: str) -> str:
    """A release without its ``v``."""
    return re.sub(r"^v(?=\d)", "", version)


def _put(names: Names, actions: pd.Series, commits: pd.Series, called: pd.Series) -> None:
    for action, sha, name in sorted(zip(actions, commits, called, strict=True)):
        names[action, sha] = plain(name)


def _told_by_bumps(uses: pd.DataFrame, branch: pd.Series, bumps: list[Bump]) -> Names:
    """Releases that the title of a bump branch gives to the one commit that its runs used."""
    told = [(f"{b.repo}\n{b.branch}", b.action, b.new) for b in bumps if b.branch and b.new and b.new[0] != "~"]
    if not told:
        return {}
    titles = pd.DataFrame(told, columns=["branch", "action", "release"], dtype="object")
    carries = branch.isin(titles["branch"]) & uses["sha"].notna()
    pinned = (
        uses.loc[carries, ["action", "ref", "sha"]].astype("object").assign(branch=branch[carries].astype("object"))
    )
    pinned = pinned[pinned["ref"].fillna("").str.contains(COMMIT)]
    pairs = pinned.merge(titles, on=["branch", "action"])[["action", "sha", "release"]].drop_duplicates()
    alone = ~pairs.duplicated(["action", "sha"], keep=False) & ~pairs.duplicated(["action", "release"], keep=False)
    records: Iterable[Any] = pairs[alone].itertuples(index=False)
    return {(pair.action, pair.sha): pair.release for pair in records}
