"""What changes under a fleet's feet: action releases, runner images, builder tools.

In: a random generator and a window of time. Out: a `Calendar` that answers which release a floating tag
names at a moment, which image a fresh runner gets, and which BuildKit the builder image holds.
Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

HOUR = 3600.0
DAY = 24 * HOUR

REGIONS = {
    "eastus": 5, "eastus2": 4, "westus": 3, "westus2": 3, "westus3": 2, "centralus": 4, "northcentralus": 2,
    "southcentralus": 2, "westcentralus": 1,
}  # fmt: skip


def fake_sha(*parts: object) -> str:
    """A stable made-up commit, 40 hex digits."""
    return hashlib.sha1("/".join(map(str, parts)).encode()).hexdigest()


@dataclass(frozen=True)
class Release:
    """One release of an action; `at` is when it was published."""

    action: str
    tag: str
    sha: str
    at: float

    @property
    def version(self) -> str:
        return self.tag.removeprefix("v")

    @property
    def major(self) -> str:
        return self.tag.split(".")[0]


@cache
def catalogue() -> dict[str, tuple[tuple[str, str], ...]]:
    """Every known action's (tag, commit) pairs, oldest first."""
    raw = tomllib.loads((Path(__file__).with_name("catalogue.toml")).read_text("utf-8"))
    known = {}
    for action, entry in raw.items():
        pairs = []
        for line in entry["releases"]:
            tag, _, sha = line.partition(" ")
            pairs.append((tag, sha or fake_sha(action, tag)))
        known[action] = tuple(pairs)
    return known


@dataclass
class ImageVersion:
    """One build of a runner image: when its roll-out began, how long it took, which tools it carries."""

    version: str
    at: float
    rollout_days: float
    docker: str
    buildx: str

    def share(self, t: float) -> float:
        """Share of fresh runners that have this build or a later one."""
        if t < self.at:
            return 0.0
        x = (t - self.at) / (self.rollout_days * DAY)
        return 1.0 if x >= 1 else 1 / (1 + math.exp(-9 * (x - 0.5)))


@dataclass
class Calendar:
    """Everything that is released to a fleet, whoever takes it up."""

    lines: dict[str, list[Release]]
    images: dict[str, list[ImageVersion]]
    buildkit: list[tuple[str, float]]
    binfmt: list[tuple[str, float]]
    runner: list[tuple[str, float]]
    extra: dict[str, str] = field(default_factory=dict)

    def newest(self, action: str, t: float, major: str | None = None) -> Release:
        """The newest release at t, of one major line if asked."""
        line = [r for r in self.lines[action] if r.at <= t and (major is None or r.major == major)]
        return line[-1] if line else next(r for r in self.lines[action] if major in (None, r.major))

    def image(self, label: str, t: float, draw: float) -> ImageVersion:
        """The build a fresh runner of this label gets; `draw` is uniform on [0, 1)."""
        chosen = self.images[label][0]
        for build in self.images[label][1:]:
            if draw < build.share(t):
                chosen = build
        return chosen

    @staticmethod
    def tool(series: list[tuple[str, float]], t: float) -> str:
        return [v for v, at in series if at <= t][-1]


LABELS = {
    "ubuntu-22.04": "ubuntu-22.04", "ubuntu-24.04": "ubuntu-24.04", "ubuntu-latest": "ubuntu-24.04",
    "ubuntu-24.04-arm": "ubuntu-24.04-arm64", "windows-latest": "windows-2022", "macos-14": "macos-14",
}  # fmt: skip


def make_calendar(rng: np.random.Generator, actions: list[str], start: float, end: float) -> Calendar:
    """Releases of these actions around a window: old ones before it, a few inside it."""
    lines = {}
    for action in actions:
        pairs = catalogue()[action]
        now = int(rng.integers(max(2, len(pairs) // 2), max(3, len(pairs) - 2)))
        gap = float(rng.choice([14, 25, 40])) * DAY
        at, back = start - float(rng.exponential(gap * 0.6)), []
        for tag, sha in reversed(pairs[: now + 1]):
            back.append(Release(action, tag, sha, at))
            at -= float(rng.exponential(gap)) + 6 * HOUR
        releases = back[::-1]
        at = start + float(rng.exponential(gap))
        for tag, sha in pairs[now + 1 :]:
            if at > end:
                break
            releases.append(Release(action, tag, sha, _office_hour(rng, at)))
            at = releases[-1].at + float(rng.exponential(gap)) + 12 * HOUR
        lines[action] = releases
    return Calendar(lines, _images(rng, start, end), *_tools(rng, start, end))


def _office_hour(rng: np.random.Generator, t: float) -> float:
    day = math.floor(t / DAY) * DAY
    return day + float(rng.uniform(7, 20)) * HOUR


def _images(rng: np.random.Generator, start: float, end: float) -> dict[str, list[ImageVersion]]:
    images = {}
    docker, buildx = [26, 1, 3], [17, 1]
    for image in sorted(set(LABELS.values())):
        at = start - float(rng.uniform(5, 15)) * DAY
        builds = []
        d, b = list(docker), list(buildx)
        while at < end:
            stamp = np.datetime64(int(at - 3 * DAY), "s").astype(object)
            builds.append(
                ImageVersion(
                    f"{stamp:%Y%m%d}.{int(rng.integers(1, 9))}.0",
                    at,
                    float(rng.uniform(1.5, 5)),
                    ".".join(map(str, d)),
                    f"0.{b[0]}.{b[1]}",
                )
            )
            if rng.random() < 0.3:
                d[0], d[1], d[2] = d[0] + 1, 0, int(rng.integers(0, 5))
            if rng.random() < 0.5:
                b[0], b[1] = b[0] + 1, int(rng.integers(0, 2))
            at += float(rng.uniform(6, 10)) * DAY
        images[image] = builds
    return images


def _tools(rng: np.random.Generator, start: float, end: float) -> tuple[list[tuple[str, float]], ...]:
    minor = int(rng.integers(12, 30))
    buildkit = [(f"0.{minor}.0", start - 90 * DAY)]
    at = start - float(rng.uniform(0, 40)) * DAY
    while at < end:
        minor += 1
        buildkit.append((f"0.{minor}.{int(rng.integers(0, 3))}", at))
        at += float(rng.uniform(20, 45)) * DAY
    qemu = int(rng.integers(6, 9))
    binfmt = [(f"{qemu}.{int(rng.integers(0, 3))}.0", start - 200 * DAY)]
    runner = int(rng.integers(318, 330))
    runners = [(f"2.{runner}.0", start - 30 * DAY), (f"2.{runner + 1}.0", start + float(rng.uniform(-10, 30)) * DAY)]
    return buildkit, binfmt, runners
