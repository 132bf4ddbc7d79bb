"""Stage 5: green controls, with what is left of the budget.

Which versions did the runs use that passed? Their logs are read where one more teaches most (`lines`): first blind to
version, spread over repositories, workflows, kinds of branch, jobs and time, denser near failures; then closing in on
each change of version. Which green logs are read can bias no rate: it only tells who ran what.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from analysis.collect.desk import Desk
from analysis.collect.history import FAILED
from analysis.collect.jobs import read_jobs
from analysis.collect.lines import Line, Stretch, line_of, stem, time_of
from analysis.collect.logs import LOG_COST, is_read, read_logs
from analysis.collect.spread import hour, lot

Row = dict[str, Any]
Place = tuple[str, str, str]

BLIND_SHARE = 0.55
KEPT_FOR_TAGS = 0.01
UNCAPPED_LOGS = 300
NEAR_HOURS = 6
_NEAR_WEIGHT = 3.0
_FAILING_JOB = 3.0
_FIRST_OF_LINE = 30.0
_FIRST_OF_BUMP = 60.0
_ROUND = 16
_TAG = re.compile(r"^v?\d|^[0-9a-f]{40}$")


@dataclass(frozen=True)
class _Pick:
    """One run whose job of that stem is to be read."""

    place: Place
    stem: str | None
    run: Row


class _Plan:
    """All lines of the asked window, kept up to date as logs are read."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.runs: dict[Place, list[Row]] = defaultdict(list)
        history = desk.history
        for run in history.runs.values():
            if desk.is_asked(run) and run["path"] and not run["path"].startswith("dynamic/"):
                kind = line_of(run, history.default_branch.get(run["repo"], ""))
                self.runs[run["repo"], run["path"], kind].append(run)
        for runs in self.runs.values():
            runs.sort(key=lambda run: (time_of(run), run["run_id"]))
        self.near = {
            (repo, hour(job["started_at"], NEAR_HOURS))
            for (repo, _), jobs in history.jobs.items()
            for job in jobs.values()
            if job["conclusion"] in FAILED and job["started_at"]
        }
        self.lines: dict[tuple[Place, str | None], Line] = {}
        self.stems: dict[tuple[str, str], Counter[str]] = {}
        self.refresh(self.runs)

    def refresh(self, places: Any) -> None:
        """Build the lines of these places anew from what is known now."""
        for place in places:
            stems = self.stems[place[:2]] = self._stems(place[:2])
            self.lines.pop((place, None), None)
            for name in stems or [None]:
                line = self._line(place, name)
                line.factor = _FAILING_JOB if name and stems[name] else 1.0
                self.lines[place, name] = line
            if not any(self.lines[place, name].seen for name in stems or [None]):
                first = max(stems, key=lambda name: (stems[name], name)) if stems else None
                self.lines[place, first].bonus = _FIRST_OF_BUMP if place[2].startswith("bump:") else _FIRST_OF_LINE

    def _stems(self, workflow: tuple[str, str]) -> Counter[str]:
        """Jobs of a workflow that ran, each with how often it failed."""
        found: Counter[str] = Counter()
        for place, runs in self.runs.items():
            if place[:2] == workflow:
                for run in runs:
                    for job in self.desk.history.jobs.get((run["repo"], run["run_id"]), {}).values():
                        if job["conclusion"] in FAILED or job["conclusion"] == "success":
                            found[stem(job["name"])] += job["conclusion"] in FAILED
        return found

    def _line(self, place: Place, name: str | None) -> Line:
        runs = self.runs[place]
        line = Line(
            runs=runs,
            open=[False] * len(runs),
            weights=[_NEAR_WEIGHT if (r["repo"], hour(time_of(r), NEAR_HOURS)) in self.near else 1.0 for r in runs],
        )
        for i, run in enumerate(runs):
            jobs = self.jobs_of(run, name)
            read = [job for job in jobs if (run["repo"], job["job_id"]) in self.desk.history.uses]
            if read:
                uses = self.desk.history.uses[run["repo"], read[0]["job_id"]]
                line.observe(i, frozenset((use["action"], use.get("ref")) for use in uses))
            else:
                line.open[i] = self._is_open(run, jobs)
        return line

    def jobs_of(self, run: Row, name: str | None) -> list[Row]:
        """First-attempt jobs of a run with that stem that ran, in the order of their lots."""
        known = self.desk.history.jobs.get((run["repo"], run["run_id"]), {}).values()
        ran = [
            job
            for job in known
            if job["run_attempt"] == 1
            and (job["conclusion"] == "success" or job["conclusion"] in FAILED)
            and (name is None or stem(job["name"]) == name)
        ]
        return sorted(ran, key=lambda job: lot((job["repo"], job["job_id"])))

    def is_known(self, run: Row) -> bool:
        """Whether a run's jobs were read."""
        return (run["repo"], run["run_id"]) in self.desk.history.jobs

    def _is_open(self, run: Row, jobs: list[Row]) -> bool:
        if not self.desk.history.is_due(run):
            return False
        if self.is_known(run):
            return any(not is_read(self.desk, job) for job in jobs)
        green = run["conclusion"] == "success" and run["run_attempt"] == 1
        return (
            green
            and self.desk.options.jobs != "failed"
            and not any((run["repo"], kind, str(run["run_id"])) in self.desk.gaps for kind in ("jobs", "jobs-failed"))
        )

    def next_picks(self, blind: bool, afford: float) -> list[_Pick]:
        """The runs that teach most, as many as one round and the budget hold."""
        picks: list[_Pick] = []
        chosen: set[tuple[str, int]] = set()
        wanted = [] if blind else self._moves()
        wanted += [(place, name, stretch) for place, name, stretch in self._stretches(blind)[:_ROUND]]
        for place, name, where in wanted:
            runs = self.runs[place]
            cheap = [self.is_known(run) or (run["repo"], run["run_id"]) in chosen for run in runs]
            position = where if isinstance(where, int) else where.pick(cheap)
            cost = LOG_COST + (not cheap[position])
            if cost > afford:
                continue
            afford -= cost
            chosen.add((runs[position]["repo"], runs[position]["run_id"]))
            picks.append(_Pick(place, name, runs[position]))
        return picks

    def _stretches(self, blind: bool) -> list[tuple[Place, str | None, Stretch]]:
        """Every stretch with an open run, the one of most worth first."""
        worth = [
            (-stretch.worth, lot((place, name)), stretch.left, place, name, stretch)
            for (place, name), line in self.lines.items()
            for stretch in line.stretches(blind)
        ]
        worth.sort(key=lambda entry: entry[:3])
        return [entry[3:] for entry in worth]

    def _moves(self) -> list[tuple[Place, str | None, int | Stretch]]:
        """For each floating tag that moved, the open run in the middle between its last old and first new sight.

        A tag moves for everyone at once, so that all repositories' logs bound it together.
        """
        sights: dict[tuple[str, str], list[tuple[datetime, str]]] = defaultdict(list)
        users: dict[tuple[str, str], set[tuple[Place, str | None]]] = defaultdict(set)
        for (place, name), line in self.lines.items():
            for position in line.seen:
                for use in self._uses(line.runs[position], name):
                    if use.get("sha") and use.get("ref") != use["sha"] and _TAG.match(use.get("ref") or ""):
                        sights[use["action"], use["ref"]].append((time_of(line.runs[position]), use["sha"]))
                        users[use["action"], use["ref"]].add((place, name))
        picks: list[tuple[Place, str | None, int | Stretch]] = []
        for tag in sorted(sights):
            for (begin, old), (end, new) in pairwise(sorted(sights[tag])):
                between = self._between(users[tag], begin, end) if old != new else []
                if len(between) > 1:
                    picks.append(between[len(between) // 2])
        return picks

    def _between(
        self, users: set[tuple[Place, str | None]], begin: datetime, end: datetime
    ) -> list[tuple[Place, str | None, int | Stretch]]:
        found = []
        for place, name in users:
            line = self.lines[place, name]
            for i in range(bisect_right(line.runs, begin, key=time_of), bisect_left(line.runs, end, key=time_of)):
                if line.open[i]:
                    found.append((time_of(line.runs[i]), lot((place, name)), place, name, i))
        return [(place, name, i) for _, _, place, name, i in sorted(found, key=lambda entry: entry[:2])]

    def _uses(self, run: Row, name: str | None) -> list[Row]:
        """What the run's log that was read says of actions."""
        uses = self.desk.history.uses
        read = [job for job in self.jobs_of(run, name) if (run["repo"], job["job_id"]) in uses]
        return uses[run["repo"], read[0]["job_id"]] if read else []


def read_controls(desk: Desk) -> None:
    """Read green controls' jobs and logs until the budget, or what is open, ends."""
    desk.progress.stage("green controls", None)
    plan = _Plan(desk)
    keep = min(20.0, desk.share(KEPT_FOR_TAGS))
    start, whole = desk.spent, min(desk.left - keep, UNCAPPED_LOGS * (LOG_COST + 1.0) if desk.share(1) > 1e9 else 1e9)
    while True:
        used = desk.spent - start
        picks = plan.next_picks(used < BLIND_SHARE * whole, min(whole - used, desk.left - keep))
        if not picks:
            break
        unknown = {(p.run["repo"], p.run["run_id"]): p.run for p in picks if not plan.is_known(p.run)}
        read_jobs(desk, unknown.values())
        jobs: dict[int, Row] = {}
        for pick in picks:
            unread = [job for job in plan.jobs_of(pick.run, pick.stem) if not is_read(desk, job)]
            if unread:
                jobs[unread[0]["job_id"]] = unread[0]
        read_logs(desk, jobs.values())
        plan.refresh({place for pick in picks for place in plan.runs if place[:2] == pick.place[:2]})
    weigh_controls(desk, plan.runs)
    _count(desk, plan)


def weigh_controls(desk: Desk, lines: dict[Place, list[Row]]) -> None:
    """Let the jobs of the green runs that were read stand for all green runs of their line."""
    for runs in lines.values():
        green = [run for run in runs if run["conclusion"] == "success" and run["run_attempt"] == 1]
        known = [run for run in green if (run["repo"], run["run_id"]) in desk.history.jobs]
        for run in known:
            for job in desk.history.jobs[run["repo"], run["run_id"]].values():
                if job["sampling_weight"] != len(green) / len(known):
                    job["sampling_weight"] = len(green) / len(known)
                    desk.file("jobs", [job])


def _count(desk: Desk, plan: _Plan) -> None:
    green = [r for runs in plan.runs.values() for r in runs if r["conclusion"] == "success" and r["run_attempt"] == 1]
    known = [r for r in green if plan.is_known(r)]
    logs = sum(
        (run["repo"], job["job_id"]) in desk.history.uses
        for runs in plan.runs.values()
        for run in runs
        for job in desk.history.jobs.get((run["repo"], run["run_id"]), {}).values()
        if job["conclusion"] == "success"
    )
    differ = [s for line in plan.lines.values() for s in _changes(line)]
    desk.sampling.update(
        green_runs=len(green),
        green_runs_read=len(known),
        green_logs=logs,
        lines=len(plan.runs),
        lines_seen=len({place for (place, _), line in plan.lines.items() if line.seen}),
        version_changes=len(differ),
        version_changes_bracketed=sum(count <= 2 for count in differ),
    )


def _changes(line: Line) -> list[int]:
    """For each change of versions along a line, how many unread green runs lie within its bounds."""
    marks = sorted(line.seen)
    return [
        sum(line.runs[i]["conclusion"] == "success" for i in range(a + 1, b))
        for a, b in pairwise(marks)
        if line.seen[a] != line.seen[b]
    ]
