"""The nearest observation in time, before and after, within a group: what every inference in this room rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.correlate.codes import NEVER, Bools, Codes, Times, found_among

_ROOM = 2**62


@dataclass(frozen=True)
class Sides:
    """The observations beside each target, as places among the observations; -1 where there is none.

    Attributes
    ----------
    before : int array
        The last one at or before it.
    after : int array
        The first one at or after it.
    nearer : int array
        Of the two the one nearer in time, the earlier one where both are as near; the only one where there is but one.
    """

    before: Codes
    after: Codes
    nearer: Codes


class Observations:
    """Observations in groups, sorted once, so that many targets can be set among them.

    Parameters
    ----------
    group : int array
        The group of each; -1 never matches.
    at : int array
        When it was, in microseconds; `codes.NEVER` never matches.

    Of several at one moment the one that comes first in the arrays counts as the earlier.
    """

    def __init__(self, group: Codes, at: Times) -> None:
        places = np.flatnonzero((group >= 0) & (at != NEVER))
        own, moments = group[places], at[places]
        self._numbered: Codes | None = None
        self._low = int(moments.min()) if len(moments) else 0
        self._ranks: Times | None = None
        self._span = int(moments.max()) - self._low + 3 if len(moments) else 3
        if int(own.max(initial=0)) + 1 > _ROOM // self._span:
            self._numbered, own = np.unique(own, return_inverse=True)
        if int(own.max(initial=0)) + 1 > _ROOM // self._span:
            self._ranks = np.unique(moments)
            self._span = 2 * len(self._ranks) + 3
        keys = own * self._span + self._moment(moments)
        order = np.argsort(keys, kind="stable")
        self._keys, self._group, self._at = keys[order], own[order], moments[order]
        self._place = places[order]
        fresh = np.ones(len(keys), dtype=bool)
        fresh[1:] = self._keys[1:] != self._keys[:-1]
        self._first = np.maximum.accumulate(np.where(fresh, np.arange(len(keys)), 0))

    def _moment(self, at: Times) -> Times:
        """Time as a number below the span that keeps order and equality; what lies outside goes to an end."""
        if self._ranks is None:
            return np.clip(at, self._low - 1, self._low + self._span - 2) - (self._low - 1)
        left = np.searchsorted(self._ranks, at, "left")
        return np.asarray(left + np.searchsorted(self._ranks, at, "right"))

    def beside(self, group: Codes, at: Times) -> Sides:
        """Find the observations of its group around each target."""
        many = len(self._keys)
        none = np.full(len(group), -1, dtype=np.int64)
        if not many:
            return Sides(none, none, none)
        if self._numbered is not None:
            group = found_among(self._numbered, group)
        known = (group >= 0) & (at != NEVER)
        sought = np.where(known, group, 0) * self._span + self._moment(at)
        after = np.searchsorted(self._keys, sought, "right")
        before = after - 1
        exact = self._keys[before] == sought
        after = np.where(exact, self._first[before], after)
        has_before = known & self._within(before, group)
        has_after = known & self._within(after, group)
        before, after = np.maximum(before, 0), np.minimum(after, many - 1)
        closer = (at - self._at[before]) <= (self._at[after] - at)
        nearer = np.where(has_before & (closer | ~has_after), before, after)
        return Sides(
            np.where(has_before, self._place[before], none),
            np.where(has_after, self._place[after], none),
            np.where(has_before | has_after, self._place[nearer], none),
        )

    def _within(self, place: Codes, group: Codes) -> Bools:
        inside = (place >= 0) & (place < len(self._keys))
        return np.asarray(inside & (self._group[np.where(inside, place, 0)] == group))
