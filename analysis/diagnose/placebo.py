"""Would this judge have blamed a harmless upgrade of this very history?

In: cells and the averaged judgement. Out: how many upgrades were tried as the question, and how many the judge would
have blamed beside the causes it found: every other version that changed, and pretended adoptions on random days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Cells
from analysis.diagnose.classes import priors
from analysis.diagnose.likelihood import fit
from analysis.diagnose.search import Posterior, prepare
from analysis.diagnose.suspects import Suspect, with_contrast
from analysis.diagnose.verdict import GUILTY, Decision

_PRETENDED = 40
_MOST = 160


@dataclass(frozen=True)
class Placebo:
    """How many harmless upgrades were tried, and how many were blamed."""

    upgrades_tried: int
    blamed: int


def placebo(cells: Cells, posterior: Posterior, decision: Decision, rng: np.random.Generator) -> Placebo | None:
    """Ask the judge about upgrades that are known, or made, to be harmless.

    Parameters
    ----------
    cells : Cells
    posterior : Posterior
    decision : Decision
        The guilty, and whoever cannot be told from another, are not among the harmless.
    rng : Generator

    Returns
    -------
    Placebo or None
        None where there is nothing to try.
    """
    held = {g for pair in decision.twins for g in pair} | set(decision.guilty)
    held |= {g for g, p in decision.probability.items() if p > GUILTY / 2}
    base = posterior.subsets[0]
    prior = float(np.log(priors()["cause"]["asked"]))
    real = [s for s in posterior.suspects if s.cause == "action-version" and s.group not in held and not s.variant]
    tried = [*real, *_pretended(cells, rng)][:_MOST]
    if not tried:
        return None
    observed, pool, _ = prepare(cells, [*(posterior.suspects[i] for i in base), *tried])
    own = tuple(range(len(base)))
    alone = fit(observed, pool, np.array([own], np.int64).reshape(1, len(own))).bound[0]
    rows = np.array([[*own, len(own) + k] for k in range(len(tried))], np.int64)
    beside = fit(observed, pool, rows)
    odds = beside.bound - alone + prior - np.log1p(-np.exp(prior))
    blamed = (odds > 0) & (beside.explained[:, -1] >= 1.3)
    return Placebo(len(tried), int(blamed.sum()))


def _pretended(cells: Cells, rng: np.random.Generator) -> list[Suspect]:
    """Adoptions that never happened: some repositories, each from a random moment on."""
    if cells.size == 0:
        return []
    first, last = float(cells.time.min()), float(cells.time.max())
    repos = len(cells.repo_names)
    made = []
    for _ in range(_PRETENDED):
        common = rng.uniform(first, last)
        since = common + rng.exponential(86400.0, repos)
        since[rng.random(repos) > 0.7] = np.inf
        exposed: npt.NDArray[np.float64] = with_contrast(cells, (cells.time >= since[cells.repo]).astype(float))
        if (cells.n * exposed)[cells.failed].sum() >= 0.5:
            made.append(Suspect("action-version", "pretended", "", exposed, 0.0))
    return made
