"""Parts of an exposure: a version may fail on one platform, in one job, with one input alone.

In: cells, the action (empty for a runner image) and its exposure. Out: the parts in which failures are denser than in
the whole, as plain words and an exposure. What cannot matter to the suspect is not tried: every part that is offered
costs the others.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Attribute, Cells

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_MOST_PARTS = 8


def parts(cells: Cells, action: str, exposed: Floats) -> list[tuple[str, Floats]]:
    """The most telling parts of an exposure; the same part counts once.

    Parameters
    ----------
    cells : Cells
    action : str
        ``owner/name``; empty for a runner image.
    exposed : (cells,) float

    Returns
    -------
    list of (str, (cells,) float)
        What sets the part apart, and who met it; best first.
    """
    weight = cells.n * exposed
    failing = weight * cells.failed
    whole, dead = weight.sum(), failing.sum()
    found: list[tuple[float, str, Floats]] = []
    for words, mask in _of_action(cells, action) if action else _of_image(cells):
        inside, killed = weight[mask].sum(), failing[mask].sum()
        if killed >= 1.0 and inside < 0.9 * whole and killed / max(dead, 1e-9) > inside / whole:
            found.append((killed / dead - inside / whole, words, exposed * mask))
    found.sort(key=lambda p: -p[0])
    distinct = {part.tobytes(): (words, part) for _, words, part in reversed(found)}
    return list(reversed(distinct.values()))[:_MOST_PARTS]


def _of_action(cells: Cells, action: str) -> list[tuple[str, Bools]]:
    """Its jobs, its own inputs, pushes, platforms."""
    masks = [(f"in jobs named {token}", mask[cells.job_name]) for token, mask in _tokens(cells.job_names).items()]
    masks += [(f"where `{name}` is set", mask) for name, mask in cells.inputs.items()
              if name.rsplit(":", 1)[0] == action]  # fmt: skip
    pushes = [mask for name, mask in cells.registries.items() if name.startswith("push:")]
    masks += [("in runs that push", np.logical_or.reduce(pushes))] if pushes else []
    system = cells.environment.get("os")
    if system is not None and len(system.levels) > 1:
        masks += [(f"on {level}", system.code == i) for i, level in enumerate(system.levels)]
    return masks


def _of_image(cells: Cells) -> list[tuple[str, Bools]]:
    return [(f"in jobs that use {name}", _users(cells, used)) for name, used in cells.actions.items()]


def _users(cells: Cells, action: Attribute) -> Bools:
    """All runs of the jobs that use an action."""
    jobs = np.zeros(len(cells.stratum_names), bool)
    jobs[cells.stratum[action.code >= 0]] = True
    using: Bools = jobs[cells.stratum]
    return using


def _tokens(job_names: tuple[str, ...]) -> dict[str, Bools]:
    """Matrix values and whole job names, each with the job names that bear it."""
    found: dict[str, Bools] = {}
    for index, name in enumerate(job_names):
        inside = re.findall(r"\(([^)]*)\)", name)
        for token in {name.split(" (")[0], *(t.strip() for group in inside for t in group.split(","))} - {""}:
            found.setdefault(token, np.zeros(len(job_names), bool))[index] = True
    return {token: mask for token, mask in found.items() if not mask.all()}
