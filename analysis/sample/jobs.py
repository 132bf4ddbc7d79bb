"""Plans of the jobs of a run: tests, and the build of an image with docker's actions or by hand.

In: repository, trigger, start, fate, chance. Out: `JobPlan`, from which log and job object follow.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from analysis.sample import buildkit
from analysis.sample.case import Case, RepoFacts, languages
from analysis.sample.fate import Fate
from analysis.sample.logs import JobPlan, StepPlan
from analysis.sample.objects import stable_id, stable_sha
from analysis.sample.story import Trigger

_TEMP = "/home/runner/work/_temp/docker-actions-toolkit"
_CANCELED = "The operation was canceled."
_TYPE_ERROR = "Cannot read properties of undefined (reading 'containerimage.digest')"


@dataclass(frozen=True)
class Setting:
    """What the plans of one run share."""

    case: Case
    repo: RepoFacts
    trigger: Trigger
    attempt: int

    @property
    def pushes(self) -> bool:
        """Pull requests only build."""
        return self.trigger.event != "pull_request"

    def sha_of(self, action: str, ref: str, at: datetime) -> str:
        """What a ref stands for when the job starts."""
        return self.case.resolve(action, ref, at)


def test_plan(setting: Setting, start: datetime, fate: Fate, chance: random.Random) -> JobPlan:
    """Checkout, install, test."""
    clock = _Clock(start, chance)
    spoken = languages()[setting.repo.language]
    steps = [_checkout(setting, clock)]
    if setting.repo.language == "node":
        steps.append(_setup_node(setting, clock))
    steps.append(_script(clock, "Install", spoken["install"], _filled(spoken["installed"], chance), (9, 40)))
    lines = {"well": "passed", "failing": "failed", "broken": "broken"}.get(fate.kind, "passed")
    test = _script(clock, "Test", spoken["test"], _filled(spoken[lines], chance), (25, 150))
    if fate.kind in ("failing", "broken"):
        code = 2 if setting.repo.language in ("php", "python") and fate.kind == "broken" else 1
        test = replace(test, conclusion="failure", error=f"Process completed with exit code {code}.")
    return _job(setting, "test", [*steps, test], clock, fate)


def build_plan(setting: Setting, part: str, start: datetime, fate: Fate, chance: random.Random) -> JobPlan:
    """Checkout, builder, login, build and push; with the actions or by hand."""
    clock = _Clock(start, chance)
    name = f"build ({part})" if part else "build"
    if setting.repo.style == "cli":
        return _job(setting, name, [_checkout(setting, clock), *_by_hand(setting, clock, fate)], clock, fate)
    builder = buildkit.builder_name(setting.repo.name, setting.trigger.sha, part, setting.attempt)
    steps = [_checkout(setting, clock), _buildx(setting, clock, builder)]
    if setting.pushes:
        steps.append(_login(setting, clock))
    steps.append(_build(setting, clock, builder, part, fate))
    return _job(setting, name, steps, clock, fate)


def deploy_plan(setting: Setting, start: datetime, chance: random.Random) -> JobPlan:
    """What follows a good build on main."""
    clock = _Clock(start, chance)
    lines = ["Rolling out to production", "deployment successfully rolled out"]
    return _job(setting, "deploy", [_script(clock, "Deploy", "./deploy.sh", lines, (20, 60))], clock, Fate())


class _Clock:
    """Hands out the times of steps, one after the other."""

    def __init__(self, start: datetime, chance: random.Random) -> None:
        self.start, self.chance = start, chance
        self.now = start + timedelta(seconds=chance.randrange(2, 5))

    def span(self, low: int, high: int) -> tuple[datetime, datetime]:
        began = self.now
        self.now = began + timedelta(seconds=self.chance.randrange(low, high))
        return began, self.now


def _job(setting: Setting, name: str, steps: Sequence[StepPlan], clock: _Clock, fate: Fate) -> JobPlan:
    if fate.kind == "cancelled":
        steps = [*steps[:-1], replace(steps[-1], conclusion="cancelled", error=_CANCELED, output=steps[-1].output[:6])]
    write = setting.pushes and not setting.repo.push.startswith("docker.io")
    return JobPlan(
        name=name,
        started_at=clock.start,
        completed_at=clock.now + timedelta(seconds=clock.chance.randrange(2, 6)),
        steps=steps,
        runner=setting.case.runner_at(clock.start),
        permissions={"Contents": "read", "Metadata": "read", "Packages": "write" if write else "read"},
        secret_source="Dependabot" if setting.trigger.actor == "dependabot[bot]" else "Actions",
    )


def _checkout(setting: Setting, clock: _Clock) -> StepPlan:
    tag = list(setting.case.actions["actions/checkout"])[-1]
    start, end = clock.span(1, 3)
    trigger = setting.trigger
    ref = f"pull/{trigger.pull_request}/merge" if trigger.event == "pull_request" else trigger.branch
    name = setting.repo.name
    folder = "/home/runner/work/{0}/{0}".format(name.split("/")[1])
    return StepPlan(
        f"Run actions/checkout@{tag}", start, end,
        uses=f"actions/checkout@{tag}",
        sha=setting.sha_of("actions/checkout", tag, start),
        inputs={"repository": name, "token": "***", "ssh-strict": "true", "persist-credentials": "true",
                "clean": "true", "fetch-depth": "1", "lfs": "false", "submodules": "false"},
        output=[
            f"Syncing repository: {name}",
            "##[group]Getting Git version info",
            f"Working directory is '{folder}'",
            "[command]/usr/bin/git version",
            "git version 2.47.1",
            "##[endgroup]",
            "##[group]Fetching the repository",
            "[command]/usr/bin/git -c protocol.version=2 fetch --no-tags --prune --depth=1 origin "
            f"+{trigger.sha}:refs/remotes/{ref}",
            f"From https://github.com/{name}",
            f" * [new ref]         {trigger.sha} -> {ref}",
            "##[endgroup]",
            "[command]/usr/bin/git log -1 --format=%H",
            trigger.sha,
        ],
        post=["[command]/usr/bin/git version", "git version 2.47.1",
              r"[command]/usr/bin/git config --local --unset-all http.https://github.com/.extraheader"],
    )  # fmt: skip


def _setup_node(setting: Setting, clock: _Clock) -> StepPlan:
    start, end = clock.span(2, 9)
    return StepPlan(
        "Run actions/setup-node@v4", start, end,
        uses="actions/setup-node@v4",
        sha=setting.sha_of("actions/setup-node", "v4", start),
        inputs={"node-version": "22", "always-auth": "false", "check-latest": "false", "token": "***"},
        output=["Found in cache @ /opt/hostedtoolcache/node/22.12.0/x64", "##[group]Environment details",
                "node: v22.12.0", "npm: 10.9.0", "yarn: 1.22.22", "##[endgroup]"],
        post=[],
    )  # fmt: skip


def _script(clock: _Clock, name: str, run: str, lines: Sequence[str], took: tuple[int, int]) -> StepPlan:
    start, end = clock.span(*took)
    return StepPlan(name, start, end, run=run, output=lines)


def _buildx(setting: Setting, clock: _Clock, builder: str) -> StepPlan:
    start, end = clock.span(4, 9)
    return StepPlan(
        "Set up Docker Buildx", start, end,
        uses="docker/setup-buildx-action@v3",
        sha=setting.sha_of("docker/setup-buildx-action", "v3", start),
        inputs={"driver": setting.repo.driver, "install": "false", "use": "true", "cache-binary": "true",
                "cleanup": "true"},
        output=buildkit.setup_buildx_output(builder, setting.case.tools, driver=setting.repo.driver),
        post=["##[group]Removing builder", f"[command]/usr/bin/docker buildx rm {builder}", f"{builder} removed",
              "##[endgroup]"],
    )  # fmt: skip


def _login(setting: Setting, clock: _Clock) -> StepPlan:
    start, end = clock.span(1, 3)
    host = setting.repo.push.split("/")[0]
    return StepPlan(
        "Log in", start, end,
        uses="docker/login-action@v3",
        sha=setting.sha_of("docker/login-action", "v3", start),
        inputs={"registry": host, "username": "***", "password": "***", "ecr": "auto", "logout": "true"},
        output=[f"Logging into {host}...", "Login Succeeded!"],
        post=["##[group]Logout from " + host, f"[command]/usr/bin/docker logout {host}",
              f"Removing login credentials for {host}", "##[endgroup]"],
    )  # fmt: skip


def _build(setting: Setting, clock: _Clock, builder: str, part: str, fate: Fate) -> StepPlan:
    """The build step, with the vertices up to where its fate strikes."""
    repo, ref = setting.repo, setting.trigger.ref
    tag = f"{repo.push}{'-' + part if part else ''}:{setting.trigger.sha[:7]}"
    early = fate.kind in ("blob", "metadata", "token")
    start, end = clock.span(8, 25) if early else clock.span(50, 190)
    vertices, failure = build_vertices(setting, tag, fate)
    error = None
    frame = None
    if fate.kind == "blob":
        spoken = languages()[repo.language]
        frame = buildkit.Frame(spoken["frame"], first=4, pointed=6)
    if failure is not None:
        error = buildkit.build_error(failure)
    elif fate.kind == "action":
        error = _TYPE_ERROR
    return StepPlan(
        "Build and push", start, end,
        uses=f"{setting.case.action}@{ref}",
        sha=setting.sha_of(setting.case.action, ref, start),
        inputs=_inputs(setting, tag),
        output=buildkit.build_output(
            builder, vertices, tools=setting.case.tools, driver=repo.driver, failure=failure, frame=frame,
            command=f"docker buildx build --iidfile {_TEMP}/build-iidfile.txt --tag {tag} "
            f"--metadata-file {_TEMP}/build-metadata.json{' --push' * setting.pushes} .",
        ),
        conclusion="failure" if error else "success",
        error=error,
        post=[f"##[group]Removing temp folder {_TEMP}", "##[endgroup]"],
    )  # fmt: skip


def build_vertices(setting: Setting, tag: str, fate: Fate) -> tuple[list[buildkit.Vertex], str | None]:
    """BuildKit's vertices and what it ends with, None where it does not fail."""
    repo = setting.repo
    image = repo.images[0]
    instructions = languages()[repo.language]["build"]
    good = buildkit.build_vertices(repo.images, instructions, tags=(tag,), push=setting.pushes)
    if fate.kind in ("metadata", "token"):
        text = (buildkit.metadata_error if fate.kind == "metadata" else buildkit.token_error)(image, fate.answer or "")
        inner = text.split(": ", 1)[1]
        return _until(good, buildkit.metadata_vertex(image, inner)), text
    if fate.kind == "blob":
        inner = buildkit.blob_error(image, fate.answer)
        failed = buildkit.from_vertex(image, len(instructions) + 1, inner)
        return _until(good, failed), f"failed to compute cache key: {inner}"
    if fate.kind == "instruction":
        return _instruction_failure(good, instructions)
    if fate.kind == "push" or (fate.kind == "action" and fate.answer == "closed" and setting.pushes):
        text = (
            buildkit.push_error(tag, fate.answer or "")
            if fate.kind == "push"
            else f"failed to push {tag}: failed to copy: io: read/write on closed pipe"
        )
        return [*good[:-1], buildkit.export_vertices((tag,), push=True, error=text)[-1]], text
    return good, None


def _until(good: Sequence[buildkit.Vertex], failed: buildkit.Vertex) -> list[buildkit.Vertex]:
    place = [vertex.title for vertex in good].index(failed.title)
    return [*good[:place], failed]


def _instruction_failure(
    good: Sequence[buildkit.Vertex], instructions: Sequence[str]
) -> tuple[list[buildkit.Vertex], str]:
    command = instructions[-1].removeprefix("RUN ")
    text = f'process "/bin/sh -c {command}" did not complete successfully: exit code: 1'
    place = next(n for n, vertex in enumerate(good) if vertex.title.endswith(instructions[-1]))
    lines = ("0.412 error: cannot resolve module './basket'", "0.413 build failed with 1 error")
    return [*good[:place], replace(good[place], lines=lines, error=text)], text


def _inputs(setting: Setting, tag: str) -> Mapping[str, str]:
    push = "true" if setting.pushes else "false"
    return {"context": ".", "push": push, "tags": tag, "load": "false", "no-cache": "false", "pull": "false",
            "github-token": "***"}  # fmt: skip


def _by_hand(setting: Setting, clock: _Clock, fate: Fate) -> list[StepPlan]:
    """docker build and docker push in scripts: no action of docker's is involved."""
    tag = f"{setting.repo.push}:{setting.trigger.sha[:7]}"
    build = _build_by_hand(setting, clock, tag, fate)
    if not setting.pushes:
        return [build]
    if build.conclusion == "failure":
        start = clock.now
        return [build, StepPlan("Push", start, start, run=f"docker push {tag}", conclusion="skipped")]
    start, end = clock.span(8, 30)
    layers = [f"{stable_sha(tag, n)[:12]}: Pushed" for n in range(3)]
    head = [f"The push refers to repository [{setting.repo.push}]"]
    push = StepPlan("Push", start, end, run=f"docker push {tag}", output=[*head, *layers])
    if fate.kind == "push":
        told = "missing content-length header for request" if stable_id(tag) % 2 else _refused(setting, fate)
        push = replace(push, output=[*head, f"{stable_sha(tag, 0)[:12]}: Preparing", told], conclusion="failure")
    return [build, push]


def _refused(setting: Setting, fate: Fate) -> str:
    name = setting.repo.push.split("/", 1)[1]
    upload = f"{buildkit.HUB}/{name}/blobs/uploads/"
    return (
        f'error parsing HTTP {(fate.answer or "403")[:3]} response body from {upload}: unexpected end of JSON input: ""'
    )


def _build_by_hand(setting: Setting, clock: _Clock, tag: str, fate: Fate) -> StepPlan:
    early = fate.kind in ("blob", "metadata", "token")
    start, end = clock.span(8, 25) if early else clock.span(50, 190)
    vertices, failure = build_vertices(setting, tag, Fate() if fate.kind == "push" else fate)
    built = [vertex for vertex in vertices if "pull,push" not in vertex.title]
    lines = ['#0 building with "default" instance using docker driver', "", *buildkit.progress(built)]
    if failure is not None:
        frame = buildkit.Frame(languages()[setting.repo.language]["frame"], first=4, pointed=6)
        shown = buildkit.frame_lines(frame) if fate.kind == "blob" else []
        lines += [*buildkit.summary(built[-1]), *shown, f"ERROR: {buildkit.solve(failure)}"]
    conclusion = "failure" if failure else "success"
    return StepPlan("Build", start, end, run=f"docker build -t {tag} .", output=lines, conclusion=conclusion)


def _filled(lines: Sequence[str], chance: random.Random) -> list[str]:
    """Lines with their numbers and names filled in."""
    values = {"n": str(chance.randrange(40, 400)), "name": chance.choice(("basket", "invoice", "session")),
              "s": str(chance.randrange(1, 20))}  # fmt: skip
    found = []
    for line in lines:
        for key, value in values.items():
            line = line.replace(f"{{{key}}}", value)
        found.append(line)
    return found
