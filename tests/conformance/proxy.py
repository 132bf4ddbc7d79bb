"""Prism between us and the fake: installs it with npm where it is absent, starts it, stops it.

Where Node is absent, or npm has no network, the tests skip and say so.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
DESCRIPTION = MODULES / "@octokit/openapi/generated/api.github.com.json"
_PRISM = MODULES / "@stoplight/prism-cli/dist/index.js"
_INSTALL_SECONDS = 240
_START_SECONDS = 60


def install() -> None:
    """Install what the lock file names, once; skips the tests where that cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed: the proxy that knows GitHub's OpenAPI description needs it")
    done = MODULES / ".package-lock.json"
    if done.is_file() and done.stat().st_mtime >= (HERE / "package-lock.json").stat().st_mtime:
        return
    try:
        told = subprocess.run(
            ["npm", "ci"], cwd=HERE, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm took too long: no network?")
    if told.returncode != 0:
        pytest.skip(f"npm cannot install the proxy: {' '.join(told.stderr.split())[:200]}")


@contextmanager
def prism(description: Path, upstream: str, log: Path) -> Iterator[str]:
    """Address of a proxy that answers with an error where a request or an answer is not what GitHub describes."""
    port = _free_port()
    command = [
        "node",
        "--require",
        "./no_follow.cjs",
        str(_PRISM),
        "proxy",
        str(description),
        upstream,
        "--errors",
        "--port",
        str(port),
    ]
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=HERE, stdout=out, stderr=subprocess.STDOUT)
        try:
            _await(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"Prism ended at its start: {log.read_text()[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"Prism did not start: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
