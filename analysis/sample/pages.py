"""What the status pages answer: Status.io's feed for Docker, Statuspage's list of incidents for GitHub.

In: a case's items. Out: bodies in the forms those pages have, down to the feed's times in Pacific time. An item says
what the case says; where the registry is healthy, a page has no item that speaks of its outage.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from analysis.sample.case import Case, Incident
from analysis.sample.objects import stable_sha
from analysis.sample.raw import StatusAnswer

_DOCKER_PAGE = "533c6539221ae15e3f000031"
_GITHUB_PAGE = {
    "id": "kctbh9vrtdwd",
    "name": "GitHub",
    "url": "https://www.githubstatus.com",
    "time_zone": "Etc/UTC",
}


def status_answers(case: Case, *, outage: bool) -> dict[str, StatusAnswer]:
    """The pages of a case.

    Parameters
    ----------
    outage : bool
        Whether Docker Hub really failed; if not, its page only has what does not speak of the registry.
    """
    docker = [one for one in case.status["docker-hub"] if outage or "Desktop" in one.title]
    return {
        "docker-hub": StatusAnswer("rss", _feed(docker, case.until)),
        "github": StatusAnswer("json", json.dumps(_statuspage(case.status["github"], case.until), indent=1) + "\n"),
    }


def _feed(items: Sequence[Incident], now: datetime) -> str:
    newest_first = sorted(items, key=lambda item: item.posts[-1][0], reverse=True)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0">\n  <channel>\n'
        "    <title><![CDATA[Docker Systems Status Page]]></title>\n"
        f"    <lastBuildDate>{_rfc(now)}</lastBuildDate>\n"
        + "".join(map(_item, newest_first))
        + "  </channel>\n</rss>\n"
    )


def _item(item: Incident) -> str:
    posts = "".join(
        f"<small>{_pacific(at)}</small><br /><b>{state}</b> - {escape(text)}<br /><br />"
        for at, state, text in item.posts
    )
    return (
        "    <item>\n"
        f"      <title><![CDATA[{item.title}]]></title>\n"
        f"      <description><![CDATA[{posts}]]></description>\n"
        f"      <link>https://status.io/pages/incident/{_DOCKER_PAGE}/{item.id}</link>\n"
        f'      <guid isPermaLink="false">{item.id}</guid>\n'
        f"      <pubDate>{_rfc(item.posts[-1][0])}</pubDate>\n"
        "    </item>\n"
    )


def _statuspage(items: Sequence[Incident], now: datetime) -> dict[str, Any]:
    newest_first = sorted(items, key=lambda item: item.posts[0][0], reverse=True)
    return {
        "page": {**_GITHUB_PAGE, "updated_at": _millis(now)},
        "incidents": [_incident(item) for item in newest_first],
    }


def _incident(item: Incident) -> dict[str, Any]:
    first, last = item.posts[0][0], item.posts[-1]
    resolved = _millis(last[0]) if last[1] == "Resolved" else None
    code = stable_sha("component", item.component)[:12]
    affected = {"code": code, "name": item.component, "old_status": "operational", "new_status": "degraded_performance"}
    return {
        "id": item.id,
        "name": item.title,
        "status": last[1].lower(),
        "created_at": _millis(first),
        "updated_at": _millis(last[0]),
        "monitoring_at": None,
        "resolved_at": resolved,
        "impact": item.impact,
        "shortlink": f"https://stspg.io/{item.id}",
        "started_at": _millis(first),
        "page_id": _GITHUB_PAGE["id"],
        "incident_updates": [
            {
                "id": stable_sha("update", item.id, at.isoformat())[:12],
                "status": state.lower(),
                "body": text,
                "incident_id": item.id,
                "created_at": _millis(at),
                "updated_at": _millis(at),
                "display_at": _millis(at),
                "affected_components": [affected],
                "deliver_notifications": True,
                "custom_tweet": None,
                "tweet_id": None,
            }
            for at, state, text in reversed(item.posts)
        ],
        "components": [
            {
                "id": code,
                "name": item.component,
                "status": "operational",
                "created_at": "2014-03-03T22:09:07.741Z",
                "updated_at": _millis(last[0]),
                "position": 1,
                "description": None,
                "showcase": False,
                "start_date": None,
                "group_id": None,
                "page_id": _GITHUB_PAGE["id"],
                "group": False,
                "only_show_if_degraded": False,
            }
        ],
        "reminder_intervals": None,
    }


def _pacific(at: datetime) -> str:
    local = at.astimezone(ZoneInfo("America/Los_Angeles"))
    return f"{local:%B} {local.day}, {local:%Y %H:%M %Z}"


def _millis(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _rfc(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
