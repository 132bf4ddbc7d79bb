"""Where a run lies, which log teaches most, and in which order things are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.collect.lines import Line, Stretch, line_of, stem
from analysis.collect.runs import Window
from analysis.collect.spread import hour, spread

START = datetime(2025, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"event": "push", "head_branch": "main"}, "default"),
        ({"event": "schedule", "head_branch": "main"}, "default"),
        ({"event": "pull_request_target", "head_branch": "dependabot/github_actions/a"}, "default"),
        ({"event": "pull_request", "head_branch": "feature"}, "pull-request"),
        ({"event": "push", "head_branch": "feature"}, "branch"),
        ({"event": "pull_request", "head_branch": None}, "default"),
        ({"event": "pull_request", "head_branch": "dependabot/npm/left-pad-1.2"}, "bot"),
        ({"event": "pull_request", "head_branch": "x", "actor": "renovate[bot]"}, "bot"),
        (
            {"event": "pull_request", "head_branch": "dependabot/github_actions/docker/build-push-action-6.11.0"},
            "bump:dependabot/github_actions/docker/build-push-action-6.11.0",
        ),
        ({"event": "push", "head_branch": "renovate/actions-checkout-4.x"}, "bump:renovate/actions-checkout-4.x"),
    ],
)
def test_a_run_lies_on_the_line_whose_workflow_file_it_takes(fields: dict[str, Any], line: str) -> None:
    assert line_of({"actor": "octo-dev", **fields}, "main") == line


def test_the_stem_of_a_job_is_its_name_without_its_matrix_values() -> None:
    assert stem("build (ubuntu-latest, 3.12)") == "build"
    assert stem("caller / build (a (b))") == "caller / build (a (b))"
    assert stem("(only)") == "(only)" and stem(None) == ""


def line(count: int, **seen: str) -> Line:
    runs = [{"created_at": START + timedelta(hours=n), "run_id": n} for n in range(count)]
    made = Line(runs, [True] * count, [1.0] * count)
    for place, versions in seen.items():
        made.observe(int(place[1:]), versions)
    return made


def best(made: Line, blind: bool) -> Stretch:
    return max(made.stretches(blind), key=lambda stretch: stretch.worth)


def test_the_first_log_of_a_line_is_its_middle_then_its_ends() -> None:
    assert best(line(9), True).pick() == 4
    assert sorted(stretch.pick() for stretch in line(9, _4="a").stretches(True)) == [0, 8]


def test_a_change_of_version_is_closed_in_on_once_versions_count() -> None:
    made = line(71, _0="old", _20="old", _40="new", _70="new")
    assert best(made, True).pick() == 55
    assert best(made, False).pick() == 30
    for _ in range(6):
        place = best(made, False).pick()
        made.observe(place, "old" if place < 33 else "new")
    last_old = max(i for i in made.seen if made.seen[i] == "old")
    first_new = min(i for i in made.seen if made.seen[i] == "new")
    assert last_old < 33 <= first_new and first_new - last_old <= 3


def test_of_runs_near_the_middle_the_cheap_one_is_taken_and_no_farther_one() -> None:
    made = line(31, _0="a", _30="a")
    cheap = [False] * 31
    cheap[17] = cheap[2] = True
    assert best(made, True).pick(cheap) == 17
    assert best(made, True).pick([i == 2 for i in range(31)]) == 15


def test_runs_near_failures_draw_the_middle_to_them() -> None:
    made = line(21, _0="a", _20="a")
    made.weights[1:6] = [9.0] * 5
    assert best(made, True).pick() in range(1, 6)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=40, unique=True),
    st.randoms(use_true_random=False),
)
def test_any_cut_of_the_order_is_spread_and_the_order_of_arrival_does_not_matter(
    items: list[tuple[int, int]], shuffler: Any
) -> None:
    def order(given: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return spread(given, lambda i: (i[0], i[1] // 10), lambda i: START + timedelta(hours=i[1]), lambda i: i)

    got = order(items)
    mixed = list(items)
    shuffler.shuffle(mixed)
    assert order(mixed) == got and sorted(got) == sorted(items)
    for cut in range(len(got)):
        counts = dict.fromkeys({(i[0], i[1] // 10) for i in items}, 0)
        for item in got[:cut]:
            counts[item[0], item[1] // 10] += 1
        full = {cell: sum((i[0], i[1] // 10) == cell for i in items) for cell in counts}
        assert all(counts[a] >= min(full[a], counts[b] - 1) for a in counts for b in counts)


@given(st.integers(1, 100_000), st.integers(2, 40))
def test_parts_of_a_window_hold_every_second_once(seconds: int, count: int) -> None:
    window = Window("o/r", START, START + timedelta(seconds=seconds))
    parts = sorted(window.parts(count), key=lambda part: part.first)
    assert parts[0].first == window.first and parts[-1].last == window.last
    assert all(b.first - a.last == timedelta(seconds=1) for a, b in pairwise(parts))
    assert len(parts) > 1 and all(part.first <= part.last for part in parts)


def test_hours_are_counted_from_1970() -> None:
    assert hour(START) % 24 == 0 and hour(START, 6) == hour(START + timedelta(hours=5), 6)
