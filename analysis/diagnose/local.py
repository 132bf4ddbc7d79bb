"""Suspects that live in one repository: a code change, a configuration that ran out.

In: cells. Out: `Suspect`s whose exposure is "this repository, its main branch or all of it, from a moment on". Where
a version arrives in a repository, a code change of the same merge is always among them: where nothing parts the two
nobody is to be convicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analysis.diagnose.cells import Cells
from analysis.diagnose.classes import priors
from analysis.diagnose.scan import Window
from analysis.diagnose.suspects import Suspect
from analysis.diagnose.variants import BROKEN, picked
from analysis.diagnose.windows import crowding, of_class

Bools = npt.NDArray[np.bool_]

_MOST_JOBS = 4
_WITH_UPGRADE = 0.1
_ON_MAIN = 1.6
_LOOKED_AT = ("n", "time", "failed", "text", "main", "job")


def code_suspects(cells: Cells) -> Iterator[Suspect]:
    """A change of code in one repository, on its main branch or everywhere, whole or in one job."""
    mass = float(priors()["cause"]["code-change"]) / max(len(cells.repo_names), 1)
    every = of_class(cells, lambda c: c.group in ("code", "build", "vague", "config", "buildkit", "action"))
    on_main = np.bincount(cells.repo, weights=cells.n * (every & cells.main), minlength=len(cells.repo_names))
    for repo in np.flatnonzero(on_main >= _ON_MAIN):
        place = np.flatnonzero(cells.repo == repo)
        # A large company has many repositories: each is looked at by itself.
        own = replace(cells, **{name: getattr(cells, name)[place] for name in _LOOKED_AT})
        for s in _code_of(own, every[place], cells.repo_names[repo], mass):
            exposed = np.zeros(cells.size)
            exposed[place] = s.exposed
            yield replace(s, exposed=exposed)


def _code_of(cells: Cells, hits: Bools, name: str, mass: float) -> Iterator[Suspect]:
    """Code changes in the one repository that the cells are of."""
    for room, words, share in _parts(cells, np.ones(cells.size, bool), hits):
        cost = float(np.log(mass * share))
        for window in crowding(cells, hits & room, room, most=2):
            if _reached_main(cells, hits & room, window):
                yield _suspect("code-change", name, words, cells, room, window, cost)
                yield from _broken_jobs(cells, hits, room, window, name, words, cost)


def _broken_jobs(
    cells: Cells, hits: Bools, room: Bools, window: Window, name: str, words: str, cost: float
) -> list[Suspect]:
    """The same in those jobs alone that fail mostly inside the window: a commit breaks what it touches."""
    inside = room & window.holds(cells.time)
    jobs = int(cells.job.max()) + 1
    dead = np.bincount(cells.job[hits & inside], weights=cells.n[hits & inside], minlength=jobs)
    met = np.bincount(cells.job[inside], weights=cells.n[inside], minlength=jobs)
    broken = np.flatnonzero((dead > 0.5) & (dead > 0.45 * met))
    part = room & np.isin(cells.job, broken)
    if len(broken) == 0 or part.sum() == room.sum():
        return []
    cost += picked(len(broken), int((met > 0).sum()))
    label = f"{BROKEN} {words}".strip()
    return [_suspect("code-change", name, label, cells, part, again, cost)
            for again in crowding(cells, hits & part, part, most=1)[:1]
            if _reached_main(cells, hits & part, again)]  # fmt: skip


def _reached_main(cells: Cells, hits: Bools, window: Window) -> bool:
    """A change of code that the whole repository shares fails on its main branch, not on somebody's branch alone."""
    return bool(cells.n[hits & cells.main & window.holds(cells.time)].sum() >= _ON_MAIN)


def configuration_suspects(cells: Cells) -> list[Suspect]:
    """Denials that begin and stay, in one repository."""
    mass = float(priors()["cause"]["configuration"])
    denied = of_class(cells, lambda c: c.group in ("auth", "config-auth", "config"))
    denied &= cells.usual
    repos = [r for r in range(len(cells.repo_names)) if cells.n[denied & (cells.repo == r)].sum() >= 1.0]
    found: list[Suspect] = []
    for repo in repos:
        mine = (cells.repo == repo) & cells.usual
        jobs = np.unique(cells.job[denied & mine])
        for room, words, share in ((mine, "", 0.4), (mine & np.isin(cells.job, jobs), "in the jobs that log in", 0.6)):
            for window in crowding(cells, denied & room, room, most=2):
                prior = float(np.log(mass * share / len(repos)))
                found.append(_suspect("configuration", cells.repo_names[repo], words, cells, room, window, prior))
    if len(repos) > 1:
        found += _shared_credentials(cells, denied, repos, mass)
    return found


def _shared_credentials(cells: Cells, denied: Bools, repos: list[int], mass: float) -> list[Suspect]:
    """One secret of several repositories: named after the one that it hits most."""
    found = []
    for component in sorted({c.component for c in cells.classes if c.group in ("auth", "config-auth")}):
        hit = denied & of_class(cells, lambda c, own=component: c.component == own)
        counts = np.bincount(cells.repo[hit], weights=cells.n[hit], minlength=len(cells.repo_names))
        shared = [r for r in repos if counts[r] >= 0.7]
        if len(shared) < 2:
            continue
        name = cells.repo_names[int(np.argmax(counts))]
        strata = np.unique(cells.stratum[hit & np.isin(cells.repo, shared)])
        room = np.isin(cells.stratum, strata)
        prior = float(np.log(mass * 0.3))
        for window in crowding(cells, hit & room, room, most=2):
            words = f"in {len(shared)} repositories"
            found.append(_suspect("configuration", name, words, cells, room, window, prior))
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


def merge_suspects(cells: Cells, versions: Sequence[Suspect]) -> list[Suspect]:
    """A code change that came in one merge with a version: exposed wherever that version is, in one repository.

    Only where the version reached the main branch, and only there and on people's branches until then: a bump's own
    branch holds the bump alone, and what fails on it before the merge fails without that code.

    Parameters
    ----------
    cells : Cells
    versions : sequence of Suspect
        Plain suspects of action versions.

    Returns
    -------
    list of Suspect
    """
    mass = float(priors()["cause"]["code-change"]) * _WITH_UPGRADE
    found = []
    for s in versions:
        met = cells.n * s.exposed
        dead, merged = (np.bincount(cells.repo, weights=met * part, minlength=len(cells.repo_names))
                        for part in (cells.failed, cells.main))  # fmt: skip
        for repo in np.flatnonzero((dead >= 1.5) & (merged > 0.5)):
            prior = float(np.log(mass / len(cells.repo_names) / max(len(versions), 1)))
            words = f"merged with {s.name}"
            exposed = s.exposed * (cells.repo == repo)
            merge = cells.time[(exposed > 0.5) & cells.main].min(initial=np.inf)
            exposed = np.where(cells.bump & (cells.time < merge), 0.0, exposed)
            found.append(Suspect("code-change", cells.repo_names[repo], words, exposed, prior))
    return found
