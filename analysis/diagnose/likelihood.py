"""How well a set of suspects explains the history: a variational lower bound of its marginal likelihood.

The model (docs/method.md). A job of stratum g fails with probability 1 - (1 - b_g) prod_c (1 - q_c x_jc). The first
cause that fires (in a fixed order, the background last) writes the text class and decides whether a plain rerun
passes. b_g, q_c are Beta; the texts are Dirichlet; reruns are Beta. Given who killed each failed job everything is
conjugate, so the assignment is the only thing to be averaged over: mean-field coordinate ascent, for many subsets of
suspects at once.

Green jobs enter by their sums alone, so the cost grows with failing cells and not with jobs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, digamma, gammaln

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STEPS = 30
_TINY = 1e-12


@dataclass(frozen=True)
class Observed:
    """What is the same for all subsets.

    Attributes
    ----------
    weight : (F,) float
        Jobs in each failing cell.
    text : (F,) int
        Text class, -1 where the log was not read.
    rerun : (F,) int
        1 a rerun passed, 0 it failed again, -1 none.
    stratum : (F,) int
    green : (G,) float
        Green jobs of each stratum.
    base : (G, 2) float
        Beta prior of each stratum's background.
    base_text : (K + 1,) float
        Dirichlet prior of the background's texts.
    base_rerun : (2,) float
    """

    weight: Floats
    text: Ints
    rerun: Ints
    stratum: Ints
    green: Floats
    base: Floats
    base_text: Floats
    base_rerun: Floats


@dataclass(frozen=True)
class Pool:
    """The suspects, as the likelihood sees them.

    Attributes
    ----------
    exposed : (S, F) float
        How surely each failing cell was exposed.
    green : (S,) float
        Green jobs that were exposed.
    kills : (S, 2) float
        Beta prior of q.
    text : (S, K + 1) float
        Dirichlet prior of the texts.
    rerun : (S, 2) float
        Beta prior of a rerun's success.
    """

    exposed: Floats
    green: Floats
    kills: Floats
    text: Floats
    rerun: Floats


@dataclass(frozen=True)
class Fit:
    """One batch of subsets, fitted. B subsets of s suspects each.

    Attributes
    ----------
    bound : (B,) float
        Lower bound of the log marginal likelihood.
    explained : (B, s) float
        Failures each suspect accounts for.
    share : (B, s + 1, F) float
        Who killed each failing cell; the last row is the background.
    kills : (B, s, 2) float
        Beta posterior of q.
    base : (B, G, 2) float
        Beta posterior of the strata's backgrounds.
    """

    bound: Floats
    explained: Floats
    share: Floats
    kills: Floats
    base: Floats


def fit(observed: Observed, pool: Pool, subsets: Ints, steps: int = _STEPS) -> Fit:
    """Fit subsets of suspects, all of one size.

    Parameters
    ----------
    observed : Observed
    pool : Pool
    subsets : (B, s) int
        Rows of the pool; s may be 0.
    steps : int
        Rounds of coordinate ascent.

    Returns
    -------
    Fit
    """
    b, s = subsets.shape
    f, classes, strata = len(observed.weight), len(observed.base_text), len(observed.green)
    exposed = pool.exposed[subsets] if s else np.zeros((b, 0, f))
    green = pool.green[subsets] if s else np.zeros((b, 0))
    kills0 = np.concatenate([pool.kills[subsets]], axis=1) if s else np.zeros((b, 0, 2))
    text0 = np.concatenate([pool.text[subsets] if s else np.zeros((b, 0, classes)),
                            np.broadcast_to(observed.base_text, (b, 1, classes))], axis=1)  # fmt: skip
    rerun0 = np.concatenate([pool.rerun[subsets] if s else np.zeros((b, 0, 2)),
                             np.broadcast_to(observed.base_rerun, (b, 1, 2))], axis=1)  # fmt: skip
    onehot = np.zeros((f, classes))
    read = observed.text >= 0
    onehot[np.flatnonzero(read), observed.text[read]] = 1.0
    rerunhot = np.stack([observed.rerun == 1, observed.rerun == 0], axis=1).astype(float)
    members = np.zeros((f, strata))
    members[np.arange(f), observed.stratum] = 1.0
    can = np.concatenate([np.log(np.maximum(exposed, _TINY)), np.zeros((b, 1, f))], axis=1)

    kills = kills0 + np.stack([np.full((b, s), 1.0), green * 0.2], axis=-1)
    text, rerun = text0, rerun0
    base = np.broadcast_to(observed.base + np.stack([np.zeros(strata), observed.green], axis=1), (b, strata, 2))
    for _ in range(steps):
        log_q, log_pass = _expected_log(kills)
        log_b, log_calm = _expected_log(base)
        log_text = digamma(text) - digamma(text.sum(-1, keepdims=True))
        log_rerun = digamma(rerun) - digamma(rerun.sum(-1, keepdims=True))
        rho = can + log_text @ onehot.T + log_rerun @ rerunhot.T
        rho[:, :s] += log_q[:, :, None]
        rho[:, s] += log_b[:, observed.stratum]
        rho[:, 1:] += np.cumsum(log_pass[:, :, None] * exposed, axis=1)
        top = rho.max(axis=1, keepdims=True)
        total = top + np.log(np.exp(rho - top).sum(axis=1, keepdims=True))
        share = np.exp(rho - total)
        weighted = share * observed.weight
        later = np.cumsum(weighted[:, :0:-1], axis=1)[:, ::-1]
        dead, survived = weighted[:, :s].sum(-1), green + (later * exposed).sum(-1)
        state = (kills, base, text, rerun, log_pass, log_calm, log_q, log_b, log_text, log_rerun, total)
        kills = kills0 + np.stack([dead, survived], axis=-1)
        text = text0 + weighted @ onehot
        rerun = rerun0 + weighted @ rerunhot
        base = observed.base + np.stack([weighted[:, s] @ members,
                                         np.broadcast_to(observed.green, (b, strata))], axis=-1)  # fmt: skip
    used_kills, used_base, used_text, used_rerun, log_pass, log_calm, *_, total = state
    bound = (
        (total[:, 0] * observed.weight).sum(-1)
        + (log_calm * observed.green).sum(-1)
        + (log_pass * green).sum(-1)
        - _beta_kl(used_kills, kills0).sum(-1)
        - _beta_kl(used_base, observed.base).sum(-1)
        - _dirichlet_kl(used_text, text0).sum(-1)
        - _beta_kl(used_rerun, rerun0).sum(-1)
    )
    return Fit(bound, dead, share, kills, base)


def _expected_log(beta: Floats) -> tuple[Floats, Floats]:
    total = digamma(beta.sum(-1))
    return digamma(beta[..., 0]) - total, digamma(beta[..., 1]) - total


def _beta_kl(q: Floats, p: Floats) -> Floats:
    log_a, log_b = _expected_log(q)
    kl: Floats = (
        betaln(p[..., 0], p[..., 1]) - betaln(q[..., 0], q[..., 1])
        + (q[..., 0] - p[..., 0]) * log_a + (q[..., 1] - p[..., 1]) * log_b
    )  # fmt: skip
    return kl


def _dirichlet_kl(q: Floats, p: Floats) -> Floats:
    log_t = digamma(q) - digamma(q.sum(-1, keepdims=True))
    kl: Floats = gammaln(q.sum(-1)) - gammaln(p.sum(-1)) - (gammaln(q) - gammaln(p)).sum(-1) + ((q - p) * log_t).sum(-1)
    return kl
