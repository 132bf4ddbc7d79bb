"""The list that the family modules fill."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.worlds.setup import Setup

Family = Callable[[Setup], None]
FAMILIES: dict[str, Family] = {}


def family(name: str) -> Callable[[Family], Family]:
    """Register a family under its name."""

    def register(function: Family) -> Family:
        FAMILIES[name] = function
        return function

    return register
