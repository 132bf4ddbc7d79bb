"""How a job ends: well, by its own fault, by Docker Hub's, or by the new version's.

In: what the job touches and when, and chance. Out: a `Fate`. Each cause strikes on its own; the first in the order of
the job's steps shows. This is the only place where guilt is decided.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from analysis.sample.case import Case, Outage

_FLAKE = 0.014
_USER_BUILD = 0.004
_GUILTY_ACTION = 0.42
_STRETCH = 0.2


@dataclass(frozen=True)
class Fate:
    """What happens to a job.

    Attributes
    ----------
    kind : str
        ``well``, ``broken``, ``failing`` (test jobs), ``blob``, ``metadata``, ``token`` (pulls), ``push``,
        ``instruction`` (the Dockerfile's own fault), ``action``, ``cancelled``.
    answer : str or None
        The registry's answer; None where the log leaves it out.
    """

    kind: str = "well"
    answer: str | None = None


WELL = Fate()


@dataclass(frozen=True)
class Weather:
    """The outages of a case as one seed has them, and who is guilty."""

    case: Case
    outages: tuple[Outage, ...]
    guilty: str

    @classmethod
    def of(cls, case: Case, guilty: str, chance: random.Random) -> Weather:
        """Edges move by a twentieth of the length, shares by a fifth; a healthy registry has no outage."""
        found = tuple(_varied(outage, chance) for outage in case.outages) if guilty == "service" else ()
        return cls(case, found, guilty)

    def test_job(self, mistake: str, chance: random.Random) -> Fate:
        """Tests fail by the branch's own mistake, or now and then by chance."""
        if mistake:
            return Fate(mistake)
        return Fate("failing") if chance.random() < _FLAKE else WELL

    def build_job(self, at: datetime, *, pulls: bool, pushes: bool, new: bool, chance: random.Random) -> Fate:
        """A job that builds an image.

        Parameters
        ----------
        pulls, pushes : bool
            Whether it does from and to Docker Hub.
        new : bool
            Whether it runs the new version of the action.
        """
        outage = next((one for one in self.outages if one.since <= at < one.until), None)
        if outage and pulls and chance.random() < outage.pull:
            return _pull_failure(outage, chance)
        if chance.random() < _USER_BUILD:
            return Fate("instruction")
        if outage and pushes and chance.random() < outage.push:
            return Fate("push", chance.choice(outage.answers))
        if self.guilty == "action" and new and chance.random() < _GUILTY_ACTION:
            return Fate("action", chance.choice(("closed", "closed", "undefined")))
        return WELL


def _pull_failure(outage: Outage, chance: random.Random) -> Fate:
    answer = chance.choice(outage.answers)
    drawn = chance.random()
    if drawn < 0.62:
        return Fate("blob", answer)
    if drawn < 0.76:
        return Fate("blob", None)
    if drawn < 0.92 or answer.startswith("404"):
        return Fate("metadata", answer)
    return Fate("token", answer)


def _varied(outage: Outage, chance: random.Random) -> Outage:
    length = outage.until - outage.since
    early, late = (chance.uniform(-0.05, 0.05) * length for _ in range(2))
    stretch = chance.uniform(1 - _STRETCH, 1 + _STRETCH)
    return Outage(
        outage.since + early, outage.until + late, outage.pull * stretch, outage.push * stretch, outage.answers
    )
