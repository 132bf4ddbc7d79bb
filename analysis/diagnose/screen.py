"""Which of many suspects are worth holding against one another?

In: cells and a stream of suspects of one kind. Out: all of them where they are few; of a large history those that
explain most by themselves, the others dropped as they come, so that neither time nor memory grows with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from analysis.diagnose.cells import Cells
from analysis.diagnose.likelihood import fit
from analysis.diagnose.search import prepare
from analysis.diagnose.suspects import Suspect

_STEPS = 7
_AT_ONCE = 128
# Variants of one suspect that a set of others could miss.
_NAMESAKES = 8


def screened(
    cells: Cells, stream: Iterable[Suspect], most: int, always: Callable[[Suspect], bool] | None = None
) -> list[Suspect]:
    """The suspects that could come to lead, in the order of the stream.

    Parameters
    ----------
    cells : Cells
    stream : iterable of Suspect
        Of one kind of cause: they are ranked by what each explains alone and its prior.
    most : int
        So many are kept untried; of more, half as many.
    always : callable or None
        Suspects that are kept whatever they explain.

    Returns
    -------
    list of Suspect
    """
    kept: list[tuple[Suspect, float]] = []
    fresh: list[Suspect] = []
    tried = False
    for suspect in stream:
        fresh.append(suspect)
        if len(fresh) >= (_AT_ONCE if tried else most + 1):
            kept = _best(kept + _scored(cells, fresh), most // 2, always)
            fresh, tried = [], True
    if not tried:
        return fresh
    return [s for s, _ in _best(kept + _scored(cells, fresh), most // 2, always)]


def _scored(cells: Cells, suspects: list[Suspect]) -> list[tuple[Suspect, float]]:
    """Each with its log odds when it alone is held against the background, up to what all share."""
    found: list[tuple[Suspect, float]] = []
    for start in range(0, len(suspects), _AT_ONCE):
        part = suspects[start : start + _AT_ONCE]
        observed, pool, _ = prepare(cells, part)
        bound = fit(observed, pool, np.arange(len(part))[:, None], _STEPS).bound
        found += [(s, float(b) + s.log_prior) for s, b in zip(part, bound, strict=True)]
    return found


def _best(
    scored: list[tuple[Suspect, float]], most: int, always: Callable[[Suspect], bool] | None
) -> list[tuple[Suspect, float]]:
    namesakes: Counter[tuple[str, str]] = Counter()
    chosen: set[int] = set()
    for place in sorted(range(len(scored)), key=lambda i: -scored[i][1]):
        suspect = scored[place][0]
        namesakes[suspect.group] += 1
        if (always and always(suspect)) or (len(chosen) < most and namesakes[suspect.group] <= _NAMESAKES):
            chosen.add(place)
    return [scored[place] for place in sorted(chosen)]
