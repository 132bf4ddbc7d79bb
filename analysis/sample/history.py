"""The raw history of a case: every repository's runs, attempts, jobs, logs and commits, and the status pages.

In: a case, a seed, who is guilty. Out: a `RawHistory`. The same arguments give the same history.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from analysis.errors import UsageError
from analysis.sample.case import Case, RepoFacts
from analysis.sample.fate import Fate, Weather
from analysis.sample.jobs import Setting, build_plan, deploy_plan, test_plan
from analysis.sample.logs import JobPlan, planned_job, render_log
from analysis.sample.objects import (
    commit_object,
    job_object,
    moment,
    release_object,
    repository_object,
    run_object,
    tag_object,
)
from analysis.sample.pages import status_answers
from analysis.sample.raw import RawHistory, RawRepo
from analysis.sample.story import Trigger, tell
from analysis.sample.workflow import WORKFLOW

GUILTY = ("service", "action")
_RERUN = {"push": 0.65, "schedule": 0.3, "pull_request": 0.5}
_ATTEMPTS = 3
_CANCELLED = 0.02


def build_history(case: Case, seed: int, guilty: str | None = None) -> RawHistory:
    """The history of a case.

    Parameters
    ----------
    seed : int
        Varies everything but the facts of the case.
    guilty : str, optional
        ``service`` (default: as it was) or ``action``: the registry is healthy and the new version fails.

    Raises
    ------
    UsageError
        Somebody else is named guilty.
    """
    guilty = guilty or case.truth[0]
    if guilty not in GUILTY:
        raise UsageError(f"{guilty!r} cannot be made guilty", remedy=f"choose one of: {', '.join(GUILTY)}")
    weather = Weather.of(case, guilty, random.Random(f"{case.name} {seed} weather"))
    repos = {repo.name: _repository(case, repo, weather, seed) for repo in case.repos}
    return RawHistory({**repos, **_actions(case)}, status_answers(case, outage=guilty == "service"))


def _repository(case: Case, repo: RepoFacts, weather: Weather, seed: int) -> RawRepo:
    story = tell(case, repo, random.Random(f"{case.name} {seed} {repo.name} story"))
    writer = _Writer(case, repo, weather, random.Random(f"{case.name} {seed} {repo.name} runs"))
    for number, trigger in enumerate(story.triggers, 1200):
        writer.write(number, trigger)
    commits = [commit for commit in story.commits if moment(commit["commit"]["committer"]["date"]) < case.until]
    return RawRepo(
        repository=repository_object(repo.name, pushed_at=story.triggers[-1].at),
        runs=writer.runs,
        attempts=writer.attempts,
        jobs=writer.jobs,
        logs=writer.logs,
        commits=sorted(commits, key=lambda commit: str(commit["commit"]["committer"]["date"]), reverse=True),
        contents={(commit["sha"], WORKFLOW): story.contents[commit["sha"], WORKFLOW] for commit in commits
                  if (commit["sha"], WORKFLOW) in story.contents},
    )  # fmt: skip


@dataclass
class _Writer:
    """Lets the runs of one repository happen, one after the other."""

    case: Case
    repo: RepoFacts
    weather: Weather
    chance: random.Random
    runs: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    logs: dict[int, bytes] = field(default_factory=dict)

    def write(self, number: int, trigger: Trigger) -> None:
        """One run with all its attempts; a run is tried again while somebody has the patience."""
        begin = trigger.at
        carried: list[JobPlan] = []
        for attempt in range(1, _ATTEMPTS + 1):
            plans, skipped = self._plans(trigger, attempt, begin, [plan.name for plan in carried])
            run = self._run(number, trigger, attempt, begin, plans)
            self._jobs(run, plans, skipped, carried)
            carried = [*carried, *(plan for plan in plans if plan.conclusion == "success")]
            again = run["conclusion"] == "failure" and self.chance.random() < self._patience(trigger)
            later = moment(run["updated_at"]) + timedelta(minutes=self.chance.randrange(3, 55))
            if not again or attempt == _ATTEMPTS or later >= self.case.until - timedelta(minutes=10):
                self.runs.append(run)
                return
            self.attempts.append(run)
            begin = later

    def _patience(self, trigger: Trigger) -> float:
        bot = trigger.actor.endswith("[bot]")
        return _RERUN[trigger.event] * (0.5 if bot or trigger.mistake else 1.0)

    def _plans(
        self, trigger: Trigger, attempt: int, begin: datetime, done: Sequence[str]
    ) -> tuple[list[JobPlan], list[str]]:
        """Jobs that run in this attempt, and names of those that are skipped."""
        setting = Setting(self.case, self.repo, trigger, attempt)
        cancelled = attempt == 1 and trigger.event == "pull_request" and self.chance.random() < _CANCELLED
        plans = [self._cut(plan) if cancelled else plan for plan in self._first_jobs(setting, begin, done)]
        if not self.repo.deploy or trigger.event != "push":
            return plans, []
        if any(plan.conclusion != "success" for plan in plans):
            return plans, ["deploy"]
        ready = max(plan.completed_at for plan in plans) + timedelta(seconds=self._queue())
        return [*plans, deploy_plan(setting, ready, self.chance)], []

    def _first_jobs(self, setting: Setting, begin: datetime, done: Sequence[str]) -> Iterator[JobPlan]:
        start = begin + timedelta(seconds=self._queue())
        if "test" not in done:
            yield test_plan(setting, start, self.weather.test_job(setting.trigger.mistake, self.chance), self.chance)
        if self.repo.style == "plain":
            return
        for part in self.repo.parts or ("",):
            name = f"build ({part})" if part else "build"
            if name not in done:
                at = begin + timedelta(seconds=self._queue())
                yield build_plan(setting, part, at, self._build_fate(setting.trigger, at), self.chance)

    def _build_fate(self, trigger: Trigger, at: datetime) -> Fate:
        new = self.case.actions[self.case.action][f"v{self.case.new}"][0]
        return self.weather.build_job(
            at,
            pulls=any(image.startswith("docker.io/") for image in self.repo.images),
            pushes=self.repo.push.startswith("docker.io/") and trigger.event != "pull_request",
            new=self.repo.style == "build-push" and self.case.resolve(self.case.action, trigger.ref, at) == new,
            chance=self.chance,
        )

    def _cut(self, plan: JobPlan) -> JobPlan:
        """Superseded by a newer push while the last step ran."""
        last = replace(plan.steps[-1], conclusion="cancelled", error="The operation was canceled.", output=())
        return replace(plan, steps=[*plan.steps[:-1], last])

    def _queue(self) -> int:
        return self.chance.randrange(3, 18)

    def _run(
        self, number: int, trigger: Trigger, attempt: int, begin: datetime, plans: Sequence[JobPlan]
    ) -> dict[str, Any]:
        ends = {plan.conclusion for plan in plans}
        return run_object(
            self.repo.name,
            created_at=trigger.at,
            run_started_at=begin,
            updated_at=max(plan.completed_at for plan in plans) + timedelta(seconds=4),
            workflow="CI",
            path=WORKFLOW,
            run_number=number,
            run_attempt=attempt,
            event=trigger.event,
            head_branch=trigger.branch,
            head_sha=trigger.sha,
            conclusion=next((end for end in ("failure", "cancelled") if end in ends), "success"),
            actor=trigger.actor,
            triggering_actor=trigger.actor if attempt == 1 else "mara-lindt",
            pull_request=trigger.pull_request,
            message=trigger.message,
        )

    def _jobs(
        self, run: dict[str, Any], plans: Sequence[JobPlan], skipped: Sequence[str], carried: Sequence[JobPlan]
    ) -> None:
        for plan in plans:
            job = planned_job(run, plan)
            self.jobs.append(job)
            self.logs[job["id"]] = render_log(plan)
        # GitHub lists the jobs that need not run again once more under the new attempt, with their old times.
        for plan in carried:
            job = planned_job(run, plan)
            self.jobs.append(job)
            self.logs[job["id"]] = render_log(plan)
        for name in skipped:
            ended = max(plan.completed_at for plan in plans)
            self.jobs.append(
                job_object(
                    run,
                    name=name,
                    conclusion="skipped",
                    created_at=ended,
                    started_at=ended + timedelta(seconds=1),
                    completed_at=ended,
                    labels=(),
                    runner=0,
                    runner_name="",
                    runner_group_name="",
                )
            )


def _actions(case: Case) -> dict[str, RawRepo]:
    """The actions' own repositories, as they stood at the end of the case: a floating tag on the newest release."""
    found = {}
    for action, tags in case.actions.items():
        newest_first = list(tags.items())[::-1]
        known = [(tag, *fact) for tag, fact in newest_first if fact[1] < case.until]
        floating = known[0][0].split(".")[0]
        found[action] = RawRepo(
            repository=repository_object(action, default_branch="master", pushed_at=known[0][2]),
            releases=[release_object(action, tag, at + timedelta(minutes=12)) for tag, _, at in known],
            tags=[tag_object(action, floating, known[0][1]), *(tag_object(action, tag, sha) for tag, sha, _ in known)],
            commits=[commit_object(action, sha, at, message=f"Release {tag}") for tag, sha, at in known],
        )
    return found
