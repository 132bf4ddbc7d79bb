"""Histories without a culprit, or with too little to find one."""

from __future__ import annotations

from benchmarks.worlds.causes import bursts, service, version
from benchmarks.worlds.families.registry import family
from benchmarks.worlds.families.services import BUILD, ensure_pulls, innocent_question
from benchmarks.worlds.releases import DAY, HOUR
from benchmarks.worlds.setup import Setup


@family("plain-flakiness")
def plain_flakiness(s: Setup) -> None:
    """Flaky tests, a bad day by chance right after an upgrade."""
    t = s.workday(0.35, 0.6)
    innocent_question(s, t, BUILD, "actions/setup-node", "actions/setup-python", "actions/checkout")
    s.flaky_factor = 1.5
    repo = s.repos[int(s.rng.integers(len(s.repos)))]
    s.moods.append((repo.full, t, t + float(s.rng.uniform(10, 30)) * HOUR, 3.0))
    s.accepted = {"flakiness"}


@family("quiet")
def quiet(s: Setup) -> None:
    """Nothing happened."""
    innocent_question(s, s.workday(0.3, 0.7), BUILD, "actions/checkout")
    s.flaky_factor = 0.6
    s.accepted = {"flakiness"}


@family("flaky-repository-upgrades-first")
def flaky_repository_upgrades_first(s: Setup) -> None:
    """The flakiest repositories are the keenest upgraders: a paradox when all are thrown together."""
    t = s.workday(0.2, 0.4)
    action = s.pick_action(BUILD, "actions/checkout", "actions/setup-node")
    _, new = s.ask(action, t)
    users = s.users(action)
    keen = users[: max(1, len(users) // 2)]
    for repo in users:
        repo.pins[action] = "tag"
        repo.flaky = 3.0 if repo in keen else 0.5
    s.take_up(new, repos=keen, share=1.0, hours=(1, 30), pull_hours=(0.5, 8), floats=False)
    s.accepted = {"flakiness"}


@family("busier-after-upgrade")
def busier_after_upgrade(s: Setup) -> None:
    """After the release a team works on a feature whose tests fail: code, not the version."""
    t = s.workday(0.35, 0.55)
    innocent_question(s, t, "actions/checkout", BUILD)
    for repo in s.repos[:2]:
        s.moods.append((repo.full, t + DAY, s.end, 1.8))
    s.accepted = {"flakiness"}


@family("incident-without-effect")
def incident_without_effect(s: Setup) -> None:
    """The pages report trouble; nothing of it reached this company."""
    t = s.workday(0.4, 0.7)
    innocent_question(s, t - float(s.rng.uniform(0, 20)) * HOUR, BUILD)
    s.post("docker", "Docker Hub: elevated errors", ("Docker Hub Registry",), t, t + 6 * HOUR)
    s.post("github", "Incident with Actions", ("Actions",), t + 2 * DAY, t + 2 * DAY + 3 * HOUR)
    s.accepted = {"flakiness"}


@family("a-dozen-runs")
def a_dozen_runs(s: Setup) -> None:
    """Twelve runs in all; some failed after the upgrade. Nobody can tell."""
    s.repos = [r for r in s.repos if BUILD in r.actions][:1]
    s.repos[0].workflows = [w for w in s.repos[0].workflows if any(j.kind == "image" for j in w.jobs)]
    s.target_jobs, s.most_runs = 13, 14
    t = s.workday(0.4, 0.6)
    _, new = s.ask(BUILD, t)
    s.take_up(new, share=1.0, hours=(1, 10), pull_hours=(0.5, 5), floats=False)
    coin = s.rng.random()
    if coin < 0.4:
        s.causes.append(version(BUILD, {new.tag}, 0.5, vague=0.6))
    elif coin < 0.8:
        s.causes.append(service("docker-hub", bursts(s.rng, t, 60, 0.6), vague=0.6))
    s.accepted = {"insufficient-evidence"}


@family("few-after-upgrade")
def few_after_upgrade(s: Setup) -> None:
    """One repository upgraded an hour before the end and has failed twice: too early to tell."""
    ensure_pulls(s, "docker-hub")
    s.end = s.workday(0.7, 0.9) + 3 * HOUR
    users = s.users(BUILD)
    for repo in users:
        repo.pins[BUILD] = "tag"
    _, new = s.ask(BUILD, s.end - 8 * HOUR)
    s.take_up(new, repos=users[:1], share=1.0, hours=(0.2, 1), pull_hours=(0.2, 1), floats=False)
    s.causes.append(version(BUILD, {new.tag}, 0.7, vague=1.0))
    s.most = 3
    s.accepted = {"insufficient-evidence", "flakiness"}
