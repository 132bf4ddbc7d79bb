"""What every status page says, whatever engine serves it: a notice and the posts on it.

The readers of the engines (``statuspage``, ``statusio``, ``google`` ...) turn a body into notices; ``rows`` turns
notices into rows of the tables ``incidents`` and ``incident_updates``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LONGEST_BODY = 20_000
LONGEST_NAME = 500
_BREAK = re.compile(r"<\s*(?:br\s*/?|/p|/div|/li)\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,2000}>")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_BLANK = re.compile(r"[ \t\u00a0]+")


@dataclass(frozen=True)
class Post:
    """One post on a notice: its own id (empty where the page gives none), time in UTC, status word and text."""

    id: str
    posted_at: datetime | None
    status: str
    body: str


@dataclass(frozen=True)
class Notice:
    """One incident or maintenance as a page tells it, with the page's own words.

    Attributes
    ----------
    id : str
        The page's own id; empty where it gives none.
    impact : str or None
        ``none``, ``minor``, ``major``, ``critical``, ``maintenance``; None where the page does not say.
    components, regions : tuple of str
        The page's own names; empty where it says none.
    began_at : datetime or None
        The beginning that the page states in a field of its own, apart from when it posted.
    id_time : datetime or None
        When the id was made, where the id tells.
    posted_at, updated_at, resolved_at : datetime or None
        First entry, last change, end; ``resolved_at`` is None while it is open.
    says_components : bool
        Whether the format can say components and impact at all (feeds cannot).
    provider : str or None
        Whose notice it is, where the body itself says so (a user's own file).
    direction : str or None
        ``pull``, ``push``, ``auth``, ``all`` where the body itself says so.
    """

    id: str
    name: str
    impact: str | None = None
    components: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    began_at: datetime | None = None
    id_time: datetime | None = None
    posted_at: datetime | None = None
    updated_at: datetime | None = None
    resolved_at: datetime | None = None
    is_maintenance: bool = False
    url: str | None = None
    posts: tuple[Post, ...] = field(default=())
    says_components: bool = True
    provider: str | None = None
    direction: str | None = None


def plain(text: object, longest: int = LONGEST_BODY) -> str:
    """HTML or text as plain text: tags gone, entities read, control and direction characters gone, bounded."""
    raw = str(text or "")[: longest * 4]
    if "<" in raw:
        raw = _TAG.sub("", _BREAK.sub("\n", raw))
    lines = (_BLANK.sub(" ", line).strip() for line in _CONTROL.sub("", html.unescape(raw)).split("\n"))
    return "\n".join(line for line in lines if line)[:longest]


def title(text: object) -> str:
    """A name on one line."""
    return " ".join(plain(text, LONGEST_NAME).split())


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a JSON list; anything else is an empty list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
