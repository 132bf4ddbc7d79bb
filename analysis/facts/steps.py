"""Where in a plain job log does each step begin?

A plain job log has no step markers. In come the job's rows of the `steps` table and the log's ``##[group]Run ...``
headers with their time stamps; out goes a `Boundary` for each step that wrote something. GitHub tells a step's times
to the second, so several steps may share one, and a step's last words (the error!) share it with the next step's
first: headers and the runner's own first words of a step decide there, in the order of the steps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_TIME = re.compile(rb"(?:\xef\xbb\xbf)?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_SECOND = timedelta(seconds=1)
# What the runner writes first in the steps that have no header.
_FIRST_WORDS = (
    ("Post ", (b"Post job cleanup.",)),
    ("Stop containers", (b"Stop and remove container", b"##[command]/usr/bin/docker rm", b"Print service container")),
    ("Complete job", (b"Evaluate and set job outputs", b"Evaluate and set environment url", b"Cleaning up orphan",
                      b"Uploading runner diagnostic logs")),
)  # fmt: skip
_ERROR = b"##[error]"
_LOOK = 4096


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job as GitHub's API tells it: number, name, conclusion and times (UTC, None where unknown)."""

    number: int
    name: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def ran(self) -> bool:
        """Whether the step can have written anything."""
        return self.conclusion != "skipped" and self.started_at is not None


@dataclass(frozen=True, slots=True)
class Boundary:
    """The offset in the log at which a step begins to write; number None where only its name is known."""

    start: int
    number: int | None
    name: str


def read_steps(rows: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Steps from rows of the `steps` table or from GitHub's own objects, in the order of their numbers.

    Parameters
    ----------
    rows : sequence of mapping
        With ``number`` and ``name``; ``conclusion``, ``started_at`` and ``completed_at`` (datetime or ISO 8601 text)
        may be absent. Rows without a number are left out.
    """
    steps = [
        Step(
            int(row["number"]),
            str(row.get("name") or ""),
            str(row["conclusion"]) if row.get("conclusion") else None,
            _moment(row.get("started_at")),
            _moment(row.get("completed_at")),
        )
        for row in rows
        if row.get("number") is not None
    ]
    return tuple(sorted(steps, key=lambda step: step.number))


def align(
    steps: Sequence[Step], buffer: bytes, headers: Sequence[tuple[int, str, datetime | None]]
) -> tuple[Boundary, ...]:
    """Where each step begins.

    Parameters
    ----------
    steps : sequence of Step
        The steps in order.
    buffer : bytes
        The log, one time stamp a line.
    headers : sequence of (int, str, datetime or None)
        Offset, title and time of each ``##[group]Run ...`` header, in order.

    Returns
    -------
    tuple of Boundary
        In the order of the log. Empty where the log has no time stamps or no step has a time.
    """
    found: list[Boundary] = []
    position, used = 0, 0
    for step in steps:
        if not step.ran:
            continue
        if not found:
            found.append(Boundary(0, step.number, step.name))
            continue
        index = _header_of(step, headers, used)
        if index is not None:
            start, used = headers[index][0], index + 1
        else:
            at = _first_line_since(buffer, position, step.started_at)
            at = at if at is None else _first_words(buffer, at, position, step)
            if at is None:
                continue
            start = at
            while used < len(headers) and headers[used][0] < start:
                used += 1
        if start > position:
            found.append(Boundary(start, step.number, step.name))
            position = start
    return tuple(found) if len(found) > 1 else ()


def _header_of(step: Step, headers: Sequence[tuple[int, str, datetime | None]], first: int) -> int | None:
    """The first unused header inside the step's own seconds; one that bears the step's name is surer."""
    if step.name.startswith(("Post ", "Complete job", "Stop containers", "Set up job", "Initialize containers")):
        return None
    begin = step.started_at
    end = step.completed_at or begin
    if begin is None or end is None:
        return None
    inside: int | None = None
    for index in range(first, len(headers)):
        _, title, time = headers[index]
        if time is None or time < begin - _SECOND:
            continue
        if time >= end + 2 * _SECOND:
            break
        if title == step.name:
            return index
        if inside is None:
            inside = index
    return inside


def _first_line_since(buffer: bytes, low: int, moment: datetime | None) -> int | None:
    """Offset of the first line at or after a time, by bisection over the log's own time stamps."""
    if moment is None:
        return None
    high = len(buffer)
    while low < high:
        middle = (low + high) // 2
        start = buffer.rfind(b"\n", low, middle) + 1 or low
        stamped = _next_stamp(buffer, start)
        if stamped is None:
            high = middle if middle < high else low
            continue
        at, time = stamped
        if time < moment:
            end = buffer.find(b"\n", at)
            low = len(buffer) if end < 0 else end + 1
        else:
            high = start
    return low if low < len(buffer) else None


def _first_words(buffer: bytes, start: int, position: int, step: Step) -> int | None:
    """Offset at which a step without a header begins to write, among the lines of the second in which it began.

    Parameters
    ----------
    start : int
        The first line of that second, or a later one.
    position : int
        Where the step before begins: that line is its own.
    """
    words = next((w for name, w in _FIRST_WORDS if step.name.startswith(name)), ())
    if step.started_at is None or not words:
        return start
    after_errors = start
    for _ in range(_LOOK):
        stamped = _next_stamp(buffer, start)
        if stamped is None or stamped[1] >= step.started_at + 2 * _SECOND:
            break
        start, time = stamped
        end = buffer.find(b"\n", start) + 1 or len(buffer)
        text = buffer[start : min(end, start + 200)].partition(b" ")[2]
        if text.startswith(words) and start > position:
            return start
        if text.startswith(_ERROR) and time < step.started_at + _SECOND and step.conclusion != "failure":
            after_errors = end
        start = end
    return after_errors if after_errors < len(buffer) else None


def _next_stamp(buffer: bytes, start: int) -> tuple[int, datetime] | None:
    """The first line with a time stamp at or after an offset, within `_LOOK` lines."""
    for _ in range(_LOOK):
        if start >= len(buffer):
            return None
        match = _TIME.match(buffer, start)
        if match is not None:
            time = _moment(f"{match[1].decode()}T{match[2].decode()}")
            if time is not None:
                return start, time.replace(microsecond=int((match[3] or b"0")[:6].ljust(6, b"0")))
        end = buffer.find(b"\n", start)
        if end < 0:
            return None
        start = end + 1
    return None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or value != value:  # a missing time of a table is not equal to itself
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
