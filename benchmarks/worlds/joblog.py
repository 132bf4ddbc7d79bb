"""A job's log as the runner writes it: set up, steps with their inputs and output, the failing step's text, clean up.

In: a played job. Out: bytes. Written from the look of real logs, independently of the code that reads them.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from benchmarks.worlds.causes import SET_UP
from benchmarks.worlds.fleet import Step
from benchmarks.worlds.history import JobRun, Run
from benchmarks.worlds.releases import Calendar, fake_sha

SYSTEMS = {
    "ubuntu-24.04": ("Ubuntu", "24.04.2", "LTS"),
    "ubuntu-22.04": ("Ubuntu", "22.04.5", "LTS"),
    "ubuntu-24.04-arm64": ("Ubuntu", "24.04.2", "LTS"),
    "windows-2022": ("Microsoft Windows Server 2022", "10.0.20348", "Datacenter"),
    "macos-14": ("macOS", "14.7.4", "23H420"),
}
DEFAULTS = {
    "docker/build-push-action": {"load": "false", "no-cache": "false", "pull": "false", "github-token": "***"},
    "actions/checkout": {"ssh-strict": "true", "persist-credentials": "true", "clean": "true", "fetch-depth": "1",
                         "token": "***", "lfs": "false", "submodules": "false"},
    "docker/setup-buildx-action": {"driver": "docker-container", "install": "false", "use": "true", "cleanup": "true"},
    "docker/setup-qemu-action": {"image": "docker.io/tonistiigi/binfmt:latest", "platforms": "all"},
    "docker/login-action": {"ecr": "auto", "logout": "true"},
    "actions/cache": {"enableCrossOsArchive": "false", "fail-on-cache-miss": "false"},
}  # fmt: skip


class Writer:
    """Lines with times that only go forward."""

    def __init__(self, start: float, tick: float) -> None:
        self.t, self.tick, self.lines = start, tick, []  # type: ignore[var-annotated]

    def put(self, *lines: str) -> None:
        for line in lines:
            self.t += self.tick
            moment = datetime.fromtimestamp(self.t, UTC)
            self.lines.append(f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}1Z {line}")

    def group(self, title: str, *lines: str) -> None:
        self.put(f"##[group]{title}", *lines, "##[endgroup]")


def render(run: Run, job: JobRun, times: list[tuple[float, float]], calendar: Calendar) -> bytes:
    """The log of one job.

    Parameters
    ----------
    run, job : Run, JobRun
        What was played.
    times : list of (float, float)
        Start and end of each step in `job.steps`.
    calendar : Calendar
        For the runner's version.
    """
    rng = np.random.default_rng(job.number % (1 << 32))
    w = Writer(job.started + 0.2, 0.0007)
    _set_up(w, rng, run, job, calendar)
    if job.failed_step == SET_UP:
        w.put(*job.text)
        return _bytes(w)
    w.put(f"Complete job name: {job.job.name(job.leg)}")
    done: list[Step] = []
    for position, index in enumerate(job.steps):
        step, (begin, finish) = job.job.steps[index], times[position]
        failing = job.conclusion == "failure" and index == job.failed_step
        w.t = max(w.t, begin + 0.05)
        _open(w, run, job, step)
        if not failing or rng.random() < 0.8:
            _output(w, rng, run, job, step, partly=failing)
        if job.conclusion == "cancelled" and position == len(job.steps) - 1:
            w.put("##[error]The operation was canceled.")
            break
        if failing:
            w.t = max(w.t, finish - 0.4)
            w.put(*job.text)
            break
        done.append(step)
    for step in reversed(done):
        if step.action in ("actions/checkout", "actions/cache", "docker/login-action", "docker/setup-buildx-action"):
            w.put("Post job cleanup.", "[command]/usr/bin/git version", "git version 2.47.1")
    w.put("Cleaning up orphan processes")
    return _bytes(w)


def _bytes(w: Writer) -> bytes:
    return ("\ufeff" + "\n".join(w.lines) + "\n").encode()


def _set_up(w: Writer, rng: np.random.Generator, run: Run, job: JobRun, calendar: Calendar) -> None:
    m = job.moment
    assert m is not None
    w.put(f"Current runner version: '{calendar.tool(calendar.runner, job.started)}'")
    new = int(calendar.runner[0][0].split(".")[1]) >= 323
    if new:
        agent = ("Hosted Compute Agent", "Version: 20250620.352", f"Commit: {fake_sha('agent')}")
        w.group("Runner Image Provisioner", *agent, f"Azure Region: {m.region}")
    w.group("Operating System", *SYSTEMS[m.image_name])
    stamp = m.image.version.rsplit(".", 1)[0]
    short = m.image_name.replace("-", "").split(".")[0]
    w.group(
        "Runner Image",
        f"Image: {m.image_name}",
        f"Version: {m.image.version}",
        f"Included Software: https://github.com/actions/runner-images/blob/{short}/{stamp}/images/ubuntu/Readme.md",
        f"Image Release: https://github.com/actions/runner-images/releases/tag/{short}%2F{stamp}",
    )
    if not new:
        w.group("Runner Image Provisioner", "2.0.422.1", f"Azure Region: {m.region}")
    rights = "write" if m.credential == "normal" else "read"
    w.group("GITHUB_TOKEN Permissions", f"Contents: {rights}", "Metadata: read", f"Packages: {rights}")
    w.put("Secret source: Actions" if m.credential == "normal" else
          "Secret source: Dependabot" if m.credential == "bot" else "Secret source: None")  # fmt: skip
    w.put("Prepare workflow directory", "Prepare all required actions", "Getting action download info")
    if job.failed_step == SET_UP and rng.random() < 0.5:
        return
    seen = set()
    for index in range(len(job.job.steps)):
        action = job.job.steps[index].action
        if action and action in job.refs and action not in seen:
            seen.add(action)
            ref, release = job.refs[action]
            w.t += 0.2
            if action.startswith("actions/") and run.repo.number % 5 == 4:
                w.put(f"Download immutable action package '{action}@{ref}'", f"Version: {release.version}",
                      f"Digest: sha256:{(release.sha * 2)[:64]}", f"Source commit SHA: {release.sha}")  # fmt: skip
            else:
                w.put(f"Download action repository '{action}@{ref}' (SHA:{release.sha})")


def _open(w: Writer, run: Run, job: JobRun, step: Step) -> None:
    if not step.action:
        w.put(f"##[group]Run {step.run}", *[f"\x1b[36;1m{line}\x1b[0m" for line in step.run.split(" && ")])
        w.put("shell: /usr/bin/bash -e {0}", "##[endgroup]")
        return
    ref, _ = job.refs[step.action]
    w.put(f"##[group]Run {step.uses}@{ref}")
    inputs = {**step.inputs, **{k: v for k, v in DEFAULTS.get(step.action, {}).items() if k not in step.inputs}}
    if step.action == "docker/build-push-action":
        m = job.moment
        inputs["push"] = "true" if m is not None and m.pushing else "false"
        inputs["tags"] = f"{run.repo.full}:{run.sha[:7]}"
    if inputs:
        w.put("with:", *[f"  {k}: {v}" for k, v in inputs.items()])
    w.put("##[endgroup]")


def _output(w: Writer, rng: np.random.Generator, run: Run, job: JobRun, step: Step, partly: bool) -> None:
    m = job.moment
    assert m is not None
    if step.action == "actions/checkout":
        w.put(f"Syncing repository: {run.repo.full}")
        w.group("Getting Git version info", "[command]/usr/bin/git version", "git version 2.47.1")
        w.group("Initializing the repository", f"[command]/usr/bin/git init /home/runner/work/{run.repo.name}")
        if not partly:
            fetch = "[command]/usr/bin/git -c protocol.version=2 fetch --no-tags --prune --depth=1 origin"
            w.group("Fetching the repository", fetch, f" * [new ref]         {run.sha} -> origin/{run.branch}")
    elif step.action == "docker/setup-buildx-action":
        w.group("Docker info", "[command]/usr/bin/docker version", "Client: Docker Engine - Community",
                f" Version:           {m.image.docker}", " API version:       1.47")  # fmt: skip
        w.group("Buildx version", "[command]/usr/bin/docker buildx version",
                f"github.com/docker/buildx v{m.image.buildx} {fake_sha(m.image.buildx)[:7]}")  # fmt: skip
        if not partly:
            w.group("Booting builder", "#1 [internal] booting buildkit",
                    "#1 pulling image moby/buildkit:buildx-stable-1 3.2s done", "#1 DONE 4.1s")  # fmt: skip
            builder = f"builder-{fake_sha(job.number)[:8]}-{fake_sha(job.number)[8:12]}"
            if run.repo.number % 3:
                node = (f"Name:                  {builder}0", "Status:                running")
                w.group("Inspect builder", f"Name:          {builder}", "Driver:        docker-container", "Nodes:",
                        *node, f"BuildKit version:      v{m.buildkit}")  # fmt: skip
            w.group("BuildKit version", f"{builder}0: v{m.buildkit}")
    elif step.action == "docker/setup-qemu-action":
        w.group("Docker info", " Server Version: " + m.image.docker)
        if not partly:
            w.group("Pulling binfmt Docker image", "[command]/usr/bin/docker pull docker.io/tonistiigi/binfmt:latest",
                    "latest: Pulling from tonistiigi/binfmt", f"Digest: sha256:{fake_sha(m.binfmt) * 2}"[:79],
                    "docker.io/tonistiigi/binfmt:latest")  # fmt: skip
            w.group("Image info", f"binfmt/{fake_sha(m.binfmt)[:7]} qemu/v{m.binfmt} go/1.23.0")
    elif step.action == "docker/login-action":
        host = step.inputs.get("registry", "docker.io")
        w.put(f"Logging into {host}...", *([] if partly else ["Login Succeeded!"]))
    elif step.action == "docker/build-push-action":
        _build_output(w, run, job, step, partly)
    elif step.action:
        w.put(*(["Run finished"] if not partly and rng.random() < 0.5 else []))
    else:
        w.put(*_run_output(rng, step, partly))


def _build_output(w: Writer, run: Run, job: JobRun, step: Step, partly: bool) -> None:
    from benchmarks.worlds.words import HOSTS, IMAGES

    m = job.moment
    assert m is not None
    w.group("Docker info", "[command]/usr/bin/docker version", f" Version:           {m.image.docker}")
    flags = "--push" if m.pushing else "--load"
    w.put(f"[command]/usr/bin/docker buildx build {flags} --iidfile /tmp/iidfile --tag {run.repo.full}:ci .")
    base = next((c for c, o in step.touches if o == "pull"), "docker-hub")
    host = "docker.io" if base == "docker-hub" else HOSTS[base][0]
    image = IMAGES[base][run.repo.number % len(IMAGES[base])]
    w.put('#0 building with "builder" instance using docker-container driver', "",
          "#1 [internal] load build definition from Dockerfile", "#1 transferring dockerfile: 1.02kB done",
          "#1 DONE 0.0s", f"#2 [internal] load metadata for {host}/{image}:3.20")  # fmt: skip
    if partly:
        return
    w.put("#2 DONE 0.9s", f"#4 [1/5] FROM {host}/{image}:3.20@sha256:{fake_sha(image)}{fake_sha(image)[:24]}")
    w.put("#4 DONE 2.2s", "#5 [2/5] RUN npm ci", "#5 DONE 31.0s", "#9 exporting to image")
    if m.pushing:
        target = next((c for c, o in step.touches if o == "push"), "ghcr")
        where = "docker.io" if target == "docker-hub" else HOSTS.get(target, ("ghcr.io",))[0]
        w.put(f"#9 pushing manifest for {where}/{run.repo.full}:{run.sha[:7]}", "#9 DONE 4.0s")
    w.put("#9 DONE 1.1s")


def _run_output(rng: np.random.Generator, step: Step, partly: bool) -> list[str]:
    lines = {
        "npm ci": ["npm warn deprecated inflight@1.0.6: This module is not supported", "added 812 packages in 14s"],
        "npm test": [
            "> vitest run",
            " ✓ src/retry.test.ts (12 tests) handles connection reset",
            " ✓ src/login.test.ts",
        ],
        "pytest -q": [
            "....................................... [ 42%]",
            "tests/test_http.py::test_503_is_retried PASSED",
        ],
        "go test ./...": ["ok  \texample.com/app/http\t0.41s"],
    }.get(step.run, [f"{step.run.split()[0]}: working"])
    extra = ["WARNING: retrying after connection broken", "0 errors"] if rng.random() < 0.1 else []
    return lines[: 1 if partly else 3] + extra
