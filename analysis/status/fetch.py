"""Ask status pages for their incidents: those of the catalogue, any address, or a file.

In: names, an address or a file. Out: rows, and who did not answer. A page that cannot be reached never hides what the
others said: the result is then done in part (exit 3).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from analysis.errors import (
    KitError,
    NotFoundError,
    RateLimitError,
    RemoteError,
    ServiceUnavailableError,
    StorageError,
    UsageError,
)
from analysis.status import web
from analysis.status.providers import Provider, first_look, load_providers, provider_for_filing, provider_named
from analysis.status.read import LARGEST_BODY, StatusAnswer, read_status
from analysis.status.rows import Row, merged

AT_ONCE = 6
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


@dataclass(frozen=True)
class StatusFetch:
    """What the pages said.

    Attributes
    ----------
    incidents, incident_updates : list of dict
        Rows of the tables of these names, each incident once.
    answered : dict of str to str
        The provider's name to the kind of its (first) answer.
    failures : list of Failure
        Who did not answer.
    problems : list of str
        What was answered and could not be read whole.
    requests : int
        How many requests were made.
    fetched_at : datetime
        When the first was made, UTC.
    """

    incidents: list[Row]
    incident_updates: list[Row]
    answered: dict[str, str]
    failures: list[Failure]
    problems: list[str]
    requests: int
    fetched_at: datetime

    @property
    def exit_code(self) -> int:
        """0 all is there, 3 a part is missing, 1 nothing could be had."""
        if self.failures and not self.answered:
            return 1
        return 3 if self.failures or self.problems else 0


@dataclass
class _Visit:
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
        self.requests += 1
        page = web.get(self.session, url)
        return read_status(self.provider.name, page.body, page.url, self.fetched_at, content_type=page.content_type)

    def keep(self, answer: StatusAnswer) -> None:
        self.kind = self.kind or answer.kind
        self.problems += [f"{self.provider.name}: {problem}" for problem in answer.problems]
        for row in answer.incidents:
            older = self.incidents.get(row["incident_id"])
            says = answer.says_components
            self.incidents[row["incident_id"]] = merged(older, row, says_components=says) if older else row
        for row in answer.incident_updates:
            self.updates[row["incident_id"], row["update_id"]] = row

    def fail(self, url: str, error: KitError) -> None:
        self.failures.append(Failure(self.provider.name, url, f"{self.provider.name}: {error.line()}"))


def fetch_status(
    names: Sequence[str] = (),
    *,
    url: str | None = None,
    file: Path | str | None = None,
    since: datetime | None = None,
    session: requests.Session | None = None,
    now: datetime | None = None,
    known: Collection[tuple[str, str]] = frozenset(),
) -> StatusFetch:
    """Pull incidents.

    Parameters
    ----------
    names : sequence of str
        Providers of the catalogue, their aliases, or components (``ghcr``). With ``url`` or ``file``: the one name to
        file what comes under. Empty: the providers of the first look.
    url : str, optional
        A status page, its feed or its JSON; a bare page is tried for what its engine serves to machines.
    file : Path, optional
        A saved answer, or a user's own CSV, JSON, YAML or iCalendar file.
    since : datetime, optional
        Go back that far; incidents that were over before are left out. Statuspage's archive is walked for it.
    session : requests.Session, optional
        For tests and for other transports.
    now : datetime, optional
        The time of the fetch, for tests.
    known : collection of (provider, incident id)
        Incidents that need no fetching again (``filing.settled``).

    Returns
    -------
    StatusFetch

    Raises
    ------
    UsageError
        An unknown name without an address, or a file or address that holds no status answer.
    StorageError
        The file cannot be read.
    """
    fetched_at = now or datetime.now(UTC)
    if (url or file) and len(names) > 1:
        raise UsageError("one address or file is filed under one name", where=", ".join(names), remedy="give one name")
    if file is not None:
        return _from_file(Path(file), names[0] if names else "", since, fetched_at)
    if url and not web.is_address(url):
        raise UsageError("this is no address of a status page", where=url, remedy="it begins with https://")
    session = session or web.make_session()
    if url:
        provider = provider_for_filing(names[0]) if names else _provider_of_host(url)
        visits = [_Visit(provider, session, fetched_at, since, known)]
        _visit_url(visits[0], url)
    else:
        visits = [_Visit(provider, session, fetched_at, since, known) for provider in _wanted(names)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_visit_known, visits))
    return _result(visits, since, fetched_at)


def _wanted(names: Sequence[str]) -> list[Provider]:
    if not names:
        return list(first_look())
    found: dict[str, Provider] = {}
    for name in names:
        provider = provider_named(name)
        if provider is None:
            raise UsageError(
                f"{name!r} is no status page that this kit knows",
                remedy=f"give its address with --url, or one of {', '.join(load_providers())}",
            )
        found[provider.name] = provider
    return list(found.values())


def _provider_of_host(url: str) -> Provider:
    host = urlsplit(url).hostname or url
    for provider in load_providers().values():
        if host == urlsplit(provider.page).hostname:
            return provider
    return provider_for_filing(host)


def _visit_known(visit: _Visit) -> None:
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


def _visit_url(visit: _Visit, url: str) -> None:
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


def _try_all(visit: _Visit, addresses: Iterator[str]) -> bool:
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


def _add_maintenance(visit: _Visit, address: str) -> None:
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


def _walk_archive(visit: _Visit, address: str, answer: StatusAnswer) -> None:
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


def _read_codes(visit: _Visit, root: str, codes: list[str]) -> None:
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


def _from_file(path: Path, name: str, since: datetime | None, fetched_at: datetime) -> StatusFetch:
    try:
        with path.open("rb") as stream:
            body = stream.read(LARGEST_BODY + 1)
    except OSError as error:
        raise StorageError(
            "the file of incidents cannot be read", where=str(path), remedy=f"{error.strerror or error}"
        ) from error
    answer = read_status(name, body, path.name, fetched_at)
    incidents = [row for row in answer.incidents if _is_wanted(row, since)]
    kept = {(row["provider"], row["incident_id"]) for row in incidents}
    return StatusFetch(
        incidents=incidents,
        incident_updates=[u for u in answer.incident_updates if (u["provider"], u["incident_id"]) in kept],
        answered={row["provider"]: answer.kind for row in answer.incidents} or ({name: answer.kind} if name else {}),
        failures=[],
        problems=[f"{path.name}: {problem}" for problem in answer.problems],
        requests=0,
        fetched_at=fetched_at,
    )


def _is_wanted(row: Row, since: datetime | None) -> bool:
    if since is None or (row["resolved_at"] is None and not row["is_maintenance"]):
        return True
    last = row["resolved_at"] or row["updated_at"] or row["posted_at"]
    return last is None or last >= since


def _result(visits: list[_Visit], since: datetime | None, fetched_at: datetime) -> StatusFetch:
    incidents = [row for visit in visits for row in visit.incidents.values() if _is_wanted(row, since)]
    kept = {(row["provider"], row["incident_id"]) for row in incidents}
    updates = [row for visit in visits for row in visit.updates.values()]
    return StatusFetch(
        incidents=incidents,
        incident_updates=[row for row in updates if (row["provider"], row["incident_id"]) in kept],
        answered={visit.provider.name: visit.kind for visit in visits if visit.kind},
        failures=[failure for visit in visits for failure in visit.failures],
        problems=[problem for visit in visits for problem in visit.problems],
        requests=sum(visit.requests for visit in visits),
        fetched_at=fetched_at,
    )
