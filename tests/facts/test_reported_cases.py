"""Failures that simulated histories showed to be misread: structure, not one program's words, must decide.

Each case is a step as a runner writes it; expected are component, kind and operation (None: not asked).
"""

import pytest

from analysis.facts.runner_log import read_job_log

BUILD = ["##[group]Run docker/build-push-action@v6", "with:", "  context: .", "##[endgroup]"]
BASE = [
    "#2 [internal] load metadata for docker.io/library/node:20",
    "#4 [1/5] FROM docker.io/library/node:20@sha256:ab12",
]
OPEN = "failed to compute cache key: failed to copy: httpReadSeeker: failed open: unexpected status code"
RESET = "failed to copy: read tcp 172.17.0.2:41832->1.2.3.4:443: read: connection reset by peer"
AZURE = "http://azure.archive.ubuntu.com/ubuntu"
CASES = {
    "an action that cannot reach the service it talks to": (
        ["##[group]Run gradle/actions/wrapper-validation@v3", "##[endgroup]", "##[error]Error: read ECONNRESET"],
        ("other-package-registry", "connection-reset", None),
    ),
    "a push that is refused without a word by a registry that no line names": (
        [*BUILD, "#22 pushing layers", "#22 ERROR: unexpected status: 403 Forbidden",
         "##[error]buildx failed with: ERROR: failed to solve: unexpected status: 403 Forbidden"],
        ("ghcr", "http-403", "push"),
    ),
    "an action's tag that is gone, and the bare status after it": (
        ["Download action repository 'acme/check@v0.2.0'",
         "##[warning]Failed to download action 'https://api.github.com/repos/acme/check/tarball/v0.2.0'. "
         "Error Response status code does not indicate success: 404 (Not Found).",
         "##[warning]Back off 15.626 seconds before retry.",
         "##[error]Response status code does not indicate success: 404 (Not Found)."],
        ("user-config", "not-found", "download-action"),
    ),
    "a package that an action's own Dockerfile asks for": (
        ["##[group]Run acme/image-action@v1", "##[endgroup]",
         "Build container for action use: '/home/runner/work/_actions/acme/image-action/v1/Dockerfile'.",
         "#8 0.512   python2 (no such package):", "#8 0.513     required by: world[python2]",
         '#8 ERROR: process "/bin/sh -c apk add python2" did not complete successfully: exit code: 1',
         "##[error]Docker build failed with exit code 1"],
        ("action", "not-found", None),
    ),
    "apt: the mirror that timed out is the cause, the missing package follows": (
        ["##[group]Run sudo apt-get update", "##[endgroup]", f"Err:1 {AZURE} jammy InRelease",
         "  Could not connect to azure.archive.ubuntu.com:80 (52.1.1.1), connection timed out",
         f"W: Failed to fetch {AZURE}/dists/jammy/InRelease  Could not connect to azure.archive.ubuntu.com:80, "
         "connection timed out", "E: Unable to locate package libpq-dev",
         "##[error]Process completed with exit code 100."],
        ("apt", "timeout", None),
    ),
    "pip: reads that timed out, then nothing found": (
        ["##[group]Run pip install -r requirements.txt", "##[endgroup]",
         "WARNING: Retrying (Retry(total=0, connect=None, read=None)) after connection broken by 'ReadTimeoutError("
         "\"HTTPSConnectionPool(host='pypi.org', port=443): Read timed out. (read timeout=15)\")': /simple/flask/",
         "ERROR: Could not find a version that satisfies the requirement flask (from versions: none)",
         "ERROR: No matching distribution found for flask", "##[error]Process completed with exit code 1."],
        ("pypi", "timeout", None),
    ),
    "an action that was aborted tells nothing": (
        ["##[group]Run acme/deploy@v1", "##[endgroup]", "##[error]Error: The operation was aborted."],
        ("unknown", "other", None),
    ),
    "an action's own JavaScript": (
        [*BUILD, "TypeError: Cannot read properties of null (reading 'x')",
         "    at run (/home/runner/work/_actions/docker/build-push-action/v6/dist/index.js:1:2)",
         "##[error]Cannot read properties of null (reading 'x')"],
        ("action", "other", None),
    ),
    "an action that only says what broke in itself": (
        [*BUILD, "##[error]Cannot read properties of undefined (reading 'digest')"],
        ("action", "other", None),
    ),
    "a flag that the action wrote and the tool does not know": (
        [*BUILD, "[command]/usr/bin/docker buildx build --attest-mode x .", "ERROR: unknown flag: --attest-mode",
         "##[error]buildx failed with: ERROR: unknown flag: --attest-mode"],
        ("action", None, None),
    ),
    "a Python module that is missing is no name server": (
        ["##[group]Run python app.py", "##[endgroup]", "Traceback (most recent call last):",
         '  File "app.py", line 1, in <module>', "ModuleNotFoundError: No module named 'flask'",
         "##[error]Process completed with exit code 1."],
        ("user-code", None, None),
    ),
    "a base layer cut off, although a cache was imported before": (
        [*BUILD, *BASE, "#5 importing cache manifest from gha:123", "#9 extracting sha256:ab12", f"#9 ERROR: {RESET}",
         f"ERROR: failed to solve: failed to compute cache key: {RESET}",
         f"##[error]buildx failed with: ERROR: failed to solve: failed to compute cache key: {RESET}"],
        ("docker-hub", "connection-reset", "pull"),
    ),
    "a blob of the base image, with neither host nor status": (
        [*BUILD, *BASE, f"ERROR: failed to solve: {OPEN}",
         f"##[error]buildx failed with: ERROR: failed to solve: {OPEN}"],
        ("docker-hub", None, "pull"),
    ),
    "a login that the registry's front end refused": (
        ["##[group]Run docker/login-action@v3", "with:", "  username: acme", "##[endgroup]",
         "##[error]Error response from daemon: login attempt to https://registry-1.docker.io/v2/ failed with status: "
         "403 Forbidden"],
        ("docker-hub", "http-403", "login"),
    ),
    "a limit of time says nothing of whose fault it is": (
        ["##[group]Run make", "##[endgroup]",
         "##[error]The job running on runner GitHub Actions 2 has exceeded the maximum execution time of 30 minutes."],
        ("unknown", "job-timeout", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_reported_failure_is_read_right(name: str) -> None:
    lines, expected = CASES[name]
    log = "".join(f"2025-01-08T13:02:{i:02d}.1234567Z {line}\n" for i, line in enumerate(lines)).encode()
    failure = read_job_log(log).failure
    assert failure is not None
    found = (failure.component, failure.kind, failure.operation)
    assert tuple(None if want is None else got for got, want in zip(found, expected, strict=True)) == expected
