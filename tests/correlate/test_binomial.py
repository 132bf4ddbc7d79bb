"""Shares and odds: the same numbers as SciPy and statsmodels, which take longer to load than to be asked."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.correlate.binomial import fisher, logistic, two_sided, wilson


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0, 1))
@example(7, 0.0)
@example(7, 1.0)
def test_wilsons_interval_is_scipys(n: int, share: float) -> None:
    cases = round(n * share)
    ci = stats.binomtest(cases, n).proportion_ci(method="wilson")
    assert wilson(cases, n) == pytest.approx((ci.low, ci.high), abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), min_size=4, max_size=4))
@example([0, 0, 0, 0])
@example([5, 0, 0, 5])
@example([3, 900, 40, 800_000])
def test_fishers_p_value_is_scipys(table: list[int]) -> None:
    a, b, c, d = table
    assert fisher(a, b, c, d) == pytest.approx(stats.fisher_exact([[a, b], [c, d]])[1], rel=1e-6, abs=1e-12)


def test_both_tails_of_the_normal_count() -> None:
    assert two_sided(-1.96) == two_sided(1.96) == pytest.approx(2 * stats.norm.sf(1.96))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_logistic_fit_is_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    level = np.eye(3)[rng.integers(0, 3, 40)]
    design = np.column_stack([rng.random(40) < 0.5, level[:, level.any(axis=0)]]).astype(float)
    n = rng.integers(3, 30, 40).astype(float)
    failed = rng.binomial(n.astype(int), 0.3).astype(float)
    expected = sm.GLM(np.column_stack([failed, n - failed]), design, family=sm.families.Binomial()).fit()
    got = logistic(failed, n - failed, design)
    assert got.converged
    assert got.params == pytest.approx(expected.params, rel=1e-6, abs=1e-7)
    assert got.bse == pytest.approx(expected.bse, rel=1e-5)
    # Statsmodels' own scale forgets how many trials each share comes from, so Pearson's chi-square is written out.
    chi_square = ((failed - n * expected.mu) ** 2 / (n * expected.mu * (1 - expected.mu))).sum()
    wider = logistic(failed, n - failed, design, overdispersed=True)
    assert wider.bse == pytest.approx(expected.bse * np.sqrt(chi_square / expected.df_resid), rel=1e-5)


def test_columns_that_add_up_to_another_are_borne() -> None:
    side = np.tile([0.0, 1.0], 4)
    design = np.column_stack([side, np.ones(8), np.ones(8)])
    failed, n = np.array([1.0, 4, 2, 3, 1, 5, 2, 4]), np.full(8, 10.0)
    got = logistic(failed, n - failed, design)
    odds = (16 / 24) / (6 / 34)
    assert got.params[0] == pytest.approx(np.log(odds))
    assert got.bse[0] == pytest.approx(np.sqrt(1 / 16 + 1 / 24 + 1 / 6 + 1 / 34))
