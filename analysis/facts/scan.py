"""Which lines of a log match which patterns? One pass over the whole buffer, details only where something matched.

In comes a buffer of bytes (a log, any size, hostile or not), out goes a list of hits in the order of the lines::

    scanner = Scanner([r"toomanyrequests", r"(?i)no space left on device"])
    for hit in scanner.scan(buffer):        # buffer: bytes (a memoryview is copied once)
        hit.pattern                         # index into the sequence of patterns
        buffer[hit.line_start:hit.line_end] # the whole line, without its "\\n" (a "\\r" before it stays)

A pattern is RE2 syntax (no look-around, no back reference), matched against UTF-8 bytes and within one line:
``^`` and ``$`` are the line's ends, so a runner log's time stamp stands before what a tool wrote. At most one
hit is told for each pattern and line. Hyperscan finds the candidates for all patterns at once, RE2 then confirms
each one inside its line, so that RE2 alone decides what matches. Patterns that Hyperscan cannot compile, machines
that have no Hyperscan, and the first logs that a scanner reads (Hyperscan takes some milliseconds a pattern to
compile) take an alternation in RE2, then a set of them says which patterns the line holds: the same hits.

Lines longer than `WINDOW` bytes are confirmed only within `WINDOW` bytes around the place that was found:
time stays linear in the log whatever its lines are. For speed a pattern should not end in ``.*`` or ``.+``
(every byte after the match would be told again) and should hold a literal of three letters or more.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import re2

from analysis.errors import UsageError

try:
    import hyperscan
except ImportError:  # no wheel for this machine: the alternation in RE2 gives the same hits
    hyperscan = None  # type: ignore[assignment]

WINDOW = 8192
CHUNK = 64 << 20
ATTEMPTS = 16
COMPILATION = 0.007
"""Seconds of processor time that Hyperscan takes to compile a pattern: RE2 reads until it has taken as long."""
AT_ONCE = 1 << 28
"""Bytes times patterns from which Hyperscan is compiled at once: RE2 may meet too many states in so much new text."""

_MEMORY = 128 << 20
_WORD = re.compile(r"(?:(?<=^)|(?<=[(|:]))\^\\S\+")
_INDENT = re.compile(r"(?:(?<=^)|(?<=[(|:]))\^\\s\*")
_UNANCHORED = re2._Anchor.UNANCHORED


class Hit(NamedTuple):
    """One line in which one pattern matched.

    Attributes
    ----------
    line_start, line_end : int
        Offsets of the line in the buffer, without its newline.
    pattern : int
        Index into the scanner's patterns.
    """

    line_start: int
    line_end: int
    pattern: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """Who looks for which patterns: Hyperscan's database with RE2's checks of what it finds, and RE2 for the rest."""

    database: Any = None
    checks: Sequence[Any] = ()
    rest: _Rest | None = None


class Scanner:
    """Finds the lines that match any of many patterns, in one pass.

    Safe to share between threads; pickles as its patterns.

    Parameters
    ----------
    patterns : sequence of str
        RE2 patterns, matched within a line.
    engine : {"auto", "hyperscan", "re2"}
        What finds the candidates. ``auto`` begins with RE2, which is ready at once, and changes to
        Hyperscan when it has taken as long as that one's compilation would have.

    Raises
    ------
    UsageError
        A pattern is not RE2 syntax, or matches the empty line.
    """

    def __init__(self, patterns: Sequence[str], *, engine: str = "auto") -> None:
        self.patterns = tuple(patterns)
        self._engine = engine
        self._building = threading.Lock()
        self._scratch = threading.local()
        self._left = 0.0 if engine == "hyperscan" else COMPILATION * len(self.patterns)
        self._may_build = engine != "re2" and hyperscan is not None and bool(patterns)
        self._plan = _Plan(rest=_Rest(self.patterns, range(len(self.patterns))) if patterns else None)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.patterns, self._engine)

    def scan(self, buffer: bytes | memoryview) -> list[Hit]:
        """Every line that a pattern matches.

        Parameters
        ----------
        buffer : bytes or memoryview
            The log. Lines end at ``\\n``.

        Returns
        -------
        list of Hit
            In the order of the lines, within a line by pattern.
        """
        data = buffer if isinstance(buffer, bytes) else bytes(buffer)
        found: list[Hit] = []
        if self._may_build and (self._left <= 0 or len(data) * len(self.patterns) > AT_ONCE):
            self._build_database()
        plan = self._plan
        if plan.database is not None:
            self._by_hyperscan(data, found, plan)
        if plan.rest is not None:
            started = time.thread_time()
            plan.rest.find(data, found)
            self._left -= time.thread_time() - started
        found.sort()
        return found

    def _build_database(self) -> None:
        with self._building:
            if self._may_build:
                database, refused = _hyperscan_database(self.patterns)
                ids = [number for number, pattern in enumerate(self.patterns) if pattern in refused]
                checks = [_compile(pattern)._regexp.Match for pattern in self.patterns]
                self._plan = _Plan(database, checks, _Rest(self.patterns, ids) if ids else None)
                self._may_build = False

    def _by_hyperscan(self, data: bytes, found: list[Hit], plan: _Plan) -> None:
        """Confirm each candidate inside the callback, so that nothing but true hits is ever held."""
        line_start, line_end, base = 0, -1, 0
        line = b""
        tried: dict[int, int] = {}
        checks = plan.checks

        def note(pattern: int, _start: int, to: int, _flags: int, _context: object) -> None:
            nonlocal line_start, line_end, line
            at = base + to - 1
            if at > line_end:
                line_start, line_end = _line_around(data, at, line_end)
                line = data[line_start:line_end] if line_end - line_start <= WINDOW else b""
                tried.clear()
            attempts = tried.get(pattern, 0)
            if attempts < ATTEMPTS:
                text = line or data[max(line_start, at - WINDOW) : min(line_end, at + WINDOW)]
                confirmed = checks[pattern](_UNANCHORED, text, 0, len(text))[0][0] >= 0
                tried[pattern] = ATTEMPTS if confirmed or line else attempts + 1
                if confirmed:
                    found.append(Hit(line_start, line_end, pattern))

        scratch = self._own_scratch(plan.database)
        for start, end in _chunks(data):
            base = start
            plan.database.scan(data if end - start == len(data) else data[start:end], note, scratch=scratch)

    def _own_scratch(self, database: Any) -> Any:
        if not hasattr(self._scratch, "value"):
            self._scratch.value = hyperscan.Scratch(database)
        return self._scratch.value


class _Rest:
    """Patterns that RE2 looks for alone: an alternation finds a line, a set of them says which ones it holds."""

    def __init__(self, patterns: Sequence[str], ids: Sequence[int]) -> None:
        self._ids = ids
        mine = [patterns[number] for number in ids]
        self._set = _compile_set(mine)
        whole = "(?m)" + "|".join(f"(?:{pattern})" for pattern in mine)
        # re2's public search builds a match object and a generator a hit; its own entry point gives the spans alone.
        self._match = _compile(whole, within_lines=True)._regexp.Match

    def find(self, data: bytes, found: list[Hit]) -> None:
        """Add the hits of a buffer, line by line."""
        position, size, line_start, line_end = 0, len(data), 0, -1
        confirmed: set[int] = set()
        while position < size:
            at = self._match(_UNANCHORED, data, position, size)[0][0]
            if at < 0:
                return
            if at > line_end:
                line_start, line_end = _line_around(data, at, line_end)
                confirmed.clear()
            for number in self._set.Match(data[max(line_start, at - WINDOW) : min(line_end, at + WINDOW)]) or ():
                if number not in confirmed:
                    confirmed.add(number)
                    found.append(Hit(line_start, line_end, self._ids[number]))
            position = min(line_end + 1, at + WINDOW)


def _rebuild(patterns: tuple[str, ...], engine: str) -> Scanner:
    return Scanner(patterns, engine=engine)


def _options(*, within_lines: bool = False) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # a byte is a byte: invalid UTF-8 must not hide a match
    options.log_errors = False
    options.never_capture = True
    options.never_nl = within_lines
    options.max_mem = _MEMORY
    return options


def _compile(pattern: str, *, within_lines: bool = False) -> Any:
    try:
        return re2.compile(pattern.encode(), _options(within_lines=within_lines))
    except re2.error as error:
        detail = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise UsageError(f"the pattern {pattern!r} is not RE2 syntax: {detail}") from error


def _compile_set(patterns: Sequence[str]) -> Any:
    together = re2.Set.SearchSet(_options())
    for pattern in patterns:
        try:
            together.Add(pattern.encode())
        except re2.error:
            _compile(pattern)  # tells what is wrong with it
            raise
    together.Compile()
    for number in together.Match(b"") or ():
        raise UsageError(f"the pattern {patterns[number]!r} matches the empty line", remedy="give it a literal")
    return together


def _hyperscan_database(patterns: tuple[str, ...]) -> tuple[Any, frozenset[str]]:
    """The compiled database, and the patterns that Hyperscan does not take."""
    refused = frozenset[str]()
    try:
        return _build(patterns, refused), refused
    except hyperscan.HyperscanError:
        refused = frozenset(pattern for pattern in patterns if not _hyperscan_takes(pattern))
    if len(refused) == len(set(patterns)):
        return None, refused
    return _build(patterns, refused), refused


def _build(patterns: tuple[str, ...], refused: frozenset[str]) -> Any:
    numbered = [(number, _loose(pattern)) for number, pattern in enumerate(patterns) if pattern not in refused]
    database = hyperscan.Database()
    database.compile(
        expressions=[pattern.encode() for _, pattern in numbered],
        ids=[number for number, _ in numbered],
        flags=[hyperscan.HS_FLAG_MULTILINE] * len(numbered),
    )
    return database


def _loose(pattern: str) -> str:
    """A pattern for Hyperscan, which now and then overlooks ``^\\s*x`` where several patterns begin so.

    It also reads faster where a pattern begins with its literal: RE2 looks at what stands before it.
    """
    return _WORD.sub(r"\\S", _INDENT.sub("", pattern))


def _hyperscan_takes(pattern: str) -> bool:
    try:
        _build((pattern,), frozenset())
    except hyperscan.HyperscanError:
        return False
    return True


def _chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """Pieces of at most `CHUNK` bytes that end at a line's end where there is one."""
    start, size = 0, len(data)
    while start < size:
        end = size if size - start <= CHUNK else data.rfind(b"\n", start, start + CHUNK) + 1 or start + CHUNK
        yield start, end
        start = end


def _line_around(data: bytes, at: int, last_end: int) -> tuple[int, int]:
    """Begin and end of the line that holds an offset beyond the end of the last line."""
    end = data.find(b"\n", at)
    start = data.rfind(b"\n", last_end if last_end > 0 else 0, at) + 1 or last_end + 1
    return start, len(data) if end < 0 else end
