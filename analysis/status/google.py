"""What Google Cloud's ``incidents.json`` says: a bare list, no paging, about a year of it.

In: the parsed list. Out: notices. ``begin`` is edited back and is the best start there is; ``created`` may be later
than ``end`` (a post about something already over); one outage may be several records; ``service_name`` is a stopgap and
``affected_products`` is what was hit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.status.notice import Notice, Post, mappings, plain, title
from analysis.status.times import as_utc, latest

_SEVERITY = {"low": "minor", "medium": "major", "high": "critical"}
_IMPACT = {"SERVICE_INFORMATION": "minor", "SERVICE_DISRUPTION": "major", "SERVICE_OUTAGE": "critical"}
_PAGE = "https://status.cloud.google.com/"


def is_google(document: Any) -> bool:
    """Whether the JSON is Google Cloud's list."""
    first = document[0] if isinstance(document, list) and document else None
    return isinstance(first, Mapping) and "external_desc" in first and "begin" in first


def notices(document: list[Any]) -> list[Notice]:
    """Every incident of the list."""
    return [_notice(record) for record in mappings(document)]


def _notice(record: Mapping[str, Any]) -> Notice:
    updates = sorted(
        mappings(record.get("updates")), key=lambda update: str(update.get("when") or update.get("created"))
    )
    products = [product.get("title") for product in mappings(record.get("affected_products"))]
    uri = str(record.get("uri") or "")
    return Notice(
        id=str(record.get("id") or record.get("number") or ""),
        name=title(record.get("external_desc")),
        impact=_IMPACT.get(str(record.get("status_impact"))) or _SEVERITY.get(str(record.get("severity")).lower()),
        components=tuple(dict.fromkeys(title(name) for name in products or [record.get("service_name")] if name)),
        regions=_regions(record, updates),
        began_at=as_utc(record.get("begin")),
        posted_at=as_utc(record.get("created")) or as_utc(record.get("begin")),
        updated_at=latest(as_utc(record.get("modified")), *(as_utc(update.get("modified")) for update in updates)),
        resolved_at=as_utc(record.get("end")),
        url=_PAGE + uri if uri.startswith("incidents/") else None,
        posts=tuple(_post(update) for update in updates),
    )


def _post(update: Mapping[str, Any]) -> Post:
    when = as_utc(update.get("when")) or as_utc(update.get("created"))
    return Post("", when, str(update.get("status") or "").lower(), plain(update.get("text")))


def _regions(record: Mapping[str, Any], updates: list[Mapping[str, Any]]) -> tuple[str, ...]:
    places: list[Mapping[str, Any]] = []
    for key in ("currently_affected_locations", "previously_affected_locations"):
        places += mappings(record.get(key))
    if not places:
        places = [place for update in updates for place in mappings(update.get("affected_locations"))]
    return tuple(dict.fromkeys(str(place["id"]) for place in places if place.get("id")))
