"""What an Atlassian Statuspage says, and the engines that answer in its shape (incident.io).

In: the parsed JSON of ``/api/v2/incidents.json``, ``summary.json``, ``scheduled-maintenances.json``, one incident, or
the codes of ``history.json``. Out: notices. Written after real answers: ``incidents`` may be null, ``components`` may
be missing, ``started_at`` may be the time of posting, updates may be dated back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from analysis.status.notice import Notice, Post, mapping, mappings, plain, title
from analysis.status.times import as_utc, earliest, latest

IMPACTS = frozenset({"none", "minor", "major", "critical", "maintenance"})
_OVER = frozenset({"resolved", "postmortem", "completed"})
_MAINTENANCE = frozenset({"scheduled", "in_progress", "verifying", "completed"})
_ADVERT = re.compile(r"^visit \S+ for more information$", re.IGNORECASE)
# A post whose record is much younger than the time it shows came with a move from another system.
_IMPORTED = timedelta(days=14)
# An incident and its first post are written in one go.
_TOGETHER = timedelta(minutes=2)
_SOME_DAY = datetime(2100, 1, 1, tzinfo=UTC)
_CODE = re.compile(r"^[A-Za-z0-9_-]{4,40}$")


def notices(document: Mapping[str, Any]) -> list[Notice]:
    """Every incident and maintenance of an answer."""
    page = mapping(document.get("page"))
    page_url = str(page.get("url") or "").rstrip("/")
    found = []
    for record, scheduled in _records(document):
        if record.get("id") or record.get("name"):
            found.append(_notice(record, page_url, scheduled))
    return found


def states(document: Mapping[str, Any]) -> dict[str, str]:
    """Component name to its state now, of a ``summary.json`` (``operational``, ``partial_outage`` ...)."""
    return {
        title(component["name"]): str(component.get("status") or "")
        for component in mappings(document.get("components"))
        if component.get("name") and not _ADVERT.match(str(component["name"])) and not component.get("group")
    }


def indicator(document: Mapping[str, Any]) -> str | None:
    """The page's own overall word (``none``, ``minor`` ...), None where it has none."""
    word = str(mapping(document.get("status")).get("indicator") or "").lower()
    return word if word in IMPACTS else None


def history(document: Mapping[str, Any]) -> list[tuple[str, datetime]]:
    """The incident codes of one ``history.json`` page, each with the end of its month (its own time has no year)."""
    found = []
    for month in mappings(document.get("months")):
        first = as_utc(f"1 {month.get('name')} {month.get('year')}")
        until = (
            (first.replace(day=28) + timedelta(days=4)).replace(day=1) if first else datetime(2100, 1, 1, tzinfo=UTC)
        )
        for incident in mappings(month.get("incidents")):
            code = str(incident.get("code") or "")
            if _CODE.match(code):
                found.append((code, until))
    return found


def _records(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    if "incident_updates" in document:
        yield document, False
    if isinstance(document.get("incident"), Mapping):
        yield document["incident"], False
    for record in mappings(document.get("incidents")):
        yield record, False
    for key in ("scheduled_maintenances", "maintenances"):
        for record in mappings(document.get(key)):
            yield record, True


def _notice(record: Mapping[str, Any], page_url: str, scheduled: bool) -> Notice:
    updates = mappings(record.get("incident_updates"))
    posts = tuple(sorted((_post(u) for u in updates), key=lambda p: p.posted_at or datetime.max.replace(tzinfo=UTC)))
    shown = [as_utc(update.get("display_at")) for update in updates]
    created, started = as_utc(record.get("created_at")), as_utc(record.get("started_at"))
    status = str(record.get("status") or "").lower()
    impact = str(record.get("impact") or "").lower()
    maintenance = scheduled or impact == "maintenance" or status in _MAINTENANCE or bool(record.get("scheduled_for"))
    stated = earliest(created, started, *shown)
    posted = _first_entry(earliest(*(post.posted_at for post in posts)), created if maintenance else stated)
    resolved = as_utc(record.get("resolved_at")) or (_last_shown(updates) if status in _OVER else None)
    began = as_utc(record.get("scheduled_for")) if maintenance else stated
    if maintenance and status == "completed" and not resolved:
        resolved = as_utc(record.get("scheduled_until"))
    return Notice(
        id=str(record.get("id") or ""),
        name=title(record.get("name")),
        impact="maintenance" if maintenance else impact if impact in IMPACTS else None,
        components=_components(record, updates),
        began_at=began if maintenance or (began and posted and began < posted) else None,
        posted_at=posted,
        updated_at=latest(as_utc(record.get("updated_at")), *(post.posted_at for post in posts)),
        resolved_at=resolved,
        is_maintenance=maintenance,
        url=_url(record, page_url),
        posts=(*posts, *_postmortem(record)),
    )


def _first_entry(posted: datetime | None, stated: datetime | None) -> datetime | None:
    """The first post's time; the page's own beginning where the two were written together."""
    together = posted and stated and timedelta() <= posted - stated <= _TOGETHER
    return stated if together else posted or stated


def _post(update: Mapping[str, Any]) -> Post:
    shown, made = as_utc(update.get("display_at")), as_utc(update.get("created_at"))
    late = shown and made and shown <= made <= shown + _IMPORTED
    return Post(
        id=str(update.get("id") or ""),
        posted_at=made if late else shown or made,
        status=str(update.get("status") or "").lower(),
        body=plain(update.get("body")),
    )


def _postmortem(record: Mapping[str, Any]) -> tuple[Post, ...]:
    body = plain(record.get("postmortem_body"))
    when = as_utc(record.get("postmortem_published_at"))
    return (Post("postmortem", when, "postmortem", body),) if body else ()


def _components(record: Mapping[str, Any], updates: list[Mapping[str, Any]]) -> tuple[str, ...]:
    """Names on the incident and on its updates: the incident's own list is the page's state now, not then."""
    names = [component.get("name") for component in mappings(record.get("components"))]
    for update in updates:
        names += [component.get("name") for component in mappings(update.get("affected_components"))]
    clean = list(dict.fromkeys(title(name) for name in names if name and not _ADVERT.match(title(name))))
    return tuple(name for name in clean if name.partition(" - ")[2] not in clean)


def _last_shown(updates: list[Mapping[str, Any]]) -> datetime | None:
    over = (u for u in updates if str(u.get("status") or "").lower() in _OVER)
    return earliest(*(as_utc(update.get("display_at") or update.get("created_at")) for update in over))


def _url(record: Mapping[str, Any], page_url: str) -> str | None:
    if page_url and record.get("id"):
        return f"{page_url}/incidents/{record['id']}"
    return str(record.get("shortlink") or "") or None
