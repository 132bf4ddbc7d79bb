"""What is known of an incident, read from ``cases/NAME.toml``: facts, repositories, outages, status posts."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from analysis.errors import UsageError
from analysis.sample.buildkit import Tools
from analysis.sample.logs import Runner

DEFAULT_CASE = "docker-hub-2025-01"


@dataclass(frozen=True)
class Outage:
    """A stretch in which Docker Hub failed: shares of pulls and pushes, and what it answered."""

    since: datetime
    until: datetime
    pull: float
    push: float
    answers: tuple[str, ...]


@dataclass(frozen=True)
class RepoFacts:
    """One made-up repository.

    Attributes
    ----------
    style : str
        ``build-push`` (uses the action), ``cli`` (docker build and push in scripts) or ``plain`` (no image).
    images : tuple of str
        Base images.
    push : str
        Repository it pushes to, without tag.
    pin : str
        How its workflow names the action's version at first: a tag, a floating tag or a commit.
    bot : str
        Who opens its update pull requests; empty: nobody.
    bump_at, merged_at, reverted_at, merged_again_at : datetime or None
        When the pull request with the new version was opened, merged, taken back, merged again.
    parts : tuple of str
        Matrix of the build job.
    """

    name: str
    language: str
    style: str = "build-push"
    images: tuple[str, ...] = ()
    push: str = ""
    pin: str = ""
    bot: str = ""
    bump_at: datetime | None = None
    merged_at: datetime | None = None
    reverted_at: datetime | None = None
    merged_again_at: datetime | None = None
    parts: tuple[str, ...] = ()
    driver: str = "docker-container"
    deploy: bool = False


@dataclass(frozen=True)
class Incident:
    """An item of a status page: posts are (time, state, text), oldest first."""

    id: str
    title: str
    posts: tuple[tuple[datetime, str, str], ...]
    impact: str = "minor"
    component: str = ""


@dataclass(frozen=True)
class Rhythm:
    """When people work: pull requests a repository and weekday; first, last and busiest hour of the day, UTC."""

    pulls_a_day: float
    day: tuple[float, float, float]


@dataclass(frozen=True)
class Case:
    """An incident.

    Attributes
    ----------
    since, until : datetime
        Half-open window of the history.
    action, old, new : str
        The upgrade that is asked about.
    truth : (str, str)
        Who is guilty: cause and name.
    actions : mapping
        Action to tag to (commit, time of the release), oldest first.
    runners : tuple of (datetime, Runner)
        From when each runner image was in use.
    status : mapping
        Provider to its items.
    """

    name: str
    title: str
    shows: str
    since: datetime
    until: datetime
    action: str
    old: str
    new: str
    truth: tuple[str, str]
    actions: Mapping[str, Mapping[str, tuple[str, datetime]]]
    runners: tuple[tuple[datetime, Runner], ...]
    tools: Tools
    rhythm: Rhythm
    outages: tuple[Outage, ...]
    repos: tuple[RepoFacts, ...]
    status: Mapping[str, tuple[Incident, ...]]

    def resolve(self, action: str, ref: str, at: datetime) -> str:
        """The commit that a ref of an action stood for at a time: a floating tag follows the newest release."""
        tags = self.actions[action]
        if ref in tags:
            return tags[ref][0]
        out = [sha for tag, (sha, released) in tags.items() if tag.startswith(f"{ref}.") and released <= at]
        return out[-1] if out else ref

    def pinned(self, ref: str, version: str) -> str:
        """The new version written as the old one was: a commit stays a commit, a tag a tag."""
        return self.actions[self.action][f"v{version}"][0] if len(ref) == 40 else f"v{version}"

    def runner_at(self, at: datetime) -> Runner:
        """The runner that was in use at a time."""
        return [runner for since, runner in self.runners if since <= at][-1]


def case_names() -> list[str]:
    """Names of the known cases."""
    return sorted(p.name.removesuffix(".toml") for p in files("analysis.sample").joinpath("cases").iterdir())


def load_case(name: str) -> Case:
    """A case by its name.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if name not in case_names():
        raise UsageError(f"no sample case {name!r}", remedy=f"choose one of: {', '.join(case_names())}")
    told = tomllib.loads(files("analysis.sample").joinpath("cases", f"{name}.toml").read_text("utf-8"))
    return Case(
        name=name,
        title=told["title"],
        shows=told["shows"],
        since=told["since"],
        until=told["until"],
        **told["question"],
        truth=(told["truth"]["cause"], told["truth"]["name"]),
        actions={a: {tag: (sha, at) for tag, (sha, at) in tags.items()} for a, tags in told["actions"].items()},
        runners=_runners(told["since"], told["runner"]),
        tools=Tools(**told["tools"]),
        rhythm=Rhythm(**_hashable(told["rhythm"])),
        outages=tuple(Outage(**{**one, "answers": tuple(one["answers"])}) for one in told["outages"]),
        repos=tuple(RepoFacts(**_hashable(one)) for one in told["repos"]),
        status={
            provider: tuple(Incident(**{**one, "posts": tuple(map(tuple, one["posts"]))}) for one in items)
            for provider, items in told["status"].items()
        },
    )


@cache
def languages() -> dict[str, dict[str, Any]]:
    """What test jobs write, by language."""
    return tomllib.loads(files("analysis.sample").joinpath("languages.toml").read_text("utf-8"))


def _runners(since: datetime, told: Mapping[str, Any]) -> tuple[tuple[datetime, Runner], ...]:
    starts = [since, told.get("image_changed_at", since)]
    return tuple(
        (start, Runner(told["version"], "ubuntu-24.04", image, tuple(told["os"]), tuple(told["provisioner"])))
        for start, image in zip(starts, told["image_versions"], strict=False)
    )


def _hashable(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
