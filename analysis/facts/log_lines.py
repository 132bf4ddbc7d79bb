"""What stands in which line of a job log: clean text, time, step, level, and whether the runner only echoed it?

In comes a log as it was downloaded: plain job log, one step's file, or ``gh run view --log`` output; with BOMs,
UTF-16, CRLF, colours, progress bars, invalid UTF-8, lines of many MB, cut anywhere. Out goes a `LogView`: a
buffer that a `Scanner` can search (`LogView.buffer`, decoded to UTF-8, without BOM and ``\\r`` before a
newline; its lines are the file's lines), and `Line` records read on demand, so that cost follows what is asked.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from analysis.facts.gh_output import split_prefixes
from analysis.facts.landmarks import Landmarks
from analysis.facts.log_text import (
    decode,
    last_overwrite,
    only_time,
    outdent,
    split_level,
    split_time,
    strip_colours,
    without_time,
)
from analysis.facts.steps import Boundary, Step, align, read_steps

TEXT_LIMIT = 16_384
_END_OF_ENV = re.compile(
    rb"\n(?:\d{4}-\S+Z )?(?:  [A-Za-z_][\w.-]*: [^\n]*|env:|with:|shell: [^\n]*)\n(?:\d{4}-\S+Z )?$"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log.

    Attributes
    ----------
    number : int
        1-based number in the file as it came.
    start, end : int
        Offsets in `LogView.buffer`, without the newline.
    text : str
        What was written: no time stamp, colours, level marker or overwritten progress; at most `TEXT_LIMIT`
        characters (the head and the tail of a longer line).
    time : datetime or None
        The runner's time stamp, UTC.
    step : int or None
        Number of the step, None where the steps are not known.
    step_name : str or None
        Name of the step, where the log or the steps tell it.
    level : str
        ``error``, ``warning``, ``notice``, ``debug``, ``command``, ``section``, ``group``, ``endgroup`` or empty.
    in_group_of_run_echo : bool
        The runner echoes a step's script, inputs and environment here: nothing in it happened.
    """

    number: int
    start: int
    end: int
    text: str
    time: datetime | None
    step: int | None
    step_name: str | None
    level: str
    in_group_of_run_echo: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A ``##[group]`` of the log: offsets of its header line and of its end, and its title."""

    start: int
    body: int
    end: int
    title: str

    @property
    def is_run_echo(self) -> bool:
        """Whether this is the echo of what a step is about to run."""
        return self.title.startswith("Run ")


class LogView:
    """A log that can be searched as bytes and read as lines.

    Parameters
    ----------
    log : bytes
        The log as it came.
    steps : sequence of mapping
        Rows of the `steps` table (``number``, ``name``, ``conclusion``, ``started_at``, ``completed_at``).

    Attributes
    ----------
    buffer : bytes
        The decoded log. Line *n* of it is line *n* of the file.
    """

    def __init__(self, log: bytes, *, steps: Sequence[Mapping[str, Any]] = ()) -> None:
        self.buffer, self._named_steps = split_prefixes(outdent(decode(log)))
        self.steps: tuple[Step, ...] = read_steps(steps)
        self._counted = 0, 1

    def __len__(self) -> int:
        return len(self._starts)

    def line_at(self, offset: int) -> Line:
        """The line that holds an offset of the buffer."""
        return self.line(bisect.bisect_right(self._starts, max(offset, 0)))

    def line(self, number: int) -> Line:
        """A line by its 1-based number.

        Raises
        ------
        IndexError
            There is no such line.
        """
        if not 1 <= number <= len(self._starts):
            raise IndexError(f"line {number} of {len(self._starts)}")
        start = int(self._starts[number - 1])
        end = int(self._starts[number]) - 1 if number < len(self._starts) else len(self.buffer)
        end -= end > start and self.buffer[end - 1 : end] == b"\n" and number == len(self._starts)
        time, text = split_time(self._cut(start, end))
        level, text = split_level(last_overwrite(text))
        boundary = self._boundary_at(start)
        return Line(
            number, start, end, text, time,
            boundary.number if boundary else None, boundary.name if boundary else None,
            level, self.is_run_echo(start),
        )  # fmt: skip

    def lines(self, first: int, last: int) -> Iterator[Line]:
        """Lines ``first`` to ``last``, both included, cut to what is there."""
        return (self.line(number) for number in range(max(first, 1), min(last, len(self)) + 1))

    def text_at(self, start: int, end: int) -> str:
        """The clean text of a line whose offsets are known (a hit of the scanner): cheaper than `line_at`."""
        return split_level(last_overwrite(without_time(self._cut(start, end))))[1]

    def number_at(self, offset: int) -> int:
        """1-based number of the line that holds an offset, counted from the line that was last asked for."""
        known, number = self._counted
        low, high = min(known, offset), max(known, offset)
        between = _newlines(self.buffer, low, high)
        self._counted = offset, number + (between if offset >= known else -between)
        return self._counted[1]

    def around(self, offset: int, above: int, below: int) -> list[tuple[int, str]]:
        """Number and clean text of the line that holds an offset and of its neighbours."""
        number = self.number_at(offset)
        at = self.buffer.rfind(b"\n", 0, offset) + 1
        for _ in range(min(above, number - 1)):
            at = self.buffer.rfind(b"\n", 0, at - 1) + 1
            number -= 1
        found: list[tuple[int, str]] = []
        while len(found) <= above + below and at < len(self.buffer):
            end = _end(self.buffer, at)
            found.append((number + len(found), self.text_at(at, end)))
            at = end + 1
        return found

    def time_at(self, start: int) -> datetime | None:
        """The runner's time stamp of the line that begins at an offset."""
        return split_time(self.buffer[start : start + 40])[0]

    def step_at(self, offset: int) -> int | None:
        """Number of the step that wrote at an offset, None where that is not known."""
        boundary = self._boundary_at(offset)
        return boundary.number if boundary else None

    def is_run_echo(self, offset: int) -> bool:
        """Whether the runner only echoes a script, inputs or environment at an offset."""
        index = bisect.bisect_right(self._echo_starts, offset) - 1
        return index >= 0 and offset < self._echoes[index].end

    def group_body(self, group: Group) -> Iterator[str]:
        """The clean lines of a group, without its header and end, at most 200."""
        at = group.body
        for _ in range(200):
            if at >= group.end:
                return
            end = _end(self.buffer, at)
            yield self.text_at(at, end)
            at = end + 1

    @cached_property
    def landmarks(self) -> Landmarks:
        """Where the notable lines are: found in one pass, the first time that somebody asks."""
        return Landmarks(self.buffer)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups of the log, in order. A group that never ends is its header line alone."""
        return tuple(_groups(self.buffer, self.landmarks))

    @cached_property
    def boundaries(self) -> tuple[Boundary, ...]:
        """Where each step begins, in order; empty where neither the log nor the steps tell."""
        if self._named_steps:
            numbers = {step.name: step.number for step in self.steps}
            return tuple(Boundary(at, numbers.get(name), name) for at, name in self._named_steps)
        return align(self.steps, self.buffer, [(g.start, g.title, self.time_at(g.start)) for g in self._run_groups])

    @property
    def _run_groups(self) -> list[Group]:
        return [group for group in self.groups if group.is_run_echo]

    @cached_property
    def _echoes(self) -> list[Group]:
        return [group for group in self._run_groups if group.end > group.body]

    @cached_property
    def _echo_starts(self) -> list[int]:
        return [group.start for group in self._echoes]

    @cached_property
    def _boundary_starts(self) -> list[int]:
        return [boundary.start for boundary in self.boundaries]

    def _boundary_at(self, offset: int) -> Boundary | None:
        index = bisect.bisect_right(self._boundary_starts, offset) - 1
        return self.boundaries[index] if index >= 0 else None

    @cached_property
    def _starts(self) -> Any:
        """Offset of each line's begin."""
        found = [np.zeros(1, dtype=np.int64)]
        for at in range(0, len(self.buffer), 1 << 22):
            piece = np.frombuffer(self.buffer, dtype=np.uint8, count=min(1 << 22, len(self.buffer) - at), offset=at)
            found.append(np.flatnonzero(piece == 10) + (at + 1))
        starts = np.concatenate(found)
        return starts[:-1] if len(starts) > 1 and starts[-1] == len(self.buffer) else starts

    def _cut(self, start: int, end: int) -> bytes:
        if end - start <= TEXT_LIMIT:
            return strip_colours(self.buffer[start:end])
        half = TEXT_LIMIT // 2
        return strip_colours(self.buffer[start : start + half] + b" ... " + self.buffer[end - half : end])


def _groups(buffer: bytes, landmarks: Landmarks) -> Iterator[Group]:
    starts, ends = landmarks.lines("group"), landmarks.starts("endgroup")
    if ends and (not starts or ends[0] < starts[0][0]) and _END_OF_ENV.search(buffer, max(0, ends[0] - 4096), ends[0]):
        yield Group(0, 0, ends[0], "Run ")  # a log that was cut inside the echo of a step
    for index, (start, end) in enumerate(starts):
        at = buffer.find(b"##[group]", start, end)
        if not only_time(buffer[start : min(at, start + 64)]):
            continue
        following = starts[index + 1][0] if index + 1 < len(starts) else len(buffer)
        close = bisect.bisect_left(ends, end)
        closed = ends[close] if close < len(ends) and ends[close] < following else end
        title = last_overwrite(buffer[at + 9 : min(end, at + 500)].decode("utf-8", errors="replace"))
        yield Group(start, end + 1, max(closed, end), title)


def _newlines(buffer: bytes, start: int, end: int) -> int:
    """Newlines between two offsets, in pieces that stay in the cache."""
    count = 0
    for at in range(start, end, 1 << 20):
        piece = np.frombuffer(buffer, dtype=np.uint8, count=min(1 << 20, end - at), offset=at)
        count += int(np.count_nonzero(piece == 10))
    return count


def _end(buffer: bytes, at: int) -> int:
    end = buffer.find(b"\n", at)
    return len(buffer) if end < 0 else end
