"""Which line of the failing part is the cause?

In come the lines that a signature matched, out goes the one that explains the failure: not the last line, and not the
loudest. Lines that the runner only echoes, warnings, passed tests and BuildKit's picture of the Dockerfile are no
cause. The others are ranked by how much their signature says, how near they stand to the end of the failing part,
whether a summary at the end speaks of their family, and whether the thing they complain of succeeded later. Of a
cascade of one family the first line counts.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import groupby

from analysis.facts.failing import Part
from analysis.facts.log_lines import LogView
from analysis.facts.signatures import Catalogue, Signature
from analysis.facts.window import CleanLine, Window

WINDOW = 1 << 18
FURTHEST = 1 << 26
AFTER = 8192
CONVINCING = 55.0
MOST_LINES = 20_000
_NEAR = 4000
_SUMMARY_REACH = 12_000
_CASCADE_SLACK = 8
_EXPLAINS = 50.0
_NO_CAUSE = frozenset(("command", "debug", "group", "endgroup", "section"))

_WARNING = re.compile(
    r"^\s*(?:\[?(?:warn(?:ing)?(?!: (?:DATA RACE|ThreadSanitizer))|notice|info|debug|trace|hint|note)\]?\b\s*[:!\]]?|npm warn|npm WARN|W: |time=\S+ level=(?:warn|info))",
    re.IGNORECASE,
)
_ECHO = re.compile(r"^(?:\++ |\$ |> \S+@\S+ \S+$|\[command\]|shell: |Run )")
_PASSED = re.compile(
    r"(?:\.\.\. ?ok$|\bPASS(?:ED)?\b|^\s*(?:✓|✔|√|ok \d+ )|--- PASS|\[\s+OK \]|\[ RUN  |=== RUN|\bXFAIL\b|XPASS|"
    r"\b0 (?:failed|errors?|failures?|problems?|warnings?)\b(?!.*\b[1-9]\d* (?:failed|errors?|failures?|problems?)\b))"
)
_FRAME = re.compile(r"^\s*\d+ (?:\||│)|^\s*>>> [A-Z]+ |^-{10,}$|^\s*>?\s*\d+ \| ")
_LOUD = re.compile(r"^(?:error|fatal|E)\b ?[:\[]|^(?:Error|ERROR|FATAL)\b", re.IGNORECASE)
_RETRIED = re.compile(
    r"(?:re-?try(?:ing)?|(?:attempt|try) \d+|tries (?:remaining|left)|back ?off|trying again|\d+ (?:retries|attempts) left)",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(r"(?:max retries|retries exceeded|after \d+ (?:attempts|tries|retries)|giving up|no more)", re.IGNORECASE)
_CHAIN = re.compile(r"^\s*(?:Caused by\b|[├╰│└]|\|-|\d+: |cause: |reason: |-> )")
_URL = re.compile(r"https?://")
_OUTSIDE = frozenset(("network", "registry", "packages", "git", "runner", "cloud"))


@dataclass(frozen=True, slots=True)
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
    rank : float
        How well it explains the failure, in points of specificity.
    base : float
        The same without what its place in the log adds or takes.
    vertex : str
        BuildKit's number of the build step that wrote it, empty for others.
    retried : bool
        It says, or the next line says, that another attempt follows.
    recovered : bool
        The other attempt passed.
    """

    start: int
    end: int
    text: str
    signatures: tuple[Signature, ...]
    rank: float = 0.0
    base: float = 0.0
    vertex: str = ""
    retried: bool = False
    recovered: bool = False

    @property
    def best(self) -> Signature:
        """The most specific signature."""
        return self.signatures[0]


@dataclass(frozen=True, slots=True)
class Cause:
    """The line that explains the failure, and what else was seen.

    Attributes
    ----------
    line : Candidate
        The cause line.
    part : Part
        The stretch in which it stands.
    recovered : int
        Failed attempts that were retried and passed.
    sure : bool
        The runner says that this part failed.
    companions : tuple of Candidate
        Other lines that tell of the same failure: the first assertion, the summary.
    """

    line: Candidate
    part: Part
    recovered: int
    sure: bool
    companions: tuple[Candidate, ...] = ()


def find_cause(view: LogView, part: Part, catalogue: Catalogue) -> Cause | None:
    """The line of a part that explains its failure, None where no line does.

    Read backwards from the end of the part, in windows that grow until one holds a convincing line: what a step
    wrote long before it failed is looked at only where the last lines say nothing.

    Parameters
    ----------
    view : LogView
        The log.
    part : Part
        The stretch that failed.
    catalogue : Catalogue
        The signatures.
    """
    reach = WINDOW
    best: Cause | None = None
    while True:
        start = _line_start(view, max(part.start, part.anchor - reach), part)
        lines = _candidates(Window(view, start, min(part.end, part.anchor + AFTER)), catalogue)
        if lines:
            ranked = _rank(lines, part)
            top = max(ranked, key=lambda line: line.rank)
            first = _first_of_cascade(top, ranked)
            recovered = sum(line.recovered for line in ranked)
            best = Cause(first, part, recovered, part.sure, _companions(first, top, ranked))
        if start <= part.start or (best is not None and best.line.rank >= CONVINCING) or reach >= FURTHEST:
            return best
        reach *= 8


def _line_start(view: LogView, offset: int, part: Part) -> int:
    return part.start if offset <= part.start else view.buffer.rfind(b"\n", part.start, offset) + 1 or part.start


def _companions(first: Candidate, top: Candidate, ranked: list[Candidate]) -> tuple[Candidate, ...]:
    """The best-ranked line, the first line of the family by another signature, the last summary: what an excerpt shows."""
    kin = [line for line in ranked if line.best.family == first.best.family and not line.recovered]
    other = next((line for line in kin if line.best.name != first.best.name and line.best.role == "cause"), None)
    summary = next((line for line in reversed(ranked) if line.best.role == "summary" and line.base > 40), None)
    rival = max((line for line in ranked if line.best.family != first.best.family), key=lambda line: line.rank, default=None)
    chosen = dict.fromkeys(line for line in (other, top, summary, rival) if line is not None and line is not first)
    return tuple(chosen)


def _candidates(window: Window, catalogue: Catalogue) -> list[Candidate]:
    """The lines that a signature matched and that can be a cause, with the rank their own words give them."""
    found: list[Candidate] = []
    signatures = catalogue.signatures
    hits = catalogue.scanner.scan(window.buffer)
    for clean_start, group in groupby(hits, key=lambda hit: hit.line_start):
        index = window.index_of(clean_start)
        start = window.offset(index)
        if window.view.is_run_echo(start):
            continue
        line = window.line(index)
        if line.level in _NO_CAUSE or _ECHO.match(line.text) or _FRAME.match(line.text):
            continue
        matched = tuple(sorted((signatures[hit.pattern] for hit in group), key=lambda item: -item.specificity))
        rank = matched[0].specificity + _tone(line, matched[0])
        retried = _is_retried(window, index, line.text)
        found.append(
            Candidate(start, start + len(window.raw[index]), line.text, matched, rank, rank, line.vertex, retried)
        )
        if len(found) >= MOST_LINES:
            break
    return found


def _tone(line: CleanLine, signature: Signature) -> float:
    """What the line's form adds or takes: a warning and a passed test are hardly a cause."""
    tone = 0.0
    if line.level in ("warning", "notice") or _WARNING.match(line.text):
        tone -= 22 if signature.role != "retry" else 6
    if _PASSED.search(line.text):
        tone -= 45
    if line.level == "error" or _LOUD.match(line.text):
        tone += 5
    elif signature.name.startswith("http.") and not _URL.search(line.text):
        tone -= 7
    return tone


def _is_retried(window: Window, index: int, text: str) -> bool:
    following = " ".join(window.text(at)[:300] for at in range(index + 1, min(index + 4, len(window))))
    return _RETRIED.search(text + " " + following) is not None and _GAVE_UP.search(text) is None


def _rank(lines: list[Candidate], part: Part) -> list[Candidate]:
    """The candidates with their final rank: nearness, families that a summary names, the vertex that failed."""
    told = {
        line.best.family
        for line in lines
        if line.best.role == "summary" and part.anchor - line.start < _SUMMARY_REACH and line.rank > 0
    }
    vertices = {line.vertex for line in lines if line.vertex and line.best.role == "wrapper"}
    last = max((line.start for line in lines if not line.retried and _is_outside(line)), default=-1)
    passed = _passed_vertices(lines)
    explained = any(not line.retried and line.best.role in ("cause", "summary") and line.base >= _EXPLAINS for line in lines)
    ranked = []
    for line in lines:
        rank = line.rank
        recovered = explained and line.retried and _is_outside(line) and (line.start > last or line.vertex in passed)
        if recovered:
            rank -= 40
        away = max(part.anchor - line.end, 0)
        if line.best.role != "summary" and line.best.family in told:
            rank += 14 - 0.5 * _penalty(away)
        else:
            rank -= _penalty(away)
        if line.vertex and line.vertex in vertices and line.best.role not in ("wrapper", "symptom"):
            rank += 8
        ranked.append(replace(line, rank=rank, recovered=recovered))
    return ranked


def _is_outside(line: Candidate) -> bool:
    """Whether a line tells of something beyond the job's own code, which a retry can cure."""
    return line.best.family in _OUTSIDE and line.best.role in ("cause", "retry")


def _passed_vertices(lines: list[Candidate]) -> frozenset[str]:
    """Build steps of which every failed attempt was retried: BuildKit says so, and no error of the step follows."""
    failed = {line.vertex for line in lines if line.vertex and not line.retried}
    return frozenset(line.vertex for line in lines if line.vertex and line.retried) - failed


def _penalty(away: int) -> float:
    return 3.5 * math.log2(away / _NEAR) if away > _NEAR else 0.0


def _first_of_cascade(top: Candidate, ranked: list[Candidate]) -> Candidate:
    """The first line of the top line's family that says about as much, however far above it stands."""
    for line in ranked:
        if line.start >= top.start:
            return top
        if line.best.family != top.best.family or line.best.role != top.best.role:
            continue
        if line.base >= top.base - _CASCADE_SLACK:
            return line
    return top


def head_of_chain(view: LogView, line: Candidate) -> Candidate:
    """The line that begins a chain of causes (``Caused by: dns error``): the one that a reader looks for."""
    if not _CHAIN.match(line.text):
        return line
    at = line.start
    for _ in range(6):
        if at <= 0:
            break
        start = view.buffer.rfind(b"\n", 0, at - 1) + 1
        text = view.text_at(start, at - 1)
        if not _CHAIN.match(text) and (_LOUD.match(text) or text.startswith("×")):
            return replace(line, start=start, end=at - 1, text=text)
        at = start
    return line
