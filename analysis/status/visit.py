"""One visit to a status page: find what it serves to machines, read it, and go back through its archive.

In: a provider, or an address. Out: rows by id, what failed and what could not be read whole. An answer that says less
never wipes out what a richer one said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urljoin, urlsplit

import requests

from analysis.errors import KitError, NotFoundError, RateLimitError, RemoteError, ServiceUnavailableError, UsageError
from analysis.status import web
from analysis.status.providers import Provider
from analysis.status.read import StatusAnswer, read_status
from analysis.status.rows import Row, merged

MOST_PAGES = 80
MOST_INCIDENTS = 600
_EMPTY_PAGES = 3

# Where engines keep what a machine can read, richest first.
_PATHS = (
    "api/v2/incidents.json",
    "api/v2/summary.json",
    "v3/summary.json",
    "summary.json",
    "index.json",
    "api/v1/incidents?per_page=100",
    "api/incidents?per_page=100",
    "incidents.json",
)
_FEEDS = ("history.atom", "history.rss", "rss", "feed", "feed.rss", "feed.atom", "rss.xml", "atom.xml", "status/feed/")
_LINK = re.compile(rb"<link\b[^>]{0,500}\btype=[\"']application/(?:rss|atom)\+xml[\"'][^>]{0,500}>", re.IGNORECASE)
_HREF = re.compile(rb"\bhref=[\"']([^\"'<>\s]{1,500})[\"']", re.IGNORECASE)
_STATUSIO_PAGE = re.compile(rb"/pages/(?:history/|incident/|maintenance/)?([0-9a-f]{24})")


@dataclass(frozen=True)
class Failure:
    """A page, or a part of one, that could not be had: whose, where, and the line that says why and what to do."""

    provider: str
    url: str
    reason: str


@dataclass
class Visit:
    """One provider's visit: what it has brought so far."""

    provider: Provider
    session: requests.Session
    fetched_at: datetime
    since: datetime | None
    known: Collection[tuple[str, str]]
    incidents: dict[str, Row] = field(default_factory=dict)
    updates: dict[tuple[str, str], Row] = field(default_factory=dict)
    kind: str = ""
    failures: list[Failure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    requests: int = 0

    def ask(self, url: str) -> StatusAnswer:
        """Fetch and read one address."""
        self.requests += 1
        page = web.get(self.session, url)
        return read_status(self.provider.name, page.body, page.url, self.fetched_at, content_type=page.content_type)

    def keep(self, answer: StatusAnswer) -> None:
        """Take what an answer says, beside what earlier ones said."""
        self.kind = self.kind or answer.kind
        self.problems += [f"{self.provider.name}: {problem}" for problem in answer.problems]
        for row in answer.incidents:
            older = self.incidents.get(row["incident_id"])
            says = answer.says_components
            self.incidents[row["incident_id"]] = merged(older, row, says_components=says) if older else row
        for row in answer.incident_updates:
            self.updates[row["incident_id"], row["update_id"]] = row

    def fail(self, url: str, error: KitError) -> None:
        """Note an address that could not be had."""
        self.failures.append(Failure(self.provider.name, url, f"{self.provider.name}: {error.line()}"))


def visit_known(visit: Visit) -> None:
    """Read each address of a known page; a host that does not answer at all is not asked a second time."""
    for position, address in enumerate(visit.provider.history):
        try:
            answer = visit.ask(address)
        except KitError as error:
            if position == 0 or not isinstance(error, NotFoundError):
                visit.fail(address, error)
            if isinstance(error, ServiceUnavailableError) and error.status is None:
                return
            continue
        visit.keep(answer)
        _walk_archive(visit, address, answer)


def visit_url(visit: Visit, url: str) -> None:
    visit.requests += 1
    try:
        page = web.get(visit.session, url)
    except UsageError:
        raise
    except RemoteError as error:
        is_bare = urlsplit(url).path in ("", "/")
        if isinstance(error, NotFoundError) and is_bare and _try_all(visit, _candidates(url, b"")):
            return
        visit.fail(url, error)
        return
    try:
        answer = read_status(visit.provider.name, page.body, page.url, visit.fetched_at, content_type=page.content_type)
    except UsageError:
        if not page.body.lstrip()[:1] == b"<" or not _try_all(visit, _candidates(page.url, page.body)):
            raise
        return
    visit.keep(answer)
    _walk_archive(visit, page.url, answer)
    if answer.codes:
        wanted = [code for code, until in answer.codes if visit.since is None or until > visit.since]
        _read_codes(visit, urljoin(page.url, "."), wanted)


def _try_all(visit: Visit, addresses: Iterator[str]) -> bool:
    """Ask each address until one answers as a status page does."""
    for address in addresses:
        try:
            answer = visit.ask(address)
        except RateLimitError as error:
            visit.fail(address, error)
            return True
        except KitError:
            continue
        visit.keep(answer)
        _walk_archive(visit, address, answer)
        if address.endswith("api/v2/incidents.json"):
            _add_maintenance(visit, address)
        return True
    return False


def _add_maintenance(visit: Visit, address: str) -> None:
    """Statuspage lists maintenances apart; a page without that list has none to say."""
    try:
        visit.keep(visit.ask(address.replace("incidents.json", "scheduled-maintenances.json")))
    except KitError:
        return


def _candidates(url: str, page: bytes) -> Iterator[str]:
    is_file = "." in url.split("?")[0].rsplit("/", 1)[-1]
    deepest = urljoin(url, ".") if is_file else f"{url.split('?')[0].rstrip('/')}/"
    roots = dict.fromkeys((deepest, urljoin(url, "."), urljoin(url, "/")))
    for root in roots:
        yield from (urljoin(root, path) for path in _PATHS)
    for link in _LINK.findall(page[:500_000])[:5]:
        target = _HREF.search(link)
        if target:
            yield urljoin(url, target[1].decode("utf-8", "replace").replace("&amp;", "&"))
    for identifier in dict.fromkeys(_STATUSIO_PAGE.findall(page[:500_000])[:3]):
        yield urljoin(url, f"/pages/{identifier.decode()}/rss")
    for root in roots:
        yield from (urljoin(root, path) for path in _FEEDS)


def _walk_archive(visit: Visit, address: str, answer: StatusAnswer) -> None:
    """Statuspage's answer holds the last 50 incidents; the months before stand in ``history.json``, page by page."""
    is_list = answer.kind == "statuspage" and address.split("?")[0].endswith("/api/v2/incidents.json")
    if not is_list or visit.since is None:
        return
    oldest = min((row["posted_at"] for row in answer.incidents if row["posted_at"]), default=None)
    if oldest is None or oldest < visit.since:
        return
    root = address.split("?")[0].removesuffix("api/v2/incidents.json")
    codes: dict[str, None] = {}
    empty = 0
    for number in range(1, MOST_PAGES + 1):
        try:
            found = visit.ask(f"{root}history.json?page={number}").codes
        except KitError as error:
            if not (number == 1 and isinstance(error, NotFoundError)):
                visit.fail(f"{root}history.json?page={number}", error)
            break
        codes.update((code, None) for code, until in found if until > visit.since)
        empty = 0 if found else empty + 1
        if empty >= _EMPTY_PAGES or (found and max(until for _, until in found) <= visit.since):
            break
    _read_codes(visit, root, list(codes))


def _read_codes(visit: Visit, root: str, codes: list[str]) -> None:
    wanted = [c for c in codes if c not in visit.incidents and (visit.provider.name, c) not in visit.known]
    for position, code in enumerate(wanted):
        address = f"{root}api/v2/incidents/{code}.json"
        if position >= MOST_INCIDENTS:
            visit.problems.append(
                f"{visit.provider.name}: {len(wanted) - position} older incidents were left for the next time"
            )
            return
        try:
            visit.keep(visit.ask(address))
        except KitError as error:
            visit.fail(address, error)
            if not isinstance(error, NotFoundError):
                return
