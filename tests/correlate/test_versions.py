"""New version against old: within the same hours, not before and after."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from analysis.correlate.strata import Strata, exact_odds_ratio, risk_ratio
from analysis.correlate.versions import pooled_risk_ratio, ran, stratified_risk_ratio
from tests.correlate.frames import exposure_of, jobs


def tables(rows: list[tuple[int, int, int, int]]) -> Strata:
    a, n1, c, n0 = np.array(rows, dtype=float).T
    return Strata(a, n1, c, n0, 1.0, (0, 0, 0, 0), (), 6)


def test_the_risk_ratio_of_one_stratum_is_the_plain_one() -> None:
    got = risk_ratio(tables([(30, 100, 20, 100)]))
    assert got is not None
    assert got.estimate == pytest.approx(1.5)
    se = np.sqrt(1 / 30 - 1 / 100 + 1 / 20 - 1 / 100)
    assert (got.low, got.high) == pytest.approx((1.5 * np.exp(-1.96 * se), 1.5 * np.exp(1.96 * se)))


def test_the_pooled_estimates_agree_with_statsmodels() -> None:
    rows = [(12, 40, 5, 30), (3, 25, 6, 44), (9, 18, 2, 12)]
    peer = StratifiedTable([np.array([[a, n1 - a], [c, n0 - c]]) for a, n1, c, n0 in rows])
    got = risk_ratio(tables(rows))
    assert got is not None and got.estimate == pytest.approx(peer.riskratio_pooled)
    assert got.p == pytest.approx(peer.test_null_odds(correction=False).pvalue)


def test_the_exact_odds_ratio_of_one_stratum_is_scipys() -> None:
    got = exact_odds_ratio(tables([(4, 10, 1, 12)]))
    peer = stats.contingency.odds_ratio([[4, 6], [1, 11]], kind="conditional")
    assert got is not None and got.estimate == pytest.approx(peer.statistic, rel=1e-3)
    assert (got.low, got.high) == pytest.approx(tuple(peer.confidence_interval(0.95)), rel=1e-3)
    assert got.p == pytest.approx(stats.fisher_exact([[4, 6], [1, 11]])[1])


def outage_shared_by_both_versions() -> pd.DataFrame:
    """The new version came on the day of the outage: half fails then, whatever the version; nothing before."""
    quiet = jobs(200, hour=0, version="6.10.0", failures=2)
    outage = jobs(60, hour=30, version="6.11.0", failures=30), jobs(40, hour=30, version="6.10.0", failures=20)
    return pd.concat([quiet, *outage])


def test_an_outage_in_the_hours_of_the_upgrade_fools_the_pooled_ratio_but_not_the_stratified_one() -> None:
    exposure = exposure_of(outage_shared_by_both_versions())
    exposed = ran(exposure, "docker/build-push-action", "6.11.0", "6.10.0")
    pooled = pooled_risk_ratio(exposure, exposed, "6.11.0", "6.10.0")
    within = stratified_risk_ratio(exposure, exposed, "6.11.0", "6.10.0")
    assert pooled.estimate is not None and pooled.estimate > 5 and pooled.p is not None and pooled.p < 1e-6
    assert within.estimate == pytest.approx(1.0, abs=0.05)
    assert within.supports is False and within.strata == 1 and within.n == 100


def test_a_version_that_fails_beside_a_healthy_one_is_convicted() -> None:
    both = [jobs(50, hour=30, version="6.11.0", failures=25), jobs(50, hour=30, version="6.10.0", failures=1)]
    exposure = exposure_of(pd.concat(both))
    got = stratified_risk_ratio(exposure, ran(exposure, "docker/build-push-action", "6.11.0"), "6.11.0", "6.10.0")
    assert got.supports is True and got.ci is not None and got.ci[0] is not None and got.ci[0] > 1


def test_versions_that_never_ran_side_by_side_are_not_compared() -> None:
    apart = [jobs(50, hour=0, version="6.10.0", failures=1), jobs(50, hour=30, version="6.11.0", failures=25)]
    exposure = exposure_of(pd.concat(apart))
    got = stratified_risk_ratio(exposure, ran(exposure, "docker/build-push-action", "6.11.0"), "6.11.0", "6.10.0")
    assert got.supports is None and got.strata == 0 and "never ran side by side" in got.statement


def test_the_legs_of_one_run_are_no_independent_votes() -> None:
    alone = [jobs(100, hour=30, version=v, failures=f) for v, f in (("6.11.0", 40), ("6.10.0", 20))]
    together = [frame.assign(failed=sorted(frame["failed"], reverse=True)) for frame in alone]
    legs = [frame.assign(run_id=frame["run_id"] // 10) for frame in together]
    single, grouped = (
        stratified_risk_ratio(e, ran(e, "docker/build-push-action", "6.11.0"), "6.11.0", "6.10.0")
        for e in (exposure_of(pd.concat(together)), exposure_of(pd.concat(legs)))
    )
    assert single.estimate == grouped.estimate
    assert single.supports is True and grouped.supports is None
