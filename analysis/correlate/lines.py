"""What is known of each line of history, and from when until when?

In come the uses that read logs showed, the bumps that titles and branches tell of, and the lines of workflow files, all
as codes; out come `Line`s, which answer what a job used before and after any moment: on the default branch, on a
branch of its own, on a bump branch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.correlate.codes import Bools, Codes, Times, values_at
from analysis.correlate.nearest import Observations

KNOWN = ["job", "at", "token"]
_SECOND = 1_000_000


class Line:
    """Moments at which it is known what was used: sorted once, asked many times."""

    def __init__(self, group: Codes, at: Times, token: Codes) -> None:
        self.group, self.at, self.token = group, at, token
        self._observations = Observations(group, at)

    def beside(self, group: Codes, at: Times) -> tuple[Codes, Codes, Codes]:
        """The tokens before, after, and nearer."""
        sides = self._observations.beside(group, at)
        before, after, nearer = (values_at(self.token, s) for s in (sides.before, sides.after, sides.nearer))
        return before, after, nearer


def default_line(seen: pd.DataFrame, told: pd.DataFrame, files: pd.DataFrame, default: int) -> Line:
    """What is known of the default branch: read logs, workflow files, both sides of each bump that a title dates.

    A bump says something of the jobs that were seen with its old or new version only. While a bump branch is still
    being built, the default branch has not got the new version.
    """
    used = seen.loc[seen["job"] >= 0, ["job", "repo", "workflow", "action", "token"]].drop_duplicates()
    jobs = used.drop(columns="token").drop_duplicates()
    in_files = jobs.merge(files, on=["repo", "workflow", "action"])
    looks = seen[(seen["line"] == default) & (seen["job"] >= 0)]
    told = _with_old(told, looks)
    touched = used.merge(told, on=["repo", "action"])
    touched = touched[(touched["token"] == touched["old"]) | (touched["token"] == touched["new"])]
    old = touched[touched["old"] >= 0].assign(token=lambda t: t["old"], at=lambda t: t["at"] - _SECOND)
    new = touched[touched["new"] >= 0]
    merged = new[new["on_main"]].assign(token=lambda t: t["new"])
    parts = [part[KNOWN] for part in (looks, in_files, old, merged)]
    known = _line(pd.concat(parts).drop_duplicates())
    waiting = new.loc[~new["on_main"], ["job", "until", "new"]].drop_duplicates()
    before, after, _ = known.beside(waiting["job"].to_numpy(), waiting["until"].to_numpy())
    still = (before >= 0) & (before != waiting["new"]) & (after == waiting["new"])
    more = waiting.assign(token=before, at=waiting["until"])[still]
    return _line(pd.concat([*parts, more[KNOWN]]).drop_duplicates())


def _with_old(told: pd.DataFrame, looks: pd.DataFrame) -> pd.DataFrame:
    """The bumps; where the title of a merged one does not say what it replaced, what all jobs of its repository ran.

    It stays unknown where they ran different versions before the merge, the new one already, or the old one after it.
    """
    silent = told[told["on_main"] & (told["old"] < 0) & (told["new"] >= 0)]
    asked = silent[["repo", "action", "new", "at"]].reset_index(names="bump")
    asked = asked.merge(looks[["repo", "action", "job"]].drop_duplicates(), on=["repo", "action"])
    before, after, _ = _line(looks[KNOWN].drop_duplicates()).beside(asked["job"].to_numpy(), asked["at"].to_numpy() - 1)
    found = asked.assign(before=before, stayed=(before == after) | (before == asked["new"]))[before >= 0]
    found = found.groupby("bump").agg(old=("before", "min"), other=("before", "max"), stayed=("stayed", "any"))
    found = found[(found["old"] == found["other"]) & ~found["stayed"]]
    told = told.copy()
    told.loc[found.index, "old"] = found["old"]
    return told


def _line(known: pd.DataFrame) -> Line:
    known = known.sort_values(KNOWN)
    return Line(*(known[name].to_numpy() for name in KNOWN))


def with_pulls(seen: pd.DataFrame, main: Line, pull: int) -> Line:
    """The default branch's line with the looks at pull requests, but for those that are known to have differed."""
    pulls = seen.loc[(seen["line"] == pull) & (seen["job"] >= 0), KNOWN]
    before, after, _ = main.beside(pulls["job"].to_numpy(), pulls["at"].to_numpy())
    pulls = pulls[(before < 0) | (before != after) | (before == pulls["token"])]
    return Line(*(np.append(a, pulls[n]) for a, n in zip((main.group, main.at, main.token), KNOWN, strict=True)))


def own_line(seen: pd.DataFrame, main: Line, other: int, default: int, branches: int) -> Line:
    """What a branch other than the default ran itself, where that is not simply what the default branch ran then."""
    apart = seen[(seen["line"] != default) & (seen["branch"] >= 0) & (seen["job"] >= 0)]
    _, _, then = main.beside(apart["job"].to_numpy(), apart["at"].to_numpy())
    apart = apart[(apart["line"] == other) | ((then >= 0) & (then != apart["token"]))]
    return _line(apart.assign(job=lambda t: t["job"] * branches + t["branch"]))


def carried(told: pd.DataFrame, branches: int, actions: int) -> Line:
    """The version that each bump branch carries; it carries it at all times."""
    known = told[(told["branch"] >= 0) & (told["new"] >= 0)]
    place = lane(known["repo"], known["branch"], known["action"], branches, actions)
    newest = known["new"].groupby(place.to_numpy()).max()
    return Line(newest.index.to_numpy(dtype=np.int64), np.zeros(len(newest), dtype=np.int64), newest.to_numpy())


def lane(repo: Any, branch: Any, action: Any, branches: int, actions: int) -> Any:
    """A number per repository, branch and action."""
    return (repo * branches + branch) * actions + action


class Merges:
    """The versions that merged bumps brought to the default branch, and when.

    Parameters
    ----------
    told : DataFrame
        The bumps: ``repo, action, new`` (codes) ``, at, on_main``.
    actions, texts : int
        How many codes there are.
    """

    def __init__(self, told: pd.DataFrame, actions: int, texts: int) -> None:
        self._actions, self._texts = actions, texts
        known = told[told["on_main"] & (told["new"] >= 0)]
        codes = (known[name].to_numpy() for name in ("repo", "action", "new"))
        self._at = known["at"].to_numpy()
        self._merges = Observations(self._key(*codes), self._at)

    def _key(self, repo: Codes, action: Codes, token: Codes) -> Codes:
        return np.where(token < 0, -1, (repo * self._actions + action) * self._texts + token)

    def ahead(self, repo: Codes, action: Codes, token: Codes, at: Times) -> Bools:
        """Where the version was yet to be merged for the first time."""
        sides = self._merges.beside(self._key(repo, action, token), at)
        return np.asarray((sides.before < 0) & (sides.after >= 0))
