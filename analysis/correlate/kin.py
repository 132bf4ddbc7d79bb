"""What do the jobs beside it tell of a job whose own logs are silent about a moment?

Jobs of one workflow file, or of one repository, mostly name one version of an action, and one merge changes them
together. So where a job was not looked at on one side of a moment, the nearest looks at its kin stand in: as long as
every change between the job's own look and theirs was seen in one job, before and after, and no job is known to have
stayed behind. In come the looks as codes; out comes what the kin ran before and after any moment.
"""

from __future__ import annotations

import numpy as np

from analysis.correlate.codes import Bools, Codes, Times, found_among, values_at
from analysis.correlate.nearest import Observations


class Kin:
    """Looks at the jobs of families, chained where nothing speaks against it.

    Parameters
    ----------
    family, job : int array
        Whose look it was; a job is of one family. -1 never matches.
    at : int array
        When, in microseconds.
    token : int array
        What was seen.
    """

    def __init__(self, family: Codes, job: Codes, at: Times, token: Codes) -> None:
        order = np.lexsort((token, job, at, family))
        family, job, at, self._token = family[order], job[order], at[order], token[order]
        self._own, self._all = Observations(job, at), Observations(family, at)
        self._chain = _chains(family, job, self._token)

    def beside(self, family: Codes, job: Codes, at: Times) -> tuple[Codes, Codes, Codes]:
        """The tokens before and after, and the nearer of them; -1 where no chain leads to the job's own looks."""
        own, kin = self._own.beside(job, at), self._all.beside(family, at)
        ends = [values_at(self._chain, side, -1) for side in (own.before, own.after)]
        known = []
        for side in (kin.before, kin.after, kin.nearer):
            chain = values_at(self._chain, side, -2)
            known.append(np.where((chain == ends[0]) | (chain == ends[1]), values_at(self._token, side), -1))
        before, after, nearer = known
        return before, after, np.where(nearer >= 0, nearer, np.maximum(before, after))


def _chains(family: Codes, job: Codes, token: Codes) -> Codes:
    """Number the stretches of looks, in the order of family and time, that no doubtful change breaks."""
    if not len(token):
        return token
    same = family[1:] == family[:-1]
    changes = same & (token[1:] != token[:-1])
    by_job = np.argsort(job, kind="stable")
    first, then = by_job[:-1], by_job[1:]
    mine = job[first] == job[then]
    first, then = first[mine], then[mine]
    moved = token[first] != token[then]
    doubtful = changes & ~_seen_in_one_job(np.flatnonzero(changes), token, first[moved], then[moved])
    doubts = np.append(0, np.cumsum(doubtful))
    stayed = ~moved & (doubts[then] > doubts[first])
    over = np.zeros(len(token), dtype=np.int64)
    np.add.at(over, first[stayed], 1)
    np.add.at(over, then[stayed], -1)
    broken = ~same | doubtful | (changes & (np.cumsum(over)[:-1] > 0))
    return np.append(0, np.cumsum(broken))


def _seen_in_one_job(change: Codes, token: Codes, first: Codes, then: Codes) -> Bools:
    """Where a change between neighbouring looks lies within the same change of one job."""
    many, size = int(token.max()) + 1, len(token)
    seen = np.zeros(size - 1, dtype=bool)
    if not len(change) or not len(first):
        return seen
    kinds = np.unique(token[change] * many + token[change + 1])
    kind = np.searchsorted(kinds, token[change] * many + token[change + 1])
    keys = np.sort(kind * size + change)
    wanted = token[first] * many + token[then]
    place = found_among(kinds, wanted)
    known = place >= 0
    first, then, place = first[known], then[known], place[known]
    found = np.searchsorted(keys, place * size + first)
    hit = found < len(keys)
    inside = hit.copy()
    inside[hit] = keys[found[hit]] < place[hit] * size + then[hit]
    seen[keys[found[inside]] % size] = True
    return seen
