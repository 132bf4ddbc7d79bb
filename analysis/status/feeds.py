"""What an Atom or RSS feed of a status page says: Statuspage, Status.io, Azure, Instatus and any other.

In: the body of the feed and the zone of its page. Out: notices, and a line for each entry whose times could not be
trusted. The posts on an entry stand in its HTML, each under a small date; Statuspage prints no year, Status.io prints
letters for the zone. ``published`` is the time of the last post, so the posts decide. A feed says neither components
nor impact.
"""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from io import BytesIO
from typing import Any

import feedparser

from analysis.status.notice import Notice, Post, plain, title
from analysis.status.times import Printed, as_utc, earliest, latest, near, object_id_time, printed

MOST_ENTRIES = 2000
_POST = re.compile(
    r"<small>(?P<when>.{3,300}?)</small>\s*(?:<br\s*/?>\s*)?<(?:strong|b)>(?P<status>[^<]{1,40})</(?:strong|b)>"
    r"(?:\s*-\s*)?(?P<body>.*?)(?=<small>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_OVER = frozenset({"resolved", "completed", "closed", "postmortem"})
_SAYS_OVER = re.compile(r"\b(?:resolved|completed|mitigated|closed)\b", re.IGNORECASE)
_MAINTENANCE = re.compile(
    r"\b(?:scheduled|planned|routine|emergency)\b.{0,40}\b(?:maintenance|upgrade|migration)\b|\bmaintenance window\b"
    r"|^\W*(?:\[?maintenance\]?\b)",
    re.IGNORECASE,
)
_PLANNED_STATES = frozenset({"scheduled", "completed", "in progress", "verifying"})
_MAINTENANCE_STATES = _PLANNED_STATES | {"active", "closed", "pending", "update"}
_UNDERWAY = frozenset({"active", "in progress", "verifying"})
_EVENT = re.compile(r"SCHEDULED EVENT(?P<when>.{3,300}?)</(?:strong|b|p)>", re.DOTALL)
_CODE = re.compile(r"/(?:incidents?|maintenances?|scheduled_maintenances?)/(?:[0-9a-f]{24}/)?(?P<code>[\w-]{4,64})/?$")
# An ObjectId's time and the first post's lie within minutes of each other; a whole number of quarter hours
# apart means that the letters of the zone are wrong or unknown.
_SAME = timedelta(minutes=5)
_NEVER = datetime.max.replace(tzinfo=UTC)
_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Feed:
    """A feed's notices, the line of each problem, and whether it was a feed at all."""

    notices: list[Notice]
    problems: list[str]
    is_feed: bool


def read_feed(body: bytes, *, zone: tzinfo = UTC) -> Feed:
    """Read a feed's entries as notices.

    Parameters
    ----------
    body : bytes
        Atom, RSS or RDF.
    zone : tzinfo
        The page's zone, for posts whose letters nobody knows.
    """
    parsed = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    problems: list[str] = []
    found = [_notice(entry, zone, problems) for entry in parsed.entries[:MOST_ENTRIES]]
    if len(parsed.entries) > MOST_ENTRIES:
        problems.append(f"the feed has {len(parsed.entries)} entries; the first {MOST_ENTRIES} were read")
    if parsed.bozo and not parsed.version:
        problems.append(f"the feed is damaged: {' '.join(str(parsed.get('bozo_exception', '')).split())[:200]}")
    elif parsed.bozo and _is_damaged(parsed):
        problems.append(f"the feed is damaged after {len(found)} entries: {str(parsed.bozo_exception)[:200]}")
    return Feed(found, problems, bool(parsed.version))


def _is_damaged(parsed: Any) -> bool:
    return type(parsed.get("bozo_exception")).__name__ in {"SAXParseException", "SAXException"}


def _notice(entry: Any, zone: tzinfo, problems: list[str]) -> Notice:
    link, name = str(entry.get("link") or ""), title(entry.get("title"))
    text = _html(entry)
    published = _time(entry, "published")
    updated = _time(entry, "updated") or published
    code = _identifier(entry, link)
    segments = _segments(text)
    is_maintenance = _is_maintenance(link, name, segments)
    made = object_id_time(code)
    posts = _posts(segments, updated or published or made, zone, None if is_maintenance else made, name, problems)
    if not posts:
        posts = _single(text, published or updated)
    over = [p.posted_at for p in posts if p.status in _OVER and p.status != "postmortem"]
    resolved = earliest(*over) or (_last(posts) if _SAYS_OVER.search(name) else None)
    first = earliest(*(p.posted_at for p in posts)) or published or updated
    exact = _to_the_second(made, first) if not is_maintenance else None
    return Notice(
        id=code,
        name=name,
        impact="maintenance" if is_maintenance else None,
        began_at=_underway(text, posts, updated or published, zone) if is_maintenance else None,
        id_time=exact,
        posted_at=exact or first,
        updated_at=latest(updated, published, _last(posts)),
        resolved_at=_to_the_second(published, resolved) or _to_the_second(updated, resolved) or resolved,
        is_maintenance=is_maintenance,
        url=link if link.startswith(("https://", "http://")) else None,
        posts=tuple(posts),
        says_components=False,
    )


def _html(entry: Any) -> str:
    parts = [part.get("value", "") for part in entry.get("content", [])] or [entry.get("summary", "")]
    return max((str(part) for part in parts), key=len)[:400_000]


def _identifier(entry: Any, link: str) -> str:
    found = _CODE.search(link.split("?")[0])
    return found["code"] if found else title(entry.get("id") or link)[:200]


def _time(entry: Any, field: str) -> datetime | None:
    if field not in entry:
        return None
    parts = entry.get(f"{field}_parsed")
    if parts and as_utc(entry.get(field)) is None:
        return as_utc(datetime.fromtimestamp(timegm(parts), UTC))
    return as_utc(entry.get(field))


def _segments(text: str) -> list[tuple[Printed | None, str, str]]:
    found = []
    for match in _POST.finditer(text):
        when = printed(plain(match["when"]).replace("\n", " "))
        found.append((when, title(match["status"]).lower(), plain(match["body"])))
    return found


def _is_maintenance(link: str, name: str, segments: list[tuple[Printed | None, str, str]]) -> bool:
    if "/maintenance" in link:
        return True
    states = {status for _, status, _ in segments}
    by_states = bool(states & _PLANNED_STATES) and states <= _MAINTENANCE_STATES
    return by_states or bool(_MAINTENANCE.search(name))


def _posts(
    segments: list[tuple[Printed | None, str, str]],
    anchor: datetime | None,
    zone: tzinfo,
    made: datetime | None,
    name: str,
    problems: list[str],
) -> list[Post]:
    if not segments or not anchor:
        return []
    read = [(near(when, anchor, zone=zone) if when else None, status, body) for when, status, body in segments]
    shift = _shift(read, made)
    if shift:
        problems.append(f"{name!r}: its zone letters are off by {shift}; the incident's id decides")
    elif made is None and any(when and when.zone is None for when, _, _ in segments):
        problems.append(f"{name!r}: a time without a known zone was read in the page's zone")
    posts = [Post("", when - shift if when else None, status, body) for when, status, body in read]
    if posts[0].posted_at and posts[-1].posted_at and posts[0].posted_at >= posts[-1].posted_at and len(posts) > 1:
        posts.reverse()
    return sorted(posts, key=lambda post: (post.posted_at or _NEVER, post.status in _OVER))


def _shift(read: list[tuple[datetime | None, str, str]], made: datetime | None) -> timedelta:
    """How far the printed times stand from the id's time: zero, or a whole number of quarter hours."""
    first = earliest(*(when for when, _, _ in read))
    if not first or not made or abs(first - made) <= _SAME:
        return timedelta()
    steps = round((first - made) / _QUARTER)
    whole = steps * _QUARTER
    is_zone = abs(first - made - whole) <= timedelta(minutes=1) and abs(whole) <= timedelta(hours=14)
    return whole if is_zone else timedelta()


def _single(text: str, when: datetime | None) -> list[Post]:
    body = plain(text)
    first_words = body[:80].lower()
    status = "resolved" if re.match(r"\W*(?:status:\s*)?(?:resolved|completed)\b", first_words) else "update"
    return [Post("", when, status, body)] if body else []


def _underway(text: str, posts: list[Post], anchor: datetime | None, zone: tzinfo) -> datetime | None:
    """When a maintenance began: when a post says it is under way, else when the feed says it is planned."""
    started = earliest(*(post.posted_at for post in posts if post.status in _UNDERWAY))
    planned = _EVENT.search(text)
    when = printed(plain(planned["when"]).replace("\n", " ")) if planned and not started else None
    return near(when, anchor, zone=zone) if when and anchor else started


def _last(posts: list[Post]) -> datetime | None:
    return latest(*(post.posted_at for post in posts))


def _to_the_second(precise: datetime | None, minute: datetime | None) -> datetime | None:
    """The precise time, where it lies near the one that was printed to the minute."""
    return precise if precise and minute and abs(precise - minute) <= _SAME else None
