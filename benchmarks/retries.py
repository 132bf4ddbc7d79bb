"""How many failed jobs of a world one plain retry would have saved: the truth that the counterfactual is held against.

In: a world. Out: the expected number of first-attempt failures that would pass if started again at once, by the
simulation's own rates: a rerun meets the same cause again with its stubbornness, else with its rate of that moment.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.worlds.causes import Cause
from benchmarks.worlds.history import JobRun
from benchmarks.worlds.world import World

STILL_BROKEN = 0.97
FLAKY_AGAIN = 0.25


def saved_by_one_retry(world: World) -> float:
    """Expected first-attempt failures that one immediate retry would turn green."""
    causes = {c.name: c for c in world.setup.causes}
    failed = (j for r in world.played.runs for j in r.attempts[0].jobs if j.conclusion == "failure" and j.cause)
    return sum(_passes(job, causes) for job in failed)


def _passes(job: JobRun, causes: dict[str, Cause]) -> float:
    if job.cause == "background:broken":
        return 1 - STILL_BROKEN
    cause = causes.get(job.cause or "")
    if cause is None or job.moment is None:
        return 1 - FLAKY_AGAIN if job.cause == "background:flaky" else 0.98
    strike = cause.hazard(replace(job.moment, t=job.completed + 60))
    rate = strike[1] if strike else 0.0
    return (1 - cause.stubborn) * (1 - rate) if strike else 1.0
