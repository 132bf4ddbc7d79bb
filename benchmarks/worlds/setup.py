"""The stage on which a family sets its incident: fleet, window, calendar, take-up of releases, causes, status pages.

A family gets a `Setup` with a quiet company on it and adds what goes wrong, what people are asked to suspect, and
the truth. All else (harmless upgrades, background failures) is added around it by `world.make_world`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.worlds.causes import Cause
from benchmarks.worlds.fleet import Repo, make_fleet
from benchmarks.worlds.history import Bump
from benchmarks.worlds.releases import DAY, HOUR, Calendar, Release, catalogue, make_calendar


@dataclass(frozen=True)
class Guilty:
    """One guilty party: the cause of the verdict vocabulary, and what its name must hold (any of them)."""

    cause: str
    names: tuple[str, ...]
    simulated: str
    commits: tuple[tuple[str, str], ...] = ()

    def is_named_by(self, text: str) -> bool:
        """Whether a `guilty` entry of a verdict means this party."""
        cause, _, name = text.lower().partition(":")
        if cause != self.cause:
            return False
        action, _, version = name.partition("@")
        # A server without tags leaves nothing but commits to name a version by.
        by_commit = any(action == a.lower() and sha[:7] in version for a, sha in self.commits)
        return by_commit or any(n.lower() in name for n in self.names)


@dataclass(frozen=True)
class Incident:
    """One item on a status page. `posted` is when it appeared there."""

    page: str
    title: str
    components: tuple[str, ...]
    began: float
    posted: float
    resolved: float | None
    impact: str = "major"
    body: str = "We are investigating elevated error rates."
    maintenance: bool = False


@dataclass(frozen=True)
class Question:
    """What the team asks: is `new` guilty?"""

    action: str
    old: str
    new: str


@dataclass
class Setup:
    """Everything that a family may change. Times are seconds since the epoch."""

    rng: np.random.Generator
    size: str
    start: float
    end: float
    repos: list[Repo]
    calendar: Calendar
    target_jobs: int
    bumps: dict[str, list[Bump]] = field(default_factory=dict)
    first: dict[str, dict[str, Release]] = field(default_factory=dict)
    causes: list[Cause] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    question: Question | None = None
    accepted: set[str] = field(default_factory=set)
    guilty: list[Guilty] = field(default_factory=list)
    tolerated: list[Guilty] = field(default_factory=list)
    planned: set[str] = field(default_factory=set)
    guarded: bool = True
    flaky_factor: float = 1.0
    rerun_factor: float = 1.0
    hiccup_rate: float = 0.0006
    least: int | None = None
    most: int | None = None
    needed: tuple[str, ...] = ()
    most_runs: int | None = None
    moods: list[tuple[str, float, float, float]] = field(default_factory=list)

    @property
    def small(self) -> bool:
        return self.size == "small"

    # ---- times -------------------------------------------------------------------------------------------------

    def workday(self, low: float, high: float) -> float:
        """A moment in office hours of a working day, between two shares of the window."""
        span = self.end - self.start
        for _ in range(200):
            t = self.start + span * float(self.rng.uniform(low, high))
            if int((t / DAY + 4) % 7) in (1, 2, 3, 4, 5) and 7 <= (t / HOUR) % 24 < 15:
                return t
        return self.start + span * (low + high) / 2

    # ---- people and their actions --------------------------------------------------------------------------------

    def users(self, action: str) -> list[Repo]:
        """Repositories that use an action."""
        return [r for r in self.repos if action in r.actions]

    def pick_action(self, *wanted: str, least: int = 3) -> str:
        """One of the wanted actions that enough repositories use."""
        common = [a for a in wanted if len(self.users(a)) >= least]
        return str(self.rng.choice(common)) if common else max(wanted, key=lambda a: len(self.users(a)))

    def ask(self, action: str, at: float, then: float | None = None) -> tuple[Release, Release]:
        """Make (old, new) of an action the question: new is published at `at`, a further one at `then`."""
        pairs = catalogue()[action]
        k = int(self.rng.integers(max(1, len(pairs) // 2), len(pairs) - 2))
        while pairs[k][0].split(".")[0] != pairs[k - 1][0].split(".")[0]:
            k -= 1
        chosen = pairs[max(0, k - 4) : k]
        line = [
            Release(action, tag, sha, self.start - (len(chosen) - i) * 11 * DAY) for i, (tag, sha) in enumerate(chosen)
        ]
        new = Release(action, *pairs[k], at)
        line.append(new)
        if then is not None:
            tag = f"{new.tag.rsplit('.', 1)[0]}.{int(new.tag.rsplit('.', 1)[1]) + 1}"
            sha = next((s for t, s in pairs if t == tag), None)
            line.append(Release(action, tag, sha or f"{int(new.sha, 16) ^ 0xABCDEF:040x}", then))
        self.calendar.lines[action] = line
        self.planned.add(action)
        old = line[len(chosen) - 1]
        for repo in self.users(action):
            self.first[repo.full][action] = old
        self.question = Question(action, old.version, new.version)
        return old, new

    def take_up(
        self,
        new: Release,
        *,
        hours: tuple[float, float] = (2, 90),
        share: float = 0.8,
        also: Release | None = None,
        revert: float = 0.0,
        revert_hours: tuple[float, float] = (4, 40),
        pull_hours: tuple[float, float] = (1, 30),
        floats: bool = True,
        repos: list[Repo] | None = None,
    ) -> list[Repo]:
        """Let repositories take up a release in waves; floats get it by themselves. Returns who did."""
        rng, takers = self.rng, []
        users = self.users(new.action) if repos is None else repos
        pinned = [r for r in users if r.pins[new.action] != "float" or not floats]
        if not floats:
            for r in users:
                r.pins[new.action] = "tag" if r.pins[new.action] == "float" else r.pins[new.action]
        order = list(rng.permutation(len(pinned)))
        count = max(1, round(share * len(pinned))) if pinned else 0
        for rank, i in enumerate(order):
            repo = pinned[int(i)]
            opened = new.at + float(rng.uniform(*hours)) * HOUR
            if rank >= count:
                if rng.random() < 0.5 and repo.bot != "none":
                    self.bumps[repo.full].append(Bump(new.action, new, opened, None))
                continue
            merged = opened + float(rng.uniform(*pull_hours)) * HOUR
            back = merged + float(rng.uniform(*revert_hours)) * HOUR if rng.random() < revert else None
            joined = [also] if also is not None and also.action in repo.actions else []
            by_hand = repo.bot == "none"
            self.bumps[repo.full].append(
                Bump(new.action, new, merged if by_hand else opened, merged, back, also=joined, by_hand=by_hand)
            )
            takers.append(repo)
        return takers + [r for r in users if r.pins[new.action] == "float"]

    def mix_pins(self, action: str, floating: float) -> None:
        """Set the share of floating references to an action."""
        users = self.users(action)
        order = self.rng.permutation(len(users))
        for rank, i in enumerate(order):
            repo = users[int(i)]
            repo.pins[action] = "float" if rank < floating * len(users) else str(self.rng.choice(["tag", "sha"]))

    # ---- truth ----------------------------------------------------------------------------------------------------

    def convict(self, cause: Cause, *names: str) -> None:
        """Put a guilty cause to work and remember it as the truth."""
        kind, _, name = cause.name.partition(":")
        self.causes.append(cause)
        names = names or (name,)
        commits = [(a, r.sha) for a, line in self.calendar.lines.items() for r in line
                   if kind == "action-version" and f"{a}@{r.tag.removeprefix('v')}" in names]  # fmt: skip
        self.guilty.append(Guilty(kind, names, cause.name, tuple(commits)))
        self.accepted.add(kind)

    def post(
        self, page: str, title: str, components: tuple[str, ...], began: float, ended: float, *, late: float = 0.5,
        impact: str = "major",
    ) -> None:  # fmt: skip
        """Put an item on a status page, `late` hours after it began."""
        resolved = ended + float(self.rng.uniform(0, 1)) * HOUR
        item = Incident(page, title, components, began, began + late * HOUR, resolved, impact)
        self.incidents.append(item)


def empty_setup(rng: np.random.Generator, size: str) -> Setup:
    """A quiet company of a size: three weeks and about 2,300 jobs, or two weeks and about 300."""
    days = 21 if size == "normal" else 14
    monday = 19723 + 7 * int(rng.integers(0, 130))  # 2024-01-01 was day 19723, a Monday
    start = (monday + int(rng.integers(0, 7))) * DAY
    end = start + days * DAY + float(rng.uniform(6, 20)) * HOUR
    repos = make_fleet(rng, size)
    actions = sorted({a for r in repos for a in r.actions})
    calendar = make_calendar(rng, actions, start, end)
    target = int(rng.integers(1900, 2600)) if size == "normal" else int(rng.integers(240, 380))
    setup = Setup(rng, size, start, end, repos, calendar, target)
    for repo in repos:
        setup.bumps[repo.full] = []
        setup.first[repo.full] = {a: _first(rng, repo, calendar, a, start) for a in repo.actions}
    return setup


def _first(rng: np.random.Generator, repo: Repo, calendar: Calendar, action: str, start: float) -> Release:
    line = [r for r in calendar.lines[action] if r.at <= start] or calendar.lines[action][:1]
    behind = int(rng.geometric(0.65)) - 1 if repo.bot != "none" else int(rng.geometric(0.35)) - 1
    return line[max(0, len(line) - 1 - behind)]
