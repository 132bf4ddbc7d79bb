"""Incidents whose cause is neither an action nor a registry: images, tools, code, credentials."""

from __future__ import annotations

import numpy as np

from benchmarks.worlds.causes import (
    Cause,
    Moment,
    Strike,
    bots_without_secrets,
    bursts,
    code,
    credentials,
    permission,
    runner_image,
    service,
    tool,
    vague_text,
    version,
)
from benchmarks.worlds.families.registry import family
from benchmarks.worlds.families.services import BUILD, ensure_pulls, ensure_pushes, hours, innocent_question, modes
from benchmarks.worlds.history import Bump
from benchmarks.worlds.releases import DAY, HOUR, ImageVersion
from benchmarks.worlds.setup import Guilty, Setup


def roll_out(s: Setup, image: str, at: float, days: float) -> ImageVersion:
    """Make one build of an image start rolling out at a time; builds that would come after it stay away."""
    builds = [b for b in s.calendar.images[image] if b.at < at - 4 * DAY] or s.calendar.images[image][:1]
    stamp = np.datetime64(int(at - 2 * DAY), "s").astype(object)
    last = builds[-1]
    build = ImageVersion(f"{stamp:%Y%m%d}.{int(s.rng.integers(1, 9))}.0", at, days, last.docker, last.buildx)
    s.calendar.images[image] = [*builds, build]
    return build


@family("runner-image-guilty")
def runner_image_guilty(s: Setup) -> None:
    """A new build of the image reaches more runners each day and breaks jobs there."""
    t = s.workday(0.3, 0.5)
    build = roll_out(s, "ubuntu-24.04", t, float(s.rng.uniform(4, 7)))
    innocent_question(s, t + float(s.rng.uniform(-20, 30)) * HOUR)
    kinds = [("image",), ("test",), ()][int(s.rng.integers(3))]
    rate = float(s.rng.uniform(0.35, 0.8))
    s.convict(runner_image("ubuntu-24.04", {build.version}, rate, kinds=kinds), f"ubuntu-24.04@{build.version}")


@family("runner-image-innocent")
def runner_image_innocent(s: Setup) -> None:
    """The image rolls out in the outage's days and has nothing to do with it."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.35, 0.6)
    roll_out(s, "ubuntu-24.04", t - float(s.rng.uniform(0, 2)) * DAY, float(s.rng.uniform(3, 6)))
    innocent_question(s, t - float(s.rng.uniform(0, 1)) * DAY, BUILD)
    profile = bursts(s.rng, t, hours(s, 14, 40), float(s.rng.uniform(0.35, 0.7)), 2)
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.35))


@family("runner-image-beside-regression")
def runner_image_beside_regression(s: Setup) -> None:
    """The image rolls out in the days of a broken release."""
    t = s.workday(0.3, 0.5)
    roll_out(s, "ubuntu-24.04", t - float(s.rng.uniform(-0.5, 1)) * DAY, float(s.rng.uniform(3, 6)))
    _, new = s.ask(BUILD, t)
    s.take_up(new, share=0.7, hours=(1, 80), revert=0.2)
    s.convict(version(BUILD, {new.tag}, float(s.rng.uniform(0.45, 0.85)), vague=0.3))


@family("buildkit-floats")
def buildkit_floats(s: Setup) -> None:
    """The builder image moves under everyone; no workflow changed (CASES 11)."""
    t = s.workday(0.3, 0.55)
    series = [(v, at) for v, at in s.calendar.buildkit if at < t - 6 * DAY]
    bad = f"0.{int(series[-1][0].split('.')[1]) + 1}.0"
    s.calendar.buildkit = [*series, (bad, t)]
    if s.rng.random() < 0.5:
        s.calendar.buildkit.append((bad[:-1] + "1", t + float(s.rng.uniform(2.5, 5)) * DAY))
    innocent_question(s, t + float(s.rng.uniform(-30, 30)) * HOUR, BUILD, "docker/setup-buildx-action")
    s.convict(tool("buildkit", bad, float(s.rng.uniform(0.3, 0.7))), f"buildkit@{bad}")


@family("binfmt-floats")
def binfmt_floats(s: Setup) -> None:
    """QEMU's image moves and builds under emulation die (CASES 15)."""
    from benchmarks.worlds.fleet import Step

    for repo in s.users(BUILD):
        for workflow in repo.workflows:
            for job in workflow.jobs:
                if job.kind != "image":
                    continue
                if all(st.action != "docker/setup-qemu-action" for st in job.steps) and s.rng.random() < 0.6:
                    step = Step("Set up QEMU", "docker/setup-qemu-action", touches=(("docker-hub", "pull"),), seconds=6)
                    job.steps.insert(1, step)
                    repo.pins.setdefault("docker/setup-qemu-action", "tag")
    from benchmarks.worlds.families.services import _know

    _know(s, "docker/setup-qemu-action")
    t = s.workday(0.3, 0.55)
    bad = f"{int(s.calendar.binfmt[-1][0].split('.')[0]) + 1}.2.0"
    s.calendar.binfmt.append((bad, t))
    innocent_question(s, t + float(s.rng.uniform(-30, 30)) * HOUR, BUILD)
    s.convict(tool("binfmt", bad, float(s.rng.uniform(0.4, 0.8))), f"binfmt@{bad}")


@family("code-change-on-main")
def code_change_on_main(s: Setup) -> None:
    """One repository's main branch is broken for days, its image build among the dead; it had just upgraded."""
    builders = s.users(BUILD)
    repo = builders[int(s.rng.integers(len(builders)))]
    repo.pushes_per_day *= 1.5
    t = s.workday(0.35, 0.6)
    innocent_question(s, t - float(s.rng.uniform(4, 40)) * HOUR, BUILD)
    kinds = [("image",), ("test", "build"), ("image", "test")][int(s.rng.integers(3))]
    end = t + hours(s, 36, 90) * HOUR
    s.convict(code(repo, kinds, 0.93, t, end), repo.full)
    s.least = 10 if not s.small else 5


@family("credentials-ran-out")
def credentials_ran_out(s: Setup) -> None:
    """A registry's token expired: every login of those repositories fails until it is renewed."""
    component = str(s.rng.choice(["docker-hub", "ghcr"]))
    ensure_pushes(s, component)
    t = s.workday(0.35, 0.65)
    innocent_question(s, t - float(s.rng.uniform(-0.3, 2)) * DAY, "docker/login-action", BUILD)
    repos = [r for r in s.users("docker/login-action") if s.rng.random() < 0.6] or s.users("docker/login-action")[:1]
    cause = credentials(component, t, t + hours(s, 24, 72) * HOUR, repos)
    s.convict(cause, component, *[r.full for r in repos], "credential", "login")
    s.least = 10 if not s.small else 5


@family("permission-taken-away")
def permission_taken_away(s: Setup) -> None:
    """The organisation took the right to write packages away: pushes to GHCR are denied."""
    ensure_pushes(s, "ghcr")
    t = s.workday(0.35, 0.65)
    innocent_question(s, t - float(s.rng.uniform(-0.3, 2)) * DAY, BUILD, "docker/login-action")
    repos = [r for r in s.users(BUILD) if s.rng.random() < 0.7] or s.users(BUILD)[:1]
    s.convict(permission("ghcr", t, t + hours(s, 24, 72) * HOUR, repos), "ghcr", "permission", *[r.full for r in repos])
    s.least = 10 if not s.small else 5


@family("bots-fail-at-login")
def bots_fail_at_login(s: Setup) -> None:
    """Dependabot's bump pull requests fail at login for want of secrets: the new version is innocent."""
    ensure_pushes(s, "docker-hub")
    s.guarded = False
    for repo in s.repos:
        repo.bot, repo.number = "dependabot", repo.number // 2 * 2
    innocent_question(s, s.workday(0.25, 0.5), BUILD, share=0.5)
    s.convict(bots_without_secrets(), "")
    s.accepted |= {"configuration", "flakiness"}
    s.least = 6 if not s.small else 3
    s.tolerated = list(s.guilty)
    s.guilty = []


@family("bots-fail-at-login-in-an-outage")
def bots_fail_in_an_outage(s: Setup) -> None:
    """The same, and a registry's bad day on top."""
    ensure_pushes(s, "docker-hub")
    ensure_pulls(s, "docker-hub")
    s.guarded = False
    for repo in s.repos:
        repo.bot, repo.number = "dependabot", repo.number // 2 * 2
    t = s.workday(0.35, 0.6)
    innocent_question(s, t - float(s.rng.uniform(2, 30)) * HOUR, BUILD, share=0.5)
    bots = bots_without_secrets()
    s.causes.append(bots)
    s.tolerated.append(Guilty("configuration", ("",), bots.name))
    profile = bursts(s.rng, t, hours(s, 12, 36), float(s.rng.uniform(0.4, 0.75)))
    s.convict(service("docker-hub", profile, modes={"5xx": 0.6, "403": 0.3, "timeout": 0.1}, vague=0.3))


@family("upgrade-and-code-in-one-merge")
def upgrade_and_code_in_one_merge(s: Setup) -> None:
    """One repository alone merges an upgrade together with code, and is red from then on: no control, vague logs."""
    users = s.users(BUILD)
    repo = users[int(s.rng.integers(len(users)))]
    for other in users:
        other.pins[BUILD] = "tag"
    t = s.workday(0.35, 0.6)
    _, new = s.ask(BUILD, t - float(s.rng.uniform(5, 60)) * HOUR)
    s.bumps[repo.full].append(Bump(BUILD, new, t, t, by_hand=True, with_code=True))
    repo.pushes_per_day *= 1.5
    rate = float(s.rng.uniform(0.75, 0.95))

    def strikes(m: Moment) -> Strike | None:
        if m.repo is not repo or m.t < t or m.job.kind != "image":
            return None
        return next(((i, rate) for i in m.steps if m.job.steps[i].action == BUILD), None)

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        return vague_text(rng, m.job.steps[index])

    s.causes.append(Cause("both:one-merge", strikes, text, stubborn=0.95))
    s.accepted.add("insufficient-evidence")


@family("same-hour-inseparable")
def same_hour_inseparable(s: Setup) -> None:
    """Everyone floats; from the hour of the release to the end of the history builds fail, with vague logs."""
    t = s.workday(0.7, 0.85)
    s.mix_pins(BUILD, 1.01)
    s.end = t + hours(s, 14, 34) * HOUR
    s.ask(BUILD, t)
    begin = t + float(s.rng.uniform(-0.2, 0.5)) * HOUR
    rate = float(s.rng.uniform(0.5, 0.8))

    def strikes(m: Moment) -> Strike | None:
        if m.t < max(t, begin):
            return None
        return next(((i, rate) for i in m.steps if m.job.steps[i].action == BUILD), None)

    def text(rng: np.random.Generator, m: Moment, index: int) -> list[str]:
        return vague_text(rng, m.job.steps[index])

    s.causes.append(Cause("both:same-hour", strikes, text, stubborn=0.5))
    s.rerun_factor = 0.25
    s.needed = ("both:same-hour",)
    s.accepted.add("insufficient-evidence")
