"""Which lines of a window can be the cause of a failure, and how much do their own words say?

In comes a `Window`, out go `Candidate` records: a line that signatures match, with points for how much the best of them
says and for the line's form. Lines that the runner only echoes, set -x lines and BuildKit's picture of the Dockerfile
are none; a warning and a passed test count for little.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

from analysis.facts.scan import Hit
from analysis.facts.signatures import Catalogue, Signature
from analysis.facts.window import CleanLine, Window

KEPT_OF_EACH = 48
LOUDEST = 5.0
_SAID_BY_RUNNER = 26  # what a plain line says at least, where the runner marks it as the error
_NO_CAUSE = frozenset(("command", "debug", "group", "endgroup", "section"))
_OUTSIDE = frozenset(("network", "registry", "packages", "git", "runner", "cloud"))
_WARNING = re.compile(
    r"^\s*(?:\[?(?:warn(?:ing)?(?!: (?:DATA RACE|ThreadSanitizer))|notice|info|debug|trace|hint|note)\]?\b\s*[:!\]]?|"
    r"npm (?:warn|WARN|info|verb|sill|timing|http)\b|W: |time=\S+ level=(?:warn|info))",
    re.IGNORECASE,
)
_ECHO = re.compile(r"^(?:\++ |\$ |> \S+@\S+ \S+$|\[command\]|shell: |Run )")
_PASSED = re.compile(
    r"(?:\.\.\. ?ok$|\bPASS(?:ED)?\b|^\s*(?:✓|✔|√|ok \d+ )|--- PASS|\[\s+OK \]|\[ RUN  |=== RUN|\bXFAIL\b|XPASS|"
    r"\b0 (?:failed|errors?|failures?|problems?|warnings?)\b)"
)
_THROWN = re.compile(r"^(?:E +)?[\w.]{0,80}(?:Error|Exception|Failure)\b")
_COUNTED = re.compile(r"\b[1-9]\d* (?:failed|errors?|failures?|problems?)\b")
# What the slower patterns cannot do without: most lines hold none of it.
_PASSED_MARKS = (
    "ok", "PASS", "✓", "✔", "√", "OK ]", " RUN", "XFAIL", "0 fail", "0 error", "0 problem", "0 warning",
)  # fmt: skip
_RETRIED_MARKS = ("try", "tries", "attempt", "back")
_FRAME = re.compile(r"^\s*\d+ (?:\||│)|^\s*>>> [A-Z]+ |^-{10,}$|^\s*>?\s*\d+ \| ")
_LOUD = re.compile(
    r"^(?:E\b ?[:\[]|(?:\[[\w-]{1,24}\] )?[^\w\s]{0,4} {0,3}(?:error|fatal|ERROR|FATAL)\b|"
    r"(?:\[[\w-]{1,24}\] )?(?:› )?(?:❌|✘|🚨)|\W{0,6}error - )",
    re.IGNORECASE,
)
_RETRIED = re.compile(
    r"(?:re-?try(?:ing)?|(?:attempt|try) \d+|tries (?:remaining|left)|back ?off|trying again|\d+ (?:retries|"
    r"attempts) left)",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(
    r"(?:max retries|retries exceeded|after \d+ (?:attempts|tries|retries)|giving up|no more)", re.IGNORECASE
)
_SOURCE = re.compile(r"^\s+(?:raise|throw) \w")
# What installers and helpers say on every good day.
_NOISE = re.compile(
    r"^(?:dpkg-preconfigure|debconf|invoke-rc\.d|update-alternatives|perl): |fatal: No names found, cannot describe|"
    r"ERROR: pip's dependency resolver does not currently|Cache not found for input keys"
)
# A package manager's own chatter tells of its registry alone: an error page's markup is no code that does not parse.
_CHATTER = re.compile(r"^npm (?:info|verb|sill|http)\b")
_LOOKED = re.compile(r"^(?:/bin/|/usr/bin/)?(?:ls|cat|e?grep|rm|find|stat|which|head|tail|du|file|readlink|diff): ")
_URL = re.compile(r"https?://")


@dataclass(slots=True)
class Candidate:
    """A line that one or more signatures matched.

    Attributes
    ----------
    start, end : int
        Offsets of the line in the buffer.
    text : str
        What the tool wrote.
    signatures : tuple of Signature
        The ones that matched, the most specific first.
    base : float
        How much its own words and form say, in points of specificity.
    rank : float
        How well it explains the failure: `base`, and what its place in the log adds or takes.
    vertex : str
        BuildKit's number of the build step that wrote it, empty for others.
    retried : bool
        It says, or the next lines say, that another attempt follows.
    recovered : bool
        The other attempt passed.
    warned : bool
        It only warns, or comes from a program that scripts call to see whether something is there.
    """

    start: int
    end: int
    text: str
    signatures: tuple[Signature, ...]
    base: float = 0.0
    rank: float = 0.0
    vertex: str = ""
    retried: bool = False
    recovered: bool = False
    warned: bool = False

    @property
    def best(self) -> Signature:
        """The most specific signature."""
        return self.signatures[0]

    @property
    def is_outside(self) -> bool:
        """Whether it tells of something beyond the job's own code, which a retry can cure."""
        return self.best.family in _OUTSIDE and self.best.role in ("cause", "retry")


def candidates_in(window: Window, catalogue: Catalogue) -> list[Candidate]:
    """The lines of a window that can be a cause, in order.

    Of the lines that one signature names before all others the first and the last `KEPT_OF_EACH` are read: a thousand
    errors of one kind tell no more than a hundred, and cost ten times as much.

    Parameters
    ----------
    window : Window
        The lines.
    catalogue : Catalogue
        The signatures.
    """
    signatures = catalogue.signatures
    matched: list[tuple[int, list[Hit]]] = []
    by_best: dict[int, list[int]] = {}
    for clean_start, group in groupby(catalogue.scanner.scan(window.buffer), key=_line_of):
        hits = sorted(group, key=lambda hit: -signatures[hit.pattern].specificity)
        by_best.setdefault(hits[0].pattern, []).append(len(matched))
        matched.append((clean_start, hits))
    kept: set[int] = set()
    for numbers in by_best.values():
        kept.update(numbers[:KEPT_OF_EACH], numbers[-KEPT_OF_EACH:])
    found: list[Candidate] = []
    for number in sorted(kept):
        clean_start, hits = matched[number]
        candidate = _read(window, window.index_of(clean_start), tuple(signatures[hit.pattern] for hit in hits))
        if candidate is not None:
            found.append(candidate)
    return found


def is_loud(text: str) -> bool:
    """Whether a line calls itself an error."""
    return _LOUD.match(text) is not None


def is_source(text: str) -> bool:
    """Whether a line of a trace shows a line of the program: what it throws is told below."""
    return _SOURCE.match(text) is not None


def _line_of(hit: Hit) -> int:
    return hit.line_start


def _read(window: Window, index: int, matched: tuple[Signature, ...]) -> Candidate | None:
    start = window.offset(index)
    if window.view.is_run_echo(start):
        return None
    line = window.line(index)
    if line.level in _NO_CAUSE or _ECHO.match(line.text) or _FRAME.match(line.text) or _NOISE.match(line.text):
        return None
    if _CHATTER.match(line.text):
        matched = tuple(signature for signature in matched if signature.family in _OUTSIDE)
        if not matched:
            return None
    points = matched[0].specificity + _tone(line, matched[0])
    candidate = Candidate(start, start + len(window.raw[index]), line.text, matched, points, points, line.vertex)
    candidate.warned = _is_warning(line) or _LOOKED.match(line.text) is not None
    candidate.retried = candidate.is_outside and _is_retried(window, index, line.text)
    return candidate


def _tone(line: CleanLine, signature: Signature) -> float:
    """What the line's form adds or takes: a warning and a passed test are hardly a cause."""
    tone = 0.0
    if _LOOKED.match(line.text):
        tone -= 10
    if _is_warning(line):
        tone -= 22 if signature.role != "retry" else 6
    if is_source(line.text):
        tone -= 20
    if any(mark in line.text for mark in _PASSED_MARKS) and _is_passed(line.text):
        tone -= 45
    if line.level == "error" or _LOUD.match(line.text):
        tone += LOUDEST
        if signature.role == "generic" and signature.specificity < _SAID_BY_RUNNER:
            tone += _SAID_BY_RUNNER - signature.specificity
    elif signature.name.startswith("http.") and not _URL.search(line.text):
        tone -= 7
    return tone


def _is_warning(line: CleanLine) -> bool:
    return line.level in ("warning", "notice") or _WARNING.match(line.text) is not None


def _is_passed(text: str) -> bool:
    found = _PASSED.search(text) if not _THROWN.match(text) else None
    return found is not None and not (found[0].startswith("0 ") and _COUNTED.search(text))


def _is_retried(window: Window, index: int, text: str) -> bool:
    following = " ".join(window.text(at)[:300] for at in range(index + 1, min(index + 4, len(window))))
    said = f"{text} {following}"
    if not any(mark in said.lower() for mark in _RETRIED_MARKS):
        return False
    return _RETRIED.search(said) is not None and _GAVE_UP.search(text) is None
