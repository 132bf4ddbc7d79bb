"""On which line of history does a run lie, and where on it would one more green log teach most? Pure.

A line is one repository, workflow file, kind of branch and job. Along a line the versions of actions change at
points in time, so that the runs between two logs with equal versions are known without being read. The stretches
between observations are split where most is open: blind to version first, then where the two ends differ.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

Row = dict[str, Any]

_BOT_BRANCH = re.compile(r"^(dependabot|renovate|pre-commit-ci|snyk|depfu|whitesource|updatecli)[/-]", re.IGNORECASE)
_NAMES_ACTION = re.compile(r"github[-_]actions|(?:^|[/_-])actions?(?:[/_-]|$)", re.IGNORECASE)
_BOT = re.compile(r"\[bot\]$|^(renovate|dependabot)\b", re.IGNORECASE)
_TRUNK_EVENTS = frozenset({"schedule", "pull_request_target", "workflow_run", "issue_comment"})
_DIFFERENT = 6.0
_OPEN_END = 1.5
_UNSEEN = 2.0


def line_of(run: Mapping[str, Any], default_branch: str) -> str:
    """The kind of branch whose workflow file a run takes.

    ``default``, ``pull-request``, ``branch`` (pushes to others), ``bot`` (a bot's branches), and ``bump:BRANCH`` for a
    bot's branch that raises an action: it has a workflow file of its own.

    Parameters
    ----------
    run : mapping
        A row of `runs`.
    default_branch : str
        Of its repository, empty where it is not known.
    """
    branch = run.get("head_branch") or ""
    if run.get("event") in _TRUNK_EVENTS or branch in ("", default_branch):
        return "default"
    if _BOT_BRANCH.match(branch) or _BOT.search(run.get("actor") or ""):
        return f"bump:{branch}" if _NAMES_ACTION.search(branch) else "bot"
    if run.get("event") == "pull_request":
        return "pull-request"
    return "default" if not default_branch and branch in ("main", "master") else "branch"


def stem(job_name: str | None) -> str:
    """A job's name without its matrix values: ``build (ubuntu-latest, 3.12)`` is ``build``."""
    return re.sub(r"\s*\([^()]*\)$", "", job_name or "") or (job_name or "")


@dataclass
class Line:
    """Runs of one line in the order of time.

    Attributes
    ----------
    runs : list of row
        Every run of the line, by time.
    open : list of bool
        Whether a run is green, could be read, and was not.
    weights : list of float
        How much a run matters (those near failures more).
    seen : dict of int to object
        Position to what its log says of versions.
    bonus : float
        What the first log of the line counts for beside its runs.
    factor : float
        How much its job matters.
    """

    runs: list[Row]
    open: list[bool]
    weights: list[float]
    seen: dict[int, object] = field(default_factory=dict)
    bonus: float = 0.0
    factor: float = 1.0

    def observe(self, position: int, versions: object) -> None:
        """A log at this position says these versions."""
        self.seen[position] = versions
        self.open[position] = False

    def stretches(self, blind: bool) -> list[Stretch]:
        """Every stretch that still holds an open run, with what splitting it is worth."""
        marks = [-1, *sorted(self.seen), len(self.runs)]
        found = []
        for left, right in pairwise(marks):
            inside = [i for i in range(left + 1, right) if self.open[i]]
            if inside:
                worth = sum(self.weights[i] for i in inside) * self._factor(left, right, len(inside), blind)
                worth += 0.0 if self.seen else self.bonus
                found.append(Stretch(self, left, right, inside, worth))
        return found

    def _factor(self, left: int, right: int, count: int, blind: bool) -> float:
        if not self.seen:
            return self.factor * _UNSEEN
        if left < 0 or right == len(self.runs):
            return self.factor * _OPEN_END
        differ = not blind and self.seen[left] != self.seen[right] and count > 1
        return self.factor * (_DIFFERENT if differ else 1.0)


@dataclass(frozen=True)
class Stretch:
    """Open runs between two observations (or an end of the line)."""

    line: Line
    left: int
    right: int
    inside: Sequence[int]
    worth: float

    def pick(self, cheap: Sequence[bool] | None = None) -> int:
        """Where to split: the end of a line that is open there, else the middle by weight.

        Parameters
        ----------
        cheap : sequence of bool, optional
            Runs that cost less; the nearest of them within the middle third is taken.
        """
        if self.line.seen and self.left < 0:
            return self.inside[0]
        if self.line.seen and self.right == len(self.line.runs):
            return self.inside[-1]
        sums, total = [], 0.0
        for i in self.inside:
            total += self.line.weights[i]
            sums.append(total)
        middle = min(bisect_left(sums, total / 2), len(self.inside) - 1)
        reach = len(self.inside) // 6
        near = [m for m in range(middle - reach, middle + reach + 1) if cheap and cheap[self.inside[m]]]
        return self.inside[min(near, key=lambda m: (abs(m - middle), m), default=middle)]


def time_of(run: Row) -> datetime:
    """What a line is ordered by: when the first attempt began."""
    found: datetime = run["created_at"]
    return found
