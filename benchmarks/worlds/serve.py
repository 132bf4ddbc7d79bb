"""A world as GitHub and the status pages would serve it: a `RawHistory`, whose logs are written when asked for.

In: a `World`. Out: the raw history that `analysis.sample.replay` answers from. With `files=False` the server has no
workflow files, commits, releases or tags to show, as a token without those rights would see it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from analysis.sample.raw import (
    RawHistory,
    RawRepo,
    StatusAnswer,
    commit_object,
    job_object,
    release_object,
    repository_object,
    run_object,
    step_object,
    tag_object,
)
from benchmarks.worlds.causes import SET_UP
from benchmarks.worlds.fleet import Repo, Workflow
from benchmarks.worlds.history import Attempt, JobRun, Pins, Run
from benchmarks.worlds.joblog import render
from benchmarks.worlds.pages import PROVIDERS, pages
from benchmarks.worlds.releases import DAY, Release, fake_sha
from benchmarks.worlds.world import World


def when(t: float) -> datetime:
    return datetime.fromtimestamp(t, UTC)


class LazyLogs(Mapping[int, bytes]):
    """Job id to log, written at the look."""

    def __init__(self, makers: dict[int, Callable[[], bytes]]) -> None:
        self._makers = makers

    def __getitem__(self, key: int) -> bytes:
        return self._makers[key]()

    def __iter__(self) -> Iterator[int]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, key: object) -> bool:
        return key in self._makers


def serve(world: World, files: bool = True) -> RawHistory:
    """The whole world as raw history."""
    by_repo: dict[str, list[Run]] = defaultdict(list)
    for run in world.played.runs:
        by_repo[run.repo.full].append(run)
    repos = {repo.full: _repo(world, repo, by_repo[repo.full], files) for repo in world.setup.repos}
    if files:
        for action, line in world.setup.calendar.lines.items():
            repos[action] = _action(action, [r for r in line if r.at < world.played.end])
    status = {
        PROVIDERS[page]: StatusAnswer(kind, body)
        for page, (kind, body) in pages(list(world.incidents), world.played.start, world.played.end).items()
    }
    return RawHistory(repos, status)


def _repo(world: World, repo: Repo, runs: list[Run], files: bool) -> RawRepo:
    latest, earlier, jobs = [], [], []
    makers: dict[int, Callable[[], bytes]] = {}
    for run in runs:
        for attempt in run.attempts:
            shown = _run(run, attempt)
            (latest if attempt is run.attempts[-1] else earlier).append(shown)
            for job in attempt.jobs:
                times = _times(job)
                jobs.append(_job(shown, job, times))
                if job.status == "completed" and job.conclusion in ("success", "failure", "cancelled") and job.moment:
                    if job.text and job.text[0].startswith("##[error]The hosted runner lost"):
                        continue
                    makers[job.number] = _maker(world, run, job, times)
    commits: list[dict[str, Any]] = []
    contents: dict[tuple[str, str], str] = {}
    if files:
        commits, contents = _commits(world, repo)
    about = repository_object(repo.full, default_branch=repo.default_branch, pushed_at=when(world.played.end))
    return RawRepo(about, latest, earlier, jobs, LazyLogs(makers), [], [], commits, contents)


def _maker(world: World, run: Run, job: JobRun, times: list[tuple[float, float]]) -> Callable[[], bytes]:
    return lambda: render(run, job, times, world.setup.calendar)


def _run(run: Run, attempt: Attempt) -> dict[str, Any]:
    return run_object(
        run.repo.full,
        created_at=when(run.created),
        workflow=run.workflow.name,
        path=run.workflow.path,
        run_number=run.serial,
        run_attempt=attempt.number,
        event=run.event,
        head_branch=run.branch,
        head_sha=run.sha,
        status=attempt.status,
        conclusion=attempt.conclusion,
        run_started_at=when(attempt.started),
        updated_at=when(attempt.updated),
        actor=run.actor,
        triggering_actor=run.actor if attempt.number == 1 else "mira",
        pull_request=run.pull if run.credential != "fork" else None,
        head_repository=run.repo.full if run.credential != "fork" else f"outside-dev/{run.repo.name}",
        message=run.title,
        display_title=run.title,
        run_id=run.number,
    )


def _times(job: JobRun) -> list[tuple[float, float]]:
    """Start and end of each step that ran, filling the job's time in proportion to its steps' usual length."""
    if not job.steps or job.failed_step == SET_UP:
        return []
    ran = job.steps
    if job.failed_step is not None and job.failed_step in ran:
        ran = ran[: ran.index(job.failed_step) + 1]
    if job.conclusion == "cancelled":
        ran = ran[: max(1, len(ran) // 2)]
    total = sum(job.job.steps[i].seconds for i in ran)
    t, span, times = job.started + 2, max(1.0, job.completed - job.started - 3), []
    for i in ran:
        length = span * job.job.steps[i].seconds / total
        times.append((t, t + length))
        t += length
    return times + [(t, t)] * (len(job.steps) - len(ran))


def _job(shown: dict[str, Any], job: JobRun, times: list[tuple[float, float]]) -> dict[str, Any]:
    label = job.job.legs[job.leg][1]
    name = job.job.name(job.leg)
    if job.conclusion == "skipped":
        return job_object(
            shown, name=name, conclusion="skipped", created_at=when(job.created), started_at=when(job.created),
            completed_at=when(job.created - 1), steps=[], labels=[label], runner_name="", runner_group_name="",
            job_id=job.number,
        )  # fmt: skip
    done = job.status == "completed"
    return job_object(
        shown,
        name=name,
        status=job.status,
        conclusion=job.conclusion,
        created_at=when(job.created),
        started_at=when(job.started),
        completed_at=when(job.completed) if done else None,
        steps=_steps(job, times) if done else [],
        labels=[label],
        job_id=job.number,
    )


def _steps(job: JobRun, times: list[tuple[float, float]]) -> list[dict[str, Any]]:
    if not job.steps:
        return []
    dead = job.failed_step == SET_UP
    begin = when(job.started)
    rows = [step_object(1, "Set up job", begin, when(job.started + 2), "failure" if dead else "success")]
    if dead:
        return rows
    failed = False
    for number, step in enumerate(job.job.steps, 2):
        index = number - 2
        if index not in job.steps or failed:
            at = when(times[job.steps.index(index)][0]) if index in job.steps else begin
            rows.append(step_object(number, _step_name(step), at, at, "skipped"))
            continue
        position = job.steps.index(index)
        start, finish = times[position]
        result = "success"
        if job.conclusion == "failure" and index == job.failed_step:
            result, failed = "failure", True
        elif job.conclusion == "cancelled" and finish >= job.completed - 2:
            result, failed = "cancelled", True
        rows.append(step_object(number, _step_name(step), when(start), when(finish), result))
    number = len(job.job.steps) + 2
    end = when(job.completed)
    for step in reversed(job.job.steps):
        if step.action in ("actions/checkout", "docker/setup-buildx-action", "docker/login-action", "actions/cache"):
            rows.append(step_object(number + 3, f"Post {_step_name(step)}", end, end))
            number += 1
    rows.append(step_object(number + 3, "Complete job", end, end))
    return rows


def _step_name(step: Any) -> str:
    return str(step.name)


def _commits(world: World, repo: Repo) -> tuple[list[dict[str, Any]], dict[tuple[str, str], str]]:
    """The default branch's commits that touch workflow files, newest first, and the texts they leave."""
    bumps = world.played.bumps[repo.full]
    pins = Pins(repo, world.setup.first[repo.full], bumps)
    moments = {world.played.start - 20 * DAY: "Add workflows"}
    for bump in bumps:
        if bump.merged is not None and bump.merged < world.played.end:
            moments[bump.merged] = f"Bump {bump.action} to {bump.release.version}"
            if bump.reverted is not None and bump.reverted < world.played.end:
                moments[bump.reverted] = f"Go back to {bump.action} as it was"
    commits, contents, parent = [], {}, None
    before: dict[str, str] = {}
    for t in sorted(moments):
        sha = fake_sha("commit", repo.full, t)
        texts = {w.path: workflow_text(repo, w, pins.at(t)) for w in repo.workflows}
        for path, text in texts.items():
            if before.get(path) != text:
                contents[sha, path] = text
        before = texts
        commits.append(commit_object(repo.full, sha, when(t), message=moments[t], parents=[parent] if parent else []))
        parent = sha
    return commits[::-1], contents


def workflow_text(repo: Repo, workflow: Workflow, named: dict[str, Release]) -> str:
    """The workflow file's text with these releases on it."""
    on = {"push": f"  push:\n    branches: [{repo.default_branch}]\n", "pull_request": "  pull_request:\n",
          "schedule": '  schedule:\n    - cron: "0 3 * * *"\n', "tag": "  push:\n    tags: ['v*']\n"}  # fmt: skip
    lines = [
        f"name: {workflow.name}",
        "on:",
        *"".join(on[e] for e in sorted(workflow.on)).rstrip().split("\n"),
        "jobs:",
    ]
    for job in workflow.jobs:
        lines += [f"  {job.key}:", f"    runs-on: {job.legs[0][1]}"]
        if job.needs:
            lines.append(f"    needs: {job.needs}")
        lines.append("    steps:")
        for step in job.steps:
            lines.append(f"      - name: {step.name}")
            if step.action:
                release = named[step.action]
                style = repo.pins[step.action]
                ref = {"float": release.major, "tag": release.tag, "sha": f"{release.sha} # {release.tag}"}[style]
                lines.append(f"        uses: {step.uses}@{ref}")
                if step.inputs:
                    lines += ["        with:", *[f"          {k}: '{v}'" for k, v in step.inputs.items()]]
            else:
                lines.append(f"        run: {step.run}")
    return "\n".join(lines) + "\n"


def _action(action: str, line: list[Release]) -> RawRepo:
    releases = [release_object(action, r.tag, when(r.at)) for r in reversed(line)]
    tags = [tag_object(action, r.tag, r.sha) for r in reversed(line)]
    majors = {r.major: r for r in line}
    tags += [tag_object(action, major, r.sha) for major, r in majors.items() if major != r.tag]
    return RawRepo(repository_object(action), releases=releases, tags=tags)
