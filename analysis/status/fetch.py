"""Ask status pages for their incidents: those of the catalogue, any address, or a file.

In: names, an address or a file. Out: rows, and who did not answer. A page that cannot be reached never hides what the
others said: the result is then done in part (exit 3).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from analysis.errors import StorageError, UsageError
from analysis.status import web
from analysis.status.providers import Provider, first_look, load_providers, provider_for_filing, provider_named
from analysis.status.read import LARGEST_BODY, read_status
from analysis.status.rows import Row
from analysis.status.visit import Failure, Visit, visit_known, visit_url

AT_ONCE = 6


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
        visits = [Visit(provider, session, fetched_at, since, known)]
        visit_url(visits[0], url)
    else:
        visits = [Visit(provider, session, fetched_at, since, known) for provider in _wanted(names)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(visit_known, visits))
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


def _result(visits: list[Visit], since: datetime | None, fetched_at: datetime) -> StatusFetch:
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
