"""Status pages as their hosts answer: the history as it is written, and the little that follows from it.

In: the host and path that were asked. Out: an answer, or None where no status page is meant. A page is asked at its own
host, or below ``/status/PROVIDER/`` of any host (the fake server has but one).
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from analysis.sample.raw import RawHistory, StatusAnswer
from analysis.sample.replay.answer import Answer, message
from analysis.status.providers import load_providers

_TYPES = {"json": "application/json; charset=utf-8", "rss": "application/rss+xml; charset=utf-8"}
_EMPTY_STATUSIO = {"status_overall": {"status": "Operational", "status_code": 100}, "status": [], "incidents": []}


def status_page(history: RawHistory, host: str, path: str) -> Answer | None:
    """Answer for a status page.

    Returns
    -------
    Answer or None
        404 where the page has nothing at that path; None where host and path mean no status page.
    """
    if path.startswith("/status/"):
        provider, _, rest = path.removeprefix("/status/").partition("/")
        return _found(history.status.get(provider), f"/{rest}")
    named = _provider_of(host)
    return None if named is None else _found(history.status.get(named), path)


def _found(page: StatusAnswer | None, path: str) -> Answer:
    return message(404, "Not Found") if page is None else _page(page, path)


def _provider_of(host: str) -> str | None:
    return _providers_by_host().get(host)


@cache
def _providers_by_host() -> dict[str, str]:
    return {
        urlsplit(address).hostname or provider.name: provider.name
        for provider in load_providers().values()
        for address in (provider.page, provider.now, *provider.history)
        if address
    }


def _page(page: StatusAnswer, path: str) -> Answer:
    if page.kind == "rss":
        return _statusio(page, path)
    if path in ("", "/") or path.endswith(("/incidents.json", "events.json", "/currentevents")):
        return _body(page.kind, page.body)
    try:
        told = json.loads(page.body)
    except ValueError:
        return message(404, "Not Found")
    return _statuspage(told, path) if isinstance(told, dict) and "page" in told else message(404, "Not Found")


def _statusio(page: StatusAnswer, path: str) -> Answer:
    if path.startswith("/1.0/status/"):
        return _body("json", json.dumps({"result": {**_EMPTY_STATUSIO, "maintenance": {"active": [], "upcoming": []}}}))
    if path in ("", "/") or path.endswith(("/rss", ".rss")):
        return _body(page.kind, page.body)
    return message(404, "Not Found")


def _statuspage(told: dict[str, Any], path: str) -> Answer:
    open_ones = [incident for incident in told["incidents"] if incident.get("resolved_at") is None]
    calm = {"indicator": "none", "description": "All Systems Operational"}
    head = {"page": told["page"]}
    answers: dict[str, dict[str, Any]] = {
        "/api/v2/scheduled-maintenances.json": {**head, "scheduled_maintenances": []},
        "/api/v2/incidents/unresolved.json": {**head, "incidents": open_ones},
        "/api/v2/status.json": {**head, "status": calm},
        "/api/v2/summary.json": {
            **head, "components": [], "incidents": open_ones, "scheduled_maintenances": [], "status": calm,
        },
        **{f"/api/v2/incidents/{one['id']}.json": {**head, "incident": one} for one in told["incidents"]},
    }  # fmt: skip
    found = answers.get(path)
    return message(404, "Not Found") if found is None else _body("json", json.dumps(found))


def _body(kind: str, text: str) -> Answer:
    return Answer(200, {"Content-Type": _TYPES[kind]}, text.encode())
