"""Incidents in which a service is at fault, alone: outages, silent, regional, slow, vague, and limits."""

from __future__ import annotations

import numpy as np

from benchmarks.worlds.causes import Profile, bursts, limit, service
from benchmarks.worlds.families.registry import family
from benchmarks.worlds.history import rhythm
from benchmarks.worlds.releases import DAY, HOUR
from benchmarks.worlds.setup import Guilty, Setup

BUILD = "docker/build-push-action"
IMAGE_ACTIONS = (BUILD, "docker/setup-buildx-action", "docker/login-action", "docker/metadata-action")
HUB_MODES = (
    {"403": 0.5, "404": 0.2, "5xx": 0.2, "timeout": 0.1},
    {"5xx": 0.6, "timeout": 0.2, "eof": 0.2},
    {"timeout": 0.5, "reset": 0.3, "tls": 0.2},
    {"401": 0.3, "auth": 0.4, "5xx": 0.3},
)


def modes(s: Setup) -> dict[str, float]:
    return HUB_MODES[int(s.rng.integers(len(HUB_MODES)))]


def hours(s: Setup, low: float, high: float) -> float:
    """A duration; longer in small companies, whose jobs are few."""
    return float(s.rng.uniform(low, high)) * (1.6 if s.small else 1.0)


def innocent_question(s: Setup, at: float, *actions: str, floating: float | None = None, share: float = 0.8) -> None:
    """A harmless release that people will suspect."""
    action = s.pick_action(*(actions or IMAGE_ACTIONS))
    if floating is not None:
        s.mix_pins(action, floating)
    _, new = s.ask(action, at)
    s.take_up(new, share=share, hours=(0.5, 40), pull_hours=(0.5, 20))


def ensure_pulls(s: Setup, component: str) -> None:
    """Let most image jobs take their base image from a registry, so that its outage is felt."""
    for repo in s.repos:
        for workflow in repo.workflows:
            for job in workflow.jobs:
                for step in job.steps:
                    if step.action == BUILD and s.rng.random() < 0.8:
                        rest = tuple(t for t in step.touches if t[1] != "pull")
                        step.touches = ((component, "pull"), *rest)


def ensure_pushes(s: Setup, component: str) -> None:
    """Let most image jobs push to a registry."""
    for repo in s.repos:
        for workflow in repo.workflows:
            for job in workflow.jobs:
                if job.kind != "image" or s.rng.random() > 0.8:
                    continue
                job.pushes_to = component
                for step in job.steps:
                    if step.action == BUILD:
                        step.touches = tuple((component, o) if o == "push" else (c, o) for c, o in step.touches)
                    elif step.action == "docker/login-action":
                        step.touches = ((component, "login"),)
                        host = {"ghcr": "ghcr.io", "quay": "quay.io"}.get(component)
                        kept = {k: v for k, v in step.inputs.items() if k != "registry"}
                        step.inputs = ({"registry": host} | kept) if host else kept
                        step.name = f"Login to {component}"


@family("outage-meets-upgrade")
def outage_meets_upgrade(s: Setup) -> None:
    """The seed: Docker Hub fails at random in the hours when a release is taken up; its page says nothing of it."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.3, 0.65)
    innocent_question(s, t + float(s.rng.uniform(-8, 4)) * HOUR, BUILD)
    profile = bursts(s.rng, t, hours(s, 10, 48), float(s.rng.uniform(0.25, 0.7)), int(s.rng.integers(1, 4)))
    s.convict(service("docker-hub", profile, modes=modes(s), vague=float(s.rng.uniform(0.2, 0.5))))
    if s.rng.random() < 0.5:
        s.post("docker", "Docker Desktop for macOS: malware warning", ("Docker Desktop",), t - 3 * HOUR, t + 9 * HOUR)


@family("outage-meets-floating-tag")
def outage_meets_floating_tag(s: Setup) -> None:
    """Half of the fleet floats and moves in the very hour in which the registry goes bad."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.3, 0.65)
    innocent_question(s, t + float(s.rng.uniform(-1.5, 1)) * HOUR, BUILD, "docker/setup-buildx-action", floating=0.5)
    profile = bursts(s.rng, t, hours(s, 12, 40), float(s.rng.uniform(0.3, 0.7)), 2)
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.35))
    if s.rng.random() < 0.5:
        s.post("docker", "Docker Hub: pulls and pushes failing", ("Docker Hub Registry",), t, profile.end, late=1.2)


@family("unreported-outage")
def unreported_outage(s: Setup) -> None:
    """No page speaks; a release of last week is suspected."""
    component = str(s.rng.choice(["ghcr", "docker-hub", "quay"]))
    ensure_pulls(s, component)
    ensure_pushes(s, component)
    t = s.workday(0.5, 0.75)
    innocent_question(s, t - float(s.rng.uniform(2, 5)) * DAY)
    profile = bursts(s.rng, t, hours(s, 6, 20), float(s.rng.uniform(0.4, 0.85)))
    s.convict(service(component, profile, modes=modes(s), vague=0.3))


@family("reported-outage")
def reported_outage(s: Setup) -> None:
    """The page speaks, late; a release came in those days."""
    component, page, part = [
        ("docker-hub", "docker", "Docker Hub Registry"), ("ghcr", "github", "Packages"), ("quay", "quay", "Quay.io"),
    ][int(s.rng.integers(3))]  # fmt: skip
    ensure_pulls(s, component)
    t = s.workday(0.35, 0.75)
    innocent_question(s, t - float(s.rng.uniform(0, 2)) * DAY)
    profile = bursts(s.rng, t, hours(s, 5, 16), float(s.rng.uniform(0.4, 0.9)))
    s.convict(service(component, profile, modes=modes(s), vague=0.3))
    s.post(page, f"Errors on {part}", (part,), t, profile.end, late=float(s.rng.uniform(0.2, 3)))


@family("short-outage")
def short_outage(s: Setup) -> None:
    """One evening, few failures, all of one registry: a class that never occurs otherwise."""
    ensure_pulls(s, "docker-hub")
    s.hiccup_rate = 0.0003
    t = s.workday(0.35, 0.85)
    innocent_question(s, t - float(s.rng.uniform(0.2, 3)) * DAY)
    profile = bursts(s.rng, t, hours(s, 3, 7), float(s.rng.uniform(0.6, 0.95)))
    s.convict(service("docker-hub", profile, modes={"5xx": 0.7, "403": 0.3}, vague=0.15))
    s.least = 10 if not s.small else 5


@family("push-outage-rising")
def push_outage_rising(s: Setup) -> None:
    """Only pushes fail, at first few, in the end most."""
    component = str(s.rng.choice(["docker-hub", "ghcr", "quay"]))
    ensure_pushes(s, component)
    t = s.workday(0.25, 0.5)
    days = hours(s, 72, 150) / 24
    steps = 12
    pieces = [
        (t + k * days * DAY / steps, t + (k + 1) * days * DAY / steps, 0.06 + 0.75 * (k / (steps - 1)) ** 1.5)
        for k in range(steps)
    ]
    innocent_question(s, t + float(s.rng.uniform(-12, 36)) * HOUR, BUILD, "docker/login-action")
    s.convict(service(component, Profile(pieces), operations=("push",), modes={"403": 0.5, "5xx": 0.4, "timeout": 0.1}))


@family("cache-outage")
def cache_outage(s: Setup) -> None:
    """The Actions cache fails restores and exports."""
    t = s.workday(0.35, 0.75)
    innocent_question(s, t - float(s.rng.uniform(-0.2, 2)) * DAY, BUILD, "actions/cache", "actions/setup-node")
    profile = bursts(s.rng, t, hours(s, 5, 14), float(s.rng.uniform(0.5, 0.9)))
    s.convict(service("gha-cache", profile, modes={"5xx": 0.7, "timeout": 0.3}, vague=0.15))
    if s.rng.random() < 0.6:
        s.post("github", "Incident with Actions", ("Actions",), t, profile.end, late=0.7)


@family("package-registry-outage")
def package_registry_outage(s: Setup) -> None:
    """npm, PyPI or the Ubuntu mirror; what people suspect is a set-up action's release."""
    language = max(("node", "python"), key=lambda x: sum(r.language == x for r in s.repos))
    component = {"node": "npm", "python": "pypi"}[language]
    t = s.workday(0.35, 0.75)
    innocent_question(s, t - float(s.rng.uniform(-0.2, 1.5)) * DAY, f"actions/setup-{language}", "actions/checkout")
    profile = bursts(s.rng, t, hours(s, 4, 14), float(s.rng.uniform(0.5, 0.95)))
    s.convict(service(component, profile, modes={"5xx": 0.6, "timeout": 0.4}, vague=0.2))
    if s.rng.random() < 0.5:
        page = {"npm": "npm", "pypi": "pypi"}[component]
        s.post(page, "Elevated error rates", ("Registry" if component == "npm" else "PyPI",), t, profile.end, late=0.6)


@family("apt-mirror-outage")
def apt_mirror_outage(s: Setup) -> None:
    """The runner's own Ubuntu mirror fails, while an image rolls out."""
    for repo in s.repos:
        for workflow in repo.workflows:
            for job in workflow.jobs:
                for step in job.steps:
                    if step.run.startswith(("pip install", "npm ci", "cargo fetch")) and s.rng.random() < 0.7:
                        step.run, step.touches = f"sudo apt-get update && {step.run}", (("apt", "download"),)
    t = s.workday(0.35, 0.75)
    innocent_question(s, t - float(s.rng.uniform(-0.2, 2)) * DAY, "actions/checkout", "actions/setup-python")
    s.convict(service("apt", bursts(s.rng, t, hours(s, 5, 14), 0.7), modes={"5xx": 0.5, "timeout": 0.5}, vague=0.1))


@family("vague-outage")
def vague_outage(s: Setup) -> None:
    """Most logs end in a bare exit code; few name the registry."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.35, 0.7)
    innocent_question(s, t - float(s.rng.uniform(-0.1, 1.5)) * DAY, BUILD)
    profile = bursts(s.rng, t, hours(s, 10, 30), float(s.rng.uniform(0.4, 0.7)))
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.72))


@family("intermittent-service")
def intermittent_service(s: Setup) -> None:
    """5 to 20 % of the pulls fail for days."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.25, 0.5)
    innocent_question(s, t + float(s.rng.uniform(-24, 24)) * HOUR, BUILD, "docker/setup-buildx-action")
    rate = float(s.rng.uniform(0.08, 0.2)) * (1.6 if s.small else 1)
    profile = bursts(s.rng, t, float(s.rng.uniform(4, 8)) * 24, rate)
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.25))


@family("regional-outage")
def regional_outage(s: Setup) -> None:
    """Runners of one region cannot reach a registry."""
    component = str(s.rng.choice(["docker-hub", "ghcr"]))
    ensure_pulls(s, component)
    ensure_pushes(s, component)
    t = s.workday(0.3, 0.6)
    innocent_question(s, t - float(s.rng.uniform(-0.3, 1.5)) * DAY, BUILD)
    profile = bursts(s.rng, t, hours(s, 40, 90), float(s.rng.uniform(0.75, 0.95)))
    region = str(s.rng.choice(["eastus", "eastus2", "centralus"]))
    cause = service(component, profile, region=region, modes={"timeout": 0.7, "tls": 0.15, "reset": 0.15}, vague=0.1)
    s.convict(cause)


@family("two-services-in-turn")
def two_services_in_turn(s: Setup) -> None:
    """GHCR on one day, Docker Hub on a later one."""
    ensure_pulls(s, "docker-hub")
    ensure_pushes(s, "ghcr")
    t, u = s.workday(0.2, 0.45), s.workday(0.55, 0.85)
    innocent_question(s, t + float(s.rng.uniform(-10, 10)) * HOUR)
    for component, at, operations in (("ghcr", t, ("push", "login")), ("docker-hub", u, ("pull",))):
        profile = bursts(s.rng, at, hours(s, 6, 16), float(s.rng.uniform(0.5, 0.85)))
        s.convict(service(component, profile, operations=operations, vague=0.2))
    s.least = 10 if not s.small else 4


@family("roll-back-at-recovery")
def roll_back_at_recovery(s: Setup) -> None:
    """Teams go back in the hour in which the registry recovers: a false cure."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.35, 0.6)
    action = s.pick_action(BUILD)
    _, new = s.ask(action, t - float(s.rng.uniform(2, 20)) * HOUR)
    takers = s.take_up(new, share=0.9, hours=(0.5, 10), pull_hours=(0.2, 6), floats=False)
    profile = bursts(s.rng, t, hours(s, 14, 36), float(s.rng.uniform(0.4, 0.8)))
    for repo in takers:
        for bump in s.bumps[repo.full]:
            if bump.release is new and bump.merged is not None and s.rng.random() < 0.85:
                bump.reverted = max(bump.merged + HOUR, profile.end + float(s.rng.normal(0, 1.5)) * HOUR)
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.35))


@family("false-cure")
def false_cure(s: Setup) -> None:
    """An outage ends as the newest release is taken up: the old one is not to blame."""
    component = str(s.rng.choice(["docker-hub", "ghcr"]))
    ensure_pulls(s, component)
    t = s.workday(0.3, 0.5)
    profile = bursts(s.rng, t, hours(s, 30, 70), float(s.rng.uniform(0.35, 0.7)))
    action = s.pick_action(BUILD, "docker/setup-buildx-action")
    _, new = s.ask(action, profile.end - 5 * HOUR)
    s.take_up(new, share=0.9, hours=(0.5, 8), pull_hours=(0.2, 8))
    s.convict(service(component, profile, modes=modes(s), vague=0.3))


@family("upgrade-before-ongoing-outage")
def upgrade_before_ongoing_outage(s: Setup) -> None:
    """The history ends while the registry is still failing, hours after the upgrade."""
    ensure_pulls(s, "docker-hub")
    s.end = s.workday(0.75, 0.95) + 5 * HOUR
    begin = s.end - hours(s, 20, 34) * HOUR
    innocent_question(s, begin - float(s.rng.uniform(1, 30)) * HOUR, BUILD)
    profile = bursts(s.rng, begin, 48, float(s.rng.uniform(0.45, 0.8)))
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.3))
    s.least = 10 if not s.small else 4


@family("actions-service-outage")
def actions_service_outage(s: Setup) -> None:
    """GitHub itself fails to deliver actions: jobs die in set up, all kinds alike."""
    t = s.workday(0.35, 0.8)
    innocent_question(s, t - float(s.rng.uniform(0, 2)) * DAY, "actions/checkout", BUILD)
    profile = bursts(s.rng, t, hours(s, 2, 6), float(s.rng.uniform(0.4, 0.85)))
    cause = service("gha-service", profile, modes={"5xx": 0.7, "timeout": 0.3})
    s.convict(cause, "gha-service", "git-hosting")
    s.post("github", "Incident with Actions", ("Actions", "API Requests"), t, profile.end, late=0.4)


@family("git-outage")
def git_outage(s: Setup) -> None:
    """Checkouts fail; a checkout release came that week (CASES 9)."""
    t = s.workday(0.35, 0.8)
    innocent_question(s, t - float(s.rng.uniform(0, 3)) * DAY, "actions/checkout")
    profile = bursts(s.rng, t, hours(s, 2, 7), float(s.rng.uniform(0.4, 0.8)))
    s.convict(service("git-hosting", profile, operations=("checkout",), modes={"5xx": 0.6, "timeout": 0.4}, vague=0.05))
    if s.rng.random() < 0.7:
        s.post("github", "Git operations degraded", ("Git Operations",), t, profile.end, late=0.6)


@family("artifact-outage")
def artifact_outage(s: Setup) -> None:
    """Uploads of artifacts fail in the days of a new upload-artifact."""
    for repo in s.repos:
        for workflow in repo.workflows:
            for job in workflow.jobs:
                if job.kind == "test" and all(st.action != "actions/upload-artifact" for st in job.steps):
                    from benchmarks.worlds.fleet import Step

                    inputs = {"name": "results", "path": "results/"}
                    job.steps.append(
                        Step("Upload", "actions/upload-artifact", inputs=inputs, touches=(("gha-artifact", "upload"),))
                    )
                    repo.pins.setdefault("actions/upload-artifact", "tag")
    _know(s, "actions/upload-artifact")
    t = s.workday(0.35, 0.8)
    innocent_question(s, t - float(s.rng.uniform(0, 1.5)) * DAY, "actions/upload-artifact")
    profile = bursts(s.rng, t, hours(s, 4, 10), float(s.rng.uniform(0.5, 0.9)))
    s.convict(service("gha-artifact", profile, modes={"5xx": 0.6, "timeout": 0.4}, vague=0.1))


def _know(s: Setup, action: str) -> None:
    """Give every repository a first release of an action that a family has just added."""
    from benchmarks.worlds.releases import make_calendar

    if action not in s.calendar.lines:
        s.calendar.lines[action] = make_calendar(s.rng, [action], s.start, s.end).lines[action]
    line = [r for r in s.calendar.lines[action] if r.at <= s.start] or s.calendar.lines[action][:1]
    for repo in s.repos:
        s.first[repo.full].setdefault(action, line[-1])
        repo.pins.setdefault(action, str(s.rng.choice(["float", "tag", "sha"])))


@family("auth-outage")
def auth_outage(s: Setup) -> None:
    """The registry's token service refuses good credentials, everywhere at once (CASES 4)."""
    ensure_pushes(s, "docker-hub")
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.35, 0.75)
    innocent_question(s, t - float(s.rng.uniform(-0.1, 2)) * DAY, "docker/login-action", BUILD)
    profile = bursts(s.rng, t, hours(s, 5, 14), float(s.rng.uniform(0.5, 0.85)))
    s.convict(service("docker-hub", profile, modes={"auth": 0.85, "5xx": 0.15}, vague=0.1, stubborn=0.3))
    if s.rng.random() < 0.5:
        s.post("docker", "Authentication failures", ("Docker Hub Authentication",), t, profile.end, late=1.0)


@family("rate-limit-at-busy-hours")
def rate_limit_at_busy_hours(s: Setup) -> None:
    """The pull limit bites when everyone builds, day after day; a release lies in the same days."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.3, 0.5)
    end = t + float(s.rng.uniform(5, 9)) * DAY
    innocent_question(s, t + float(s.rng.uniform(-18, 18)) * HOUR, BUILD)
    top = float(s.rng.uniform(0.3, 0.55)) * (1.4 if s.small else 1)

    def rate(now: float) -> float:
        load = float(np.mean([rhythm(r, now) for r in s.repos]))
        return top * max(0.0, (load - 0.3) / 0.7) if t <= now < end else 0.0

    s.convict(limit("docker-hub", rate), "docker-hub")
    s.tolerated.append(Guilty("service", ("docker-hub",), ""))


@family("many-changes-one-outage")
def many_changes_one_outage(s: Setup) -> None:
    """A busy bot: a dozen actions move in the outage's days."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.35, 0.65)
    for repo in s.repos:
        repo.bot, repo.bot_days, repo.merge_hours, repo.merge_share = "renovate", 0.5, 5.0, 0.95
    for line in s.calendar.lines.values():
        if s.rng.random() < 0.6 and len(line) > 1 and line[-1].at < t - 3 * DAY:
            last = line.pop()
            line.append(type(last)(last.action, last.tag, last.sha, t + float(s.rng.uniform(-30, 10)) * HOUR))
            for repo in s.repos:
                if s.first[repo.full].get(last.action) == last:
                    s.first[repo.full][last.action] = line[-2]
    innocent_question(s, t - float(s.rng.uniform(0, 20)) * HOUR, BUILD)
    profile = bursts(s.rng, t, hours(s, 10, 30), float(s.rng.uniform(0.4, 0.75)), 2)
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.35))


@family("maintenance-window")
def maintenance_window(s: Setup) -> None:
    """A registry's announced maintenance runs longer than announced."""
    ensure_pulls(s, "quay")
    ensure_pushes(s, "quay")
    t = s.workday(0.4, 0.8)
    innocent_question(s, t - float(s.rng.uniform(0, 2)) * DAY, BUILD)
    profile = bursts(s.rng, t, hours(s, 6, 12), float(s.rng.uniform(0.5, 0.9)))
    s.convict(service("quay", profile, modes={"5xx": 0.9, "timeout": 0.1}, vague=0.2))
    s.post("quay", "Scheduled database maintenance", ("Quay.io",), t, t + 3 * HOUR, late=-72, impact="maintenance")


@family("outage-ended-before-upgrade")
def outage_ended_before_upgrade(s: Setup) -> None:
    """All was over when the release came out."""
    component = str(s.rng.choice(["ghcr", "docker-hub"]))
    ensure_pulls(s, component)
    t = s.workday(0.2, 0.4)
    profile = bursts(s.rng, t, hours(s, 8, 20), float(s.rng.uniform(0.4, 0.8)))
    innocent_question(s, profile.end + float(s.rng.uniform(0.5, 3)) * DAY, BUILD)
    s.convict(service(component, profile, modes=modes(s), vague=0.3))


@family("same-hour-separable")
def same_hour_separable(s: Setup) -> None:
    """Everyone who floats gets the release in the hour the outage begins; a few never upgrade, and reruns pass."""
    ensure_pulls(s, "docker-hub")
    t = s.workday(0.3, 0.65)
    s.mix_pins(BUILD, 0.7)
    _, new = s.ask(BUILD, t)
    s.take_up(new, share=0.35, hours=(0.5, 20))
    profile = bursts(
        s.rng, t + float(s.rng.uniform(-0.3, 0.3)) * HOUR, hours(s, 12, 36), float(s.rng.uniform(0.4, 0.7))
    )
    s.convict(service("docker-hub", profile, modes=modes(s), vague=0.4))
    s.rerun_factor = 1.6
