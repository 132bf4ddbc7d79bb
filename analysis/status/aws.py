"""What AWS's health pages say: ``currentevents``, ``historyevents.json``, and the ``data.json`` that ended in 2022.

In: the parsed JSON (the bytes are UTF-16 with a mark; ``read`` has seen to that). Out: notices. A service hides inside
the ``impacted_services`` of a larger event; an event's own status is its peak and never returns to 0, so it is over
when its newest entry is 0; some regions stay open for months, so regions are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from analysis.status.notice import Notice, Post, mappings, plain, title
from analysis.status.times import as_utc, earliest, latest, printed_clock, zone_of

_IMPACT = {0: "none", 1: "minor", 2: "major", 3: "critical"}
_REGION = re.compile(r"[-_]?((?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-|isob?-)?[a-z]+-\d)$")
_RESOLVED = re.compile(r"^\s*\[resolved\]\s*|\bhas been resolved\b|\boperating normally\b", re.IGNORECASE)
_LABEL = re.compile(r"^\s*\[\w+\]\s*")
_ENTRY = re.compile(
    r"<span[^>]{0,80}>(?P<when>[^<]{4,60})</span>(?P<body>.*?)(?=<span[^>]{0,80}yellowfg|\Z)", re.DOTALL | re.IGNORECASE
)
_US_STANDARD = {"us-standard": "us-east-1"}


def is_events(document: Any) -> bool:
    """Whether the JSON is a list of health events, or lists of them by service."""
    return any(True for _ in _events(document))


def is_old(document: Any) -> bool:
    """Whether the JSON is the ``data.json`` of status.aws.amazon.com."""
    return isinstance(document, Mapping) and {"archive", "current"} <= set(document)


def notices(document: Any) -> list[Notice]:
    """Every event, each once."""
    found: dict[str, Notice] = {}
    for event in _events(document):
        notice = _notice(event)
        found[notice.id] = notice
    return list(found.values())


def old_notices(document: Mapping[str, Any]) -> list[Notice]:
    """Every entry of the old format: posts as HTML whose dates are hours of the day."""
    return [_old_notice(e) for key in ("current", "archive") for e in mappings(document.get(key))]


def _events(document: Any) -> Iterator[Mapping[str, Any]]:
    groups = document.values() if isinstance(document, Mapping) else [document]
    for group in groups:
        for event in mappings(group):
            if "event_log" in event or ("arn" in event and "date" in event):
                yield event


def _notice(event: Mapping[str, Any]) -> Notice:
    entries = mappings(event.get("event_log"))
    posts = sorted((_post(entry) for entry in entries), key=lambda post: (post.posted_at is None, post.posted_at))
    began = as_utc(event.get("date"))
    arn = str(event.get("arn") or "")
    services = _services(event)
    return Notice(
        id=arn or f"{event.get('service')}-{event.get('date')}",
        name=_LABEL.sub("", title(event.get("summary"))),
        impact=_IMPACT.get(_number(event.get("status"))),
        components=tuple(dict.fromkeys(name for name, _ in services)),
        regions=tuple(dict.fromkeys(r for r in (_arn_region(arn), *(region for _, region in services)) if r)),
        began_at=began,
        posted_at=earliest(*(post.posted_at for post in posts)) or began,
        updated_at=latest(*(post.posted_at for post in posts)),
        resolved_at=_end(event, entries),
        posts=tuple(posts),
    )


def _post(entry: Mapping[str, Any]) -> Post:
    status = (
        "resolved" if _number(entry.get("status")) == 0 else _LABEL.sub("", title(entry.get("summary"))).lower()[:80]
    )
    return Post("", as_utc(entry.get("timestamp")), status, plain(entry.get("message")))


def _services(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and region of every service that the event hits."""
    impacted = event.get("impacted_services")
    records = dict(impacted) if isinstance(impacted, Mapping) else {}
    if not records:
        records = {str(event.get("service") or ""): {"service_name": event.get("service_name")}}
    found = []
    for key, record in records.items():
        region = _REGION.search(str(key))
        name = record.get("service_name") if isinstance(record, Mapping) else None
        found.append((title(name) or _REGION.sub("", str(key)), region[1] if region else ""))
    return [(name, region) for name, region in found if name]


def _end(event: Mapping[str, Any], entries: list[Mapping[str, Any]]) -> datetime | None:
    """When the log returned to 0, else when the last service did, else the end that the event states."""
    log = sorted((when, _number(e.get("status"))) for e in entries if (when := as_utc(e.get("timestamp"))))
    if log and log[-1][1] == 0:
        still = [when for when, status in log if status != 0]
        return min(when for when, _ in log if not still or when > still[-1])
    services: dict[str, tuple[datetime, int]] = {}
    for change in mappings(event.get("impacted_service_status_changes")):
        when = as_utc(change.get("timestamp"))
        service = str(change.get("service"))
        if when and (service not in services or when >= services[service][0]):
            services[service] = (when, _number(change.get("current_status")))
    if services and all(status == 0 for _, status in services.values()):
        return max(when for when, _ in services.values())
    stated = as_utc(event.get("end_time"))
    return stated if stated and (not log or stated >= log[-1][0]) else None


def _old_notice(entry: Mapping[str, Any]) -> Notice:
    began = as_utc(entry.get("date"))
    service = str(entry.get("service") or "")
    for label, region in _US_STANDARD.items():
        service = service.replace(label, region)
    found = _REGION.search(service)
    posts = _old_posts(str(entry.get("description") or ""), began)
    summary = title(entry.get("summary"))
    over = bool(_RESOLVED.match(summary)) or bool(posts and _RESOLVED.search(posts[-1].body))
    name = re.sub(r"\s*\([^()]*\)$", "", title(entry.get("service_name")))
    return Notice(
        id=f"{entry.get('service')}-{entry.get('date')}",
        name=_LABEL.sub("", summary),
        impact=_IMPACT.get(_number(entry.get("status"))),
        components=tuple(part for part in (name or _REGION.sub("", service),) if part),
        regions=(found[1],) if found else (),
        posted_at=began,
        updated_at=latest(began, *(post.posted_at for post in posts)),
        resolved_at=latest(began, *(post.posted_at for post in posts)) if over else None,
        posts=tuple(posts),
    )


def _old_posts(description: str, began: datetime | None) -> list[Post]:
    """The posts, each dated by its hour: the first falls on the entry's own day, a later one is never earlier."""
    posts: list[Post] = []
    last = began
    for match in _ENTRY.finditer(description):
        when = _follow(title(match["when"]), last) if last else None
        last = when or last
        body = plain(match["body"])
        posts.append(Post("", when, "resolved" if _RESOLVED.search(body) else "update", body))
    return posts


def _follow(text: str, last: datetime) -> datetime | None:
    clock = printed_clock(text)
    if clock is None:
        return None
    hour, minute, letters = clock
    zone: tzinfo = zone_of(letters) or UTC
    local = last.astimezone(zone)
    moment = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    while moment < local - timedelta(minutes=30):
        moment += timedelta(days=1)
    return moment.astimezone(UTC)


def _arn_region(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1
