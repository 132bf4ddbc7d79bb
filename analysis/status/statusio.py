"""What Status.io's public JSON says (Docker Hub, GitLab): open incidents and maintenances, and each component's state.

In: the parsed answer of ``/1.0/status/PAGE``. Out: notices. Resolved incidents vanish from this answer; the feed
(``feeds``) is their only history. ``status`` is a severity and ``state`` a stage of life: 400 means a partial
disruption in the one and resolved in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from analysis.status.notice import Notice, Post, mappings, plain, title
from analysis.status.times import as_utc, earliest, latest, object_id_time

SEVERITY = {100: "none", 200: "maintenance", 300: "minor", 400: "major", 500: "critical", 600: "minor"}
_RANK = ("none", "maintenance", "minor", "major", "critical")
_STAGE = {100: "investigating", 200: "identified", 300: "monitoring", 400: "resolved"}
_MAINTENANCE_STAGE = {100: "scheduled", 200: "in_progress", 300: "completed"}
_SAME = timedelta(minutes=5)


def notices(document: Mapping[str, Any]) -> list[Notice]:
    """Every open incident and every active or coming maintenance of an answer."""
    result = document.get("result")
    if not isinstance(result, Mapping):
        return []
    maintenance = result.get("maintenance")
    planned = [maintenance.get(kind) for kind in ("active", "upcoming")] if isinstance(maintenance, Mapping) else []
    return [_notice(record, False) for record in mappings(result.get("incidents"))] + [
        _notice(record, True) for records in planned for record in mappings(records)
    ]


def states(document: Mapping[str, Any]) -> dict[str, str]:
    """Component name to its severity word (``none``, ``minor`` ...) now."""
    result = document.get("result")
    components = mappings(result.get("status")) if isinstance(result, Mapping) else []
    named = [component for component in components if component.get("name")]
    return {title(c["name"]): SEVERITY.get(_code(c.get("status_code")), "none") for c in named}


def indicator(document: Mapping[str, Any]) -> str | None:
    """The page's overall severity word."""
    result = document.get("result")
    overall = result.get("status_overall") if isinstance(result, Mapping) else None
    return SEVERITY.get(_code(overall.get("status_code"))) if isinstance(overall, Mapping) else None


def _notice(record: Mapping[str, Any], is_maintenance: bool) -> Notice:
    identifier = str(record.get("_id") or record.get("id") or "")
    messages = mappings(record.get("messages"))
    stages = _MAINTENANCE_STAGE if is_maintenance else _STAGE
    posts = tuple(
        sorted(
            (
                Post(
                    str(message.get("_id") or ""),
                    as_utc(message.get("datetime")),
                    stages.get(_code(message.get("state")), "update"),
                    plain(message.get("details")),
                )
                for message in messages
            ),
            key=lambda post: (post.posted_at is None, post.posted_at),
        )
    )
    opened = as_utc(record.get("datetime_open"))
    made = object_id_time(identifier)
    over = [post.posted_at for post in posts if post.status in ("resolved", "completed")]
    posted = earliest(opened, *(post.posted_at for post in posts))
    worst = max((SEVERITY.get(_code(m.get("status")), "none") for m in messages), key=_RANK.index, default=None)
    return Notice(
        id=identifier,
        name=title(record.get("name")),
        impact="maintenance" if is_maintenance else worst,
        components=_names(record.get("components_affected")),
        regions=_names(record.get("containers_affected")),
        began_at=as_utc(record.get("datetime_planned_start")) if is_maintenance else None,
        id_time=None if is_maintenance or posted else made,
        posted_at=posted or made,
        updated_at=latest(opened, *(post.posted_at for post in posts)),
        resolved_at=latest(*over),
        is_maintenance=is_maintenance,
        posts=posts,
    )


def _names(records: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(title(r.get("name")) for r in mappings(records) if r.get("name")))


def _code(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0
