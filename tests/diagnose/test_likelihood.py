"""The bound on the marginal likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betaln

from analysis.diagnose.likelihood import fit, shares
from analysis.diagnose.observed import Observed, Pool


def observed(dead: float, green: float, text: int = -1) -> Observed:
    return Observed(
        weight=np.array([dead]), stratum=np.array([0]), green=np.array([green]), base=np.array([[1.0, 9.0]]),
        kind=np.array([0]), marks=(np.array([text]),), base_marks=(np.array([[1.0, 1.0]]),),
    )  # fmt: skip


def pool(green: float, exposed: float = 1.0) -> Pool:
    return Pool(
        exposed=np.array([[exposed]]), hints=np.zeros((1, 1)), green=np.array([green]), kills=np.ones((1, 2)),
        marks=(np.array([[[1.0, 1.0]]]),),
    )  # fmt: skip


def test_without_suspects_the_bound_is_the_exact_beta_binomial() -> None:
    bound = fit(observed(4, 96), pool(0), np.zeros((1, 0), np.int64)).bound[0]
    assert bound == pytest.approx(betaln(1 + 4, 9 + 96) - betaln(1, 9), abs=1e-6)


def test_a_suspect_that_met_only_the_failures_is_believed() -> None:
    seen, suspect = observed(20, 200), pool(0)
    alone = fit(seen, suspect, np.zeros((1, 0), np.int64)).bound[0]
    blamed = fit(seen, suspect, np.array([[0]]))
    assert blamed.bound[0] > alone + 10
    assert blamed.explained[0, 0] > 19


def test_a_suspect_that_met_everybody_explains_nothing() -> None:
    seen, suspect = observed(20, 200), pool(200)
    alone = fit(seen, suspect, np.zeros((1, 0), np.int64)).bound[0]
    assert fit(seen, suspect, np.array([[0]])).bound[0] < alone


def test_a_batch_gives_what_each_subset_gives_alone() -> None:
    seen, suspect = observed(20, 200, text=1), pool(30)
    both = fit(seen, suspect, np.array([[0], [0]])).bound
    assert both == pytest.approx(np.repeat(fit(seen, suspect, np.array([[0]])).bound, 2))


def test_failing_cells_that_are_alike_count_as_one() -> None:
    whole, suspect = observed(20, 200, text=1), pool(30)
    halves = Observed(
        weight=np.array([8.0, 12.0]), stratum=np.zeros(2, np.int64), green=whole.green, base=whole.base,
        kind=np.zeros(2, np.int64), marks=(np.array([1, 1]),), base_marks=whole.base_marks,
    )  # fmt: skip
    both = Pool(exposed=np.ones((1, 2)), hints=np.zeros((1, 2)), green=suspect.green, kills=suspect.kills,
                marks=suspect.marks)  # fmt: skip
    assert fit(halves, both, np.array([[0]])).bound == pytest.approx(fit(whole, suspect, np.array([[0]])).bound)
    assert shares(halves, both, (0,))[:, 0] == pytest.approx(shares(whole, suspect, (0,))[:, 0])


def test_a_stratum_that_a_suspect_never_met_adds_what_it_adds_without_a_suspect() -> None:
    def beside(exposed: list[float], members: list[int]) -> float:
        seen = Observed(
            weight=np.array([20.0, 7.0]), stratum=np.array([0, 1]), green=np.array([200.0, 50.0]),
            base=np.array([[1.0, 9.0], [1.0, 9.0]]), kind=np.array([0, 0]), marks=(np.array([-1, -1]),),
            base_marks=(np.array([[1.0, 1.0]]),),
        )  # fmt: skip
        suspect = Pool(exposed=np.array([exposed]), hints=np.zeros((1, 2)), green=np.array([3.0]),
                       kills=np.ones((1, 2)), marks=(np.ones((1, 1, 2)),))  # fmt: skip
        return float(fit(seen, suspect, np.array([members], np.int64).reshape(1, -1)).bound[0])

    alone = float(fit(observed(20, 200), pool(3), np.array([[0]])).bound[0])
    elsewhere = betaln(1 + 7, 9 + 50) - betaln(1, 9)
    assert beside([1.0, 0.0], [0]) == pytest.approx(alone + elsewhere, abs=1e-5)
