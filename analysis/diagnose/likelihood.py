"""How well a set of suspects explains the history: a variational lower bound of its marginal likelihood.

The model (docs/method.md). A job of stratum g fails with probability 1 - (1 - b_g) prod_c (1 - q_c x_jc). The first
cause that fires (in a fixed order, the background last) writes the text class and decides whether a plain rerun
passes. b_g, q_c are Beta; the texts are Dirichlet; reruns are Beta. Given who killed each failed job everything is
conjugate, so the assignment is the only thing to be averaged over: mean-field coordinate ascent, for many subsets of
suspects at once.

Green jobs enter by their sums alone, so the cost grows with failing cells and not with jobs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

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
    stratum : (F,) int
    green : (G,) float
        Green jobs of each stratum.
    base : (G, 2) float
        Beta prior of each stratum's background.
    kind : (F,) int
        Kind of job: each kind has a background text of its own.
    marks : tuple of (F,) int
        One array per channel (text class, outcome of a rerun): what was seen, -1 where nothing was.
    base_marks : tuple of (H, K) float
        Dirichlet priors of the background in each channel, one row per kind of job.
    """

    weight: Floats
    stratum: Ints
    green: Floats
    base: Floats
    kind: Ints
    marks: tuple[Ints, ...]
    base_marks: tuple[Floats, ...]

    def blind(self) -> Observed:
        """The same without any mark: nothing but who failed."""
        return replace(self, marks=tuple(np.full_like(m, -1) for m in self.marks))


@dataclass(frozen=True)
class Pool:
    """The suspects, as the likelihood sees them.

    Attributes
    ----------
    exposed : (S, F) float
        How surely each failing cell was exposed.
    hints : (S, F) float
        Log likelihood ratio of what only this suspect explains (the failed step is its own), 0 where nothing is known.
    green : (S,) float
        Green jobs that were exposed.
    kills : (S, 2) float
        Beta prior of q.
    marks : tuple of (S, K) float
        Dirichlet prior of each channel.
    """

    exposed: Floats
    hints: Floats
    green: Floats
    kills: Floats
    marks: tuple[Floats, ...]


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
    """Fit subsets of suspects, all of one size, from two starts: what the texts say, and who was exposed alone.

    Coordinate ascent ends at the top of the nearest hill. Where a cause writes what others usually write, the texts
    start it at the foot of the wrong one.

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
        Of each subset the start that ended higher.
    """
    told = _ascend(observed, pool, subsets, steps, blindly=False)
    if subsets.shape[1] == 0:
        return told
    met = _ascend(observed, pool, subsets, steps, blindly=True)
    higher = met.bound > told.bound
    return Fit(*(np.where(higher.reshape(-1, *[1] * (a.ndim - 1)), b, a)
                 for a, b in zip(vars(told).values(), vars(met).values(), strict=True)))  # fmt: skip


def _ascend(observed: Observed, pool: Pool, subsets: Ints, steps: int, blindly: bool) -> Fit:
    b, s = subsets.shape
    exposed, green, kills0 = pool.exposed[subsets], pool.green[subsets], pool.kills[subsets]
    marks0 = [own[subsets] for own in pool.marks]
    base_marks0 = [np.broadcast_to(base, (b, *base.shape)) for base in observed.base_marks]
    seen = [_one_hot(m, base.shape[1]) for m, base in zip(observed.marks, observed.base_marks, strict=True)]
    by_kind = [_one_hot(np.where(m >= 0, observed.kind * base.shape[1] + m, -1), base.size)
               for m, base in zip(observed.marks, observed.base_marks, strict=True)]  # fmt: skip
    members = _one_hot(observed.stratum, len(observed.green))
    can = np.log(np.maximum(exposed, _TINY)) + pool.hints[subsets]
    can = np.concatenate([can, np.zeros((b, 1, can.shape[-1]))], axis=1)

    kills = kills0 + np.stack([np.ones((b, s)), green * 0.2], axis=-1)
    marks, base_marks = marks0, base_marks0
    base = np.broadcast_to(observed.base + np.stack([0.0 * observed.green, observed.green], axis=1),
                           (b, *observed.base.shape))  # fmt: skip
    for step in range(steps):
        log_q, log_pass = _expected_log(kills)
        log_b, log_calm = _expected_log(base)
        rho = can.copy()
        reads = [] if blindly and step == 0 else zip(marks, base_marks, seen, by_kind, strict=True)
        for mark, own, hot, base_hot in reads:
            rho[:, :s] += _log_mean(mark) @ hot.T
            rho[:, s] += _log_mean(own).reshape(b, -1) @ base_hot.T
        rho[:, :s] += log_q[:, :, None]
        rho[:, s] += log_b[:, observed.stratum]
        rho[:, 1:] += np.cumsum(log_pass[:, :, None] * exposed, axis=1)
        top = rho.max(axis=1, keepdims=True)
        total = top + np.log(np.exp(rho - top).sum(axis=1, keepdims=True))
        share = np.exp(rho - total)
        weighted = share * observed.weight
        later = np.cumsum(weighted[:, :0:-1], axis=1)[:, ::-1]
        dead, survived = weighted[:, :s].sum(-1), green + (later * exposed).sum(-1)
        used = (kills, base, marks, base_marks)
        kills = kills0 + np.stack([dead, survived], axis=-1)
        marks = [prior + weighted[:, :s] @ hot for prior, hot in zip(marks0, seen, strict=True)]
        base_marks = [prior + (weighted[:, s] @ hot).reshape(prior.shape)
                      for prior, hot in zip(base_marks0, by_kind, strict=True)]  # fmt: skip
        calm = np.broadcast_to(observed.green, (b, len(observed.green)))
        base = observed.base + np.stack([weighted[:, s] @ members, calm], axis=-1)
    bound = (
        (total[:, 0] * observed.weight).sum(-1)
        + (log_calm * observed.green).sum(-1)
        + (log_pass * green).sum(-1)
        - _dirichlet_kl(used[0], kills0).sum(-1)
        - _dirichlet_kl(used[1], observed.base).sum(-1)
        - sum(_dirichlet_kl(q, p).sum(-1) for q, p in zip(used[2], marks0, strict=True))
        - sum(_dirichlet_kl(q, p).sum(-1) for q, p in zip(used[3], base_marks0, strict=True))
    )
    return Fit(bound, dead, share, kills, base)


def _log_mean(dirichlet: Floats) -> Floats:
    mean: Floats = digamma(dirichlet) - digamma(dirichlet.sum(-1, keepdims=True))
    return mean


def _one_hot(codes: Ints, width: int) -> Floats:
    hot = np.zeros((len(codes), width))
    known = np.flatnonzero(codes >= 0)
    hot[known, codes[known]] = 1.0
    return hot


def _expected_log(beta: Floats) -> tuple[Floats, Floats]:
    total = digamma(beta.sum(-1))
    return digamma(beta[..., 0]) - total, digamma(beta[..., 1]) - total


def _dirichlet_kl(q: Floats, p: Floats) -> Floats:
    log_t = digamma(q) - digamma(q.sum(-1, keepdims=True))
    kl: Floats = gammaln(q.sum(-1)) - gammaln(p.sum(-1)) - (gammaln(q) - gammaln(p)).sum(-1) + ((q - p) * log_t).sum(-1)
    return kl
