"""What was a floating reference at a moment?

A tag like ``v6`` moves for everybody at one moment, so what any repository saw of it before and after says what it
was, and releases date its moves. It cannot have been a release that was not out; where nobody looked before or after a
move, it is taken to have been the newest release of its line (``v6`` or ``v6.1``), as long as no later look
contradicts. In come the uses seen in read logs, and the releases; a `Floating` then answers for any action, token and
moment.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from analysis.correlate.codes import NEVER, Bools, Codes, Times, found_among, microseconds, places_of, values_at
from analysis.correlate.nearest import Observations
from analysis.correlate.uses import Uses

# A full release; a pre-release moves no floating tag.
_RELEASE = re.compile(r"^v?\d+\.\d+\.\d+$")
# What is left of it names a line: `v6.1` and `v6` of `v6.1.0`.
_WITHIN_LINE = (re.compile(r"\.\d+$"), re.compile(r"\.\d+\.\d+$"))


class Floating:
    """Floating references over time.

    Parameters
    ----------
    seen : DataFrame
        Uses with ``action, token, version`` (codes) and ``at`` (microseconds).
    uses : Uses
        What the codes stand for.
    published : DataFrame
        ``action, tag, version`` (the tag without its ``v``) ``, published_at`` of releases, none of them null.
    """

    def __init__(self, seen: pd.DataFrame, uses: Uses, published: pd.DataFrame) -> None:
        self._texts = len(uses.texts)
        self._floats = np.array([text[:1] == "~" for text in uses.texts], dtype=bool)
        self._plain = places_of(uses.texts, [text[1:] if text[:1] == "~" else None for text in uses.texts])
        pool = seen[self._floats[seen["token"].to_numpy()]]
        self._at, self._version = pool["at"].to_numpy(), pool["version"].to_numpy()
        self._pool = Observations(self._key(pool["action"].to_numpy(), pool["token"].to_numpy()), self._at)
        action = places_of(uses.actions, published["action"].str.lower())
        release, out = places_of(uses.texts, published["version"]), microseconds(published["published_at"])
        key = self._key(action, release)
        first = pd.Series(out[key >= 0]).groupby(key[key >= 0]).min()
        self._released, self._out = first.index.to_numpy(dtype=np.int64), first.to_numpy(dtype=np.int64)
        full = np.array([_RELEASE.search(tag) is not None for tag in published["tag"]], dtype=bool)
        tags = published["tag"][full]
        lines = [places_of(uses.texts, ["~" + part.sub("", tag) for tag in tags]) for part in _WITHIN_LINE]
        key = np.concatenate([self._key(action[full], line) for line in lines])
        self._newest, self._newest_out = np.tile(release[full], len(lines)), np.tile(out[full], len(lines))
        self._lines = Observations(key, self._newest_out)

    def _key(self, action: Codes, text: Codes) -> Codes:
        return np.where((action < 0) | (text < 0), -1, action * self._texts + text)

    def resolved(self, action: Codes, token: Codes, at: Times) -> tuple[Codes, Bools]:
        """The release that each token meant, and whether that is sure: no reference floats, or its move is dated.

        Parameters
        ----------
        action, token : int array
            Codes; every token is known.
        at : int array
            When, in microseconds.
        """
        version, dated = token.copy(), np.ones(len(token), dtype=bool)
        floats = np.flatnonzero(self._floats[token]) if len(token) else token
        action, token, at = action[floats], token[floats], at[floats]
        sides = self._pool.beside(self._key(action, token), at)
        before, after, nearer = (values_at(self._version, s) for s in (sides.before, sides.after, sides.nearer))
        seen_at = values_at(self._at, sides.before, NEVER)
        seen_before = sides.before >= 0
        latest = self._lines.beside(self._key(action, token), at).before
        newest, newest_out = values_at(self._newest, latest), values_at(self._newest_out, latest, NEVER)
        out = self._published(self._key(action, after))
        dates, same = out != NEVER, (before == after) & (before >= 0)
        known_or_newest = np.where(nearer >= 0, nearer, newest)
        choices = [
            (same, before),
            (dates & (at < out), np.where(before >= 0, before, newest)),
            (dates & seen_before & (out > seen_at), after),
            ((after < 0) & seen_before & (newest_out > seen_at), newest),
        ]
        moved = np.select([c for c, _ in choices], [value for _, value in choices], known_or_newest)
        moved = np.where(moved >= 0, moved, nearer)
        version[floats] = np.where(moved >= 0, moved, self._plain[token])
        dated[floats] = dates | same
        return version, dated

    def _published(self, key: Codes) -> Times:
        """When a release came out; `NEVER` where nobody says."""
        return values_at(self._out, found_among(self._released, key), NEVER)
