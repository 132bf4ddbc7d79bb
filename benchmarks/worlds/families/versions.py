"""Incidents in which a release of an action is at fault, alone or beside a service."""

from __future__ import annotations

from benchmarks.worlds.causes import bursts, service, version
from benchmarks.worlds.families.registry import family
from benchmarks.worlds.families.services import BUILD, ensure_pulls, ensure_pushes, hours, modes
from benchmarks.worlds.releases import DAY, HOUR
from benchmarks.worlds.setup import Setup

ANY = (
    BUILD, BUILD, "docker/setup-buildx-action", "actions/cache", "actions/setup-node", "actions/setup-python",
    "actions/checkout", "actions/upload-artifact",
)  # fmt: skip


def rate_of(s: Setup, low: float, high: float) -> float:
    return min(0.95, float(s.rng.uniform(low, high)) * (1.25 if s.small else 1))


def waves(s: Setup, revert: float = 0.3) -> dict[str, object]:
    return {"share": float(s.rng.uniform(0.6, 0.85)), "hours": (1, 80), "pull_hours": (1, 30), "revert": revert}


@family("regression")
def regression(s: Setup) -> None:
    """A release is broken for everyone."""
    action = s.pick_action(*ANY)
    _, new = s.ask(action, s.workday(0.3, 0.55))
    s.take_up(new, **waves(s))  # type: ignore[arg-type]
    s.convict(version(action, {new.tag}, rate_of(s, 0.35, 0.9)))


@family("small-regression")
def small_regression(s: Setup) -> None:
    """A release that fails one job in ten to five."""
    action = s.pick_action(BUILD, "actions/cache", "actions/setup-node", "actions/checkout")
    _, new = s.ask(action, s.workday(0.2, 0.4))
    s.take_up(new, **waves(s, revert=0.1))  # type: ignore[arg-type]
    s.convict(version(action, {new.tag}, rate_of(s, 0.1, 0.2), stubborn=0.2))
    s.least = 14 if not s.small else 5


@family("regression-of-one-input")
def regression_of_one_input(s: Setup) -> None:
    """Only jobs that set a certain input die."""
    wanted = str(s.rng.choice(["build-contexts", "cache-to", "secrets", "build-args"]))
    builders = s.users(BUILD)
    for k, repo in enumerate(builders):
        for workflow in repo.workflows:
            for job in workflow.jobs:
                for step in job.steps:
                    if step.action == BUILD:
                        step.inputs.pop(wanted, None)
                        if k % 2 == 0:
                            step.inputs[wanted] = "x=1"
    _, new = s.ask(BUILD, s.workday(0.3, 0.5))
    s.take_up(new, **waves(s))  # type: ignore[arg-type]
    s.convict(version(BUILD, {new.tag}, rate_of(s, 0.6, 0.95), needs_input=wanted))


@family("regression-of-one-platform")
def regression_of_one_platform(s: Setup) -> None:
    """Only the arm64 legs of the build die."""
    for repo in s.users(BUILD):
        for workflow in repo.workflows:
            for job in workflow.jobs:
                if job.kind == "image" and s.rng.random() < 0.8:
                    job.legs = [("linux/amd64", "ubuntu-latest", "amd64"), ("linux/arm64", "ubuntu-24.04-arm", "arm64")]
                    job.fail_fast = False
    _, new = s.ask(BUILD, s.workday(0.3, 0.5))
    s.take_up(new, **waves(s))  # type: ignore[arg-type]
    s.convict(version(BUILD, {new.tag}, rate_of(s, 0.5, 0.9), platform="arm64"))


@family("outage-and-regression")
def outage_and_regression(s: Setup) -> None:
    """Both: a broken release, and Docker Hub down in the same days."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.3, 0.45)
    _, new = s.ask(BUILD, t)
    s.take_up(new, share=0.7, hours=(1, 70), pull_hours=(1, 24), revert=0.15)
    s.convict(version(BUILD, {new.tag}, rate_of(s, 0.4, 0.8), vague=0.15))
    start = t + float(s.rng.uniform(10, 90)) * HOUR
    profile = bursts(s.rng, start, hours(s, 10, 30), float(s.rng.uniform(0.4, 0.7)))
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.2))
    if s.rng.random() < 0.5:
        s.post("docker", "Docker Hub degraded", ("Docker Hub Registry",), start, profile.end, late=0.8)


@family("floating-tag-turned-bad")
def floating_tag_turned_bad(s: Setup) -> None:
    """v6 moves to a bad release and, two days later, to its repair; who pins never sees it."""
    action = s.pick_action(BUILD, "actions/cache", "actions/setup-node", "actions/checkout")
    s.mix_pins(action, 0.6)
    t = s.workday(0.3, 0.6)
    _, new = s.ask(action, t, then=t + hours(s, 30, 80) * HOUR)
    s.take_up(new, share=0.2)
    s.convict(version(action, {new.tag}, rate_of(s, 0.4, 0.85)))


@family("irrelevant-incident-beside-regression")
def irrelevant_incident(s: Setup) -> None:
    """A broken release; the status pages have items of other components and regions in those hours."""
    action = s.pick_action(*ANY)
    _, new = s.ask(action, s.workday(0.3, 0.5))
    s.take_up(new, **waves(s))  # type: ignore[arg-type]
    s.convict(version(action, {new.tag}, rate_of(s, 0.4, 0.85)))
    t = new.at + float(s.rng.uniform(0, 24)) * HOUR
    s.post("docker", "Docker Desktop: sign-in problems", ("Docker Desktop",), t, t + 9 * HOUR)
    s.post("github", "Incident with Codespaces", ("Codespaces",), t + 5 * HOUR, t + 8 * HOUR)
    s.post("github", "Incident with Pages", ("Pages",), t - 7 * HOUR, t + 2 * HOUR)


@family("relevant-incident-beside-regression")
def relevant_incident(s: Setup) -> None:
    """Docker Hub's page reports trouble that this company never felt; the release is guilty."""
    ensure_pulls(s, "docker-hub")
    _, new = s.ask(BUILD, s.workday(0.3, 0.5))
    s.take_up(new, **waves(s))  # type: ignore[arg-type]
    s.convict(version(BUILD, {new.tag}, rate_of(s, 0.4, 0.85), vague=0.3))
    t = new.at + float(s.rng.uniform(10, 60)) * HOUR
    s.post("docker", "Docker Hub: slow pulls in Asia", ("Docker Hub Registry",), t, t + 10 * HOUR, late=0.3)


@family("regression-looks-like-registry")
def regression_looks_like_registry(s: Setup) -> None:
    """The release breaks authentication; the registry answers 403 to it alone."""
    component = str(s.rng.choice(["docker-hub", "ghcr"]))
    ensure_pushes(s, component)
    ensure_pulls(s, component)
    _, new = s.ask(BUILD, s.workday(0.25, 0.45))
    s.take_up(new, share=float(s.rng.uniform(0.55, 0.75)), hours=(1, 90), pull_hours=(1, 30), revert=0.15)
    mode = str(s.rng.choice(["403", "403", "denied"]))
    operation = "push" if mode == "denied" else str(s.rng.choice(["push", "pull"]))
    lie = (component, operation, mode)
    s.convict(version(BUILD, {new.tag}, rate_of(s, 0.5, 0.9), looks_like=lie, vague=0.1, only_push=operation == "push"))


@family("vague-regression")
def vague_regression(s: Setup) -> None:
    """A broken release that leaves only exit codes."""
    action = s.pick_action(BUILD, BUILD, "actions/cache", "actions/setup-node")
    _, new = s.ask(action, s.workday(0.3, 0.5))
    s.take_up(new, **waves(s))  # type: ignore[arg-type]
    s.convict(version(action, {new.tag}, rate_of(s, 0.4, 0.85), vague=0.85))


@family("old-version-guilty")
def old_version_guilty(s: Setup) -> None:
    """From a day on the old release fails (what it calls was switched off); the new one works."""
    action = s.pick_action(BUILD, "actions/cache", "actions/upload-artifact", "actions/setup-node")
    old, new = s.ask(action, s.workday(0.15, 0.35))
    s.mix_pins(action, 0.15)
    for repo in s.users(action):
        s.first[repo.full][action] = old
    s.take_up(new, share=0.6, hours=(4, 150), pull_hours=(2, 40))
    day = new.at + float(s.rng.uniform(1.5, 4)) * DAY
    s.convict(version(action, {old.tag}, rate_of(s, 0.4, 0.8), after=day, stubborn=0.6))


@family("upgrade-cures")
def upgrade_cures(s: Setup) -> None:
    """The old release has failed now and then all along; each repository is well from its upgrade on."""
    action = s.pick_action(BUILD, "actions/cache", "actions/setup-node", "actions/checkout")
    old, new = s.ask(action, s.workday(0.3, 0.45))
    for repo in s.users(action):
        s.first[repo.full][action] = old
    s.take_up(new, share=0.75, hours=(2, 140), pull_hours=(1, 40))
    s.convict(version(action, {old.tag}, rate_of(s, 0.15, 0.35), stubborn=0.4))


@family("two-bumped-together")
def two_bumped_together(s: Setup) -> None:
    """Two actions move in one pull request, one is guilty; some took only one of them."""
    pair = [BUILD, "docker/setup-buildx-action"]
    if s.rng.random() < 0.4:
        pair = [BUILD, "docker/metadata-action"]
    if s.rng.random() < 0.5:
        pair.reverse()
    guilty, innocent = pair
    t = s.workday(0.25, 0.45)
    _, other = s.ask(innocent, t + float(s.rng.uniform(-3, 3)) * HOUR)
    for name in pair:
        for repo in s.users(name):
            repo.pins[name] = "tag" if repo.pins[name] == "float" else repo.pins[name]
    _, new = s.ask(guilty, t)
    both = s.users(guilty)
    cut = max(1, len(both) // 2)
    s.take_up(new, repos=both[:cut], share=1.0, also=other, hours=(3, 60), pull_hours=(1, 20))
    rest = both[cut:]
    s.take_up(new, repos=rest[: max(1, len(rest) // 2)], share=1.0, hours=(3, 90), pull_hours=(1, 20))
    only = [r for r in rest[max(1, len(rest) // 2) :] if innocent in r.actions]
    if only:
        s.take_up(other, repos=only, share=1.0, hours=(3, 60), pull_hours=(1, 20))
    s.convict(version(guilty, {new.tag}, rate_of(s, 0.45, 0.85)))


@family("two-regressions")
def two_regressions(s: Setup) -> None:
    """Two releases of two actions are broken, at different times."""
    second = s.pick_action("actions/setup-node", "actions/setup-python", "actions/cache", "actions/checkout")
    _, other = s.ask(second, s.workday(0.5, 0.65))
    s.take_up(other, **waves(s, revert=0.1))  # type: ignore[arg-type]
    _, new = s.ask(BUILD, s.workday(0.2, 0.35))
    s.take_up(new, **waves(s, revert=0.1))  # type: ignore[arg-type]
    s.convict(version(second, {other.tag}, rate_of(s, 0.4, 0.8)))
    s.convict(version(BUILD, {new.tag}, rate_of(s, 0.4, 0.8)))
    s.least = 10 if not s.small else 4


@family("many-changes-one-guilty")
def many_changes_one_guilty(s: Setup) -> None:
    """A busy bot moves a dozen actions; one release is broken."""
    for repo in s.repos:
        repo.bot, repo.bot_days, repo.merge_share = "renovate", 0.5, 0.9
        repo.merge_hours = float(s.rng.choice([4, 20, 50]))
    action = s.pick_action(*ANY)
    _, new = s.ask(action, s.workday(0.3, 0.5))
    s.take_up(new, **waves(s))  # type: ignore[arg-type]
    s.convict(version(action, {new.tag}, rate_of(s, 0.4, 0.85)))


@family("old-new-old")
def old_new_old(s: Setup) -> None:
    """Everyone who upgrades goes back within a day; some try again."""
    action = s.pick_action(*ANY)
    _, new = s.ask(action, s.workday(0.25, 0.5))
    s.take_up(new, share=0.8, hours=(2, 120), pull_hours=(1, 20), revert=1.0, revert_hours=(12, 50), floats=False)
    s.convict(version(action, {new.tag}, rate_of(s, 0.55, 0.95)))
    s.least = 8 if not s.small else 4


@family("ongoing-regression")
def ongoing_regression(s: Setup) -> None:
    """The history ends a day and a half after a broken release."""
    s.end = s.workday(0.75, 0.95) + 4 * HOUR
    action = s.pick_action(BUILD, "actions/checkout", "actions/setup-node")
    _, new = s.ask(action, s.end - hours(s, 30, 55) * HOUR)
    s.take_up(new, share=0.75, hours=(1, 16), pull_hours=(0.5, 10))
    s.convict(version(action, {new.tag}, rate_of(s, 0.5, 0.9)))
    s.least = 10 if not s.small else 4


@family("outage-then-regression")
def outage_then_regression(s: Setup) -> None:
    """A registry's bad day early on; days later a broken release: the first must not excuse the second."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.12, 0.25)
    profile = bursts(s.rng, t, hours(s, 8, 18), float(s.rng.uniform(0.45, 0.75)))
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.25))
    _, new = s.ask(BUILD, s.workday(0.42, 0.55))
    s.take_up(new, **waves(s))  # type: ignore[arg-type]
    s.convict(version(BUILD, {new.tag}, rate_of(s, 0.4, 0.8)))
    s.least = 10 if not s.small else 4


@family("regression-in-one-major")
def regression_in_one_major(s: Setup) -> None:
    """Bots meet the broken release first, on their branches; few have merged it when it is withdrawn."""
    action = s.pick_action(BUILD, "actions/checkout")
    for repo in s.users(action):
        repo.bot = "renovate" if repo.bot == "none" else repo.bot
    _, new = s.ask(action, s.workday(0.25, 0.45))
    s.take_up(new, share=0.35, hours=(1, 60), pull_hours=(6, 40), floats=False, revert=0.3)
    for repo in s.users(action):
        for bump in s.bumps[repo.full]:
            if bump.merged is None:
                bump.opened = new.at + float(s.rng.uniform(1, 40)) * HOUR
    s.convict(version(action, {new.tag}, rate_of(s, 0.6, 0.95)))
    s.least = 9 if not s.small else 4
