"""What happened in a repository: commits, pull requests, the text of its workflow, and everything that starts a run.

In: a case, one of its repositories, chance. Out: a `Story`. People work by day and on weekdays; a pull request is
pushed to a few times and merged; bots open theirs, among them the one with the new version.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from analysis.sample.case import Case, RepoFacts
from analysis.sample.objects import commit_object, stable_sha
from analysis.sample.workflow import WORKFLOW, workflow_text

_PEOPLE = ("mara-lindt", "okoye-t", "jsantos", "priya-n", "hwright", "lin-chen")
_PARTS = ("basket", "invoice", "session", "catalog", "export", "limits", "retry", "search", "labels", "metrics")
_VERBS = ("Fix rounding in", "Add a test for", "Speed up", "Rename fields of", "Log errors of", "Simplify", "Extend")
_OTHER_BUMPS = ("fastapi", "eslint", "phpunit", "zap", "vitest", "pydantic", "symfony/console", "grpc", "sentry-sdk")
_BROKEN_PULLS = 0.13
_DIRECT_PUSHES_A_DAY = 0.7


@dataclass(frozen=True)
class Trigger:
    """Something that starts a run.

    Attributes
    ----------
    ref : str
        How the workflow that applies names the action in question: a pull request's run tests the merge with main.
    mistake : str
        ``broken`` (does not compile), ``failing`` (a test fails) or empty; the branch's own fault.
    """

    at: datetime
    event: str
    branch: str
    sha: str
    message: str
    actor: str
    ref: str
    pull_request: int | None = None
    mistake: str = ""


@dataclass
class Story:
    """A repository's history, oldest first."""

    triggers: list[Trigger] = field(default_factory=list)
    commits: list[dict[str, Any]] = field(default_factory=list)
    contents: dict[tuple[str, str], str] = field(default_factory=dict)


def tell(case: Case, repo: RepoFacts, chance: random.Random) -> Story:
    """The story of one repository.

    Parameters
    ----------
    chance : random.Random
        Everything that the case does not fix.
    """
    return _Teller(case, repo, chance).story()


class _Teller:
    def __init__(self, case: Case, repo: RepoFacts, chance: random.Random) -> None:
        self.case, self.repo, self.chance = case, repo, chance
        self.told = Story()
        self.number = 400 + chance.randrange(300)
        self.head = self._commit(case.since - timedelta(hours=9), "Start of the year", "mara-lindt", ())
        self._write(self.head, repo.pin)

    def story(self) -> Story:
        # Main grows in the order of time; each event knows main's head of its moment.
        for at, _, happens in sorted(self._events(), key=lambda event: event[:2]):
            happens(at)
        self.told.triggers = sorted(
            (trigger for trigger in self.told.triggers if trigger.at < self.case.until), key=lambda one: one.at
        )
        return self.told

    def _events(self) -> Iterator[tuple[datetime, int, Any]]:
        for place, (at, happens) in enumerate(self._plan()):
            yield at, place, happens

    def _plan(self) -> Iterator[tuple[datetime, Any]]:
        repo, bump = self.repo, self.repo.bump_at
        day = self.case.since
        while day < self.case.until:
            yield day + timedelta(hours=3, minutes=17), self._nightly
            busy = 1.0 if day.weekday() < 5 else 0.2
            for _ in range(_count(self.chance, self.case.rhythm.pulls_a_day * busy)):
                yield from self._pull_request(self._by_day(day))
            for _ in range(_count(self.chance, _DIRECT_PUSHES_A_DAY * busy)):
                yield self._by_day(day), self._push
            if repo.bot and self.chance.random() < 0.5 * busy:
                yield from self._bot_pull_request(day + timedelta(hours=5, minutes=self.chance.randrange(50)))
            day += timedelta(days=1)
        if bump is not None:
            yield from self._bump(bump)

    def _nightly(self, at: datetime) -> None:
        self._start(at, "schedule", "main", self.head, "Nightly", _PEOPLE[0], None, "")

    def _push(self, at: datetime) -> None:
        who = self.chance.choice(_PEOPLE)
        self.head = self._commit(at, self._subject(), who, (self.head,))
        self._start(at, "push", "main", self.head, self.told.commits[-1]["commit"]["message"], who, None, "")

    def _pull_request(self, at: datetime) -> Iterator[tuple[datetime, Any]]:
        self.number += 1
        number, who, subject = self.number, self.chance.choice(_PEOPLE), self._subject()
        branch = f"{who.split('-')[0]}/{subject.lower().split()[-1]}-{number}"
        pushes = 1 + _count(self.chance, 0.9)
        mistake = self.chance.choice(("broken", "failing", "failing")) if self.chance.random() < _BROKEN_PULLS else ""
        mended = self.chance.randrange(1, pushes + 1)
        last: list[str] = []

        def push(at: datetime, place: int) -> None:
            sha = self._commit(at, subject, who, (last[-1],) if last else (self.head,))
            last.append(sha)
            self._start(at, "pull_request", branch, sha, subject, who, number, mistake if place < mended else "")

        for place in range(pushes):
            yield at, lambda at, place=place: push(at, place)
            at += timedelta(minutes=self.chance.randrange(9, 140))
        if self.chance.random() < 0.8:
            yield at, lambda at: self._merge(at, number, subject, who, last[-1], None)

    def _bot_pull_request(self, at: datetime) -> Iterator[tuple[datetime, Any]]:
        self.number += 1
        number, what = self.number, self.chance.choice(_OTHER_BUMPS)
        title = f"Bump {what} to {self.chance.randrange(1, 9)}.{self.chance.randrange(30)}.0"
        last: list[str] = []

        def push(at: datetime) -> None:
            last.append(self._commit(at, title, self.repo.bot, (self.head,)))
            branch = f"{self.repo.bot.split('[')[0]}/{what.replace('/', '-')}-{number}"
            self._start(at, "pull_request", branch, last[-1], title, self.repo.bot, number, "")

        yield at, push
        if self.chance.random() < 0.5:
            later = at + timedelta(minutes=self.chance.randrange(240, 600))
            yield later, lambda at: self._merge(at, number, title, _PEOPLE[0], last[-1], None)

    def _bump(self, at: datetime) -> Iterator[tuple[datetime, Any]]:
        """The pull request with the new version: pushed anew each time main moves on, merged when the case says so."""
        case, repo = self.case, self.repo
        self.number += 1
        number, new = self.number, self.case.pinned(repo.pin, case.new)
        title = f"Bump {case.action} from {case.old} to {case.new}"
        branch = f"{repo.bot.split('[')[0]}/{case.action.replace('/', '-')}-{case.new}"
        last: list[str] = []

        def push(at: datetime) -> None:
            last.append(self._commit(at, title, repo.bot, (self.head,)))
            self._write(last[-1], new)
            self._start(at, "pull_request", branch, last[-1], title, repo.bot, number, "", ref=new)

        until = repo.merged_at or min(at + timedelta(hours=34), case.until)
        while at < until:
            yield at, push
            at += timedelta(minutes=self.chance.randrange(25, 170))
        if repo.merged_at:
            yield repo.merged_at, lambda at: self._merge(at, number, title, _PEOPLE[1], last[-1], new)
        if repo.reverted_at:
            back = f'Revert "{title}"'
            yield repo.reverted_at, lambda at: self._merge(at, number + 1, back, _PEOPLE[1], self.head, repo.pin)
        if repo.merged_again_at:
            yield repo.merged_again_at, lambda at: self._merge(at, number + 2, title, _PEOPLE[1], self.head, new)

    def _merge(self, at: datetime, number: int, subject: str, who: str, branch: str, ref: str | None) -> None:
        self.head = self._commit(at, f"{subject} (#{number})", who, (self.head, branch))
        if ref is not None:
            self._write(self.head, ref)
        self._start(at, "push", "main", self.head, f"{subject} (#{number})", who, None, "")

    def _start(
        self, at: datetime, event: str, branch: str, sha: str, message: str, actor: str, number: int | None,
        mistake: str, ref: str | None = None,
    ) -> None:  # fmt: skip
        at += timedelta(seconds=self.chance.randrange(4, 40))
        applies = self.ref if ref is None else ref
        self.told.triggers.append(Trigger(at, event, branch, sha, message, actor, applies, number, mistake))

    def _commit(self, at: datetime, message: str, author: str, parents: tuple[str, ...]) -> str:
        sha = stable_sha(self.repo.name, at.isoformat(), message, len(self.told.commits), self.chance.random())
        self.told.commits.append(
            commit_object(self.repo.name, sha, at, message=message, author=author, parents=parents)
        )
        return sha

    def _write(self, sha: str, ref: str) -> None:
        """The workflow's text at a commit; main's own is what later pull requests are merged with."""
        self.told.contents[sha, WORKFLOW] = workflow_text(self.case, self.repo, ref)
        if sha == self.head:
            self.ref = ref

    def _by_day(self, day: datetime) -> datetime:
        """A moment of the working day."""
        first, last, peak = self.case.rhythm.day
        hours = self.chance.triangular(first, last, peak)
        return day + timedelta(minutes=int(60 * hours), seconds=self.chance.randrange(60))

    def _subject(self) -> str:
        return f"{self.chance.choice(_VERBS)} {self.chance.choice(_PARTS)}"


def _count(chance: random.Random, mean: float) -> int:
    """A Poisson number."""
    count, left = 0, chance.expovariate(1.0)
    while left < mean:
        count += 1
        left += chance.expovariate(1.0)
    return count
