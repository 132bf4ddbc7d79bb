"""What smaller engines say: Instatus, Better Stack, Cachet.

In: the parsed JSON. Out: notices. Instatus tells only what is open now; Better Stack leaves ``ends_at`` empty on a
report that is over; Cachet's times have no zone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from analysis.status.notice import Notice, Post, mapping, mappings, plain, title
from analysis.status.times import as_utc, earliest, latest

_INSTATUS = {
    "OPERATIONAL": "none",
    "UNDERMAINTENANCE": "maintenance",
    "DEGRADEDPERFORMANCE": "minor",
    "MINOROUTAGE": "minor",
    "PARTIALOUTAGE": "major",
    "MAJOROUTAGE": "critical",
}
_INSTATUS_PAGE = {"UP": "none", "HASISSUES": "major", "UNDERMAINTENANCE": "maintenance"}
_BETTERSTACK = {
    "operational": "none",
    "resolved": "none",
    "maintenance": "maintenance",
    "degraded": "minor",
    "downtime": "critical",
}
_CACHET = {0: "scheduled", 1: "investigating", 2: "identified", 3: "monitoring", 4: "resolved"}


def is_instatus(document: Any) -> bool:
    """Whether the JSON is Instatus's ``summary.json`` or ``components.json``."""
    page = mapping(mapping(document).get("page"))
    return str(page.get("status")) in _INSTATUS_PAGE or "activeIncidents" in mapping(document)


def instatus(document: Mapping[str, Any]) -> list[Notice]:
    """Open incidents and maintenances; a page that is up leaves the empty lists out."""
    found = [_instatus(record, False) for record in mappings(document.get("activeIncidents"))]
    return found + [_instatus(record, True) for record in mappings(document.get("activeMaintenances"))]


def instatus_states(document: Mapping[str, Any]) -> tuple[dict[str, str], str | None]:
    """Components' states where the answer lists them, and the page's own word."""
    page = str(mapping(document.get("page")).get("status"))
    listed = mappings(document.get("components"))
    states = {title(c["name"]): _INSTATUS.get(str(c.get("status")), "none") for c in listed if c.get("name")}
    return states, _INSTATUS_PAGE.get(page)


def _instatus(record: Mapping[str, Any], is_maintenance: bool) -> Notice:
    began = as_utc(record.get("start") if is_maintenance else record.get("started"))
    minutes = str(record.get("duration") or "")
    planned = began + timedelta(minutes=int(minutes)) if began and re.fullmatch(r"\d{1,6}", minutes) else None
    status = str(record.get("status") or "").lower()
    url = str(record.get("url") or "")
    return Notice(
        id=str(record.get("id") or "") or url.rstrip("/").rsplit("/", 1)[-1],
        name=title(record.get("name")),
        impact="maintenance" if is_maintenance else _INSTATUS.get(str(record.get("impact"))),
        components=tuple(title(c["name"]) for c in mappings(record.get("components")) if c.get("name")),
        began_at=began if is_maintenance else None,
        posted_at=began,
        updated_at=as_utc(record.get("updatedAt")),
        resolved_at=planned if status == "completed" else as_utc(record.get("resolved")),
        is_maintenance=is_maintenance,
        url=url if url.startswith(("https://", "http://")) else None,
    )


def is_betterstack(document: Any) -> bool:
    """Whether the JSON is Better Stack's ``index.json``."""
    return mapping(mapping(document).get("data")).get("type") == "status_page"


def betterstack(document: Mapping[str, Any]) -> list[Notice]:
    """Every report with its updates."""
    included = mappings(document.get("included"))
    names = {
        str(item.get("id")): title(mapping(item.get("attributes")).get("public_name"))
        for item in included
        if item.get("type") == "status_page_resource"
    }
    updates = [item for item in included if item.get("type") == "status_update"]
    return [_report(item, names, updates) for item in included if item.get("type") == "status_report"]


def betterstack_states(document: Mapping[str, Any]) -> tuple[dict[str, str], str | None]:
    """Resources' states and the page's own word."""
    resources = [i for i in mappings(document.get("included")) if i.get("type") == "status_page_resource"]
    attributes = [mapping(item.get("attributes")) for item in resources]
    own = mapping(mapping(document.get("data")).get("attributes")).get("aggregate_state")
    states = {
        title(a["public_name"]): _BETTERSTACK.get(str(a.get("status")), "none")
        for a in attributes
        if a.get("public_name")
    }
    return states, _BETTERSTACK.get(str(own))


def _report(item: Mapping[str, Any], names: Mapping[str, str], updates: list[Mapping[str, Any]]) -> Notice:
    told = mapping(item.get("attributes"))
    related = mapping(mapping(item.get("relationships")).get("status_updates")).get("data")
    own = {str(reference.get("id")) for reference in mappings(related)}
    posts = sorted(
        (
            Post(str(update.get("id") or ""), as_utc(said.get("published_at")), "update", plain(said.get("message")))
            for update in updates
            for said in [mapping(update.get("attributes"))]
            if str(update.get("id")) in own or str(said.get("status_report_id")) == str(item.get("id"))
        ),
        key=lambda post: (post.posted_at is None, post.posted_at),
    )
    affected = mappings(told.get("affected_resources"))
    is_maintenance = told.get("report_type") == "maintenance"
    state = str(told.get("aggregate_state") or "")
    last = latest(*(post.posted_at for post in posts))
    began = as_utc(told.get("starts_at"))
    words = [_BETTERSTACK.get(str(resource.get("status"))) for resource in affected] + [_BETTERSTACK.get(state)]
    worst = max((w for w in words if w), key=("none", "maintenance", "minor", "major", "critical").index, default=None)
    listed = [names.get(str(resource.get("status_page_resource_id"))) for resource in affected]
    return Notice(
        id=str(item.get("id") or ""),
        name=title(told.get("title")),
        impact="maintenance" if is_maintenance else worst,
        components=tuple(dict.fromkeys(name for name in listed if name)),
        began_at=began,
        posted_at=earliest(*(post.posted_at for post in posts)) or began,
        updated_at=last,
        resolved_at=as_utc(told.get("ends_at")) or (last or began if state in ("resolved", "operational") else None),
        is_maintenance=is_maintenance,
        posts=tuple(posts),
    )


def is_cachet(document: Any) -> bool:
    """Whether the JSON is Cachet's list of incidents, of version 2 or 3."""
    if not isinstance(mapping(document).get("data"), list) or not {"meta", "links"} & set(mapping(document)):
        return False
    return all(
        {"human_status", "component_id"} & set(i) or i.get("type") == "incidents" for i in mappings(document["data"])
    )


def cachet(document: Mapping[str, Any], zone: tzinfo | None) -> list[Notice]:
    """Every incident; its times are read in the page's zone, UTC where that is not known."""
    return [_cachet(record, zone or UTC) for record in mappings(document.get("data"))]


def _cachet(record: Mapping[str, Any], zone: tzinfo) -> Notice:
    told = mapping(record.get("attributes")) or record

    def when(*fields: str) -> datetime | None:
        values = (told.get(field) for field in fields)
        texts = (value.get("string") if isinstance(value, Mapping) else value for value in values)
        return next((found for text in texts if (found := as_utc(text, zone=zone))), None)

    status = told.get("latest_status", told.get("status"))
    code = mapping(status).get("value", status)
    state = _CACHET.get(int(code)) if str(code).isdigit() else None
    posted = when("created_at", "created", "occurred_at", "occurred")
    updated = when("updated_at", "updated")
    began = when("scheduled_at", "occurred_at", "occurred") if state == "scheduled" else when("occurred_at", "occurred")
    updates = mappings(told.get("updates"))
    posts = [Post("", posted, state or "", plain(told.get("message")))]
    posts += [
        Post(
            str(u.get("id") or ""),
            as_utc(u.get("created_at"), zone=zone),
            str(u.get("human_status") or "").lower(),
            plain(u.get("message")),
        )
        for u in updates
    ]
    return Notice(
        id=str(record.get("id") or ""),
        name=title(told.get("name")),
        impact="maintenance" if state == "scheduled" else None,
        components=tuple(title(c["name"]) for c in mappings(told.get("components")) if c.get("name")),
        began_at=began,
        posted_at=posted or began,
        updated_at=updated,
        resolved_at=updated if state == "resolved" else None,
        is_maintenance=state == "scheduled",
        url=str(told.get("permalink") or "") or None,
        posts=tuple(post for post in posts if post.body),
        says_components=False,
    )
