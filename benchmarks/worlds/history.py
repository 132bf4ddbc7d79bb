"""Plays a fleet through a stretch of time: pushes, pull requests, bots, reruns, and who fails of what.

In: a fleet, a calendar of releases, who takes up which release when, the causes at work. Out: `Played`, every run
with its attempts and jobs, and for each failed job the cause that killed it (the truth the judge must find).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from benchmarks.worlds.causes import SET_UP, Cause, Moment, Strike, code_step, code_text
from benchmarks.worlds.fleet import Job, Repo, Workflow
from benchmarks.worlds.releases import DAY, HOUR, LABELS, REGIONS, Calendar, Release, fake_sha

PEOPLE = ("mira", "jonas-w", "tayo", "hli", "sofia-r", "dkemp", "anouk", "ravi-k")


@dataclass
class Bump:
    """One repository takes up one release: by a bot's pull request or by hand."""

    action: str
    release: Release
    opened: float
    merged: float | None
    reverted: float | None = None
    with_code: bool = False
    also: list[Release] = field(default_factory=list)
    by_hand: bool = False


@dataclass
class JobRun:
    """One job of one attempt."""

    number: int
    job: Job
    leg: int
    created: float
    started: float
    completed: float
    conclusion: str | None
    status: str
    steps: list[int] = field(default_factory=list)
    failed_step: int | None = None
    cause: str | None = None
    text: list[str] = field(default_factory=list)
    moment: Moment | None = None
    carried: bool = False
    refs: dict[str, tuple[str, Release]] = field(default_factory=dict)


@dataclass
class Attempt:
    """One attempt of a run."""

    number: int
    started: float
    updated: float
    status: str
    conclusion: str | None
    jobs: list[JobRun]


@dataclass
class Run:
    """One run of a workflow."""

    number: int
    serial: int
    repo: Repo
    workflow: Workflow
    event: str
    branch: str
    sha: str
    actor: str
    title: str
    credential: str
    created: float
    pull: int | None
    pins: dict[str, Release]
    attempts: list[Attempt] = field(default_factory=list)


@dataclass
class Played:
    """What came out."""

    runs: list[Run]
    bumps: dict[str, list[Bump]]
    start: float
    end: float


@dataclass
class _Event:
    t: float
    event: str
    branch: str
    actor: str
    title: str
    credential: str = "normal"
    pull: int | None = None
    override: dict[str, Release] = field(default_factory=dict)
    broken: float = 0.0
    group: str = ""


class Pins:
    """Which release each repository's default branch names at a moment."""

    def __init__(self, repo: Repo, first: dict[str, Release], bumps: list[Bump]) -> None:
        self._series: dict[str, list[tuple[float, Release]]] = {a: [(-math.inf, r)] for a, r in first.items()}
        for bump in sorted((b for b in bumps if b.merged is not None), key=lambda b: b.merged or 0):
            for release in [bump.release, *bump.also]:
                series = self._series.setdefault(release.action, [(-math.inf, release)])
                before = series[-1][1]
                series.append((bump.merged or 0, release))
                if bump.reverted is not None:
                    series.append((bump.reverted, before))
        for series in self._series.values():
            series.sort(key=lambda p: p[0])

    def at(self, t: float) -> dict[str, Release]:
        """Action to the release written on the default branch at t."""
        return {a: [r for at, r in s if at <= t][-1] for a, s in self._series.items()}


def rhythm(repo: Repo, t: float) -> float:
    """How busy a repository's people are at t: 1 in office hours, little at night and at weekends."""
    local = t / 3600 + repo.zone
    hour, day = local % 24, int((local // 24 + 4) % 7)  # 1970-01-01 was a Thursday; 0 is Sunday
    work = 1.0 if 9 <= hour < 18 else 0.35 if 7 <= hour < 23 else 0.05
    return work * (0.15 if day in (0, 6) else 1.0)


def play(
    rng: np.random.Generator,
    repos: list[Repo],
    calendar: Calendar,
    bumps: dict[str, list[Bump]],
    first: dict[str, dict[str, Release]],
    causes: list[Cause],
    start: float,
    end: float,
    target_jobs: int,
    guarded: bool = True,
    rerun_factor: float = 1.0,
) -> Played:
    """Simulate every run of the fleet between start and end, about `target_jobs` first-attempt jobs in all."""
    pins = {r.full: Pins(r, first[r.full], bumps[r.full]) for r in repos}
    scale = _scale(repos, target_jobs, (end - start) / DAY)
    director = _Director(rng, calendar, causes, end, guarded, rerun_factor)
    runs: list[Run] = []
    for repo in repos:
        serial: dict[int, int] = defaultdict(lambda: int(rng.integers(100, 900)))
        for event in sorted(_events(rng, repo, bumps[repo.full], start, end, scale), key=lambda e: e.t):
            if not start <= event.t < end:
                continue
            named = pins[repo.full].at(event.t) | event.override
            for workflow in repo.workflows:
                trigger = {"pull_request": "pull_request", "push": "push", "schedule": "schedule"}.get(
                    event.event, "tag"
                )
                if trigger not in workflow.on:
                    continue
                serial[workflow.number] += 1
                run = Run(
                    0, serial[workflow.number], repo, workflow, "push" if trigger == "tag" else event.event,
                    event.branch, fake_sha(repo.full, event.t, event.branch), event.actor, event.title,
                    event.credential, event.t + float(rng.uniform(0, 4)), event.pull, named,
                )  # fmt: skip
                director.direct(run, event)
                runs.append(run)
    _supersede(rng, runs)
    runs.sort(key=lambda r: r.created)
    _number(rng, runs)
    return Played(runs, bumps, start, end)


def _scale(repos: list[Repo], target: int, days: float) -> float:
    fixed = rate = 0.0
    for repo in repos:
        size = {k: sum(len(j.legs) for w in repo.workflows if k in w.on for j in w.jobs) for k in ("push", "schedule")}
        fixed += size["schedule"] * days + 3 * size["push"] * 2
        rate += size["push"] * (repo.pushes_per_day + 3.2 * repo.prs_per_day) * 0.95 * days
    return max(0.05, (target - fixed) / rate)


def _poisson(rng: np.random.Generator, repo: Repo, per_day: float, start: float, end: float) -> list[float]:
    count = rng.poisson(per_day * 1.9 * (end - start) / DAY)
    times = rng.uniform(start, end, count)
    return [float(t) for t in times if rng.random() < rhythm(repo, float(t))]


def _events(
    rng: np.random.Generator, repo: Repo, bumps: list[Bump], start: float, end: float, scale: float
) -> list[_Event]:
    main, pull = repo.default_branch, int(rng.integers(40, 900))
    events = []
    for t in _poisson(rng, repo, repo.pushes_per_day * scale, start, end):
        events.append(_Event(t, "push", main, str(rng.choice(PEOPLE)), _title(rng)))
    for t in _poisson(rng, repo, repo.prs_per_day * scale, start - 2 * DAY, end):
        pull += 1
        events += _pull_request(rng, repo, t, pull)
    for bump in bumps:
        pull += 1
        events += _bump_events(rng, repo, bump, pull, end)
    if repo.bot != "none":
        for t in _poisson(rng, repo, min(0.35, 0.5 * scale), start, end):
            pull += 1
            events += _library_bump(rng, repo, t, pull)
    if any("schedule" in w.on for w in repo.workflows):
        day = math.floor(start / DAY) * DAY + repo.nightly_hour * HOUR
        while day < end:
            events.append(_Event(day + float(rng.uniform(60, 1500)), "schedule", main, "mira", "nightly"))
            day += DAY
    if any("tag" in w.on for w in repo.workflows):
        for k, t in enumerate(_poisson(rng, repo, 0.12, start, end)):
            events.append(_Event(t, "tag", f"v1.{k}.0", str(rng.choice(PEOPLE)), f"v1.{k}.0"))
    return events


def _pull_request(rng: np.random.Generator, repo: Repo, t: float, pull: int) -> list[_Event]:
    person = str(rng.choice(PEOPLE))
    fork = rng.random() < repo.fork_share
    topic = rng.choice(["login", "retry", "layout", "cache", "types"])
    branch = f"{person}/{rng.choice(['fix', 'feat', 'chore', 'wip'])}-{topic}-{pull}"
    title, pushes = _title(rng), 1 + int(rng.geometric(0.5))
    broken = int(rng.integers(1, 5)) if rng.random() < 0.14 else 0
    events = []
    for k in range(pushes):
        events.append(
            _Event(t, "pull_request", branch, "outside-dev" if fork else person, title, "fork" if fork else "normal",
                   pull, broken=0.93 if k < broken else 0.02, group=f"{repo.full}#{pull}")
        )  # fmt: skip
        t += float(rng.lognormal(0.3, 1.2)) * HOUR
    if rng.random() < 0.8:
        events.append(_Event(t, "push", repo.default_branch, person, f"{title} (#{pull})"))
    return events


def _bump_events(rng: np.random.Generator, repo: Repo, bump: Bump, pull: int, end: float) -> list[_Event]:
    names = [bump.release, *bump.also]
    override = {r.action: r for r in names}
    events = []
    if not bump.by_hand:
        actor = "renovate[bot]" if repo.bot == "renovate" else "dependabot[bot]"
        slug = bump.action if actor.startswith("dep") else bump.action.replace("/", "-")
        branch = (
            f"dependabot/github_actions/{slug}-{bump.release.version}"
            if actor.startswith("dep")
            else f"renovate/{slug}-{bump.release.major.removeprefix('v')}.x"
        )
        title = f"Bump {bump.action} to {bump.release.version}"
        credential = "bot" if actor.startswith("dep") else "normal"
        t = bump.opened
        last = bump.merged if bump.merged is not None else min(end, bump.opened + 6 * DAY)
        for _ in range(1 + int(rng.geometric(0.6))):
            if t > last:
                break
            events.append(_Event(t, "pull_request", branch, actor, title, credential, pull, override))
            t += float(rng.exponential(30)) * HOUR
    if bump.merged is not None:
        person = str(rng.choice(PEOPLE))
        events.append(_Event(bump.merged + 1, "push", repo.default_branch, person, f"Bump {bump.action} (#{pull})"))
    if bump.reverted is not None:
        person = str(rng.choice(PEOPLE))
        title = f"Go back to {bump.action} as it was"
        events.append(_Event(bump.reverted + 1, "push", repo.default_branch, person, title))
    return events


def _library_bump(rng: np.random.Generator, repo: Repo, t: float, pull: int) -> list[_Event]:
    library = str(rng.choice(["vite", "ruff", "tokio", "zap", "lodash", "jackson", "axios"]))
    actor = "renovate[bot]" if repo.bot == "renovate" else "dependabot[bot]"
    credential = "normal" if actor.startswith("reno") else "bot"
    branch = f"renovate/{library}" if actor.startswith("reno") else f"dependabot/{repo.language}/{library}-3.{pull}"
    broken = 0.5 if rng.random() < 0.15 else 0.0
    events = [_Event(t, "pull_request", branch, actor, f"Bump {library}", credential, pull, broken=broken)]
    if broken == 0 and rng.random() < 0.7:
        later = t + float(rng.exponential(12)) * HOUR
        events.append(_Event(later, "push", repo.default_branch, str(rng.choice(PEOPLE)), f"Bump {library} (#{pull})"))
    return events


def _title(rng: np.random.Generator) -> str:
    verb = rng.choice(["Fix", "Add", "Handle", "Rename", "Speed up", "Drop", "Test"])
    noun = rng.choice(["empty pages", "retry on 503", "the login form", "old flags", "metrics", "time zones", "docs"])
    return f"{verb} {noun}"


class _Director:
    """Gives each job its runner, its releases and its fate."""

    def __init__(
        self, rng: np.random.Generator, calendar: Calendar, causes: list[Cause], end: float, guarded: bool,
        rerun_factor: float,
    ) -> None:  # fmt: skip
        self.rng, self.calendar, self.causes, self.end = rng, calendar, causes, end
        self.guarded, self.rerun_factor = guarded, rerun_factor
        self._regions = list(REGIONS)
        self._region_odds = np.array(list(REGIONS.values())) / sum(REGIONS.values())
        self._count = 0

    def direct(self, run: Run, event: _Event) -> None:
        """Play a run to its end, reruns included."""
        self._count += 1
        run.number = self._count
        attempt = self._attempt(run, event, 1, run.created, None)
        run.attempts.append(attempt)
        while attempt.conclusion == "failure" and len(run.attempts) < 3:
            chance = run.repo.rerun * self.rerun_factor * (0.45 ** (len(run.attempts) - 1))
            causes = {j.cause or "" for j in attempt.jobs if j.conclusion == "failure"}
            chance *= 0.4 if causes <= {"background:broken", "background:flaky"} else 1.2
            chance *= 0.5 if event.actor.endswith("[bot]") else 1.0
            again = attempt.updated + float(self.rng.lognormal(7.0, 1.0))
            if self.rng.random() > chance or again > self.end:
                break
            attempt = self._attempt(run, event, len(run.attempts) + 1, again, attempt)
            run.attempts.append(attempt)

    def _attempt(self, run: Run, event: _Event, number: int, start: float, before: Attempt | None) -> Attempt:
        rng, jobs = self.rng, []
        only_failed = before is not None and rng.random() < 0.7
        old = {(j.job.key, j.leg): j for j in before.jobs} if before else {}
        finished: dict[str, tuple[float, bool]] = {}
        clumps: dict[str, float] = {}
        for job in run.workflow.jobs:
            at, good = finished.get(job.needs or "", (start, True))
            skip = (job.only == "push" and run.event == "pull_request") or not good
            batch = []
            for leg in range(len(job.legs)):
                previous = old.get((job.key, leg))
                if only_failed and previous is not None and previous.conclusion == "success":
                    kept = JobRun(**{**previous.__dict__, "number": 0, "carried": True})
                    batch.append(kept)
                elif skip:
                    batch.append(JobRun(0, job, leg, at, at, at - 1, "skipped", "completed"))
                else:
                    batch.append(self._job(run, event, job, leg, at, previous, clumps))
            if job.fail_fast and len(batch) > 1:
                self._fail_fast(batch)
            jobs += batch
            ended = max(j.completed for j in batch)
            finished[job.key] = (ended + 2, all(j.conclusion == "success" for j in batch))
        return self._close(number, start, jobs)

    def _close(self, number: int, start: float, jobs: list[JobRun]) -> Attempt:
        updated = max([start + 5, *(j.completed for j in jobs)]) + float(self.rng.uniform(1, 5))
        results = {j.conclusion for j in jobs}
        conclusion: str | None = (
            "failure" if "failure" in results else "cancelled" if "cancelled" in results else "success"
        )
        status = "completed"
        if updated > self.end:
            status, conclusion, updated = "in_progress", None, self.end
            for j in jobs:
                if j.conclusion != "skipped" and j.completed > self.end:
                    j.conclusion, j.status = None, "in_progress" if j.started < self.end else "queued"
                    j.cause, j.failed_step = None, None
        if results == {"skipped"}:
            conclusion = "skipped" if status == "completed" else None
        return Attempt(number, start, updated, status, conclusion, jobs)

    def _job(
        self, run: Run, event: _Event, job: Job, leg: int, at: float, previous: JobRun | None, clumps: dict[str, float]
    ) -> JobRun:
        rng = self.rng
        started = at + 2 + float(rng.lognormal(1.8, 0.9))
        moment = self._moment(run, job, leg, started)
        refs = {}
        for index in moment.steps:
            action = job.steps[index].action
            if action:
                refs[action] = (self._ref(run, action), moment.releases[action])
        durations = [job.steps[i].seconds * float(rng.lognormal(0, 0.35)) + 1 for i in moment.steps]
        result = JobRun(0, job, leg, at, started, started + 3 + sum(durations), "success", "completed", moment.steps,
                        moment=moment, refs=refs)  # fmt: skip
        fate = self._fate(moment, event, previous, clumps)
        if fate is not None:
            cause, index = fate
            position = -1 if index == SET_UP else moment.steps.index(index)
            result.completed = started + 3 + sum(durations[:position]) + 1
            if position >= 0:
                result.completed += durations[position] * float(rng.uniform(0.2, 1.0))
            result.conclusion, result.failed_step = "failure", index
            result.cause = cause.name if cause else "background:broken"
            text_of = cause.text if cause else code_text
            result.text = text_of(rng, moment, index)
        return result

    def _moment(self, run: Run, job: Job, leg: int, t: float) -> Moment:
        rng, label = self.rng, job.legs[leg][1]
        image_name = LABELS[label]
        guarded = self.guarded or (run.credential == "normal" and run.repo.number % 2 == 0)
        pushing = run.event != "pull_request" or not guarded
        steps = [i for i, s in enumerate(job.steps) if not s.only_push or pushing]
        releases = {}
        for index in steps:
            action = job.steps[index].action
            if action and action not in releases:
                releases[action] = self._release(run, action, t)
        region = str(rng.choice(self._regions, p=self._region_odds))
        buildkit = self.calendar.tool(self.calendar.buildkit, t)
        return Moment(
            run.repo, job, leg, t, run.event, run.branch, run.credential, run.number, steps, releases, image_name,
            self.calendar.image(image_name, t, float(rng.random())), region, buildkit,
            self.calendar.tool(self.calendar.binfmt, t), int(buildkit.split(".")[1]) >= 26, pushing,
        )  # fmt: skip

    def _release(self, run: Run, action: str, t: float) -> Release:
        named = run.pins[action]
        if run.repo.pins[action] == "float":
            return self.calendar.newest(action, t, named.major)
        return named

    def _ref(self, run: Run, action: str) -> str:
        named = run.pins[action]
        return {"float": named.major, "tag": named.tag, "sha": named.sha}[run.repo.pins[action]]

    def _fate(
        self, moment: Moment, event: _Event, previous: JobRun | None, clumps: dict[str, float]
    ) -> tuple[Cause | None, int] | None:
        rng = self.rng
        found: list[tuple[int, int, Cause | None]] = []
        for k, cause in enumerate(self.causes):
            strike: Strike | None = cause.hazard(moment)
            if strike is None or strike[1] <= 0:
                continue
            index, q = strike
            if previous is not None and previous.cause == cause.name and rng.random() < cause.stubborn:
                found.append((index, k, cause))
                continue
            if cause.name not in clumps:
                c = cause.clump
                clumps[cause.name] = float(rng.beta(max(q * c, 1e-3), max((1 - q) * c, 1e-3))) / q
            if rng.random() < min(0.995, q * clumps[cause.name]):
                found.append((index, k, cause))
        broken = event.broken
        if previous is not None and previous.cause == "background:broken":
            broken = 0.97
        if broken and _breaks(event, moment) and rng.random() < broken:
            found.append((code_step(moment), 99, None))
        if not found:
            return None
        index, _, cause_or_none = min(found, key=lambda f: (f[0], f[1]))
        return cause_or_none, index

    def _fail_fast(self, batch: list[JobRun]) -> None:
        dead = [j for j in batch if j.conclusion == "failure"]
        if not dead:
            return
        first = min(j.completed for j in dead)
        for j in batch:
            if j.completed > first + 1 and not j.carried and j.conclusion in ("success", "failure"):
                j.conclusion, j.completed, j.cause, j.failed_step, j.text = "cancelled", first + 3, None, None, []
                j.started = min(j.started, first)


def _breaks(event: _Event, moment: Moment) -> bool:
    """A broken branch breaks the same kind of job at each push."""
    kinds = ("test", "lint", "image", "build")
    pick = kinds[(event.pull or 0) % 4 if (event.pull or 0) % 3 else 0]
    return moment.job.kind == pick or (pick == "image" and moment.job.kind == "build")


def _supersede(rng: np.random.Generator, runs: list[Run]) -> None:
    """A new push to a pull request cancels the run that is still going; people cancel too."""
    by: dict[tuple[str, str, int], list[Run]] = defaultdict(list)
    for run in runs:
        if run.event == "pull_request":
            by[run.repo.full, run.branch, run.workflow.number].append(run)
        elif rng.random() < 0.004:
            _cancel(run, run.created + float(rng.uniform(10, 60)))
    for group in by.values():
        group.sort(key=lambda r: r.created)
        for earlier, later in pairwise(group):
            if later.created < earlier.attempts[-1].updated and earlier.attempts[-1].status == "completed":
                _cancel(earlier, later.created)


def _cancel(run: Run, t: float) -> None:
    attempt = run.attempts[0]
    if attempt.status != "completed" or attempt.updated <= t:
        return
    run.attempts = [attempt]
    for j in attempt.jobs:
        if j.conclusion in ("success", "failure") and j.completed > t:
            j.conclusion, j.completed, j.cause, j.failed_step, j.text = "cancelled", t + 2, None, None, []
            j.started = min(j.started, t)
    attempt.updated = t + 5
    results = {j.conclusion for j in attempt.jobs}
    attempt.conclusion = _worst(results)


def _worst(results: set[str | None]) -> str:
    return next((c for c in ("failure", "cancelled") if c in results), "success")


def _number(rng: np.random.Generator, runs: list[Run]) -> None:
    """Ids as GitHub gives them: growing with time, with gaps."""
    base = int(rng.integers(9_000_000_000, 18_000_000_000))
    for run in runs:
        base += int(rng.integers(1_000, 90_000))
        run.number = base
    number = base * 3
    for attempt in sorted((a for r in runs for a in r.attempts), key=lambda a: a.started):
        for j in attempt.jobs:
            number += int(rng.integers(1, 4_000))
            j.number = number
