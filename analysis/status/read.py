"""One door for every status page: a body in, rows out.

The kind is told from the body, never from the address: pages move between engines and keep their paths.
"""

from __future__ import annotations

import codecs
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from analysis.errors import UsageError
from analysis.status import aws, feeds, google, own, pages, statusio, statuspage
from analysis.status.notice import Notice, mapping
from analysis.status.providers import Provider, provider_for_filing, provider_named
from analysis.status.rows import Row, incident_row, update_rows

LARGEST_BODY = 64 * 1024 * 1024
# Statuspage's page of past incidents carries the JSON that it was drawn from.
_HISTORY_PROPS = re.compile(r"data-react-class=\"HistoryIndex\"\s+data-react-props=\"([^\"]*)\"")
_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class StatusAnswer:
    """What one answer of a status page says.

    Attributes
    ----------
    kind : str
        ``statuspage``, ``statuspage-history``, ``statusio``, ``feed``, ``google``, ``aws``, ``aws-2022``, ``instatus``,
        ``betterstack``, ``cachet``, ``calendar``, ``csv``, ``json``, ``yaml``.
    incidents, incident_updates : list of dict
        Rows of the tables of these names.
    states : dict of str to str
        The page's component names and their state now (``none``, ``minor``, ``major``, ``critical``, ``maintenance``),
        where the answer says them.
    indicator : str or None
        The page's overall word now.
    codes : list of (str, datetime)
        Of a history page that only lists incidents: their codes, and the end of the month each belongs to.
    problems : list of str
        What could not be read, a line each.
    says_components : bool
        Whether the format can say components and impact at all; a feed cannot.
    """

    kind: str
    incidents: list[Row]
    incident_updates: list[Row]
    states: dict[str, str] = field(default_factory=dict)
    indicator: str | None = None
    codes: list[tuple[str, datetime]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    says_components: bool = True


@dataclass(frozen=True)
class _Read:
    kind: str
    notices: list[Notice]
    problems: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    indicator: str | None = None
    codes: list[tuple[str, datetime]] = field(default_factory=list)


def read_status(
    provider: str, body: bytes, url: str, fetched_at: datetime, *, content_type: str | None = None
) -> StatusAnswer:
    """Read an answer of a status page, a feed, or a file of incidents.

    Parameters
    ----------
    provider : str
        The name to file it under. Empty: the file's own provider column decides.
    body : bytes
        The answer as it came.
    url : str
        Where it came from (an address or a file name); kept with each incident that has no page of its own.
    fetched_at : datetime
        When it was fetched, aware.
    content_type : str, optional
        The header of that name; its charset is used where the body does not tell.

    Returns
    -------
    StatusAnswer

    Raises
    ------
    UsageError
        The body is no status answer that this kit can read.
    """
    if len(body) > LARGEST_BODY:
        raise UsageError("the status answer is too large", where=url, remedy="at most 64 MiB are read")
    filed = provider_for_filing(provider) if provider else None
    read = _dispatch(body, _text(body, content_type), url, filed)
    incidents: dict[tuple[str, str], Row] = {}
    updates: dict[tuple[str, str, str], Row] = {}
    for notice in read.notices:
        page = filed or _own_provider(notice, url)
        row = incident_row(notice, page, url)
        incidents[page.name, row["incident_id"]] = row
        for update in update_rows(notice, page, fetched_at):
            updates[page.name, row["incident_id"], update["update_id"]] = update
    return StatusAnswer(
        kind=read.kind,
        incidents=list(incidents.values()),
        incident_updates=list(updates.values()),
        states=read.states,
        indicator=read.indicator,
        codes=read.codes,
        problems=read.problems,
        says_components=any(notice.says_components for notice in read.notices),
    )


def _dispatch(body: bytes, text: str, url: str, filed: Provider | None) -> _Read:
    head = text[:4096].lstrip("\ufeff \t\r\n")
    if not head:
        raise UsageError("the status answer is empty", where=url, remedy="check the address")
    if head[0] in "{[":
        document = _json(text)
        if document is None:
            raise UsageError("this JSON is damaged", where=url, remedy="fetch it again, whole")
        return _from_json(document, url, filed)
    if own.is_calendar(head):
        return _Read("calendar", *own.from_calendar(text.encode()))
    if head[0] == "<":
        return _from_markup(body, text, head, url, filed)
    for kind, read in (("yaml", own.from_yaml), ("csv", own.from_csv)):
        found = read(text)
        if found is not None:
            return _Read(kind, *found)
    raise UsageError(
        "this is no status answer that can be read",
        where=url,
        remedy="give a status page's JSON or feed, or a CSV, JSON, YAML or iCalendar file with a column such as"
        " started_at",
    )


def _from_json(document: Any, url: str, filed: Provider | None) -> _Read:
    told = mapping(document)
    if "months" in told:
        return _Read("statuspage-history", [], codes=statuspage.history(told))
    if _is_statuspage(told):
        words = {name: _STATES.get(state, "none") for name, state in statuspage.states(told).items()}
        return _Read("statuspage", statuspage.notices(told), [], words, statuspage.indicator(told))
    if "status_overall" in mapping(told.get("result")):
        return _Read("statusio", statusio.notices(told), [], statusio.states(told), statusio.indicator(told))
    if google.is_google(document):
        return _Read("google", google.notices(document))
    if aws.is_old(document):
        return _Read("aws-2022", aws.old_notices(document))
    if aws.is_events(document):
        return _Read("aws", aws.notices(document))
    if pages.is_instatus(document):
        return _Read("instatus", pages.instatus(told), [], *pages.instatus_states(told))
    if pages.is_betterstack(document):
        return _Read("betterstack", pages.betterstack(told), [], *pages.betterstack_states(told))
    if pages.is_cachet(document):
        return _Read("cachet", pages.cachet(told, filed.zone if filed else None))
    found = own.from_records(document)
    if found is not None:
        return _Read("json", *found)
    raise UsageError(
        "this JSON is no status answer that can be read",
        where=url,
        remedy="a list of incidents needs a field such as started_at in each",
    )


_STATES = {
    "operational": "none",
    "degraded_performance": "minor",
    "partial_outage": "major",
    "major_outage": "critical",
    "full_outage": "critical",
    "under_maintenance": "maintenance",
}


def _is_statuspage(told: Mapping[str, Any]) -> bool:
    if "incident_updates" in told or mapping(told.get("incident")):
        return True
    has_page = bool({"id", "time_zone"} & set(mapping(told.get("page"))))
    return has_page and bool({"incidents", "scheduled_maintenances", "components", "status"} & set(told))


def _from_markup(body: bytes, text: str, head: str, url: str, filed: Provider | None) -> _Read:
    if not re.match(r"<!doctype html|<html", head, re.IGNORECASE):
        feed = feeds.read_feed(
            text.encode() if body[:2] in _UTF16 else body, zone=(filed.zone if filed else None) or UTC
        )
        if feed.is_feed:
            return _Read("feed", feed.notices, feed.problems)
    props = _HISTORY_PROPS.search(text)
    if props:
        return _Read("statuspage-history", [], codes=statuspage.history(mapping(_json(html.unescape(props[1])))))
    raise UsageError(
        "this is a page for people, not an answer that can be read",
        where=url,
        remedy="give its feed or its JSON (such as /history.atom or /api/v2/incidents.json)",
    )


_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _text(body: bytes, content_type: str | None) -> str:
    if body[:2] in _UTF16:
        return body.decode("utf-16", "replace")
    for charset in ("utf-8-sig", *_CHARSET.findall(content_type or "")):
        try:
            return body.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode("latin-1")


def _json(text: str) -> Any:
    try:
        return json.loads(text.lstrip("\ufeff"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _own_provider(notice: Notice, url: str) -> Provider:
    known = provider_named(notice.provider) if notice.provider else None
    return known or provider_for_filing(notice.provider or url.rstrip("/").rsplit("/", 1)[-1] or "own")
