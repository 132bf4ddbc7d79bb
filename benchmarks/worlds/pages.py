"""Status pages' answers: Statuspage's JSON and Status.io's RSS, as they read at the end of the history.

In: incidents of a world. Out: text per page, with the traps of the real ones (PDT in Status.io's posts, components as
they are now, items of other products beside what matters).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

from benchmarks.worlds.releases import DAY, HOUR, fake_sha
from benchmarks.worlds.setup import Incident

PAGES = {"docker": "rss", "github": "json", "quay": "json", "npm": "json", "pypi": "json"}
PROVIDERS = {"docker": "docker-hub", "github": "github", "quay": "quay", "npm": "npm", "pypi": "pypi"}
_DOCKER = "533c6539221ae15e3f000031"


def pages(incidents: list[Incident], start: float, now: float) -> dict[str, tuple[str, str]]:
    """Page name to (kind, body), every page present though it may tell nothing of note."""
    found = {}
    for page, kind in PAGES.items():
        own = [i for i in incidents if i.page == page and i.posted <= now] + _noise(page, start, now)
        own.sort(key=lambda i: i.posted, reverse=True)
        found[page] = (kind, _rss(own, now) if kind == "rss" else _statuspage(page, own, now))
    return found


def _noise(page: str, start: float, now: float) -> list[Incident]:
    """Old or unrelated items that any page has."""
    seed = int(fake_sha(page, start)[:6], 16)
    old = start - (3 + seed % 20) * DAY
    items = {
        "docker": ("Scout: delayed results", ("Docker Scout",)),
        "github": ("Incident with Copilot", ("Copilot",)),
        "quay": ("Builds delayed", ("Quay.io Builds",)),
        "npm": ("Website search slow", ("www.npmjs.com website",)),
        "pypi": ("Mirror lag", ("Test PyPI",)),
    }
    title, parts = items[page]
    made = [Incident(page, title, parts, old, old, old + 2 * HOUR, "minor")]
    late = start + (2 + seed % 9) * DAY
    if seed % 3 == 0 and late + 3 * HOUR < now:
        made.append(Incident(page, title, parts, late, late, late + 3 * HOUR, "minor"))
    return made


def _at(t: float) -> str:
    return datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _statuspage(page: str, incidents: list[Incident], now: float) -> str:
    rows = []
    for i in incidents:
        number = fake_sha(page, i.title, i.posted)[:12]
        done = i.resolved is not None and i.resolved <= now
        planned = i.impact == "maintenance"
        parts = [
            {"id": fake_sha(c)[:12], "name": c, "status": "operational", "created_at": _at(0), "updated_at": _at(now),
             "position": 1, "description": None, "showcase": True, "start_date": None, "group_id": None,
             "page_id": page, "group": False, "only_show_if_degraded": False}
            for c in i.components
        ]  # fmt: skip
        posts = [(i.posted, "scheduled" if planned else "investigating", i.body)]
        if done and i.resolved is not None:
            text = "The maintenance has been completed." if planned else "This incident has been resolved."
            posts.append((i.resolved, "completed" if planned else "resolved", text))
        updates = [
            {"id": fake_sha(number, t)[:12], "status": s, "body": body, "incident_id": number, "created_at": _at(t),
             "updated_at": _at(t), "display_at": _at(t), "deliver_notifications": True, "custom_tweet": None,
             "tweet_id": None, "affected_components": None}
            for t, s, body in reversed(posts)
        ]  # fmt: skip
        row = {
            "id": number, "name": i.title, "status": posts[-1][1], "created_at": _at(i.posted),
            "updated_at": _at(posts[-1][0]), "monitoring_at": None,
            "resolved_at": _at(i.resolved or 0) if done else None, "impact": i.impact,
            "shortlink": f"https://stspg.io/{number}", "started_at": _at(i.posted),
            "page_id": page, "incident_updates": updates, "components": parts, "reminder_intervals": None,
        }  # fmt: skip
        if planned:
            row |= {"scheduled_for": _at(i.began), "scheduled_until": _at(i.began + 3 * HOUR)}
        rows.append(row)
    about = {"id": page, "name": page, "url": f"https://status.{page}.example", "time_zone": "Etc/UTC",
             "updated_at": _at(now)}  # fmt: skip
    return json.dumps({"page": about, "incidents": rows})


def _rss(incidents: list[Incident], now: float) -> str:
    items = []
    for i in incidents:
        done = i.resolved is not None and i.resolved <= now
        posts = [(i.posted, "Investigating", i.body)]
        if done and i.resolved is not None:
            posts.append((i.resolved, "Resolved", "The issue is now resolved"))
        text = "".join(f"<small>{_pacific(t)}</small><br /><b>{s}</b> - {body}<br /><br />" for t, s, body in posts)
        number = f"{int(i.posted):08x}{fake_sha(i.title)[:16]}"
        items.append(
            f"<item><title><![CDATA[{i.title}]]></title><description><![CDATA[{text}]]></description>"
            f"<link>https://status.io/pages/incident/{_DOCKER}/{number}</link>"
            f'<guid isPermaLink="false">{number}</guid>'
            f"<pubDate>{format_datetime(datetime.fromtimestamp(posts[-1][0], UTC), usegmt=True)}</pubDate></item>"
        )
    built = format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title><![CDATA[Docker Systems Status Page]]></title><lastBuildDate>{built}</lastBuildDate>"
        + "".join(items)
        + "</channel></rss>"
    )


def _pacific(t: float) -> str:
    moment = datetime.fromtimestamp(t, UTC)
    spring = datetime(moment.year, 3, 8, 10, tzinfo=UTC)
    spring += timedelta(days=(6 - spring.weekday()) % 7)
    autumn = datetime(moment.year, 11, 1, 9, tzinfo=UTC)
    autumn += timedelta(days=(6 - autumn.weekday()) % 7)
    summer = spring <= moment < autumn
    local = moment.astimezone(timezone(timedelta(hours=-7 if summer else -8)))
    return f"{local:%B} {local.day}, {local:%Y %H:%M} {'PDT' if summer else 'PST'}"
