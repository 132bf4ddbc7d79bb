"""A job's log as the runner writes it, from a plan of its steps.

In: a `JobPlan` (the runner, and steps with action, inputs, output, conclusion, start and end). Out: the
bytes that GitHub serves (`render_log`) and the job object that belongs to them (`planned_job`). The wording
is the runner's (actions/runner, 2025); a plan always gives the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from analysis.sample.objects import job_object, step_object

_BOM = "\ufeff"
_TICK = 10**7
_BATCH = 25
_GAPS = (217, 304, 562)
_PAUSES, _PAUSE = 24, 100_003


@dataclass(frozen=True)
class Runner:
    """The machine a job ran on, as the first lines of its log describe it.

    Attributes
    ----------
    provisioner : tuple of str
        Lines of the group ``Runner Image Provisioner``.
    region : str or None
        Azure region, which runners tell since 2025; None where they do not.
    """

    version: str = "2.321.0"
    image: str = "ubuntu-24.04"
    image_version: str = "20250105.1.0"
    os: tuple[str, ...] = ("Ubuntu", "24.04.1", "LTS")
    provisioner: tuple[str, ...] = ("2.0.411.1",)
    region: str | None = None


@dataclass(frozen=True)
class StepPlan:
    """One step of a job: a script (`run`) or the use of an action (`uses`).

    Attributes
    ----------
    uses : str or None
        ``owner/name@ref`` or ``owner/name/path@ref`` as the workflow file writes it.
    sha : str or None
        The commit that the ref stood for at that moment.
    inputs, env : mapping of str to str
        ``with:`` and environment, as echoed; a value may have several lines.
    output : sequence of str
        What the step wrote after the echo. ``##[group]`` and the like are markers.
    conclusion : str
        ``success``, ``failure``, ``cancelled`` or ``skipped``; a skipped step leaves no line.
    error : str or None
        Text of the closing ``##[error]``; a failed script without one exits with code 1.
    post : sequence of str or None
        Output of the action's post step, None where it has none.
    nested : sequence of (str, str)
        Actions (``owner/name@ref``, commit) that a composite action brings, downloaded in "Set up job" too.
    """

    name: str
    started_at: datetime
    completed_at: datetime
    uses: str | None = None
    sha: str | None = None
    run: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    output: Sequence[str] = ()
    conclusion: str = "success"
    error: str | None = None
    post: Sequence[str] | None = None
    nested: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class JobPlan:
    """A job from its first line to its last.

    Attributes
    ----------
    started_at, completed_at : datetime
        The runner took it; the last post step was done.
    steps : sequence of StepPlan
        In the order of the workflow file, "Set up job" and post steps left out.
    permissions : mapping of str to str
        Of GITHUB_TOKEN, as the log tells them.
    """

    name: str
    started_at: datetime
    completed_at: datetime
    steps: Sequence[StepPlan]
    runner: Runner = Runner()
    permissions: Mapping[str, str] = field(default_factory=lambda: {"Contents": "read", "Metadata": "read"})
    secret_source: str = "Actions"

    @property
    def conclusion(self) -> str:
        """Failure if a step failed, cancelled if one was cut off."""
        ends = {step.conclusion for step in self.steps}
        return next((end for end in ("failure", "cancelled") if end in ends), "success")


def render_log(plan: JobPlan) -> bytes:
    """The plain log of a job, UTF-8 with a byte order mark and a time stamp a line, as the API serves it.

    Returns
    -------
    bytes
        Lines of one text with a line break inside (an input of several lines) have no time stamp but the first.
    """
    chance = random.Random(f"{plan.name}{plan.started_at.isoformat()}")
    parts: list[str] = []
    for start, end, lines in _sections(plan):
        parts += [f"{stamp} {line}" for stamp, line in zip(_stamps(start, end, len(lines), chance), lines, strict=True)]
    return (_BOM + "\n".join(parts) + "\n").encode()


def planned_job(run: dict[str, Any], plan: JobPlan, **fields: Any) -> dict[str, Any]:
    """The job object of a plan, steps included; `fields` go to `job_object`."""
    return job_object(
        run,
        name=plan.name,
        conclusion=plan.conclusion,
        started_at=plan.started_at,
        completed_at=plan.completed_at,
        steps=list(_step_objects(plan)),
        **fields,
    )


def set_up_job(plan: JobPlan) -> list[str]:
    """The lines of "Set up job": runner, image, permissions, and every action with the commit it resolved to."""
    runner = plan.runner
    region = () if runner.region is None else (f"Azure Region: {runner.region}",)
    family, _, release = runner.image.partition("-")
    folder = family + release.split(".")[0]
    build = ".".join(runner.image_version.split(".")[:2])
    software = "https://github.com/actions/runner-images"
    readme = f"{software}/blob/{folder}/{build}/images/{family}/{family.title()}{release.replace('.', '')}-Readme.md"
    return [
        f"Current runner version: '{runner.version}'",
        *_group("Runner Image Provisioner", *runner.provisioner, *region),
        *_group("Operating System", *runner.os),
        *_group(
            "Runner Image",
            f"Image: {runner.image}",
            f"Version: {runner.image_version}",
            f"Included Software: {readme}",
            f"Image Release: {software}/releases/tag/{folder}%2F{build}",
        ),
        *_group("GITHUB_TOKEN Permissions", *(f"{name}: {level}" for name, level in plan.permissions.items())),
        f"Secret source: {plan.secret_source}",
        "Prepare workflow directory",
        "Prepare all required actions",
        "Getting action download info",
        *(f"Download action repository '{uses}' (SHA:{sha})" for uses, sha in _downloads(plan.steps).items()),
        f"Complete job name: {plan.name}",
    ]


def echo(step: StepPlan) -> list[str]:
    """The group in which the runner repeats what it is about to run."""
    env = ["env:", *(f"  {key}: {value}" for key, value in step.env.items())] if step.env else []
    if step.uses:
        given = ["with:", *(f"  {key}: {value}" for key, value in step.inputs.items())] if step.inputs else []
        return _group(f"Run {step.uses}", *given, *env)
    script = (step.run or step.name).splitlines()
    coloured = [f"\x1b[36;1m{line}\x1b[0m" for line in script]
    return _group(f"Run {script[0]}", *coloured, "shell: /usr/bin/bash -e {0}", *env)


def _sections(plan: JobPlan) -> Iterator[tuple[datetime, datetime, list[str]]]:
    ran = [step for step in plan.steps if step.conclusion != "skipped"]
    first = ran[0].started_at if ran else plan.completed_at
    yield plan.started_at, first, set_up_job(plan)
    for step in ran:
        yield step.started_at, step.completed_at, [*echo(step), *step.output, *_closing(step)]
    for step, start, end in _posts(plan):
        yield start, end, ["Post job cleanup.", *(step.post or ())]
    yield plan.completed_at, plan.completed_at + timedelta(seconds=1), ["Cleaning up orphan processes"]


def _closing(step: StepPlan) -> list[str]:
    if step.conclusion not in ("failure", "cancelled"):
        return []
    return [f"##[error]{step.error or 'Process completed with exit code 1.'}"]


def _posts(plan: JobPlan) -> Iterator[tuple[StepPlan, datetime, datetime]]:
    """Post steps run backwards through the actions that ran."""
    ran = [step for step in plan.steps if step.conclusion != "skipped"]
    cleaning = [step for step in reversed(ran) if step.post is not None]
    start = ran[-1].completed_at if ran else plan.completed_at
    share = (plan.completed_at - start) / max(len(cleaning), 1)
    for place, step in enumerate(cleaning):
        yield step, start + share * place, start + share * (place + 1)


def _step_objects(plan: JobPlan) -> Iterator[dict[str, Any]]:
    """GitHub's numbers: the workflow's steps from 2, the post steps counted back from the end, gaps between."""
    ran = [step for step in plan.steps if step.conclusion != "skipped"]
    first = ran[0].started_at if ran else plan.completed_at
    yield step_object(1, "Set up job", plan.started_at, first)
    last = first
    for number, step in enumerate(plan.steps, 2):
        skipped = step.conclusion == "skipped"
        last = last if skipped else step.completed_at
        yield step_object(number, step.name, last if skipped else step.started_at, last, step.conclusion)
    total = 2 * (len(plan.steps) + 1)
    places = {id(step): number for number, step in enumerate(plan.steps, 2)}
    for step, start, end in _posts(plan):
        yield step_object(total - places[id(step)] + 1, f"Post {step.name}", start, end)
    yield step_object(total, "Complete job", plan.completed_at, plan.completed_at)


def _downloads(steps: Sequence[StepPlan]) -> dict[str, str]:
    found: dict[str, str] = {}
    for step in steps:
        for uses, sha in [(step.uses, step.sha), *step.nested]:
            if uses and sha:
                path, _, ref = uses.partition("@")
                repository = "/".join(path.split("/")[:2])
                found.setdefault(f"{repository}@{ref}", sha)
    return found


def _group(title: str, *lines: str) -> list[str]:
    return [f"##[group]{title}", *lines, "##[endgroup]"]


def _stamps(start: datetime, end: datetime, count: int, chance: random.Random) -> Iterator[str]:
    """Time stamps of lines that come in bursts, to a tenth of a microsecond, from start to before end."""
    base = int(start.timestamp()) * _TICK + start.microsecond * 10
    span = max(int((end - start).total_seconds() * _TICK), _TICK // 2)
    bursts = -(-count // _BATCH)
    second, clock = -1, ""
    for burst in range(bursts):
        at = base + span * burst // bursts + chance.randrange(_PAUSES) * _PAUSE
        for _ in range(min(_BATCH, count - burst * _BATCH)):
            if at // _TICK != second:
                second = at // _TICK
                clock = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
            yield f"{clock}.{at % _TICK:07d}Z"
            at += _GAPS[int(chance.random() * len(_GAPS))]
