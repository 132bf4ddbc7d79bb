"""What can fail a job: services, bad versions, images, code, credentials, and the misfortune of any day.

A `Cause` looks at a job that is about to run (`Moment`) and says at which step it would strike and how likely;
the history draws. Its text is what the log then says. The judge never sees any of this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.worlds import words
from benchmarks.worlds.fleet import Job, Repo, Step, Touch
from benchmarks.worlds.releases import HOUR, ImageVersion, Release, fake_sha

SET_UP = -1  # the step before the first: "Set up job"


@dataclass
class Moment:
    """One job at the moment it starts: all that a cause may look at."""

    repo: Repo
    job: Job
    leg: int
    t: float
    event: str
    branch: str
    credential: str
    run: int
    steps: list[int]
    releases: dict[str, Release]
    image_name: str
    image: ImageVersion
    region: str
    buildkit: str
    binfmt: str
    new_wording: bool
    pushing: bool

    @property
    def platform(self) -> str:
        return self.job.legs[self.leg][2]

    def touches(self, index: int) -> tuple[Touch, ...]:
        step = self.job.steps[index]
        if self.pushing:
            return step.touches
        return tuple(t for t in step.touches if t[1] != "push")


Strike = tuple[int, float]  # step index, probability
Hazard = Callable[[Moment], Strike | None]
Text = Callable[[np.random.Generator, Moment, int], list[str]]


@dataclass
class Cause:
    """One thing that fails jobs.

    `stubborn` is the chance that a rerun of a job it failed meets the same fate while it is still at work;
    `clump` is how alike the fates of one run's jobs are (Beta concentration; small is alike).
    """

    name: str
    hazard: Hazard
    text: Text
    guilty: bool = True
    stubborn: float = 0.0
    clump: float = 6.0
    lethal_rerun: dict[int, float] = field(default_factory=dict)


@dataclass
class Profile:
    """A rate over time: pieces (from, to, probability)."""

    pieces: list[tuple[float, float, float]]

    def at(self, t: float) -> float:
        return max((q for a, b, q in self.pieces if a <= t < b), default=0.0)

    @property
    def start(self) -> float:
        return min(a for a, _, _ in self.pieces)

    @property
    def end(self) -> float:
        return max(b for _, b, _ in self.pieces)


def bursts(rng: np.random.Generator, start: float, hours: float, rate: float, count: int = 1) -> Profile:
    """`count` bursts from `start` over about `hours`, each with a rate of its own around `rate`."""
    edges = np.sort(rng.uniform(0, hours, 2 * (count - 1))) if count > 1 else np.array([])
    marks = [0.0, *map(float, edges), hours]
    pieces = []
    for a, b in zip(marks[::2], marks[1::2], strict=True):
        pieces.append((start + a * HOUR, start + b * HOUR, float(np.clip(rate * rng.uniform(0.7, 1.3), 0.02, 0.97))))
    return Profile(pieces)


def service(
    component: str,
    profile: Profile,
    *,
    operations: tuple[str, ...] = (),
    modes: dict[str, float] | None = None,
    vague: float = 0.3,
    region: str | None = None,
    stubborn: float = 0.15,
    name: str | None = None,
) -> Cause:
    """A service that fails those who talk to it while the profile lasts."""
    modes = modes or {"5xx": 0.5, "timeout": 0.2, "403": 0.15, "reset": 0.15}

    def strikes(m: Moment) -> Strike | None:
        q = profile.at(m.t)
        if q <= 0 or (region is not None and m.region != region):
            return None
        if component == "gha-service":
            return SET_UP, q
        touching = [
            i for i in m.steps if any(c == component and (not operations or o in operations) for c, o in m.touches(i))
        ]
        if not touching:
            return None
        return touching[-1 if m.run % 3 else (m.run // 3 + m.leg) % len(touching)], q

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        if rng.random() < vague and index != SET_UP:
            return vague_text(rng, m.job.steps[index])
        mode = str(rng.choice(list(modes), p=np.array(list(modes.values())) / sum(modes.values())))
        operation = _operation(m, index, component, operations)
        return words.service_text(
            rng, component, operation, mode, uses="" if index == SET_UP else m.job.steps[index].uses,
            own=m.repo.full, new_wording=m.new_wording,
        )  # fmt: skip

    return Cause(name or f"service:{component}", strikes, text, stubborn=stubborn, clump=3.0)


def _operation(m: Moment, index: int, component: str, operations: tuple[str, ...]) -> str:
    if index == SET_UP:
        return "download-action"
    return next(o for c, o in m.touches(index) if c == component and (not operations or o in operations))


def vague_text(rng: np.random.Generator, step: Step) -> list[str]:
    """A text that tells nothing."""
    if step.uses == "docker/build-push-action":
        return words.phrase(rng, ("vague", "build"), {})
    return words.phrase(rng, ("vague", "action" if step.action else "run"), {})


def version(
    action: str,
    tags: set[str],
    rate: float,
    *,
    after: float = 0.0,
    until: float = float("inf"),
    needs_input: str | None = None,
    platform: str | None = None,
    job_key: str | None = None,
    only_push: bool = False,
    looks_like: tuple[str, str, str] | None = None,
    vague: float = 0.2,
    stubborn: float = 0.7,
) -> Cause:
    """Releases of an action that fail the jobs that use them; `looks_like` is (component, operation, mode) of a lie."""
    tag = sorted(tags)[0]
    seed = int(fake_sha(action, tag)[:6], 16)

    def strikes(m: Moment) -> Strike | None:
        release = m.releases.get(action)
        if release is None or release.tag not in tags or not after <= m.t < until:
            return None
        if platform is not None and m.platform != platform:
            return None
        if job_key is not None and m.job.key != job_key:
            return None
        if only_push and not m.pushing:
            return None
        for index in m.steps:
            step = m.job.steps[index]
            if step.action == action and (needs_input is None or needs_input in step.inputs):
                return index, rate
        return None

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        if rng.random() < vague:
            return vague_text(rng, m.job.steps[index])
        if looks_like is not None and rng.random() < 0.9:
            component, operation, mode = looks_like
            return words.service_text(
                rng, component, operation, mode, uses=action, own=m.repo.full, new_wording=m.new_wording
            )
        group = action if words.has(("regression", action)) else "generic"
        sub = np.random.default_rng(seed if rng.random() < 0.8 else int(rng.integers(1 << 30)))
        return words.phrase(sub, ("regression", group, "own"), {"to": tag, "action": action})

    return Cause(f"action-version:{action}@{tag.removeprefix('v')}", strikes, text, stubborn=stubborn)


def tool(name: str, bad: str, rate: float, *, platform: str | None = None) -> Cause:
    """A floating tool (buildkit, binfmt) whose version `bad` fails builds."""
    carrier = {"buildkit": "docker/setup-buildx-action", "binfmt": "docker/setup-qemu-action"}[name]
    seed = int(fake_sha(name, bad)[:6], 16)

    def strikes(m: Moment) -> Strike | None:
        if (m.buildkit if name == "buildkit" else m.binfmt) != bad:
            return None
        if platform is not None and m.platform != platform:
            return None
        if not any(m.job.steps[i].action == carrier for i in m.steps):
            return None
        return next(((i, rate) for i in m.steps if m.job.steps[i].action == "docker/build-push-action"), None)

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        sub = np.random.default_rng(seed if rng.random() < 0.85 else int(rng.integers(1 << 30)))
        host = words.HOSTS[m.job.pushes_to or "docker-hub"][0]
        facts = {"host": host, "own": m.repo.full, "target": f"{host}/{m.repo.full}:latest", "tag": "latest"}
        return words.phrase(sub, ("tool", name, "own"), facts)

    return Cause(f"tool-version:{name}@{bad}", strikes, text, stubborn=0.5)


def runner_image(image: str, bad: set[str], rate: float, *, kinds: tuple[str, ...] = ()) -> Cause:
    """A runner image whose builds `bad` fail jobs (of some kinds)."""
    first = sorted(bad)[0]
    seed = int(fake_sha(image, first)[:6], 16)

    def strikes(m: Moment) -> Strike | None:
        if m.image_name != image or m.image.version not in bad or (kinds and m.job.kind not in kinds):
            return None
        runs = [i for i in m.steps if m.job.steps[i].run] or m.steps
        return runs[-1], rate

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        sub = np.random.default_rng(seed if rng.random() < 0.85 else int(rng.integers(1 << 30)))
        return words.phrase(sub, ("runner_image", "own"), {})

    return Cause(f"runner-image:{image}@{first}", strikes, text, stubborn=0.6)


def code(repo: Repo, kinds: tuple[str, ...], rate: float, start: float, end: float, default_only: bool = True) -> Cause:
    """A commit on the main branch that breaks some jobs of one repository until it is fixed."""

    def strikes(m: Moment) -> Strike | None:
        if m.repo is not repo or not start <= m.t < end or m.job.kind not in kinds:
            return None
        if default_only and m.event not in ("push", "schedule", "pull_request"):
            return None
        return code_step(m), rate

    return Cause(f"code-change:{repo.full}", strikes, code_text, stubborn=0.95, clump=40)


def limit(component: str, rate: Callable[[float], float], anonymous: bool = True) -> Cause:
    """A registry's pull limit that bites when the whole company builds."""

    def strikes(m: Moment) -> Strike | None:
        q = rate(m.t)
        if q <= 0:
            return None
        for index in m.steps:
            if any(c == component and o == "pull" for c, o in m.touches(index)):
                return index, q
        return None

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        if rng.random() < 0.1:
            return vague_text(rng, m.job.steps[index])
        return words.service_text(
            rng, component, "pull", "limit", uses=m.job.steps[index].uses, own=m.repo.full, new_wording=False
        )

    return Cause(f"rate-limit:{component}", strikes, text, stubborn=0.3, clump=4)


def credentials(component: str, start: float, end: float, repos: list[Repo]) -> Cause:
    """A credential of some repositories that ran out: every login fails until it is renewed."""
    names = {r.full for r in repos}

    def strikes(m: Moment) -> Strike | None:
        if m.repo.full not in names or not start <= m.t < end:
            return None
        for index in m.steps:
            if any(c == component and o == "login" for c, o in m.touches(index)):
                return index, 0.99
        return None

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        host = words.HOSTS[component][0]
        return words.phrase(rng, ("configuration", "expired"), {"host": host})

    return Cause(f"configuration:{component}", strikes, text, stubborn=1.0, clump=200)


def permission(component: str, start: float, end: float, repos: list[Repo]) -> Cause:
    """A permission taken away: pushes are denied, pulls go on."""
    names = {r.full for r in repos}

    def strikes(m: Moment) -> Strike | None:
        if m.repo.full not in names or not start <= m.t < end:
            return None
        for index in m.steps:
            if any(c == component and o == "push" for c, o in m.touches(index)):
                return index, 0.99
        return None

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        host = words.HOSTS[component][0]
        facts = {"host": host, "target": f"{host}/{m.repo.full}:latest", "own": m.repo.full}
        return words.phrase(rng, ("configuration", "ghcr_write"), facts)

    return Cause(f"configuration:{component}", strikes, text, stubborn=1.0, clump=200)


def bots_without_secrets() -> Cause:
    """Logins of Dependabot's and forks' runs, which get no secrets."""

    def strikes(m: Moment) -> Strike | None:
        if m.credential == "normal":
            return None
        return next(((i, 0.98) for i in m.steps if m.job.steps[i].action == "docker/login-action"), None)

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        return words.phrase(rng, ("configuration", "bot"), {})

    return Cause("configuration:bots", strikes, text, stubborn=1.0, clump=200)


# ---- any day's misfortune ----------------------------------------------------------------------------------------


def code_step(m: Moment) -> int:
    runs = [i for i in m.steps if m.job.steps[i].run and not m.job.steps[i].touches]
    builds = [i for i in m.steps if m.job.steps[i].action == "docker/build-push-action"]
    return (runs or builds or m.steps)[-1]


def code_text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
    """A compiler's, test runner's or linter's complaint in the repository's language."""
    if m.job.kind in ("image", "docs"):
        return words.phrase(rng, ("code", m.job.kind, "test"), {})
    kind = "lint" if m.job.kind == "lint" else "compile" if rng.random() < 0.25 or m.job.kind == "build" else "test"
    return words.phrase(rng, ("code", m.repo.language, kind), {})


def flakiness(mood: Callable[[Repo, float], float]) -> Cause:
    """Tests that fail now and then; `mood` multiplies a repository's rate day by day (overdispersion)."""

    def strikes(m: Moment) -> Strike | None:
        return code_step(m), min(0.5, m.job.code_rate * m.repo.flaky * mood(m.repo, m.t))

    return Cause("background:flaky", strikes, code_text, guilty=False, stubborn=0.25, clump=10)


def hiccups(rate: float) -> list[Cause]:
    """Rare single failures of any service, lost runners, full disks, time-outs."""

    def blip(m: Moment) -> Strike | None:
        touching = [i for i in m.steps if m.touches(i)]
        return (touching[(m.run * 7 + m.leg) % len(touching)], rate * len(touching)) if touching else None

    def blip_text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        component, operation = m.touches(index)[int(rng.integers(len(m.touches(index))))]
        mode = str(rng.choice(["5xx", "timeout", "reset", "eof"]))
        return words.service_text(
            rng, component, operation, mode, uses=m.job.steps[index].uses, own=m.repo.full, new_wording=m.new_wording
        )

    def host(m: Moment) -> Strike | None:
        return m.steps[-1], rate

    def host_text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        return words.phrase(rng, ("host", str(rng.choice(["lost", "disk", "memory", "timeout"]))), {})

    return [
        Cause("background:blip", blip, blip_text, guilty=False, stubborn=0.02, clump=50),
        Cause("background:host", host, host_text, guilty=False, stubborn=0.02, clump=50),
    ]
