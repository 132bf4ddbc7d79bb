"""Suspects that live in one repository: a code change, a configuration that ran out.

In: cells. Out: `Suspect`s whose exposure is "this repository, its main branch or all of it, from a moment on". Where
a version arrives in a repository, a code change of the same moment is always among them: a merge that brings the one
may bring the other, and where nothing parts them nobody is to be convicted.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Cells
from analysis.diagnose.classes import priors
from analysis.diagnose.scan import Window
from analysis.diagnose.suspects import Suspect
from analysis.diagnose.windows import crowding, of_class

Bools = npt.NDArray[np.bool_]

_MOST_JOBS = 4


def code_suspects(cells: Cells) -> list[Suspect]:
    """A change of code in one repository, on its main branch or everywhere, whole or in one job."""
    mass = float(priors()["cause"]["code-change"]) / max(len(cells.repo_names), 1)
    hits = of_class(cells, lambda c: c.group in ("code", "vague", "config", "buildkit", "action"))
    found: list[Suspect] = []
    for repo, name in enumerate(cells.repo_names):
        mine = cells.repo == repo
        for room, words, share in _parts(cells, mine, hits):
            cost = float(np.log(mass * share))
            for window in crowding(cells, hits & room, room, most=2):
                found.append(_suspect("code-change", name, words, cells, room, window, cost))
        found += list(_with_arrivals(cells, repo, name, float(np.log(mass * 0.25))))
    return found


def configuration_suspects(cells: Cells) -> list[Suspect]:
    """Denials that begin and stay, in one repository."""
    mass = float(priors()["cause"]["configuration"])
    denied = of_class(cells, lambda c: c.group in ("auth", "config-auth", "config"))
    usual = np.array([n == "normal" for n in cells.credential_names])[cells.credential]
    denied &= usual
    repos = [r for r in range(len(cells.repo_names)) if cells.n[denied & (cells.repo == r)].sum() >= 1.0]
    found: list[Suspect] = []
    for repo in repos:
        mine = (cells.repo == repo) & usual
        jobs = np.unique(cells.job[denied & mine])
        for room, words, share in ((mine, "", 0.4), (mine & np.isin(cells.job, jobs), "in the jobs that log in", 0.6)):
            for window in crowding(cells, denied & room, room, most=2):
                prior = float(np.log(mass * share / len(repos)))
                found.append(_suspect("configuration", cells.repo_names[repo], words, cells, room, window, prior))
    return found


def _parts(cells: Cells, mine: Bools, hits: Bools) -> Iterator[tuple[Bools, str, float]]:
    """The repository's main branch, the whole of it, and the jobs that fail most on main."""
    on_main = mine & cells.main
    for room, words, share in ((on_main, "on the main branch", 0.4), (mine, "", 0.2)):
        if cells.n[hits & room].sum() >= 1.5:
            yield room, words, share
    counts = np.bincount(cells.job[hits & on_main], weights=cells.n[hits & on_main])
    jobs = [j for j in np.argsort(-counts)[:_MOST_JOBS] if counts[j] >= 1.5]
    for job in jobs:
        room = on_main & (cells.job == job)
        if room.sum() < on_main.sum():
            yield room, "in one job of the main branch", 0.4 / len(jobs)


def _suspect(cause: str, name: str, words: str, cells: Cells, room: Bools, window: Window, prior: float) -> Suspect:
    exposed = (room & window.holds(cells.time)).astype(float)
    return Suspect(cause, name, words, exposed, prior + window.log_prior, window.start, window.end)


def _with_arrivals(cells: Cells, repo: int, name: str, prior: float) -> Iterator[Suspect]:
    """A code change of the moment at which an action's version first ran on the repository's main branch."""
    room = (cells.repo == repo) & cells.main
    moments: dict[float, float] = {}
    for attribute in cells.actions.values():
        codes, times = attribute.code[room], cells.time[room]
        known = codes >= 0
        codes, times = codes[known], times[known]
        changed = np.flatnonzero(np.diff(codes) != 0) + 1
        for position, at in enumerate(changed[:6]):
            after = changed[position + 1] if position + 1 < len(changed) else len(codes) - 1
            moments.setdefault(float(times[at]), float(times[after]))
    for start, end in moments.items():
        for until in {end, float(cells.time[room].max())}:
            yield Suspect("code-change", name, "with the upgrade", (room & (cells.time >= start) & (cells.time <= until)
                          ).astype(float), prior - float(np.log(len(moments))), start, until)  # fmt: skip
