"""How often a job of each stratum fails whatever is going on: the priors of the backgrounds.

In: cells, and how many jobs of each stratum failed and passed. Out: a Beta prior for each stratum, by empirical Bayes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

from analysis.diagnose.cells import Cells

Floats = npt.NDArray[np.float64]

_CONCENTRATIONS = (4.0, 8.0, 16.0, 32.0)
_TRIMMED = 0.12
_HOPELESS_SHARE, _HOPELESS_FAILURES = 0.6, 4.0
_HOPELESS = (3.0, 0.6)


def base_priors(cells: Cells, dead: Floats, green: Floats) -> Floats:
    """Beta prior of each stratum's background. All share one, but for jobs of bots and forks that hardly ever pass.

    Without secrets some cannot, whatever versions they carry.

    Parameters
    ----------
    cells : Cells
    dead, green : (strata,) float
        Jobs of each stratum, weighted.

    Returns
    -------
    (strata, 2) float
    """
    restricted = np.zeros(len(dead), bool)
    restricted[cells.stratum] = ~cells.usual
    hopeless = restricted & (dead >= _HOPELESS_FAILURES) & (dead > _HOPELESS_SHARE * (dead + green))
    table = np.tile(_base_prior(dead, green), (len(dead), 1))
    table[hopeless] = _HOPELESS
    return table


def _base_prior(dead: Floats, green: Floats) -> Floats:
    """Beta prior of the strata's backgrounds, by their own marginal likelihood (empirical Bayes).

    The strata that fail most beyond the others take no part: what kills them is the question.
    """
    total = dead + green
    usual = float(np.clip(np.median((dead + 0.3) / (total + 3.0)), 0.005, 0.3))
    excess = (dead - usual * total) / np.sqrt(usual * total + 0.5)
    kept = excess <= np.quantile(excess, 1 - _TRIMMED) if len(excess) > 4 else excess <= excess.max(initial=0.0)
    best, found = -np.inf, np.array([0.5, 10.0])
    for concentration in _CONCENTRATIONS:
        for factor in (0.5, 0.7, 1.0, 1.4, 2.0):
            mean = min(usual * factor, 0.5)
            a, b = concentration * mean, concentration * (1 - mean)
            evidence = float((betaln(a + dead[kept], b + green[kept]) - betaln(a, b)).sum())
            if evidence > best:
                best, found = evidence, np.array([a, b])
    return found
