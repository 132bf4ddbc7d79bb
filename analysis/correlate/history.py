"""Which version of each action did a job run whose log nobody read?

Versions follow lines of history. The default branch is one line; pull requests test their merge with it, so a pull
request opened before a bump runs the new version after the bump reached the default branch; a bump branch carries the
new version of the action it names; any other branch has its own line. What a floating tag was is `floating`'s
question. In come the rows and what the read logs told of actions; out comes a version per row and action, and how sure
it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.correlate.bumps import Bump
from analysis.correlate.codes import Codes, Times, code, codes_of, microseconds, places_of, together, values_at
from analysis.correlate.floating import Floating
from analysis.correlate.imputation import expanded
from analysis.correlate.nearest import Observations
from analysis.correlate.uses import Uses

_LED = re.compile(r"^v(\d)")
SURE, LIKELY, GUESS = 1.0, 0.8, 0.5
# Rows at a time: what was not observed is inferred in pieces, so that memory stays small.
_PIECE = 50_000
_SECOND = 1_000_000


@dataclass(frozen=True)
class Ran:
    """What the rows ran: a use each.

    Attributes
    ----------
    row, action, version : int array
        The codes of ``action`` and ``version`` are places in ``actions`` (lower case, sorted) and ``texts`` (sorted).
    sure : float array
        1 observed, or the same on both sides in time; 0.8 one side only; 0.5 the nearer of two that differ.
    """

    row: Codes
    action: Codes
    version: Codes
    sure: np.ndarray
    actions: list[str]
    texts: list[str]


def versions(
    rows: pd.DataFrame,
    runs: pd.DataFrame,
    uses: Uses,
    donor: Codes,
    bumps: list[Bump],
    files: pd.DataFrame,
    releases: pd.DataFrame,
) -> Ran:
    """The version of each action in each row.

    Parameters
    ----------
    rows, runs : DataFrame
        What `rows.rows` and `first_attempts.collected` gave.
    uses : Uses
        What the read logs say, by row (`uses.by_row`).
    donor : int array
        What `imputation.donors` gave: a row without a read log uses the actions of its donor.
    bumps : list of Bump
        What `bumps.read_bumps` found in branches and titles.
    files : DataFrame
        What `workflow_lines.workflow_lines` gave.
    releases : DataFrame
        The table of that name: when a floating tag can have moved.

    Notes
    -----
    A use seen in the log of a failed job beyond the step that failed is left out: the job never came to it.
    """
    published = releases.dropna().astype({"action": "object", "tag": "object"})
    published["version"] = [_LED.sub(r"\1", tag) for tag in published["tag"]]
    uses = _with_words(uses, bumps, files, published)
    seen = _seen(rows, runs, uses)
    floating = Floating(seen, uses, published)
    died = np.where(rows["failed"], rows["step"], -1)[seen["row"]]
    met = seen[(died < 0) | (seen["step"].to_numpy() <= died)]
    parts = [(met["row"].to_numpy(), met["action"].to_numpy(), met["version"].to_numpy(), np.full(len(met), SURE))]
    parts += _inferred(rows, runs, uses, seen, donor, _told(rows, uses, bumps), _in_codes(rows, uses, files), floating)
    row, action, version, sure = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Ran(row.astype(np.int32), action.astype(np.int16), version.astype(np.int32), sure.astype(np.float32),
               uses.actions, uses.texts)  # fmt: skip


def _with_words(uses: Uses, bumps: list[Bump], files: pd.DataFrame, releases: pd.DataFrame) -> Uses:
    """The uses with every text in their list that an inference can come to."""
    told = {text for bump in bumps for text in (bump.old, bump.new) if text}
    texts = {*uses.texts, *told, *files["token"], *releases["version"]}
    texts |= {text[1:] for text in texts if text[0] == "~"}
    listed = sorted(texts)
    place = places_of(listed, uses.texts)
    table = uses.table.assign(token=place[uses.table["token"]], version=place[uses.table["version"]])
    return Uses(table, uses.actions, listed)


def _seen(rows: pd.DataFrame, runs: pd.DataFrame, uses: Uses) -> pd.DataFrame:
    """The uses with where and when they were: ``repo, place`` (repository, workflow, job) ``, branch, line, at``."""
    place = together(*(codes_of(rows[name]) for name in ("repo", "workflow", "job_name")))
    row = uses.table["row"].to_numpy()
    return uses.table.assign(
        place=place[row], job=_job(place[row], uses.table["action"].to_numpy(), uses),
        at=microseconds(runs["created_at"])[rows["run"].to_numpy()[row]],
        **{name: codes_of(rows[name])[row] for name in ("repo", "workflow", "branch")},
        line=codes_of(rows["branch_class"])[row],
    )  # fmt: skip


def _job(place: Codes, action: Codes, uses: Uses) -> Codes:
    """A number per repository, workflow, job and action; -1 where one is not known."""
    return np.where((place < 0) | (action < 0), -1, place * len(uses.actions) + action)


def _told(rows: pd.DataFrame, uses: Uses, bumps: list[Bump]) -> pd.DataFrame:
    """The bumps as codes; what these rows and uses do not know is left out."""
    frame = pd.DataFrame(
        [vars(bump) for bump in bumps], columns=["repo", "action", "old", "new", "at", "until", "branch"]
    )
    told = pd.DataFrame({
        "repo": _code_in(rows["repo"], frame["repo"]), "action": places_of(uses.actions, frame["action"]),
        "old": places_of(uses.texts, frame["old"]), "new": places_of(uses.texts, frame["new"]),
        "branch": np.where(frame["branch"].isna(), -1, _code_in(rows["branch"], frame["branch"])),
        "on_main": frame["branch"].isna(),
        "at": microseconds(pd.to_datetime(frame["at"], utc=True)),
        "until": microseconds(pd.to_datetime(frame["until"], utc=True)),
    })  # fmt: skip
    return told[(told["action"] >= 0) & (told["repo"] >= 0)]


def _in_codes(rows: pd.DataFrame, uses: Uses, files: pd.DataFrame) -> pd.DataFrame:
    """The lines of workflow files as codes; what these rows and uses do not know is left out."""
    coded = pd.DataFrame({
        "repo": _code_in(rows["repo"], files["repo"]), "workflow": _code_in(rows["workflow"], files["workflow"]),
        "action": places_of(uses.actions, files["action"]), "token": places_of(uses.texts, files["token"]),
        "at": microseconds(files["at"]),
    })  # fmt: skip
    return coded[(coded[["repo", "workflow", "action"]] >= 0).all(axis=1)]


def _code_in(column: pd.Series, texts: pd.Series) -> Codes:
    return np.asarray(column.cat.categories.get_indexer(pd.Index(texts)), dtype=np.int64)


class _Line:
    """Moments at which it is known what was used: sorted once, asked many times."""

    def __init__(self, group: Codes, at: Times, token: Codes) -> None:
        self.group, self.at, self.token = group, at, token
        self._observations = Observations(group, at)

    def beside(self, group: Codes, at: Times) -> tuple[Codes, Codes, Codes]:
        """The tokens before, after, and nearer."""
        sides = self._observations.beside(group, at)
        before, after, nearer = (values_at(self.token, s) for s in (sides.before, sides.after, sides.nearer))
        return before, after, nearer


def _default_line(seen: pd.DataFrame, told: pd.DataFrame, files: pd.DataFrame, default: int) -> _Line:
    """What is known of the default branch: read logs, workflow files, both sides of each bump that a title dates.

    A bump says something of the jobs that were seen with its old or new version only. While a bump branch is still
    being built, the default branch has not got the new version.
    """
    used = seen.loc[seen["job"] >= 0, ["job", "repo", "workflow", "action", "token"]].drop_duplicates()
    jobs = used.drop(columns="token").drop_duplicates()
    in_files = jobs.merge(files, on=["repo", "workflow", "action"])
    touched = used.merge(told, on=["repo", "action"])
    touched = touched[(touched["token"] == touched["old"]) | (touched["token"] == touched["new"])]
    old = touched[touched["old"] >= 0].assign(token=lambda t: t["old"], at=lambda t: t["at"] - _SECOND)
    new = touched[touched["new"] >= 0]
    merged = new[new["on_main"]].assign(token=lambda t: t["new"])
    parts = [part[_KNOWN] for part in (seen[(seen["line"] == default) & (seen["job"] >= 0)], in_files, old, merged)]
    known = _line(pd.concat(parts).drop_duplicates())
    waiting = new.loc[~new["on_main"], ["job", "until", "new"]].drop_duplicates()
    before, after, _ = known.beside(waiting["job"].to_numpy(), waiting["until"].to_numpy())
    still = (before >= 0) & (before != waiting["new"]) & (after == waiting["new"])
    more = waiting.assign(token=before, at=waiting["until"])[still]
    return _line(pd.concat([*parts, more[_KNOWN]]).drop_duplicates())


_KNOWN = ["job", "at", "token"]


def _line(known: pd.DataFrame) -> _Line:
    known = known.sort_values(_KNOWN)
    return _Line(*(known[name].to_numpy() for name in _KNOWN))


def _own_line(seen: pd.DataFrame, main: _Line, other: int, default: int, branches: int) -> _Line:
    """What a branch other than the default ran itself, where that is not simply what the default branch ran then."""
    apart = seen[(seen["line"] != default) & (seen["branch"] >= 0) & (seen["job"] >= 0)]
    _, _, then = main.beside(apart["job"].to_numpy(), apart["at"].to_numpy())
    apart = apart[(apart["line"] == other) | ((then >= 0) & (then != apart["token"]))]
    return _line(apart.assign(job=lambda t: t["job"] * branches + t["branch"]))


def _carried(told: pd.DataFrame, branches: int, actions: int) -> _Line:
    """The version that each bump branch carries; it carries it at all times."""
    carried = told[(told["branch"] >= 0) & (told["new"] >= 0)]
    lane = _lane(carried["repo"], carried["branch"], carried["action"], branches, actions)
    newest = carried["new"].groupby(lane.to_numpy()).max()
    return _Line(newest.index.to_numpy(dtype=np.int64), np.zeros(len(newest), dtype=np.int64), newest.to_numpy())


def _lane(repo: Any, branch: Any, action: Any, branches: int, actions: int) -> Any:
    return (repo * branches + branch) * actions + action


def _inferred(
    rows: pd.DataFrame, runs: pd.DataFrame, uses: Uses, seen: pd.DataFrame, donor: Codes, told: pd.DataFrame,
    files: pd.DataFrame, floating: Floating,
) -> Iterator[tuple[Codes, Codes, Codes, np.ndarray]]:  # fmt: skip
    """Row, action, version and certainty of what was not observed, in pieces."""
    line, branch = codes_of(rows["branch_class"]), codes_of(rows["branch"])
    default, other, pull = (code(rows["branch_class"], name) for name in ("default", "other", "pull-request"))
    branches, actions = len(rows["branch"].cat.categories) + 1, len(uses.actions)
    main = _default_line(seen, told, files, default)
    pulls = seen.loc[(seen["line"] == pull) & (seen["job"] >= 0), _KNOWN]
    near = _Line(*(np.append(a, pulls[n]) for a, n in zip((main.group, main.at, main.token), _KNOWN, strict=True)))
    own = _own_line(seen, main, other, default, branches)
    carried = _carried(told, branches, actions)
    place = together(*(codes_of(rows[name]) for name in ("repo", "workflow", "job_name")))
    at, repo = microseconds(runs["created_at"])[rows["run"].to_numpy()], codes_of(rows["repo"])
    begin = np.searchsorted(uses.table["row"].to_numpy(), np.arange(len(rows) + 1))
    used, any_token = uses.table["action"].to_numpy(), uses.table["token"].to_numpy()
    targets = np.lexsort((at, place))
    targets = targets[donor[targets] >= 0]
    for piece in np.array_split(targets, max(1, len(targets) // _PIECE)):
        source, member = expanded(begin, donor[piece])
        row, action = piece[source], used[member]
        job, then, of_branch = _job(place[row], action, uses), at[row], branch[row]
        before, after, _ = main.beside(job, then)
        on_main = np.where(before == after, before, -1)
        near_before, near_after, nearer = near.beside(job, then)
        apart = np.where((of_branch < 0) | (job < 0) | (line[row] == default), -1, job * branches + of_branch)
        own_before, own_after, owned = own.beside(apart, then)
        lane = np.where(of_branch < 0, -1, _lane(repo[row], of_branch, action, branches, actions))
        given, _, _ = carried.beside(lane, np.zeros_like(then))
        token = _first(given, owned, on_main, nearer, any_token[member])
        sure = np.select(
            [given >= 0, owned >= 0, (on_main >= 0) & (line[row] != other), on_main >= 0, nearer >= 0],
            [SURE, _certainty(own_before, own_after), SURE, LIKELY, _certainty(near_before, near_after)],
            GUESS,
        )
        version, dated = floating.resolved(action, token, then)
        yield row, action, version, np.where(dated, sure, np.minimum(sure, GUESS))


def _first(*choices: Codes) -> Codes:
    """The first that is known, place by place."""
    found = choices[0]
    for choice in choices[1:]:
        found = np.where(found >= 0, found, choice)
    return found


def _certainty(before: Codes, after: Codes) -> np.ndarray:
    return np.where((before < 0) | (after < 0), LIKELY, np.where(before == after, SURE, GUESS))
