"""A stretch of a log as lines of clean text, ready to be scanned.

In come a `LogView` and two offsets; out go the lines between them as the tools wrote them: without the runner's time
stamps and level marks, colours, BuildKit's ``#12 3.45`` and what a progress bar wrote over. So ``^`` in a signature is
the begin of the tool's own text, and a hit in the clean buffer leads back to the line of the log.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from analysis.facts.log_lines import LogView
from analysis.facts.log_text import strip_colours

LINE_LIMIT = 4000
TAIL = 1000
_LEAD = re.compile(
    rb"\s{0,40}(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]? ?)?"
    rb"(?:\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d GMT ?)?(?:##\[(\w{4,10})\])?"
    rb"(?:#(\d{1,5}) )?(?:\d{1,5}\.\d{1,3}(?: |$))?"
)
_LEVEL = re.compile(rb"(?:##\[|\[)(error|warning|notice|debug|command|section|group|endgroup)\]")
_LEADS = frozenset(b"#[0123456789MTWFS")


@dataclass(frozen=True, slots=True)
class CleanLine:
    """A line of a window: its index, its text, the runner's level or empty, BuildKit's vertex or empty."""

    index: int
    text: str
    level: str
    vertex: str


class Window:
    """Lines of a log between two offsets.

    Parameters
    ----------
    view : LogView
        The log.
    start, end : int
        Offsets in its buffer; `start` is the begin of a line.

    Attributes
    ----------
    buffer : bytes
        The clean lines, joined by newlines. Line *i* of it is line *i* of `raw`.
    """

    def __init__(self, view: LogView, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.view = view
        region = view.buffer[start:end]
        self.raw = region.split(b"\n")
        plain = strip_colours(region)
        lines = self.raw if plain is region else plain.split(b"\n")
        lines = [line[29:] if line[27:29] == b"Z " else line for line in lines]
        self.clean = [_without_lead(line) if line and line[0] in _LEADS else line for line in lines]
        self.buffer = b"\n".join(self.clean)
        if b"\r" in self.buffer or _has_indented_mark(self.buffer):
            self.clean = [_last_overwrite(_without_lead(line)) for line in lines]
            self.buffer = b"\n".join(self.clean)

    def __len__(self) -> int:
        return len(self.clean)

    def index_of(self, clean_offset: int) -> int:
        """Index of the line that holds an offset of the clean buffer."""
        before = self._clean_before
        return bisect.bisect_right(range(len(self)), clean_offset, key=lambda index: before[index] + index) - 1

    def offset(self, index: int) -> int:
        """Offset in the log's buffer at which a line begins."""
        return self._raw_before[index] + index

    def line(self, index: int) -> CleanLine:
        """A line by its index."""
        raw = strip_colours(self.raw[index][:400])
        match = _LEAD.match(raw)
        level = match[1].decode() if match is not None and match[1] else ""
        if not level and raw.startswith(b"[") and (marked := _LEVEL.match(raw)) is not None:
            level = marked[1].decode()
        vertex = match[2].decode() if match is not None and match[2] else ""
        return CleanLine(index, self.text(index), level, vertex)

    def text(self, index: int) -> str:
        """The clean text of a line; of a long one the head and the tail."""
        line = self.clean[index]
        if len(line) > LINE_LIMIT:
            line = line[: LINE_LIMIT - TAIL] + b" ... " + line[-TAIL:]
        return line.decode("utf-8", errors="replace")

    @cached_property
    def _clean_before(self) -> list[int]:
        """Bytes of the lines above each line, without their newlines."""
        return list(accumulate(map(len, self.clean), initial=0))

    @cached_property
    def _raw_before(self) -> list[int]:
        return list(accumulate(map(len, self.raw), initial=self.start))


def _without_lead(line: bytes) -> bytes:
    """A line without what stands before the tool's own text; told by a byte or two where it has nothing of the kind."""
    first = line[:1]
    if first == b"[":
        leads = line[5:6] == b"-"
    elif first == b" ":
        leads = b"##[" in line[:48]
    else:
        leads = line[3:4] == b"," if first.isalpha() else first.isdigit() or first == b"#"
    match = _LEAD.match(line) if leads else None
    return line[match.end() :] if match is not None else line


def _has_indented_mark(text: bytes) -> bool:
    at = text.find(b"##[")
    while at >= 0:
        start = text.rfind(b"\n", max(at - 48, 0), at) + 1
        if text.startswith(b" ", start) and at - start <= 45:
            return True
        at = text.find(b"##[", at + 1)
    return False


def _last_overwrite(line: bytes) -> bytes:
    if b"\r" not in line:
        return line
    return next((part for part in reversed(line.split(b"\r")) if part.strip()), b"")
