"""Whole job logs around what a failing step writes (``steps.toml``), and single texts (``lines.toml``).

A log has what the runner writes: set-up, an earlier step that passed and echoed alarming words, the step, the clean-up.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
MARK = "»"


@dataclass(frozen=True)
class Text:
    """A text and what it must be read as."""

    name: str
    component: str
    kind: str
    text: str


def lines() -> list[Text]:
    """Single texts."""
    records = tomllib.loads((HERE / "lines.toml").read_text("utf-8"))["text"]
    return [Text(record["text"][:60], record["component"], record["kind"], record["text"]) for record in records]


def steps() -> list[Text]:
    """What failing steps write, with marked lines."""
    records = tomllib.loads((HERE / "steps.toml").read_text("utf-8"))["step"]
    return [Text(record["name"], record["component"], record["kind"], record["text"]) for record in records]


_HEAD = """\
Current runner version: '2.321.0'
##[group]Operating System
Ubuntu
22.04.5
LTS
##[endgroup]
##[group]Runner Image
Image: ubuntu-22.04
Version: 20250105.1.0
##[endgroup]
Prepare workflow directory
Prepare all required actions
Getting action download info
Download action repository 'actions/checkout@v4' (SHA:11bd71901bbe5b1630ceea73d27597364c9af683)
Complete job name: build
##[group]Run actions/checkout@v4
with:
  fetch-depth: 1
##[endgroup]
Syncing repository: acme/shop
##[group]Run ./scripts/prepare.sh
./scripts/prepare.sh || echo "ERROR: connection refused, no space left on device"
shell: /usr/bin/bash -e {0}
env:
  RETRY_ON: toomanyrequests
##[endgroup]
warning: could not find cache, starting cold
prepared
"""
_TAIL = """\
##[error]Process completed with exit code 1.
Post job cleanup.
[command]/usr/bin/git version
git version 2.47.1
[command]/usr/bin/git config --local --name-only --get-regexp core\\.sshCommand
Cleaning up orphan processes
"""


def job_log(text: str, command: str = "make ci") -> tuple[str, list[int]]:
    """A whole job log around a step's text, and the 1-based numbers of the lines that are the cause."""
    step = f"##[group]Run {command}\n{command}\nshell: /usr/bin/bash -e {{0}}\n##[endgroup]\n{text}"
    lines = (_HEAD + step + _TAIL).splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.startswith(MARK)]
    stamped = [
        f"2025-01-08T10:{number // 600 % 60:02}:{number // 10 % 60:02}.{number % 10}000000Z {line.removeprefix('»')}"
        for number, line in enumerate(lines)
    ]
    return "\n".join(stamped) + "\n", marked
