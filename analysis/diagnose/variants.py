"""Parts of an exposure: a version may fail on one platform, in one job, with one input alone.

In: cells, the action or tool (empty for a runner image) and its exposure. Out: the parts in which failures are denser
than in the whole, as plain words and an exposure. What cannot matter to the suspect is not tried: every part that is
offered costs the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from analysis.diagnose.cells import Cells

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

BROKEN = "in the jobs it broke"
_MOST_PARTS = 8
# Below one failure less what rounding takes nothing is looked at.
_LEAST = 1.0 - 1e-6
_HALF = 0.5
# Jobs that one failure each sets apart are picked by chance.
_LEAST_BROKEN = 2.0
# Whose inputs say what the tools that are suspects by themselves (buildx, BuildKit, QEMU) have to do.
_DRIVERS = ("docker/build-push-action:", "docker/bake-action:", "docker/setup-buildx-action:")


def parts(cells: Cells, action: str, exposed: Floats) -> list[tuple[str, Floats, float]]:
    """The most telling parts of an exposure; the same part counts once.

    Parameters
    ----------
    cells : Cells
    action : str
        ``owner/name`` of an action, the name of a tool; empty for a runner image.
    exposed : (cells,) float

    Returns
    -------
    list of (str, (cells,) float, float)
        What sets the part apart, who met it, and the log of what it costs to have been picked; best first.
    """
    met = np.flatnonzero(exposed)
    weight = (cells.n * exposed)[met]
    failing = weight * cells.failed[met]
    whole, dead = weight.sum(), failing.sum()
    found: list[tuple[float, str, Bools]] = []
    for words, mask in _of_action(cells, action, met, failing) if action else _of_image(cells, met):
        inside, killed = weight @ mask, failing @ mask
        if killed >= 1.0 and inside < 0.9 * whole and killed / max(dead, 1e-9) > inside / whole:
            found.append((killed / dead - inside / whole, words, mask))
    found.sort(key=lambda p: -p[0])
    distinct = {mask.tobytes(): (words, mask, 0.0) for _, words, mask in reversed(found)}
    named = list(reversed(distinct.values()))[:_MOST_PARTS]
    broken = _broken(cells, met, weight, failing) if "/" in action else []
    return [(words, _part(exposed, met, mask), price) for words, mask, price in [*named, *broken]]


def _broken(cells: Cells, met: Ints, weight: Floats, failing: Floats) -> list[tuple[str, Bools, float]]:
    """The jobs in which failures are denser than in the whole, for what no name or input tells: each choice is paid."""
    unit, place = np.unique(cells.stratum[met] * len(cells.job_names) + cells.job_name[met], return_inverse=True)
    total, dead = (np.bincount(place, weights=w, minlength=len(unit)) for w in (weight, failing))
    # Jobs of bots and forks fail for want of secrets, whatever they run.
    peoples = np.bincount(place, weights=cells.usual[met], minlength=len(unit)) > 0
    broken = peoples & (dead > _HALF) & (dead * total.sum() > total * dead.sum())
    count = int(broken.sum())
    if count < 2 or dead[broken].sum() < _LEAST_BROKEN * count or total[broken].sum() > 0.9 * total.sum():
        return []
    return [(BROKEN, broken[place], picked(count, len(unit)))]


def picked(count: int, among: int) -> float:
    """Log of the chance to pick just these, where any number of them might have been picked."""
    return -float(gammaln(among + 1) - gammaln(count + 1) - gammaln(among - count + 1) + np.log(among))


def _part(exposed: Floats, met: Ints, mask: Bools) -> Floats:
    part = np.zeros_like(exposed)
    part[met] = exposed[met] * mask
    return part


def _of_action(cells: Cells, action: str, met: Ints, failing: Floats) -> Iterator[tuple[str, Bools]]:
    """Its jobs, its own inputs (a tool's: of the actions that drive it), pushes, platforms: masks of what met it."""
    names = cells.job_name[met]
    dead = np.bincount(names, weights=failing, minlength=len(cells.job_names))
    for token, mask in _tokens(cells.job_names).items():
        if dead @ mask >= _LEAST:
            yield f"in jobs named {token}", mask[names]
    for name, mask in cells.inputs.items():
        if name.rsplit(":", 1)[0] == action or ("/" not in action and name.startswith(_DRIVERS)):
            yield f"where `{name}` is set", mask[met]
    pushes = [mask[met] for name, mask in cells.registries.items() if name.startswith("push:")]
    if pushes:
        yield "in runs that push", np.logical_or.reduce(pushes)
    system = cells.environment.get("os")
    if system is not None and len(system.levels) > 1:
        for level, name in enumerate(system.levels):
            yield f"on {name}", system.code[met] == level


def _of_image(cells: Cells, met: Ints) -> Iterator[tuple[str, Bools]]:
    """The jobs that use each action, in all their runs."""
    strata = cells.stratum[met]
    for name, used in cells.used_in.items():
        yield f"in jobs that use {name}", used[strata]


def _tokens(job_names: tuple[str, ...]) -> dict[str, Bools]:
    """Matrix values and whole job names, each with the job names that bear it."""
    found: dict[str, Bools] = {}
    for index, name in enumerate(job_names):
        inside = re.findall(r"\(([^)]*)\)", name)
        for token in {name.split(" (")[0], *(t.strip() for group in inside for t in group.split(","))} - {""}:
            found.setdefault(token, np.zeros(len(job_names), bool))[index] = True
    return {token: mask for token, mask in found.items() if not mask.all()}
