"""Who did it, averaged over subsets of suspects.

In: cells and suspects. Out: `Posterior`: the best subsets with their weights, each suspect's inclusion probability,
and what each accounts for. Greedy search with a beam: all singles, then the best subsets grown by the best singles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.diagnose.background import base_priors
from analysis.diagnose.cells import Cells
from analysis.diagnose.classes import BACKGROUNDS, prior_text, priors
from analysis.diagnose.likelihood import fit
from analysis.diagnose.nested import inside, nested
from analysis.diagnose.observed import Observed, Pool
from analysis.diagnose.suspects import FIRM, SOFTWARE, Suspect
from analysis.diagnose.windows import of_class

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

RERUN = 1
_DRIVERS = ("docker/build-push-action", "docker/bake-action", "docker/setup-")
# Jobs that build images and others: one cause fails them with different texts.
_SIDES = 2
_SCREEN_STEPS = 7
_FINISHED = 40
_POOL = 30
_SHADOWED = 12
_NESTED = -8.0
# What two releases of one action or tool share is one suspect ("and later versions"); two faults of one action, each in
# a release of its own, are rarer than the priors of two versions say.
_SAME_ACTION = -4.0
_BEAM = 6
_MOST_SUSPECTS = 4
# A cause that accounts for less than this many failures is a misfortune of any day.
_LEAST_SHARE = 0.03
_LEAST = (2.0, 5.0)
# A broken commit and a dead secret kill nearly every job that meets them.
_LEAST_FIRM = 2.8
# Versions change all the time: three failures on a new one are met on any day.
_LEAST_VERSIONED = 3.5
_MIN_KILLS_FIRM = 0.5
_MIN_KILLS = 0.05


@dataclass(frozen=True)
class Posterior:
    """The averaged judgement.

    Attributes
    ----------
    subsets : tuple of tuple of int
        Subsets of suspects, best first.
    weights : float array
        Their shares; they sum to 1.
    probability : dict of (cause, name) to float
        Inclusion probability of each group of suspects.
    suspects : list of Suspect
    observed : Observed
    pool : Pool
    failing : int array
        Cells that failed, in the order of `Observed`.
    explained : list of float arrays
        Failures that each member of each subset accounts for.
    """

    subsets: tuple[tuple[int, ...], ...]
    weights: Floats
    probability: dict[tuple[str, str], float]
    suspects: list[Suspect]
    observed: Observed
    pool: Pool
    failing: Ints
    explained: tuple[Floats, ...]

    def best_variant(self, group: tuple[str, str]) -> int | None:
        """The member of a group that holds most of its weight."""
        held: dict[int, float] = {}
        for subset, weight in zip(self.subsets, self.weights, strict=True):
            for index in subset:
                if self.suspects[index].group == group:
                    held[index] = held.get(index, 0.0) + float(weight)
        return max(held, key=lambda i: held[i]) if held else None


def prepare(cells: Cells, suspects: Sequence[Suspect], read_texts: bool = True) -> tuple[Observed, Pool, Ints]:
    """Cells and suspects as the likelihood needs them.

    Parameters
    ----------
    cells : Cells
    suspects : sequence of Suspect
    read_texts : bool
        False leaves every text out of account.

    Returns
    -------
    (Observed, Pool, int array)
        The array holds the indices of the failing cells.
    """
    table = priors()
    failing = np.flatnonzero(cells.failed & (cells.n > 0))
    alive = np.flatnonzero(~cells.failed)
    strata = len(cells.stratum_names)
    green, dead = (np.bincount(cells.stratum[i], weights=cells.n[i], minlength=strata).astype(np.float64)
                   for i in (alive, failing))  # fmt: skip
    observed = Observed(
        weight=cells.n[failing],
        stratum=cells.stratum[failing],
        green=green,
        base=base_priors(cells, dead, green),
        kind=cells.kind[failing],
        marks=(cells.text[failing], cells.rerun[failing]),
        base_marks=(
            np.array([prior_text(kind, None, cells.classes) for kind in BACKGROUNDS]),
            np.tile(np.array(table["rerun"]["background"], float), (len(BACKGROUNDS), 1)),
        ),
    )
    passed = np.where(cells.failed, 0.0, cells.n)
    texts = [prior_text(s.cause, s.own, cells.classes, s.operations) for s in suspects]
    pool = Pool(
        exposed=np.array([s.exposed[failing] for s in suspects]).reshape(len(suspects), len(failing)),
        hints=_hints(cells, failing, suspects) if read_texts else np.zeros((len(suspects), len(failing))),
        green=np.array([s.exposed @ passed for s in suspects]),
        kills=np.array([table["kills"][s.cause] for s in suspects], float).reshape(-1, 2),
        marks=(
            np.repeat(np.array(texts).reshape(-1, 1, len(cells.classes) + 1), _SIDES, axis=1),
            np.array([table["rerun"][s.cause] for s in suspects], float).reshape(-1, 1, 2),
        ),
    )
    return (observed if read_texts else observed.blind()), pool, failing


def _hints(cells: Cells, failing: Ints, suspects: Sequence[Suspect]) -> Floats:
    """Log likelihood ratio of the failed step: a version fails its own action's step, others those that usually fail.

    What usually fails is counted among the failures of jobs that use the same actions, those of the suspect included:
    the ratio says little where a step fails often, whoever fails it.
    """
    own_share = float(priors()["step"]["own"])
    step, group = cells.step[failing], cells.uses[failing]
    width = len(cells.step_names)
    counts = np.zeros((int(cells.uses.max(initial=0)) + 1, width))
    known = step >= 0
    np.add.at(counts, (group[known], step[known]), cells.n[failing][known])
    usual = (counts + 2.0 / width) / (counts.sum(1, keepdims=True) + 2.0)
    chance = usual[group, np.maximum(step, 0)]
    hints = np.zeros((len(suspects), len(failing)))
    # A tool of the builders fails in the steps of those who drive it, or in commands.
    driven = np.array([name.startswith(_DRIVERS) for name in cells.step_names])[step]
    of_action: dict[str, Floats] = {}
    for row, suspect in enumerate(suspects):
        if suspect.cause == "action-version":
            name = suspect.name.split("@", 1)[0]
            if name not in of_action:
                own = step == cells.step_names.index(name) if name in cells.step_names else np.zeros(len(step), bool)
                of_action[name] = np.log(own_share * own / chance + 1 - own_share) * known
            hints[row] = of_action[name]
        elif suspect.cause == "tool-version":
            hints[row] = np.where((step > 0) & ~driven, np.log(1 - own_share), 0.0)
    return hints


def judge(cells: Cells, suspects: Sequence[Suspect], read_texts: bool = True, most: int = _MOST_SUSPECTS) -> Posterior:
    """Average over subsets of suspects.

    Parameters
    ----------
    cells : Cells
    suspects : sequence of Suspect
    read_texts : bool
    most : int
        Largest subset.

    Returns
    -------
    Posterior
    """
    least_of_all = float(np.clip(_LEAST_SHARE * cells.n[cells.failed].sum(), *_LEAST))
    # A service or limit does not write what compilers and tests do.
    told = np.where(cells.failed & ~of_class(cells, lambda c: c.group == "code"), cells.n, 0.0)
    everyone = [s for s in suspects if s.own is None or told @ s.exposed >= least_of_all]
    observed, pool, failing = prepare(cells, everyone, read_texts)
    log_prior = np.array([s.log_prior for s in everyone])
    groups = np.array(_numbers([s.group for s in everyone]), np.int64)
    none = fit(observed, pool, np.zeros((1, 0), np.int64))
    scores: dict[tuple[int, ...], float] = {(): float(none.bound[0])}
    explained: dict[tuple[int, ...], Floats] = {(): np.zeros(0)}

    firm = np.array([s.cause in FIRM for s in everyone], bool)
    # Images of several labels have nothing in common but that.
    released = np.array([s.cause in SOFTWARE - {"runner-image"} for s in everyone], bool)
    software = np.array([s.cause in SOFTWARE for s in everyone], bool)
    within = inside(everyone, observed, pool)
    asks = dict.fromkeys(SOFTWARE, _LEAST_VERSIONED) | dict.fromkeys(FIRM, _LEAST_FIRM)
    asked_of = np.maximum(least_of_all, [asks.get(s.cause, 0.0) for s in everyone])
    actions = np.array(_numbers([(s.cause, s.name.split("@", 1)[0]) for s in everyone]), np.int64)
    finished: set[tuple[int, ...]] = set()

    def score(subsets: list[tuple[int, ...]], steps: int | None = None) -> None:
        fresh = [s for s in subsets if s not in finished]
        finished.update(fresh if steps is None else ())
        if fresh:
            rows = np.array(fresh, np.int64)
            result = fit(observed, pool, rows, steps) if steps else fit(observed, pool, rows)
            shadowed = nested(result, rows, software, within)
            for row, subset in enumerate(fresh):
                killed = result.kills[row, :, 0] / result.kills[row].sum(-1)
                lasting = firm[rows[row]]
                asked = asked_of[rows[row]]
                rate = np.where(lasting, _MIN_KILLS_FIRM, _MIN_KILLS)
                enough = bool(((result.explained[row] >= asked) & (killed >= rate)).all())
                prior = float(log_prior[rows[row]].sum()) + _NESTED * int(shadowed[row])
                mine = actions[rows[row][released[rows[row]]]]
                prior += _SAME_ACTION * (len(mine) - len(np.unique(mine)))
                scores[subset] = float(result.bound[row]) + prior if enough else -np.inf
                explained[subset] = result.explained[row]

    singles: list[tuple[int, ...]] = [(i,) for i in range(len(everyone))]
    score(singles, _SCREEN_STEPS)
    ranked = _spread(singles, scores, groups)
    score(ranked)
    beam = sorted(ranked, key=lambda s: -scores[s])[:_BEAM]
    for _ in range(most - 1):
        others = {single[0] for single in ranked} | _beside(
            beam[0] if beam else (), len(everyone), groups, score, scores
        )
        grown = {tuple(sorted((*subset, other))) for subset in beam or [()] for other in others
                 if groups[other] not in groups[list(subset)]}  # fmt: skip
        if not grown:
            break
        score(sorted(grown), _SCREEN_STEPS)
        grown = set(sorted(grown, key=lambda s: -scores[s])[:_FINISHED])
        score(sorted(grown))
        beam = sorted(grown, key=lambda s: -scores[s])[:_BEAM]
        if scores[beam[0]] < max(scores.values()) - 6.0:
            break
    ended = [(), *finished]
    kept = [s for s in sorted(ended, key=lambda s: -scores[s]) if np.isfinite(scores[s])][:400]
    weights = np.exp(np.array([scores[s] for s in kept]) - scores[kept[0]])
    weights /= weights.sum()
    probability: dict[tuple[str, str], float] = {}
    for subset, weight in zip(kept, weights, strict=True):
        for index in subset:
            group = everyone[index].group
            probability[group] = probability.get(group, 0.0) + float(weight)
    return Posterior(tuple(kept), weights, probability, everyone, observed, pool, failing,
                     tuple(explained[s] for s in kept))  # fmt: skip


def _beside(
    best: tuple[int, ...], count: int, groups: Ints, score: Callable[..., None], scores: dict[tuple[int, ...], float]
) -> set[int]:
    """Suspects that explain most of what the best subset leaves: alone they may have stood in its shadow."""
    grown = {tuple(sorted((*best, k))): k for k in range(count) if groups[k] not in groups[list(best)]}
    score(list(grown), _SCREEN_STEPS)
    top = sorted(grown, key=lambda s: -scores[s])[:_SHADOWED]
    return {grown[s] for s in top}


def _spread(
    singles: list[tuple[int, ...]], scores: dict[tuple[int, ...], float], groups: Ints
) -> list[tuple[int, ...]]:
    """The best singles, but no more than a few variants of one group."""
    taken: dict[int, int] = {}
    chosen = []
    for single in sorted(singles, key=lambda s: -scores[s]):
        group = int(groups[single[0]])
        if taken.get(group, 0) < 5 and np.isfinite(scores[single]):
            taken[group] = taken.get(group, 0) + 1
            chosen.append(single)
        if len(chosen) == _POOL:
            break
    return chosen


def _numbers(groups: list[tuple[str, str]]) -> list[int]:
    known: dict[tuple[str, str], int] = {}
    return [known.setdefault(g, len(known)) for g in groups]
