"""What people do by hand: pooled Fisher and before/after. Given everything, they still blame the innocent.

In: a world. Out: whether each test blames the questioned version at p < 0.05. They see every job's true version.
"""

from __future__ import annotations

from scipy.stats import fisher_exact

from benchmarks.worlds.world import World


def hand_tests(world: World) -> dict[str, bool]:
    """Whether Fisher's exact test (new against old, pooled) and before/after the release blame the new version."""
    if world.question is None:
        return {}
    action, new = world.question.action, world.question.new
    released = next(r.at for r in world.setup.calendar.lines[action] if r.version == new)
    table = [[0, 0], [0, 0]]
    period = [[0, 0], [0, 0]]
    for run in world.played.runs:
        for job in run.attempts[0].jobs:
            if job.conclusion not in ("success", "failure") or action not in job.refs:
                continue
            bad = int(job.conclusion == "failure")
            table[int(job.refs[action][1].version == new)][bad] += 1
            period[int(job.started >= released)][bad] += 1
    return {"fisher": _blames(table), "before-after": _blames(period)}


def _blames(table: list[list[int]]) -> bool:
    (og, ob), (ng, nb) = table
    if min(og + ob, ng + nb) == 0:
        return False
    return bool(nb / (ng + nb) > ob / (og + ob) and fisher_exact([[nb, ng], [ob, og]]).pvalue < 0.05)
