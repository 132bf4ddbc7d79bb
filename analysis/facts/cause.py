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
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from analysis.facts.failing import Part
from analysis.facts.log_lines import LogView, split_level
from analysis.facts.signatures import Catalogue, Signature

LINE_BYTES = 100
_NEAR = 40 * LINE_BYTES
_SUMMARY_REACH = 12_000
_CASCADE_SLACK = 8
_MOST_LINES = 20_000

_TOOL_LEAD = re.compile(r"^(?:#\d{1,4} )?(?:\d{1,5}\.\d{1,3} )?")
_VERTEX = re.compile(r"^#(\d{1,4}) ")
_WARNING = re.compile(
    r"^\s*(?:\[?(?:warn(?:ing)?|notice|info|debug|trace|hint|note)\]?\b\s*[:!\]]?|npm warn|npm WARN|W: |time=\S+ level=(?:warn|info))",
    re.IGNORECASE,
)
_ECHO = re.compile(r"^(?:\++ |\$ |> \S+@\S+ \S+$|\[command\]|shell: |Run )")
_PASSED = re.compile(
    r"(?:\.\.\. ?ok$|\bPASS(?:ED)?\b|^\s*(?:✓|✔|√|ok \d+ )|--- PASS|\[\s+OK \]|\[ RUN  |=== RUN|\bXFAIL\b|XPASS|"
    r"\b0 (?:failed|errors?|failures?|problems?|warnings?)\b(?!.*\b[1-9]\d* (?:failed|errors?|failures?|problems?)\b))"
)
_FRAME = re.compile(r"^\s*\d+ (?:\||│)|^\s*(?:>>>|-->) |^-{10,}$|^\s*>?\s*\d+ \| ")
_LOUD = re.compile(r"^(?:error|fatal|E)\b ?[:\[]|^(?:Error|ERROR|FATAL)\b", re.IGNORECASE)
_RETRIED = re.compile(r"(?:re-?try(?:ing)?|attempt \d+|tries remaining|back ?off|waiting .{0,20}before)", re.IGNORECASE)


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
    """

    start: int
    end: int
    text: str
    signatures: tuple[Signature, ...]
    rank: float = 0.0
    vertex: str | None = None

    @property
    def best(self) -> Signature:
        """The most specific signature."""
        return self.signatures[0]


@dataclass(frozen=True, slots=True)
class Cause:
    """The line that explains the failure, and what else was seen."""

    line: Candidate
    part: Part
    recovered: int
    sure: bool


def find_cause(view: LogView, part: Part, catalogue: Catalogue) -> Cause | None:
    """The line of a part that explains its failure, None where no line does.

    Parameters
    ----------
    view : LogView
        The log.
    part : Part
        The stretch that failed.
    catalogue : Catalogue
        The signatures.
    """
    lines = list(_candidates(view, part, catalogue))
    if not lines:
        return None
    ranked = _rank(lines, part)
    top = max(ranked, key=lambda line: line.rank)
    first = _first_of_cascade(top, ranked)
    recovered = sum(
        1 for line in ranked if line.start < first.start and _RETRIED.search(line.text) is not None
    )
    return Cause(first, part, recovered, part.sure)


def _candidates(view: LogView, part: Part, catalogue: Catalogue) -> Iterator[Candidate]:
    base = part.start
    region = view.buffer if base == 0 and part.end == len(view.buffer) else view.buffer[base : part.end]
    hits = catalogue.scanner.scan(region)
    signatures = catalogue.signatures
    count = 0
    for (start, end), group in groupby(hits, key=lambda hit: (hit.line_start, hit.line_end)):
        if view.is_run_echo(base + start):
            continue
        raw = view.text_at(base + start, base + end)
        marked = view.buffer.find(b"##[", base + start, min(base + end, base + start + 60))
        level = split_level(view.buffer[marked : marked + 20].decode("ascii", "replace"))[0] if marked >= 0 else ""
        if level in ("command", "debug", "group", "endgroup", "section"):
            continue
        vertex = _VERTEX.match(raw)
        text = _TOOL_LEAD.sub("", raw, count=1)
        matched = sorted((signatures[hit.pattern] for hit in group), key=lambda item: -item.specificity)
        if _ECHO.match(text) or _FRAME.match(text):
            continue
        rank = float(matched[0].specificity)
        if level in ("warning", "notice") or _WARNING.match(text):
            rank -= 22 if matched[0].role != "retry" else 6
        if _PASSED.search(text):
            rank -= 45
        if level == "error" or _LOUD.match(text):
            rank += 5
        yield Candidate(base + start, base + end, text, tuple(matched), rank, vertex[1] if vertex else None)
        count += 1
        if count >= _MOST_LINES:
            return


def _rank(lines: list[Candidate], part: Part) -> list[Candidate]:
    """The candidates with their final rank: nearness, families that a summary names, the vertex that failed."""
    told = {
        line.best.family
        for line in lines
        if line.best.role == "summary" and part.anchor - line.start < _SUMMARY_REACH and line.rank > 0
    }
    vertices = {line.vertex for line in lines if line.vertex and line.best.role == "wrapper"}
    ranked = []
    for line in lines:
        rank = line.rank
        away = max(part.anchor - line.end, 0)
        if line.best.role != "summary" and line.best.family in told:
            rank += 14 - 0.5 * _penalty(away)
        else:
            rank -= _penalty(away)
        if line.vertex and line.vertex in vertices and line.best.role not in ("wrapper", "symptom"):
            rank += 8
        ranked.append(replace(line, rank=rank))
    return ranked


def _penalty(away: int) -> float:
    return 3.5 * math.log2(away / _NEAR) if away > _NEAR else 0.0


def _first_of_cascade(top: Candidate, ranked: list[Candidate]) -> Candidate:
    """The first line of the top line's family that says about as much."""
    for line in ranked:
        if line.start >= top.start:
            return top
        if line.best.family == top.best.family and line.best.specificity >= top.best.specificity - _CASCADE_SLACK:
            if line.rank >= top.rank - 12 and line.best.role == top.best.role:
                return line
    return top
