"""Small answers of status pages, written as the engines write them."""

import html
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from analysis.status import StatusAnswer, read_status

NOW = datetime(2025, 1, 20, 12, tzinfo=UTC)
PAGE = {"id": "kctbh9vrtdwd", "name": "GitHub", "url": "https://www.githubstatus.com", "time_zone": "Etc/UTC"}
DOCKER_PAGE = "533c6539221ae15e3f000031"


def read(body: Any, provider: str = "github", url: str = "https://status.example/answer") -> StatusAnswer:
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return read_status(provider, data, url, NOW)


def the_incident(body: Any, provider: str = "github") -> dict[str, Any]:
    (row,) = read(body, provider).incidents
    return row


def update(at: str, body: str = "We are looking.", status: str = "investigating", **fields: Any) -> dict[str, Any]:
    made = {"id": f"u{at}", "status": status, "body": body, "created_at": at, "display_at": at, "updated_at": at}
    return made | {"affected_components": None} | fields


def incident(**fields: Any) -> dict[str, Any]:
    at = fields.get("created_at", "2025-01-08T13:00:00.000Z")
    made = {
        "id": "abc123def456", "name": "Incident with Packages", "status": "resolved", "impact": "minor",
        "created_at": at, "started_at": at, "updated_at": at, "resolved_at": "2025-01-08T15:00:00.000Z",
        "incident_updates": [update(at)], "components": [{"id": "c1", "name": "Packages", "status": "operational"}],
    }  # fmt: skip
    return made | fields


def statuspage(*incidents: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"page": PAGE, "incidents": list(incidents)} | fields


def statusio_rss(
    *posts: tuple[str, str, str],
    title: str = "Registry errors",
    identifier: str = "677e7c70e1d0f100000000aa",
    kind: str = "incident",
    published: str = "Wed, 08 Jan 2025 15:00:00 GMT",
) -> str:
    small = "".join(f"<small>{when}</small><br /><b>{state}</b> - {text}<br /><br />" for when, state, text in posts)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title><![CDATA[Docker Systems Status Page]]></title><item>
<title><![CDATA[{title}]]></title><description><![CDATA[{small}]]></description>
<link>https://status.io/pages/{kind}/{DOCKER_PAGE}/{identifier}</link>
<guid isPermaLink="false">{identifier}</guid><pubDate>{published}</pubDate></item></channel></rss>"""


def statuspage_atom(
    *posts: tuple[str, str, str], title: str = "Incident with Packages", published: str, updated: str | None = None
) -> str:
    """Posts as (``Jan 8, 15:00 UTC``, state, text), newest first."""
    small = "".join(
        f"<p><small>{_marked(when)}</small><br><strong>{state}</strong> - {text}</p>" for when, state, text in posts
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>GitHub Status - Incident History</title><entry>
<id>tag:www.githubstatus.com,2005:Incident/23746865</id><published>{published}</published>
<updated>{updated or published}</updated><title>{title}</title>
<link rel="alternate" type="text/html" href="https://www.githubstatus.com/incidents/nm83zrdky73y"/>
<content type="html">{html.escape(small)}</content></entry></feed>"""


def _marked(when: str) -> str:
    month, day, *rest = when.replace(",", "").split()
    return f"{month} <var data-var='date'>{day}</var>, <var data-var='time'>{rest[0]}</var> {' '.join(rest[1:])}"


def posts_of(answer: StatusAnswer) -> Sequence[tuple[str, str]]:
    return [(str(row["status"]), str(row["body"])) for row in answer.incident_updates]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
