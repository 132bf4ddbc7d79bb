"""Which of many suspects are held against one another."""

from __future__ import annotations

import numpy as np

from analysis.diagnose.cells import Cells, fold
from analysis.diagnose.screen import screened
from analysis.diagnose.suspects import Suspect, version_suspects
from tests.diagnose.histories import ACTION, NEW, bad_version, history


def harmless(cells: Cells, count: int) -> list[Suspect]:
    """Versions that a random third of all jobs ran."""
    rng = np.random.default_rng(3)
    return [Suspect("action-version", f"acme/other@{i}", "", (rng.random(cells.size) < 0.3).astype(float), -3.0)
            for i in range(count)]  # fmt: skip


def test_few_suspects_are_all_kept() -> None:
    cells = fold(history(bad_version()))
    few = harmless(cells, 20)
    assert screened(cells, iter(few), 20) == few


def test_the_guilty_is_kept_among_many() -> None:
    cells = fold(history(bad_version()))
    guilty = next(s for s in version_suspects(cells, None) if s.name == f"{ACTION}@{NEW}" and not s.variant)
    others = harmless(cells, 300)
    kept = screened(cells, iter([*others[:150], guilty, *others[150:]]), 20)
    assert guilty in kept
    assert len(kept) == 10
    assert [s for s in others if s in kept] == [s for s in kept if s is not guilty]


def test_whoever_is_asked_about_is_kept_whatever_it_explains() -> None:
    cells = fold(history(bad_version()))
    asked = Suspect("action-version", "acme/asked@2", "", np.zeros(cells.size), -30.0)
    kept = screened(cells, iter([asked, *harmless(cells, 60)]), 20, lambda s: s is asked)
    assert asked in kept


def test_namesakes_do_not_crowd_out_the_others() -> None:
    cells = fold(history(bad_version()))
    guilty = next(s for s in version_suspects(cells, None) if s.name == f"{ACTION}@{NEW}" and not s.variant)
    variants = [Suspect(*guilty.group, f"part {i}", guilty.exposed, guilty.log_prior) for i in range(60)]
    kept = screened(cells, iter([*variants, *harmless(cells, 10)]), 40)
    assert {s.group for s in kept} > {guilty.group}
