"""The nearest observation before and after: a search in sorted keys says what looking at every one says."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.correlate.codes import NEVER
from analysis.correlate.nearest import Observations

Points = list[tuple[int, int]]
points = st.lists(st.tuples(st.integers(-1, 3), st.one_of(st.just(NEVER), st.integers(-20, 20))), max_size=25)


def beside(seen: Points, targets: Points, scale: int = 1, groups: int = 1) -> list[tuple[int, int, int]]:
    """Ask `Observations`, times stretched by `scale`, groups by `groups`."""
    columns = []
    for rows in (seen, targets):
        group = np.array([g * groups if g > 0 else g for g, _ in rows], dtype=np.int64)
        columns += [group, np.array([t if t == NEVER else t * scale for _, t in rows], dtype=np.int64)]
    found = Observations(columns[0], columns[1]).beside(columns[2], columns[3])
    return [tuple(map(int, three)) for three in zip(found.before, found.after, found.nearer, strict=True)]  # type: ignore[misc]


def by_looking(seen: Points, target: tuple[int, int]) -> tuple[int, int, int]:
    """The same by looking at every observation."""
    group, at = target
    own = [(t, i) for i, (g, t) in enumerate(seen) if g == group >= 0 and NEVER not in (t, at)]
    before = max((pair for pair in own if pair[0] <= at), default=None)
    after = min((pair for pair in own if pair[0] >= at), default=None)
    if before is None or after is None:
        nearer = before or after
    else:
        nearer = before if at - before[0] <= after[0] - at else after
    return tuple(-1 if pair is None else pair[1] for pair in (before, after, nearer))  # type: ignore[return-value]


@settings(deadline=None)
@given(points, points)
def test_both_sides_are_what_looking_at_each_observation_gives(seen: Points, targets: Points) -> None:
    assert beside(seen, targets) == [by_looking(seen, target) for target in targets]


@settings(deadline=None)
@given(points, points)
def test_far_times_and_many_groups_change_nothing(seen: Points, targets: Points) -> None:
    expected = beside(seen, targets)
    assert beside(seen, targets, scale=10**15) == expected
    assert beside(seen, targets, scale=10**15, groups=10**12) == expected
    assert beside(seen, targets, groups=10**17) == expected
