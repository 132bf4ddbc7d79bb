"""Which line of the failing part is the cause?

In come the lines that can be one, out goes the one that explains the failure: not the last line, and not the loudest.
They are ranked by how much their signature says, how near they stand to the end of the failing part, whether a summary
at the end speaks of their family, and whether the thing they complain of succeeded later. Of a cascade of one family
the first line counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from analysis.facts.answers import http_status, kind_of_tail
from analysis.facts.candidates import LOUDEST, Candidate, candidates_in, is_loud, is_source
from analysis.facts.failing import Part
from analysis.facts.hosts import hosts
from analysis.facts.log_lines import LogView
from analysis.facts.log_text import strip_colours
from analysis.facts.signatures import Catalogue, Signature
from analysis.facts.window import Window

WINDOW = 1 << 15
FURTHEST = 1 << 23
AFTER = 8192
CONVINCING = 55.0
_NEAR = 4000
_SUMMARY_REACH = 12_000
_CASCADE_SLACK = 8
_EXPLAINS = 50.0
_HEARD = 40.0
_STARVED = 45
_TRIED_ABOVE = 40
_DETAIL = 1000
_LAST_WORDS = 200
_WARNED = 25
_RESTATED = 2000
_REFUSALS = {"packages": (401, 403, 404)}  # an upload without leave is answered as if the package were not there
_CUT_OFF = 1500
_NEXT = 100
_ANSWERS = ("from-status", "from-tail")
_PASSING = ("http-5xx", "rate-limit", "timeout", "connection-reset", "dns", "tls", "eof")
_PULLED = re.compile(
    r"dockerjava|testcontainers|[Ff]ailed to pull image|could not pull image|Error response from daemon"
)
_CHAIN = re.compile(r"^\s*(?:Caused by\b|[├╰│└]|\|-|\d+: |cause: |reason: |-> )")


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
    wrote long before it failed is looked at only where the last lines say nothing, or for the first line of a cascade.

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
    while True:
        start = _line_start(view, max(part.start, part.anchor - reach), part)
        lines = candidates_in(Window(view, start, min(part.end, part.anchor + AFTER)), catalogue)
        _rank(lines, part)
        top = max(lines, key=lambda line: line.rank, default=None)
        if start <= part.start or reach >= FURTHEST or (top is not None and top.rank >= CONVINCING):
            break
        reach *= 8
    if top is None:
        return None
    top = _restated(lines, _behind(lines, top))
    first = _first_of_cascade(view, part, start, lines, catalogue, top)
    recovered = sum(line.recovered for line in lines)
    return Cause(first, part, recovered, part.sure, _companions(first, top, lines))


def _restated(lines: list[Candidate], top: Candidate) -> Candidate:
    """The line that says more of the same answer, where the top line is only its status once more, without a host."""
    status = http_status(top.text) if top.best.name.startswith("http.") else None
    if status is None or hosts().in_text(top.text):
        return top
    said = (
        line
        for line in reversed(lines)
        if top.start - _RESTATED < line.start < top.start and line.best.specificity > top.best.specificity
    )
    return next((line for line in said if line.retried and http_status(line.text) == status), top)


def _behind(lines: list[Candidate], top: Candidate) -> Candidate:
    """What made the top line come: attempts at a service that somebody cut off, a pull that a test could not do."""
    before = [line for line in lines if top.start - _CUT_OFF < line.start < top.start]
    before = [line for line in before if line.best.role in ("cause", "summary", "retry")]
    if top.best.name == "runner.cancelled" and before and before[-1].retried:
        return before[-1]
    if top.best.kind == "test-failure" or top.best.name == "deploy.not-ready":
        near = [*before, *(line for line in lines if top.start < line.start < top.end + _CUT_OFF)]
        return next((line for line in near if _keeps_image_away(line)), top)
    return top


def _keeps_image_away(line: Candidate) -> bool:
    """Whether a registry did not give the image of a container that a test or a deployment starts."""
    if line.best.family == "registry" and line.best.kind == "rate-limit":
        return True
    pulled = line.is_outside and _PULLED.search(line.text) is not None and kind_of_tail(line.text) in _PASSING
    return pulled and any(hosts().is_registry(host.component or "") for host in hosts().in_text(line.text))


def _line_start(view: LogView, offset: int, part: Part) -> int:
    return part.start if offset <= part.start else view.buffer.rfind(b"\n", part.start, offset) + 1 or part.start


def _companions(first: Candidate, top: Candidate, ranked: list[Candidate]) -> tuple[Candidate, ...]:
    """What an excerpt shows beside the cause: another line of its family, the best-ranked, the last summary."""
    kin = [line for line in ranked if line.best.family == first.best.family and not line.recovered]
    other = next((line for line in kin if line.best.name != first.best.name and line.best.role == "cause"), None)
    summary = next((line for line in reversed(ranked) if line.best.role == "summary" and line.base > 40), None)
    strangers = (line for line in ranked if line.best.family != first.best.family)
    rival = max(strangers, key=lambda line: line.rank, default=None)
    chosen = {line.start: line for line in (other, top, summary, rival) if line is not None and line is not first}
    return tuple(chosen.values())


def _rank(lines: list[Candidate], part: Part) -> None:
    """Give the candidates their final rank: nearness, families that a summary names, the vertex that failed."""
    told = {
        line.best.family
        for line in lines
        if line.best.role == "summary" and part.anchor - line.start < _SUMMARY_REACH and line.rank > 0
    }
    vertices = {line.vertex for line in lines if line.vertex and line.best.role == "wrapper"}
    last = max((line.start for line in lines if not line.retried and line.is_outside), default=-1)
    passed = _passed_vertices(lines)
    told_otherwise = [line for line in lines if not line.retried and line.best.role in ("cause", "summary")]
    explained = any(line.base >= _EXPLAINS for line in told_otherwise)
    starved = _starved(lines)
    spoken = any(_is_last_word(line, part) and is_loud(line.text) and not line.warned for line in lines)
    for line in lines:
        rank = line.base - (_STARVED if line.start in starved else 0) - (_WARNED if spoken and line.warned else 0)
        line.recovered = explained and line.retried and (line.start > last or line.vertex in passed)
        if line.recovered:
            rank -= 40
        away = max(part.anchor - line.end, 0)
        if line.best.role != "summary" and line.best.family in told:
            rank += 14 - 0.5 * _penalty(away)
        else:
            rank -= _penalty(away)
        if _is_last_word(line, part):
            rank += 4
        if line.vertex and line.vertex in vertices and line.best.role not in ("wrapper", "symptom"):
            rank += 14 if line.best.role == "generic" and line.best.component != "unknown" else 8
        line.rank = rank


def _is_last_word(line: Candidate, part: Part) -> bool:
    """Whether it is an error in plain words that stands right before the step was given up."""
    is_plain = line.best.role == "generic" and all(signature.role != "symptom" for signature in line.signatures)
    return is_plain and 0 <= part.anchor - line.end < _LAST_WORDS


def _starved(lines: list[Candidate]) -> frozenset[int]:
    """Where a package is missing only because its registry could not be read before: the tool of both is the same."""
    failed: dict[str, int] = {}
    absent: list[tuple[Candidate, str | None]] = []
    said: tuple[str | None, int] = None, 0  # the tool of the line before, and where that ends
    for line in lines:
        if line.best.kind == "not-found" and line.best.family == "packages":
            absent.append((line, hosts().tool(line.text) or hosts().tool(line.best.name)))
        elif line.is_outside and line.base >= _HEARD and line.best.kind != "not-found":
            tool = hosts().tool(line.text) or next((host.component for host in hosts().in_text(line.text)), None)
            if tool is None and line.start < said[1] + _NEXT:
                tool = said[0]
            said = tool, line.end
            if tool is not None and (line.best.kind not in _ANSWERS or kind_of_tail(line.text) in _PASSING):
                failed.setdefault(tool, line.start)
    return frozenset(line.start for line, tool in absent if tool in failed and failed[tool] < line.start + _DETAIL)


def _passed_vertices(lines: list[Candidate]) -> frozenset[str]:
    """Build steps of which every failed attempt was retried: BuildKit says so, and no error of the step follows."""
    failed = {line.vertex for line in lines if line.vertex and not line.retried}
    return frozenset(line.vertex for line in lines if line.vertex and line.retried) - failed


def _penalty(away: int) -> float:
    return 3.5 * math.log2(away / _NEAR) if away > _NEAR else 0.0


def _first_of_cascade(
    view: LogView, part: Part, seen_from: int, lines: list[Candidate], catalogue: Catalogue, top: Candidate
) -> Candidate:
    """The first line of the top line's family that says about as much, however far above it stands."""
    earlier = _before(view, part, seen_from, catalogue, top)
    for line in (*earlier, *lines):
        if line.start >= top.start:
            return top
        if _is_kin(line, top):
            return line
    return top


def _is_kin(line: Candidate, top: Candidate) -> bool:
    same = line.best.family == top.best.family and line.best.role == top.best.role
    if top.best.role == "generic" and not is_loud(line.text):
        return False
    if is_source(line.text):
        return False
    if top.best.kind == "auth-denied" and http_status(line.text) in _REFUSALS.get(top.best.family, (401, 403)):
        return False  # who was refused, and why, says more than the bare status before it
    return same and line.base >= top.base - _CASCADE_SLACK


def _before(view: LogView, part: Part, end: int, catalogue: Catalogue, top: Candidate) -> Iterator[Candidate]:
    """Lines of the top line's family above the window, found by a scan for that family alone."""
    start = max(part.start, end - FURTHEST)
    if start >= end or top.is_outside:  # attempts at one service are no cascade: the last one is as good
        return
    raw = view.buffer[start:end]
    plain = strip_colours(raw)
    family = catalogue.family(top.best.family)
    same_line = _LineMap(raw, plain)
    tried = -1
    for hit in catalogue.family_scanner(top.best.family).scan(plain)[:_TRIED_ABOVE]:
        if hit.line_start == tried or not _can_be_kin(family[hit.pattern], top):
            continue
        tried = hit.line_start
        at = start + same_line.begin(hit.line_start)
        stop = view.buffer.find(b"\n", at, end)
        for line in candidates_in(Window(view, at, stop if stop >= 0 else end), catalogue):
            if line.start == at and _is_kin(line, top):
                yield line
                return


def _can_be_kin(signature: Signature, top: Candidate) -> bool:
    return signature.role == top.best.role and signature.specificity + LOUDEST >= top.base - _CASCADE_SLACK


class _LineMap:
    """Where a line of a text without colours begins in the text with them; asked in the order of the lines."""

    def __init__(self, raw: bytes, plain: bytes) -> None:
        self._raw, self._plain = raw, plain
        self._seen = self._number = 0

    def begin(self, offset: int) -> int:
        """Offset in the coloured text of the line that begins at an offset of the plain one."""
        if self._raw is self._plain:
            return offset
        self._number += self._plain.count(b"\n", self._seen, offset)
        self._seen = offset
        return int(self._ends[self._number - 1]) + 1 if self._number else 0

    @cached_property
    def _ends(self) -> Any:
        return np.flatnonzero(np.frombuffer(self._raw, dtype=np.uint8) == 10)


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
        if not _CHAIN.match(text) and (is_loud(text) or text.startswith("×")):
            return replace(line, start=start, end=at - 1, text=text)
        at = start
    return line
