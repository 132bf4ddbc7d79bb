"""What stands around a cause line? The lines above and below it, read only as far as somebody asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from analysis.facts.candidates import Candidate
from analysis.facts.log_lines import Group, LogView

_ABOVE = 160
_BELOW = 12
_WIDTH = 2000
_VERTEX = re.compile(r"^#(\d{1,4}) (?:\d{1,5}\.\d{1,3} )?")


class Surroundings:
    """The lines around a cause line, nearest first: its own vertex and step above, then a few below.

    Parameters
    ----------
    view : LogView
        The log.
    line : Candidate
        The cause line.
    floor, ceiling : int
        Offsets in the buffer between which the step wrote.
    """

    def __init__(self, view: LogView, line: Candidate, floor: int, ceiling: int) -> None:
        self._view, self._line = view, line
        self._floor, self._ceiling = min(floor, line.start), max(ceiling, line.end)
        self._above: list[str] = []
        self._climb = self._walk_up()
        self._below: list[str] | None = None

    def up(self, count: int) -> list[str]:
        """At most `count` lines above, nearest first; they are read when they are asked for."""
        while len(self._above) < count and (text := next(self._climb, None)) is not None:
            self._above.append(text[:_WIDTH])
        return self._above[:count]

    @property
    def above(self) -> list[str]:
        """At most `_ABOVE` lines above, nearest first."""
        return self.up(_ABOVE)

    @property
    def below(self) -> list[str]:
        """At most `_BELOW` lines below, nearest first."""
        if self._below is None:
            self._below = [text[:_WIDTH] for text in self._walk_down()]
        return self._below

    @property
    def vertex_above(self) -> list[str]:
        """The lines above that BuildKit wrote for the same vertex, nearest first."""
        vertex = self._line.vertex
        if not vertex:
            return []
        return [text for text in self.above if (match := _VERTEX.match(text)) and match[1] == vertex]

    @cached_property
    def inputs(self) -> list[str]:
        """What the runner echoes of the step before it runs: its title, inputs and environment."""
        view = self._view
        echo = next((group for group in reversed(view.groups) if group.is_run_echo and self._holds(group)), None)
        return [] if echo is None else [echo.title, *(text[:_WIDTH] for text in view.group_body(echo))]

    def _holds(self, group: Group) -> bool:
        return self._floor <= group.start < self._line.start

    def _walk_up(self) -> Iterator[str]:
        view, at = self._view, self._line.start
        for _ in range(_ABOVE):
            if at <= self._floor:
                return
            start = view.buffer.rfind(b"\n", 0, at - 1) + 1
            if not view.is_run_echo(start):
                yield view.text_at(start, at - 1)
            at = start

    def _walk_down(self) -> Iterator[str]:
        view, at = self._view, self._line.end + 1
        for _ in range(_BELOW):
            if at >= self._ceiling:
                return
            end = view.buffer.find(b"\n", at)
            end = len(view.buffer) if end < 0 else end
            yield view.text_at(at, end)
            at = end + 1


def without_vertex(text: str) -> str:
    """A line without BuildKit's number of the build step and its seconds."""
    return _VERTEX.sub("", text, count=1)
