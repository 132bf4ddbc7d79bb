"""The repositories of a simulated company: workflows, jobs, steps, and what each step touches.

In: a random generator, the size. Out: a list of `Repo`. A step names the services that it talks to, so that an
outage can strike it, and the action it uses, so that a release can. Nothing here knows about time or failure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

OWNERS = ("acme", "northwind-labs", "blueharbor", "tessera-io", "kestrel-data", "mintleaf", "oxbow-systems")
NOUNS = (
    "api", "web", "billing", "ingest", "gateway", "search", "auth", "notify", "catalog", "ledger", "scheduler",
    "reports", "mobile-bff", "docs-site", "infra-tools", "ml-serving", "edge-proxy", "payments", "worker", "console",
)  # fmt: skip

Touch = tuple[str, str]  # component, operation


@dataclass
class Step:
    """One step; `run` for a shell step, `action` for a used one."""

    name: str
    action: str | None = None
    path: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    run: str = ""
    touches: tuple[Touch, ...] = ()
    seconds: float = 3.0
    only_push: bool = False

    @property
    def uses(self) -> str:
        return (self.action or "") + (f"/{self.path}" if self.path else "")


@dataclass
class Job:
    """One job of a workflow with its matrix legs; each leg is (suffix of the name, runner label, platform)."""

    key: str
    kind: str
    steps: list[Step]
    legs: list[tuple[str, str, str]]
    needs: str | None = None
    fail_fast: bool = True
    only: str = "all"
    code_rate: float = 0.02
    image_base: str = "docker-hub"
    pushes_to: str | None = None

    def name(self, leg: int) -> str:
        suffix = self.legs[leg][0]
        return f"{self.key} ({suffix})" if suffix else self.key


@dataclass
class Workflow:
    """One workflow file and the events that start it."""

    number: int
    name: str
    path: str
    on: frozenset[str]
    jobs: list[Job]


@dataclass
class Repo:
    """One repository with its habits."""

    owner: str
    name: str
    number: int
    language: str
    default_branch: str
    workflows: list[Workflow]
    pins: dict[str, str] = field(default_factory=dict)
    bot: str = "dependabot"
    bot_days: float = 1.0
    merge_hours: float = 20.0
    merge_share: float = 0.75
    pushes_per_day: float = 2.0
    prs_per_day: float = 1.0
    rerun: float = 0.3
    flaky: float = 1.0
    zone: float = 0.0
    fork_share: float = 0.03
    nightly_hour: float = 3.0

    @property
    def full(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def actions(self) -> list[str]:
        return sorted({s.action for w in self.workflows for j in w.jobs for s in j.steps if s.action})


def make_fleet(rng: np.random.Generator, size: str) -> list[Repo]:
    """Nine repositories (normal) or four (small) that differ in language, tools, flakiness and habits."""
    count = 9 if size == "normal" else 4
    owner = str(rng.choice(OWNERS))
    names = rng.choice(NOUNS, count, replace=False)
    base = int(rng.integers(200_000_000, 900_000_000))
    float_share = float(rng.choice([0.2, 0.4, 0.6]))
    repos = []
    for i, name in enumerate(map(str, names)):
        language = str(rng.choice(["node", "python", "go", "java", "rust"], p=[0.33, 0.3, 0.2, 0.1, 0.07]))
        repo = Repo(owner, name, base + i * 7919, language, str(rng.choice(["main", "main", "master"])), [])
        repo.workflows = _workflows(rng, repo, forced_build=i < count - 1)
        repo.bot = str(rng.choice(["dependabot", "dependabot", "renovate", "none"]))
        repo.bot_days = float(rng.choice([0.5, 1, 3, 7]))
        repo.merge_hours = float(rng.choice([3, 12, 30, 60]))
        repo.merge_share = float(rng.uniform(0.6, 0.95))
        repo.pushes_per_day = float(rng.lognormal(0.5, 0.5))
        repo.prs_per_day = float(rng.lognormal(0.0, 0.5))
        repo.rerun = float(rng.uniform(0.15, 0.6))
        repo.flaky = float(rng.lognormal(0, 0.7))
        repo.zone = float(rng.choice([-8, -5, 0, 1, 5.5]))
        repo.nightly_hour = float(rng.integers(0, 7))
        exact = 1 - float_share
        style = str(rng.choice(["float", "tag", "sha"], p=[float_share, exact * 0.6, exact * 0.4]))
        for action in repo.actions:
            other = str(rng.choice(["float", "tag", "sha"]))
            repo.pins[action] = style if rng.random() < 0.8 else other
        repos.append(repo)
    return repos


def _workflows(rng: np.random.Generator, repo: Repo, forced_build: bool) -> list[Workflow]:
    made: list[tuple[str, str, frozenset[str], list[Job]]] = []
    push_pr = frozenset({"push", "pull_request"})
    if forced_build or rng.random() < 0.6:
        name = str(rng.choice(["docker", "Build and publish", "image", "container", "CI image"]))
        file = str(rng.choice(["docker.yml", "image.yml", "build.yaml", "container.yml", "publish-image.yml"]))
        made.append((name, file, push_pr, _image_jobs(rng, repo)))
    name = str(rng.choice(["CI", "tests", "Test", "ci"]))
    made.append((name, str(rng.choice(["ci.yml", "tests.yml", "test.yaml"])), push_pr, _test_jobs(rng, repo)))
    if rng.random() < 0.45:
        jobs = [Job("nightly", "test", _test_steps(rng, repo, heavy=True), [("", "ubuntu-latest", "")], code_rate=0.03)]
        made.append(("nightly", "nightly.yml", frozenset({"schedule"}), jobs))
    if rng.random() < 0.35:
        made.append(("docs", "docs.yml", push_pr, [_docs_job(rng)]))
    if rng.random() < 0.3:
        made.append(("release", "release.yml", frozenset({"tag"}), [_release_job(rng, repo)]))
    return [
        Workflow(repo.number % 10_000_000 + 31 * k, n, f".github/workflows/{f}", on, jobs)
        for k, (n, f, on, jobs) in enumerate(made)
    ]


def _checkout(rng: np.random.Generator) -> Step:
    inputs = {"fetch-depth": "0"} if rng.random() < 0.3 else {}
    return Step(
        str(rng.choice(["Checkout", "Run actions/checkout", "Check out the code"])),
        "actions/checkout",
        inputs=inputs,
        touches=(("git-hosting", "checkout"),),
        seconds=3,
    )


def _image_jobs(rng: np.random.Generator, repo: Repo) -> list[Job]:
    push = str(rng.choice(["ghcr", "docker-hub", "ecr", "gar", "quay"], p=[0.4, 0.33, 0.14, 0.08, 0.05]))
    base = str(rng.choice(["docker-hub", "docker-hub", "docker-hub", "ghcr", "ecr-public", "mcr"]))
    jobs = []
    for k in range(2 if rng.random() < 0.25 else 1):
        key = str(rng.choice(["build", "docker", "image", "build-and-push", "publish"]))
        key = f"{key}-{rng.choice(['api', 'worker', 'migrations'])}" if k else key
        multi = rng.random() < 0.35
        legs = [("linux/amd64", "ubuntu-latest", "amd64"), ("linux/arm64", "ubuntu-24.04-arm", "arm64")]
        legs = legs if multi else [("", str(rng.choice(["ubuntu-latest", "ubuntu-22.04"])), "amd64")]
        steps = [_checkout(rng)]
        if rng.random() < 0.4:
            steps.append(Step("Set up QEMU", "docker/setup-qemu-action", touches=(("docker-hub", "pull"),), seconds=6))
        if rng.random() < 0.9:
            steps.append(
                Step("Set up Docker Buildx", "docker/setup-buildx-action", touches=(("docker-hub", "pull"),), seconds=8)
            )
        if push == "ecr":
            creds = {"role-to-assume": "arn:aws:iam::***:role/ci", "aws-region": "eu-west-1"}
            steps.append(Step("AWS credentials", "aws-actions/configure-aws-credentials", inputs=creds, only_push=True))
            steps.append(
                Step("Login to ECR", "aws-actions/amazon-ecr-login", touches=(("ecr", "login"),), only_push=True)
            )
        elif push == "gar":
            inputs = {"workload_identity_provider": "***"}
            steps.append(Step("Google auth", "google-github-actions/auth", inputs=inputs))
            steps.append(_login(rng, "gar"))
        else:
            steps.append(_login(rng, push))
        if push != "docker-hub" and rng.random() < 0.3:
            steps.append(_login(rng, "docker-hub"))
        if rng.random() < 0.7:
            steps.append(
                Step("Docker metadata", "docker/metadata-action", inputs={"images": f"{repo.full}"}, seconds=1)
            )
        steps.append(_build_step(rng, push, base))
        if rng.random() < 0.2:
            touches = (("ghcr", "pull"),)
            inputs = {"image-ref": "app:latest", "format": "sarif"}
            steps.append(Step("Scan", "aquasecurity/trivy-action", inputs=inputs, touches=touches, seconds=20))
        only = "all" if rng.random() < 0.8 else "push"
        jobs.append(
            Job(key, "image", steps, legs, fail_fast=rng.random() < 0.7, only=only, code_rate=0.012, image_base=base,
                pushes_to=push)
        )  # fmt: skip
    return jobs


def _login(rng: np.random.Generator, registry: str) -> Step:
    hosts = {"ghcr": "ghcr.io", "quay": "quay.io", "gar": "europe-docker.pkg.dev", "docker-hub": ""}
    inputs = {"username": "***", "password": "***"}
    if hosts.get(registry):
        inputs = {"registry": hosts[registry], **inputs}
    name = {"ghcr": "Log in to GHCR", "docker-hub": "Login to Docker Hub"}.get(registry, f"Login to {registry}")
    return Step(name, "docker/login-action", inputs=inputs, touches=((registry, "login"),), seconds=2, only_push=True)


def _build_step(rng: np.random.Generator, push: str, base: str) -> Step:
    inputs = {"context": ".", "push": "true", "tags": "${{ steps.meta.outputs.tags }}"}
    touches: list[Touch] = [(base, "pull")]
    if rng.random() < 0.5:
        inputs |= {"cache-from": "type=gha", "cache-to": "type=gha,mode=max"}
        touches.append(("gha-cache", "cache-import"))
    for key, value, share in (
        ("build-args", "VERSION=1", 0.5), ("platforms", "linux/amd64", 0.3), ("provenance", "false", 0.15),
        ("build-contexts", "base=./base", 0.2), ("secrets", "npm=***", 0.2), ("target", "runtime", 0.25),
    ):  # fmt: skip
        if rng.random() < share:
            inputs[key] = value
    touches.append((push, "push"))
    if "cache-to" in inputs:
        touches.append(("gha-cache", "cache-export"))
    name = str(rng.choice(["Build and push", "Build", "Build image"]))
    return Step(name, "docker/build-push-action", inputs=inputs, touches=tuple(touches), seconds=120)


PACKAGES = {
    "node": ("npm ci", "npm"), "python": ("pip install -r requirements.txt", "pypi"),
    "go": ("go mod download", "go-proxy"), "java": ("./mvnw -B -q dependency:go-offline", "maven"),
    "rust": ("cargo fetch --locked", "crates"),
}  # fmt: skip
TESTS = {"node": "npm test", "python": "pytest -q", "go": "go test ./...", "java": "./mvnw -B verify",
         "rust": "cargo test --all"}  # fmt: skip
BUILDS = {"node": "npm run build", "python": "python -m compileall src", "go": "go build ./...",
          "java": "./mvnw -B -q compile", "rust": "cargo build --locked"}  # fmt: skip


def _toolchain(rng: np.random.Generator, language: str) -> list[Step]:
    if language == "node":
        steps = [Step("Set up pnpm", "pnpm/action-setup", inputs={"version": "9"})] if rng.random() < 0.2 else []
        inputs = {"node-version": "20"} | ({"cache": "npm"} if rng.random() < 0.6 else {})
        return [*steps, Step("Set up Node", "actions/setup-node", inputs=inputs, touches=_cache_of(inputs), seconds=5)]
    if language == "python":
        if rng.random() < 0.25:
            return [Step("Install uv", "astral-sh/setup-uv", inputs={"enable-cache": "true"},
                         touches=(("git-hosting", "download"), ("gha-cache", "cache-import")))]  # fmt: skip
        inputs = {"python-version": "3.12"} | ({"cache": "pip"} if rng.random() < 0.5 else {})
        return [Step("Set up Python", "actions/setup-python", inputs=inputs, touches=_cache_of(inputs), seconds=5)]
    if language == "go":
        touches = (("gha-cache", "cache-import"),)
        return [Step("Set up Go", "actions/setup-go", inputs={"go-version": "stable"}, touches=touches, seconds=6)]
    if language == "java":
        inputs = {"java-version": "21", "distribution": "temurin"}
        return [
            Step("Set up JDK", "actions/setup-java", inputs=inputs, seconds=6),
            Step("Gradle", "gradle/actions", "setup-gradle", touches=(("gha-cache", "cache-import"),), seconds=4),
        ]
    return [Step("Cache", "Swatinem/rust-cache", touches=(("gha-cache", "cache-import"),), seconds=6)]


def _cache_of(inputs: dict[str, str]) -> tuple[Touch, ...]:
    return (("gha-cache", "cache-import"),) if "cache" in inputs else ()


def _test_steps(rng: np.random.Generator, repo: Repo, heavy: bool = False) -> list[Step]:
    steps = [_checkout(rng), *_toolchain(rng, repo.language)]
    if rng.random() < 0.35:
        inputs = {"path": "~/.cache", "key": "deps-${{ hashFiles('**/lock') }}"}
        steps.append(Step("Cache", "actions/cache", inputs=inputs, touches=(("gha-cache", "cache-import"),), seconds=4))
    if rng.random() < 0.2:
        run = "sudo apt-get update && sudo apt-get install -y libpq-dev"
        steps.append(Step("System packages", run=run, touches=(("apt", "download"),), seconds=15))
    command, registry = PACKAGES[repo.language]
    steps.append(Step("Install dependencies", run=command, touches=((registry, "download"),), seconds=25))
    if heavy and rng.random() < 0.5:
        run = "docker compose up -d --wait"
        steps.append(Step("Start services", run=run, touches=(("docker-hub", "pull"),), seconds=30))
    steps.append(Step("Test", run=TESTS[repo.language], seconds=240 if heavy else 90))
    if rng.random() < 0.3:
        inputs = {"files": "coverage.xml", "token": "***"}
        steps.append(Step("Coverage", "codecov/codecov-action", inputs=inputs, seconds=5))
    if rng.random() < 0.4:
        inputs = {"name": "results", "path": "results/"}
        touches = (("gha-artifact", "upload"),)
        steps.append(Step("Upload results", "actions/upload-artifact", inputs=inputs, touches=touches, seconds=4))
    return steps


def _test_jobs(rng: np.random.Generator, repo: Repo) -> list[Job]:
    if rng.random() < 0.3:
        versions = {"node": ["18", "20", "22"], "python": ["3.11", "3.12", "3.13"]}.get(repo.language, ["1", "2"])
        legs = [(v, "ubuntu-latest", v) for v in versions]
    elif rng.random() < 0.2:
        legs = [(o, o, o.split("-")[0]) for o in ("ubuntu-latest", "windows-latest", "macos-14")]
    else:
        legs = [("", str(rng.choice(["ubuntu-latest", "ubuntu-22.04"])), "")]
    key = str(rng.choice(["test", "unit", "tests"]))
    jobs = [Job(key, "test", _test_steps(rng, repo), legs, fail_fast=rng.random() < 0.6, code_rate=0.025)]
    if rng.random() < 0.5:
        jobs.append(Job("lint", "lint", _lint_steps(rng, repo), [("", "ubuntu-latest", "")], code_rate=0.02))
    if rng.random() < 0.25:
        steps = [_checkout(rng), *_toolchain(rng, repo.language),
                 Step("Build", run=BUILDS[repo.language], touches=((PACKAGES[repo.language][1], "download"),),
                      seconds=60)]  # fmt: skip
        steps.append(
            Step("Upload bundle", "actions/upload-artifact", inputs={"name": "bundle", "path": "dist"},
                 touches=(("gha-artifact", "upload"),))
        )  # fmt: skip
        jobs.append(Job("build", "build", steps, [("", "ubuntu-latest", "")], needs=key, code_rate=0.01))
    return jobs


def _lint_steps(rng: np.random.Generator, repo: Repo) -> list[Step]:
    steps = [_checkout(rng)]
    if repo.language == "go":
        touches = (("git-hosting", "download"),)
        return [*steps, Step("golangci-lint", "golangci/golangci-lint-action", touches=touches, seconds=40)]
    command, registry = PACKAGES[repo.language]
    steps += _toolchain(rng, repo.language)
    run = {"node": "npx eslint .", "python": "ruff check .", "java": "./mvnw -B checkstyle:check"}
    steps.append(Step("Install", run=command, touches=((registry, "download"),), seconds=15))
    return [*steps, Step("Lint", run=run.get(repo.language, "cargo clippy -- -D warnings"), seconds=20)]


def _docs_job(rng: np.random.Generator) -> Job:
    steps = [
        _checkout(rng),
        Step("Set up Python", "actions/setup-python", inputs={"python-version": "3.12"}, seconds=5),
        Step("Install", run="pip install mkdocs-material", touches=(("pypi", "download"),), seconds=15),
        Step("Build", run="mkdocs build --strict", seconds=15),
    ]
    if rng.random() < 0.5:
        inputs = {"github_token": "***", "publish_dir": "site"}
        steps.append(Step("Deploy", "peaceiris/actions-gh-pages", inputs=inputs, only_push=True))
    return Job("docs", "docs", steps, [("", "ubuntu-latest", "")], code_rate=0.01)


def _release_job(rng: np.random.Generator, repo: Repo) -> Job:
    steps = [_checkout(rng), *_toolchain(rng, repo.language), Step("Build", run=BUILDS[repo.language], seconds=60)]
    steps.append(Step("Release", "softprops/action-gh-release", inputs={"files": "dist/*"}, seconds=4))
    if rng.random() < 0.3:
        steps.append(Step("Install cosign", "sigstore/cosign-installer", touches=(("git-hosting", "download"),)))
    return Job("release", "release", steps, [("", "ubuntu-latest", "")], code_rate=0.01)
