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

import numpy as np
import pandas as pd

from analysis.correlate.arrivals import Arrivals
from analysis.correlate.bumps import Bump
from analysis.correlate.codes import Bools, Codes, Times, code, codes_of, microseconds, places_of, together
from analysis.correlate.floating import Floating
from analysis.correlate.imputation import expanded
from analysis.correlate.kin import Kin
from analysis.correlate.lines import Line, Merges, carried, default_line, lane, own_line, with_pulls
from analysis.correlate.uses import Uses

_LED = re.compile(r"^v(\d)")
SURE, LIKELY, GUESS = 1.0, 0.8, 0.5
# Rows at a time: what was not observed is inferred in pieces, so that memory stays small.
_PIECE = 50_000


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
    known = _known(rows, runs, uses, seen, _told(rows, uses, bumps), _in_codes(rows, uses, files))
    parts += _inferred(rows, uses, donor, known, floating)
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
        place=place[row], job=_numbered(place[row], uses.table["action"].to_numpy(), len(uses.actions)),
        at=microseconds(runs["created_at"])[rows["run"].to_numpy()[row]],
        **{name: codes_of(rows[name])[row] for name in ("repo", "workflow", "branch")},
        line=codes_of(rows["branch_class"])[row],
    )  # fmt: skip


def _numbered(place: Codes, action: Codes, actions: int) -> Codes:
    """A number per place and action; -1 where one is not known."""
    return np.where((place < 0) | (action < 0), -1, place * actions + action)


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


@dataclass(frozen=True)
class _Known:
    """What is known of any row's lines, and where each row stands."""

    main: Line
    near: Line
    own: Line
    carried: Line
    kin: Kin
    merges: Merges
    arrivals: Arrivals
    place: Codes
    family: Codes
    apart: Codes
    other: Bools
    at: Times
    repo: Codes
    branch: Codes
    branches: int
    actions: int


def _known(
    rows: pd.DataFrame, runs: pd.DataFrame, uses: Uses, seen: pd.DataFrame, told: pd.DataFrame, files: pd.DataFrame
) -> _Known:
    line, branch = codes_of(rows["branch_class"]), codes_of(rows["branch"])
    default, other, pull = (code(rows["branch_class"], name) for name in ("default", "other", "pull-request"))
    branches, actions = len(rows["branch"].cat.categories) + 1, len(uses.actions)
    place = together(*(codes_of(rows[name]) for name in ("repo", "workflow", "job_name")))
    family = together(codes_of(rows["repo"]), codes_of(rows["workflow"]))
    main = default_line(seen, told, files, default)
    near = with_pulls(seen, main, pull)
    family_of = np.full(int(place.max(initial=-1)) + 1, -1, dtype=np.int64)
    family_of[place[place >= 0]] = family[place >= 0]
    whose, action = np.divmod(near.group, max(1, actions))
    return _Known(
        main, near, own_line(seen, main, other, default, branches), carried(told, branches, actions),
        Kin(_numbered(family_of[whose], action, actions), near.group, near.at, near.token),
        Merges(told, actions, len(uses.texts)), Arrivals(seen, uses.texts), place, family,
        np.where(line == default, -1, branch), line == other,
        microseconds(runs["created_at"])[rows["run"].to_numpy()], codes_of(rows["repo"]), branch, branches, actions,
    )  # fmt: skip


def _inferred(
    rows: pd.DataFrame, uses: Uses, donor: Codes, known: _Known, floating: Floating
) -> Iterator[tuple[Codes, Codes, Codes, np.ndarray]]:
    """Row, action, version and certainty of what was not observed, in pieces."""
    begin = np.searchsorted(uses.table["row"].to_numpy(), np.arange(len(rows) + 1))
    used, any_token = uses.table["action"].to_numpy(), uses.table["token"].to_numpy()
    targets = np.lexsort((known.at, known.place))
    targets = targets[donor[targets] >= 0]
    for piece in np.array_split(targets, max(1, len(targets) // _PIECE)):
        source, member = expanded(begin, donor[piece])
        row, action = piece[source], used[member]
        token, sure = _tokens(known, row, action, any_token[member])
        row, action, token, sure = (values[token >= 0] for values in (row, action, token, sure))
        version, dated = floating.resolved(action, token, known.at[row])
        sure = np.where(dated, sure, np.minimum(sure, GUESS))
        # What a floating tag came to be later on, it was not before anybody was seen to run that.
        open_ = dated | ~known.arrivals.ahead(action, version, known.at[row])
        yield row[open_], action[open_], version[open_], sure[open_]


def _tokens(known: _Known, row: Codes, action: Codes, any_token: Codes) -> tuple[Codes, np.ndarray]:
    """What each row's workflow named, and how sure that is; -1 where it can only have been something never seen."""
    job, then, branch = _numbered(known.place[row], action, known.actions), known.at[row], known.branch[row]
    before, after, _ = known.main.beside(job, then)
    on_main = np.where(before == after, before, -1)
    apart = known.apart[row]
    own_before, own_after, owned = known.own.beside(
        np.where((apart < 0) | (job < 0), -1, job * known.branches + apart), then
    )
    bump = np.where(branch < 0, -1, lane(known.repo[row], branch, action, known.branches, known.actions))
    given, _, _ = known.carried.beside(bump, np.zeros_like(then))
    token = _first(given, owned, on_main)
    sure = np.select(
        [given >= 0, owned >= 0, ~known.other[row]], [SURE, _certainty(own_before, own_after), SURE], LIKELY
    )
    open_ = np.flatnonzero(token < 0)
    token[open_], sure[open_] = _from_around(known, row[open_], action[open_], job[open_], any_token[open_])
    return token, sure


def _from_around(known: _Known, row: Codes, action: Codes, job: Codes, any_token: Codes) -> tuple[Codes, np.ndarray]:
    """The same where the default branch's two sides do not agree, from its kin, from pull requests, from any look.

    What a merge yet to come was the first to bring, nobody can have run before it, nor a release before it came up.
    """
    then = known.at[row]
    kin_before, kin_after, by_kin = known.kin.beside(_numbered(known.family[row], action, known.actions), job, then)
    before, after, nearer = known.near.beside(job, then)
    token = _first(by_kin, nearer, any_token)
    sure = np.select(
        [by_kin >= 0, nearer >= 0],
        [np.minimum(_certainty(kin_before, kin_after), LIKELY), _certainty(before, after)],
        GUESS,
    )
    one_sided = (kin_before < 0) & (before < 0)
    ahead = known.merges.ahead(known.repo[row], action, token, then) | known.arrivals.ahead(action, token, then)
    return np.where(one_sided & ahead, -1, token), sure


def _first(*choices: Codes) -> Codes:
    """The first that is known, place by place."""
    found = choices[0]
    for choice in choices[1:]:
        found = np.where(found >= 0, found, choice)
    return found


def _certainty(before: Codes, after: Codes) -> np.ndarray:
    return np.where((before < 0) | (after < 0), LIKELY, np.where(before == after, SURE, GUESS))
