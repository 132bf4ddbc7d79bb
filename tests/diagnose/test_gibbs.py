"""Draws of who killed whom, beside what can be worked out exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betaln, gammaln

from analysis.diagnose.gibbs import Draws, Reruns, sample
from analysis.diagnose.observed import Observed, Pool

FAILED, GREEN, MET = 12, 60.0, 40.0


def seen(rerun: int = -1) -> Observed:
    """A dozen failures of one job, sixty passes, nothing told but perhaps what reruns did."""
    return Observed(
        weight=np.ones(FAILED), stratum=np.zeros(FAILED, np.int64), green=np.array([GREEN]),
        base=np.array([[1.0, 9.0]]), kind=np.zeros(FAILED, np.int64), marks=(np.full(FAILED, rerun),),
        base_marks=(np.array([[1.0, 1.0]]),),
    )  # fmt: skip


SUSPECT = Pool(exposed=np.ones((1, FAILED)), hints=np.zeros((1, FAILED)), green=np.array([MET]), kills=np.ones((1, 2)),
               marks=(np.array([[[1.0, 1.0]]]),))  # fmt: skip


def draws(observed: Observed, chains: list[tuple[int, ...]], reruns: Reruns | None = None) -> Draws:
    rng = np.random.default_rng(5)
    return sample(observed, SUSPECT, chains, np.arange(FAILED), rng, burn=40, keep=60, thin=2, reruns=reruns)


def exactly() -> tuple[float, float]:
    """Mean and spread of how many of the dozen the suspect killed, by the sum over all assignments."""
    k = np.arange(FAILED + 1)
    ways = gammaln(FAILED + 1) - gammaln(k + 1) - gammaln(FAILED - k + 1)
    weight = ways + betaln(1 + k, 1 + MET + FAILED - k) + betaln(1 + FAILED - k, 9 + GREEN)
    share = np.exp(weight - weight.max())
    share /= share.sum()
    mean = float(share @ k)
    return mean, float(np.sqrt(share @ (k - mean) ** 2))


def test_the_draws_have_the_exact_mean_and_spread() -> None:
    killed = (draws(seen(), [(0,)] * 40).killer == 0).sum(1)
    mean, spread = exactly()
    assert killed.mean() == pytest.approx(mean, abs=0.25)
    assert killed.std() == pytest.approx(spread, rel=0.1)


def test_failures_that_share_a_rate_are_less_sure_than_as_many_tosses_of_a_coin() -> None:
    killed = (draws(seen(), [(0,)] * 40).killer == 0).sum(1)
    share = killed.mean() / FAILED
    assert killed.std() > 1.4 * np.sqrt(FAILED * share * (1 - share))


def test_a_chain_without_suspects_lays_all_to_the_background() -> None:
    drawn = draws(seen(), [(0,), ()])
    assert (drawn.killer[drawn.chain == 1] == 1).all()
    assert (drawn.killer[drawn.chain == 0] == 0).any()


def test_a_retry_at_once_passes_no_more_often_than_others_who_meet_the_killer() -> None:
    again = Reruns(0, np.zeros(FAILED, np.int64), np.array([[1.0, 1.0]]))
    drawn = draws(seen(rerun=0), [(0,)] * 4, again)
    theirs = np.where(drawn.killer == 0, drawn.passes, 0.0).max(1)
    assert (theirs <= 1 - drawn.kills[:, 0] + 1e-12).all()


def test_reruns_that_passed_raise_what_a_retry_saves() -> None:
    again = Reruns(0, np.zeros(FAILED, np.int64), np.array([[1.0, 1.0]]))
    good, bad = (draws(seen(rerun=told), [()] * 4, again).passes.mean() for told in (0, 1))
    assert good == pytest.approx(13 / 14, abs=0.03)
    assert bad == pytest.approx(1 / 14, abs=0.03)
