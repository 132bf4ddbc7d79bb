"""One world: a family's incident on a fleet, played, with the truth about it.

In: family name, seed, size. Out: a `World`. The same three give the same world. A draw in which a guilty cause
killed too few jobs to be found by anyone, or too many for a history that nobody can tell, is drawn again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from benchmarks.worlds.causes import flakiness, hiccups
from benchmarks.worlds.families import FAMILIES
from benchmarks.worlds.fleet import Repo
from benchmarks.worlds.history import Bump, Played, play
from benchmarks.worlds.releases import DAY, HOUR
from benchmarks.worlds.setup import Guilty, Incident, Question, Setup, empty_setup

_DRAWS = 100


@dataclass(frozen=True)
class World:
    """A history and what is true about it.

    Attributes
    ----------
    accepted : set of str
        Verdicts that are right.
    guilty : list of Guilty
        Who must be named, no fewer and no more; `tolerated` may be named beside them.
    killed : dict of str to int
        First-attempt jobs that each cause killed.
    """

    family: str
    seed: int
    size: str
    setup: Setup
    played: Played
    accepted: frozenset[str]
    guilty: tuple[Guilty, ...]
    tolerated: tuple[Guilty, ...]
    question: Question | None
    incidents: tuple[Incident, ...]
    killed: dict[str, int]

    @property
    def name(self) -> str:
        return f"{self.family}-{self.size}-{self.seed}"


def held_out(family: str) -> bool:
    """Whether a family is kept from tuning: fixed by its name."""
    return int(hashlib.sha256(family.encode()).hexdigest(), 16) % 5 < 2


def make_world(family: str, seed: int, size: str = "normal") -> World:
    """Simulate one world."""
    world = None
    for draw in range(_DRAWS):
        digest = hashlib.sha256(f"{family}/{size}/{seed}/{draw}".encode()).digest()
        world = _draw(np.random.default_rng(int.from_bytes(digest[:8], "big")), family, seed, size)
        if _as_told(world):
            return world
    assert world is not None
    return world


def _as_told(world: World) -> bool:
    """Whether the draw is what its family says: enough killed to be found; few where it is too early to tell."""
    setup = world.setup
    least = setup.least if setup.least is not None else (12 if world.size == "normal" else 5)
    most = max((n for cause, n in world.killed.items() if not cause.startswith("background")), default=0)
    return (
        all(world.killed.get(cause, 0) >= least for cause in (*(g.simulated for g in world.guilty), *setup.needed))
        and (setup.most is None or most <= setup.most)
        and (setup.most_runs is None or len(world.played.runs) <= setup.most_runs)
    )


def _draw(rng: np.random.Generator, family: str, seed: int, size: str) -> World:
    setup = empty_setup(rng, size)
    FAMILIES[family](setup)
    for repo in setup.repos:
        setup.bumps[repo.full] += _ordinary_bumps(setup, repo)
    moods = _moods(setup)
    causes = [*setup.causes, flakiness(moods), *hiccups(setup.hiccup_rate)]
    played = play(
        rng, setup.repos, setup.calendar, setup.bumps, setup.first, causes, setup.start, setup.end,
        setup.target_jobs, setup.guarded, setup.rerun_factor,
    )  # fmt: skip
    firsts = (j for r in played.runs for j in r.attempts[0].jobs)
    killed = Counter(j.cause for j in firsts if j.cause and j.conclusion == "failure")
    return World(
        family, seed, size, setup, played, frozenset(setup.accepted), tuple(setup.guilty), tuple(setup.tolerated),
        setup.question, tuple(setup.incidents), dict(killed),
    )  # fmt: skip


def _ordinary_bumps(setup: Setup, repo: Repo) -> list[Bump]:
    """What the repository's bot, or its people, take up on any day: every action but those the family planned."""
    rng, bumps = setup.rng, []
    days = repo.bot_days if repo.bot != "none" else 9.0
    state = dict(setup.first[repo.full])
    t = setup.start + float(rng.uniform(0, days)) * DAY
    while t < setup.end:
        for action, named in sorted(state.items()):
            if action in setup.planned:
                continue
            newest = setup.calendar.newest(action, t)
            exact = repo.pins[action] != "float"
            if newest.tag == named.tag or (not exact and newest.major == named.major):
                continue
            if rng.random() < (0.5 if repo.bot != "none" else 0.8):
                continue
            merged = t + float(rng.exponential(repo.merge_hours)) * HOUR if rng.random() < repo.merge_share else None
            bumps.append(Bump(action, newest, t + float(rng.uniform(0, 900)), merged, by_hand=repo.bot == "none"))
            if merged is not None:
                state[action] = newest
        t += days * DAY * float(rng.uniform(0.9, 1.1))
    return bumps


def _moods(setup: Setup):  # type: ignore[no-untyped-def]
    """Flakiness differs from day to day: a gamma multiplier for each repository and day."""
    days = int((setup.end - setup.start) / DAY) + 2
    shape = float(setup.rng.choice([1.2, 2.5, 6.0]))
    table = {r.full: setup.rng.gamma(shape, 1 / shape, days) for r in setup.repos}

    def mood(repo: Repo, t: float) -> float:
        level = float(table[repo.full][int(max(0.0, t - setup.start) / DAY)]) * setup.flaky_factor
        for name, begin, finish, factor in setup.moods:
            if name in ("*", repo.full) and begin <= t < finish:
                level *= factor
        return level

    return mood
