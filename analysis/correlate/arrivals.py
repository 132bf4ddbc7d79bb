"""Which versions came up while the history was watched, and since when?

A release above every one that anybody was seen to run before it is new: nobody can be taken to have run it earlier. In
come the uses seen in read logs; an `Arrivals` then answers for any action, version and moment.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from analysis.correlate.codes import NEVER, Bools, Codes, Times, found_among, values_at

_RELEASE = re.compile(r"^\d+(?:\.\d+){1,2}$")


class Arrivals:
    """When each version that came up was first seen anywhere.

    Parameters
    ----------
    seen : DataFrame
        Uses with ``action, version`` (codes) and ``at`` (microseconds).
    texts : list of str
        What the codes of versions stand for.
    """

    def __init__(self, seen: pd.DataFrame, texts: list[str]) -> None:
        self._texts = len(texts)
        known = seen[(seen["action"] >= 0) & (seen["version"] >= 0) & (seen["at"] != NEVER)]
        firsts = known.groupby(["action", "version"], as_index=False)["at"].min()
        numbers = np.array([_RELEASE.match(texts[code]) is not None for code in firsts["version"]], dtype=bool)
        firsts = firsts[numbers]
        order = {text: rank for rank, text in enumerate(sorted({texts[c] for c in firsts["version"]}, key=_parts))}
        firsts = firsts.assign(rank=[order[texts[c]] for c in firsts["version"]])
        firsts = firsts.sort_values(["action", "at", "rank"], kind="stable")
        highest = firsts.groupby("action")["rank"].cummax()
        before = highest.groupby(firsts["action"]).shift(fill_value=-1)
        new = firsts[(before >= 0) & (firsts["rank"] > before)].sort_values(["action", "version"])
        self._key = new["action"].to_numpy(np.int64) * self._texts + new["version"].to_numpy(np.int64)
        self._first = new["at"].to_numpy(np.int64)

    def ahead(self, action: Codes, version: Codes, at: Times) -> Bools:
        """Where the version had not come up yet."""
        key = np.where(version < 0, -1, action * self._texts + version)
        return np.asarray(at < values_at(self._first, found_among(self._key, key), NEVER))


def _parts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
