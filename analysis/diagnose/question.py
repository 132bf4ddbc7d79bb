"""Which upgrade is asked about: the action and its two versions, found in the data where the user left them out.

In: the versions of the exposure table and what the user named. Out: a `Question`, or a `UsageError` that names what
exists. Also the list of everything that changed in the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analysis.diagnose.suspects import Question
from analysis.errors import UsageError
from analysis.scope import iso

_MOST_NAMED = 12
_MOST_CHANGES = 60
_TOOLS = {"buildx_version": "buildx", "buildkit_version": "buildkit", "docker_version": "docker",
          "binfmt_version": "binfmt"}  # fmt: skip


def resolve(
    jobs: pd.DataFrame, versions: pd.DataFrame, action: str | None, old: str | None, new: str | None
) -> Question | None:
    """The question with its versions.

    Parameters
    ----------
    jobs, versions : DataFrame
        The exposure table's frames.
    action, old, new : str or None
        As the user named them; a leading `v` and case of the owner do not matter.

    Returns
    -------
    Question or None
        None where no action was named.

    Raises
    ------
    UsageError
        No job in the window uses this action, or none uses this version of it.
    """
    if action is None:
        if old or new:
            raise UsageError("versions were named without an action", remedy="add --action OWNER/NAME")
        return None
    names = {str(name).lower(): str(name) for name in versions.columns}
    name = names.get(action.strip().lower())
    if name is None:
        seen = ", ".join(sorted(names.values())[:_MOST_NAMED]) or "none"
        raise UsageError(f"no job in this window uses {action}", remedy=f"the actions seen are: {seen}")
    column = versions[name]
    met = _met(jobs, column)
    new = _floated(met, new) or _known(name, met, new)
    old = None if _ran_before(met, old, new) else _floated(met, old, new) or _known(name, met, old)
    changes = list(action_changes(jobs, versions[[name]]))
    if new is None:
        after = [c["to"] for c in changes if old in (None, c["from"])]
        new = max(after, key=lambda v: met[v], default=None) if after else None
    if old is None and new is not None:
        before = [c["from"] for c in changes if c["to"] == new]
        old = before[0] if before else next((v for v in met if v != new), None)
    if new is None and old is None and len(met) == 1:
        new = next(iter(met))
    return Question(name, old, new)


def _met(jobs: pd.DataFrame, column: pd.Series[Any]) -> dict[str, int]:
    """Versions in the order of their first job, with their number of jobs."""
    texts = column.dropna().astype(str)
    order = jobs.loc[texts.index, "started_at"].argsort(kind="stable")
    texts = texts.iloc[order.to_numpy()]
    counts = texts.value_counts()
    return {str(v): int(counts[v]) for v in dict.fromkeys(texts)}


def _known(action: str, met: dict[str, int], wanted: str | None) -> str | None:
    if wanted is None:
        return None
    found = {_plain(v): v for v in met}.get(_plain(wanted))
    if found is None:
        raise UsageError(f"no job in this window ran {action} {wanted}",
                         remedy=f"the versions seen are: {', '.join(list(met)[:_MOST_NAMED]) or 'none'}")  # fmt: skip
    return found


def _floated(met: dict[str, int], wanted: str | None, besides: str | None = None) -> str | None:
    """The newest commit of a floating tag (`6@67a2d40`) that may be the wanted release, where none bears its name."""
    if _numbers(wanted) is None or _plain(wanted) in map(_plain, met):
        return None
    tags = {v: _plain(v.split("@")[0]) for v in met if "@" in v and v != besides}
    mine = [v for v, tag in tags.items() if f"{_plain(wanted)}.".startswith(f"{tag}.")]
    return mine[-1] if mine else None


def _plain(version: str | None) -> str:
    return (version or "").strip().lower().removeprefix("v")


def _ran_before(met: dict[str, int], old: str | None, new: str | None) -> bool:
    """Whether an old version that nobody is known to have run is a fair question all the same.

    It is where it lies below a new one that was run: the window may begin after the upgrade, and a server without
    releases shows a floating tag's commits only. What else was run then takes its place.
    """
    wanted, taken = _numbers(old), _numbers(new)
    return wanted is not None and taken is not None and _plain(old) not in map(_plain, met) and wanted < taken


def _numbers(version: str | None) -> tuple[int, ...] | None:
    parts = _plain(version).split(".")
    return tuple(map(int, parts)) if len(parts) == 3 and all(p.isdigit() for p in parts) else None


def action_changes(jobs: pd.DataFrame, versions: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Each move of an action from one version to another: when it first happened and in how many repositories."""
    for name in versions.columns:
        yield from _moves(jobs, versions[name], "action-version", str(name))


def changes(jobs: pd.DataFrame, versions: pd.DataFrame) -> list[dict[str, Any]]:
    """What changed in the window: actions, tools, runner images, as the verdict document lists it, oldest first."""
    found = list(action_changes(jobs, versions))
    for column, tool in _TOOLS.items():
        if column in jobs:
            found += list(_moves(jobs, jobs[column], "tool-version", tool))
    if "image_version" in jobs:
        for label in jobs["image"].dropna().unique():
            mine = jobs["image_version"].where(jobs["image"] == label)
            found += list(_moves(jobs, mine, "runner-image", str(label)))
    found.sort(key=lambda c: (-c["repos"], c["at"]))
    return sorted(found[:_MOST_CHANGES], key=lambda c: c["at"])


def _moves(jobs: pd.DataFrame, column: pd.Series[Any], kind: str, name: str) -> Iterator[dict[str, Any]]:
    frame = pd.DataFrame({"repo": jobs["repo"].astype(str), "job": jobs["job_name"].astype(str),
                          "at": jobs["started_at"], "version": column.astype(object)})  # fmt: skip
    frame = frame[frame["version"].notna()].sort_values("at", kind="stable")
    if frame["version"].nunique() < 2:
        return
    first = frame.groupby("version", observed=True)["at"].min()
    before = frame.groupby(["repo", "job"], observed=True)["version"].shift(1)
    moved = frame.assign(before=before)[before.notna() & (before != frame["version"])]
    moved = moved[moved["before"].map(first).to_numpy() <= moved["version"].map(first).to_numpy()]
    for (old, new), group in moved.groupby(["before", "version"], observed=True, sort=False):
        at = group["at"].min()
        url = f"https://github.com/{name}/releases/tag/{_tag(str(new))}" if kind == "action-version" else None
        yield {"kind": kind, "name": name, "from": str(old), "to": str(new), "at": iso(at.floor("us").to_pydatetime()),
               "repos": int(group["repo"].nunique()), "url": url}  # fmt: skip


def _tag(version: str) -> str:
    return version if version.startswith("v") or not version[:1].isdigit() else f"v{version}"


def seconds(moment: pd.Timestamp) -> float:
    """A time as seconds since the epoch."""
    return float(np.float64(moment.timestamp()))
