"""In which order are things asked for, so that any cut of the order is spread over all of them? Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

Item = TypeVar("Item")


def spread(
    items: Iterable[Item],
    cell: Callable[[Item], Hashable],
    time: Callable[[Item], datetime],
    name: Callable[[Item], object],
) -> list[Item]:
    """Every cell's first thing before any cell's second, newest cells first.

    Parameters
    ----------
    items : iterable
    cell : callable
        The cell that a thing lies in.
    time : callable
        Its time.
    name : callable
        Its identity; its hash decides who is first within a cell, blind to everything else.
    """
    rank: dict[Hashable, int] = {}
    ranked = []
    for item in sorted(items, key=lambda i: lot(name(i))):
        place = cell(item)
        rank[place] = rank.get(place, -1) + 1
        ranked.append((rank[place], -time(item).timestamp(), lot(name(item)), item))
    ranked.sort(key=lambda entry: entry[:3])
    return [entry[3] for entry in ranked]


def lot(name: object) -> str:
    """A number drawn for a thing, always the same one."""
    return hashlib.blake2b(repr(name).encode(), digest_size=8).hexdigest()


def hour(when: datetime, hours: int = 1) -> int:
    """The hour (or block of hours) since 1970 that a time lies in."""
    return int(when.timestamp() // timedelta(hours=hours).total_seconds())
