"""What is a commit of an action called, so that everybody who ran it counts as one?

The same release is named ``v6``, ``v6.11.0`` or by its commit. In come the uses that logs showed, the releases, and
the bump branches (whose title says which release their commit is); out comes one name per commit: the exact release
where anything tells it, else the floating tag with the first seven digits of the commit, else these digits.
"""

from __future__ import annotations

import re

import ibis
import pandas as pd

from analysis.correlate.bumps import Bump
from analysis.store import Store

EXACT = r"^v?\d+\.\d+\.\d+"
COMMIT = r"^[0-9a-f]{40}$"

Names = dict[tuple[str, str], str]


def release_names(store: Store, connection: ibis.BaseBackend, rows: ibis.Table, bumps: list[Bump]) -> Names:
    """Name each commit of each action.

    Parameters
    ----------
    rows : ibis.Table
        ``repo, job_id, branch`` of first attempts.
    bumps : list of Bump
        What `bumps.read_bumps` found.

    Returns
    -------
    dict of (str, str) to str
        By action (lower case) and full commit.
    """
    uses = store.table("action_uses", connection)
    uses = uses.filter(uses.sha.notnull() & uses.action.notnull())
    uses = uses.select("repo", "job_id", "ref", "sha", "version", action=uses.action.lower())
    seen = connection.to_pyarrow(uses.select("action", "ref", "sha", "version").distinct()).to_pandas()
    seen = seen.astype("object")
    releases = store.read("releases", ["action", "tag", "sha"]).astype("object").dropna()
    exact = releases[releases["tag"].str.contains(EXACT)]
    floating = seen[~seen["ref"].fillna("").str.contains(f"{EXACT}|{COMMIT}") & seen["ref"].notna()]
    pinned = seen[seen["ref"].fillna("").str.contains(EXACT)]
    names: Names = {}
    # The weakest first: what comes later wins.
    _put(names, seen["action"], seen["sha"], seen["sha"].str[:7])
    _put(names, floating["action"], floating["sha"], floating["ref"] + "@" + floating["sha"].str[:7])
    names |= _told_by_bumps(connection, uses, rows, bumps)
    _put(names, exact["action"].str.lower(), exact["sha"], exact["tag"])
    _put(names, pinned["action"], pinned["sha"], pinned["ref"])
    known = seen[seen["version"].notna()]
    _put(names, known["action"], known["sha"], known["version"])
    return names


def spellings(store: Store, connection: ibis.BaseBackend) -> dict[str, str]:
    """How most logs write each action, by its name in lower case: GitHub does not tell cases apart, people do."""
    uses = store.table("action_uses", connection)
    uses = uses.filter(uses.action.notnull())
    counts = connection.to_pyarrow(uses.group_by("action").aggregate(n=uses.count()).order_by("n", "action"))
    return {name.lower(): name for name in counts["action"].to_pylist()}


def plain(version: str) -> str:
    """A release without its ``v``."""
    return re.sub(r"^v(?=\d)", "", version)


def name_table(names: Names) -> ibis.Table:
    """The names as a table ``action, sha, name``."""
    schema = {"action": "string", "sha": "string", "name": "string"}
    rows = [(action, sha, name) for (action, sha), name in names.items()]
    return ibis.memtable(pd.DataFrame(rows, columns=list(schema)), schema=schema)


def _put(names: Names, actions: pd.Series, commits: pd.Series, called: pd.Series) -> None:
    for action, sha, name in sorted(zip(actions, commits, called, strict=True)):
        names[action, sha] = plain(name)


def _told_by_bumps(connection: ibis.BaseBackend, uses: ibis.Table, rows: ibis.Table, bumps: list[Bump]) -> Names:
    """Releases that the title of a bump branch gives to the one commit that its runs used."""
    told = [(b.repo, b.branch, b.action, b.new) for b in bumps if b.branch and b.new and not b.new.startswith("~")]
    if not told:
        return {}
    schema = {"repo": "string", "branch": "string", "action": "string", "release": "string"}
    titles = ibis.memtable(pd.DataFrame(told, columns=list(schema)), schema=schema)
    pinned = uses.filter(uses.ref.re_search(COMMIT)).select("repo", "job_id", "action", "sha")
    place = rows.filter(rows.job_id.notnull()).select("repo", "job_id", "branch")
    ran = pinned.inner_join(place, ["repo", "job_id"]).inner_join(titles, ["repo", "branch", "action"])
    pairs = connection.to_pyarrow(ran.select("action", "sha", "release").distinct()).to_pandas()
    alone = ~pairs.duplicated(["action", "sha"], keep=False) & ~pairs.duplicated(["action", "release"], keep=False)
    return {(p.action, p.sha): p.release for p in pairs[alone].itertuples(index=False)}
