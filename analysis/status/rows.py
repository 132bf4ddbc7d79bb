"""From notices to rows of the tables ``incidents`` and ``incident_updates``.

Four times are kept for each incident: ``began_at`` (with ``began_source``: what told it), ``posted_at``, ``updated_at``
and ``resolved_at``. ``began_at`` is the earliest that is known and is never later than ``posted_at``, for posts are
late; a maintenance is announced before, and its ``began_at`` is when it was planned or got under way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from analysis.schema import COMPONENTS, SERVICE_COMPONENTS
from analysis.status import wording
from analysis.status.notice import Notice
from analysis.status.providers import Provider
from analysis.status.times import earliest

Row = dict[str, Any]
# What may become a link for people to follow.
_LINK = re.compile(r"^https?://[^\s<>\"'\x00-\x20\x7f]{1,1990}$", re.IGNORECASE)
# Reports written afterwards speak of many things that were not hit.
_AFTERWARDS = frozenset({"resolved", "postmortem", "completed"})
_DIRECTED = SERVICE_COMPONENTS - {"gha-cache", "gha-artifact", "gha-service", "git-hosting", "network"}


def incident_row(notice: Notice, provider: Provider, url: str) -> Row:
    """One row of ``incidents``."""
    bodies = [post.body for post in notice.posts]
    running = [post.body for post in notice.posts if post.status not in _AFTERWARDS]
    components, way = provider.components_of(notice.components, notice.name, running or bodies)
    began, source = _beginning(notice, provider.zone)
    resolved = notice.resolved_at
    said = [*notice.regions, *wording.regions([notice.name, *notice.components, *bodies])]
    return {
        "provider": provider.name,
        "incident_id": identifier(notice, provider),
        "name": notice.name or None,
        "impact": notice.impact,
        "direction": notice.direction or way or _direction(notice, components, running or bodies),
        "components": list(components),
        "regions": list(dict.fromkeys(said)),
        "began_at": began,
        "began_source": source,
        "posted_at": notice.posted_at,
        "updated_at": notice.updated_at or notice.posted_at,
        "resolved_at": max(resolved, began) if resolved and began else resolved,
        "is_maintenance": notice.is_maintenance,
        "url": next((link for link in (notice.url, url) if link and _LINK.match(link)), None),
    }


def update_rows(notice: Notice, provider: Provider, fetched_at: datetime) -> list[Row]:
    """Rows of ``incident_updates``, oldest first. A post without an id is named by its time, status and text."""
    incident = identifier(notice, provider)
    rows = []
    for post in notice.posts:
        rows.append(
            {
                "provider": provider.name,
                "incident_id": incident,
                "update_id": post.id or _digest(str(post.posted_at), post.status, post.body),
                "fetched_at": fetched_at,
                "posted_at": post.posted_at,
                "status": post.status or None,
                "body": post.body,
            }
        )
    return rows


def identifier(notice: Notice, provider: Provider) -> str:
    """The page's own id, else one made of what does not change."""
    return notice.id or _digest(provider.name, notice.name, str(notice.began_at or notice.posted_at))


def _beginning(notice: Notice, zone: tzinfo | None) -> tuple[datetime | None, str | None]:
    if notice.is_maintenance:
        planned = notice.began_at or notice.posted_at
        return planned, "page" if notice.began_at else "post" if planned else None
    told = wording.began(notice, zone=zone)
    found = {"text": told, "page": notice.began_at, "id": notice.id_time, "post": notice.posted_at}
    first = earliest(*found.values())
    return first, next((source for source, moment in found.items() if moment and moment == first), None)


def _direction(notice: Notice, components: Sequence[str], bodies: list[str]) -> str:
    """By the words, where a direction has a meaning: for a registry or a package index, not for a whole platform."""
    ours = [component for component in components if component in COMPONENTS]
    if not ours or not set(ours) <= _DIRECTED:
        return "all"
    return wording.direction([notice.name, " . ".join(notice.components), "\n".join(bodies)])


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def merged(older: Row, newer: Row, *, says_components: bool) -> Row:
    """One incident's row from two answers: the newer one wins, but a fact it cannot say is kept.

    A feed says neither components nor impact; Status.io's JSON forgets an incident once it is over. What the richer
    answer said about an incident outlives the poorer one that came later. An incident that is opened again is open.
    """
    row: Row = {column: newer[column] if newer[column] is not None else older.get(column) for column in newer}
    if says_components:
        row["resolved_at"] = newer["resolved_at"]
    elif older.get("impact"):
        row |= {column: older[column] for column in ("impact", "components", "regions", "direction")}
    if older.get("began_at") and row["began_at"] and older["began_at"] < row["began_at"]:
        row |= {column: older[column] for column in ("began_at", "began_source")}
    return row
