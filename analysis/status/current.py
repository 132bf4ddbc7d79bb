"""How the services stand now, by their own pages: for the first look in a notebook and for ``triage``.

In: names of providers. Out: one state each, within a few seconds whatever happens: a page that cannot be reached is
``unknown``. All are asked at once. What a page says of itself is a claim, not a measurement; ``probe`` measures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

import requests

from analysis.errors import KitError
from analysis.schema import COMPONENTS
from analysis.status import web
from analysis.status.providers import Provider, first_look, provider_named
from analysis.status.read import StatusAnswer, read_status
from analysis.status.rows import Row

RANK = ("operational", "maintenance", "minor", "major", "critical")


@dataclass(frozen=True)
class ServiceState:
    """One provider's word about itself.

    Attributes
    ----------
    provider, title, url : str
        Its name here, its name for people, and its page.
    state : str
        ``operational``, ``maintenance``, ``minor``, ``major``, ``critical`` or ``unknown``: the worst of the page's own
        word, its components and its open incidents.
    components : dict of str to str
        The state of each of our components that the page covers, as far as it says.
    incidents : list of dict
        The open ones, rows of the table ``incidents``.
    checked_at : datetime
        UTC.
    latency_ms : float or None
        How long the page took; None where it did not answer.
    error : str or None
        Why the state is unknown.
    """

    provider: str
    title: str
    url: str
    state: str
    checked_at: datetime
    components: dict[str, str] = field(default_factory=dict)
    incidents: list[Row] = field(default_factory=list)
    latency_ms: float | None = None
    error: str | None = None

    @property
    def indicator(self) -> str:
        """The state in a status page's own word: ``none`` for operational."""
        return "none" if self.state == "operational" else self.state

    @property
    def description(self) -> str:
        """The state in a few words, with the newest open incident's name or why it is unknown."""
        names = [str(row["name"]) for row in self.incidents if row["name"]]
        more = self.error or (names[0] if names else "")
        return f"{self.state}: {more}" if more else self.state


def current_status(
    names: Sequence[str] = (),
    *,
    timeout: float = 5.0,
    session: requests.Session | None = None,
    now: datetime | None = None,
    providers: Iterable[Provider] | None = None,
) -> list[ServiceState]:
    """Ask every page at once how things stand.

    Parameters
    ----------
    names : sequence of str
        Providers, aliases or components; unknown ones come back as ``unknown``. Empty: those of the first look.
    timeout : float
        Seconds for all of it together.
    session : requests.Session, optional
        For tests.
    now : datetime, optional
        The time of the look, for tests.
    providers : iterable of Provider, optional
        Instead of names: pages that are not in the catalogue.

    Returns
    -------
    list of ServiceState
        In the order asked. Never raises for a page that fails.
    """
    checked_at = now or datetime.now(UTC)
    session = session or web.make_session(retries=0)
    wanted = list(providers) if providers is not None else _wanted(names)
    answers: SimpleQueue[tuple[int, ServiceState]] = SimpleQueue()

    def ask(position: int, provider: Provider) -> None:
        answers.put((position, _ask(provider, session, timeout, checked_at)))

    for position, provider in enumerate(wanted):
        threading.Thread(target=ask, args=(position, provider), daemon=True).start()
    states = [_unknown(provider, checked_at, f"no answer within {timeout:g} seconds") for provider in wanted]
    deadline = time.monotonic() + timeout
    for _ in wanted:
        try:
            position, state = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            break
        states[position] = state
    return states


def worst(states: Iterable[str]) -> str:
    """The worst of some states; ``operational`` where there are none."""
    return max((state for state in states if state in RANK), key=RANK.index, default="operational")


def _wanted(names: Sequence[str]) -> list[Provider]:
    if not names:
        return list(first_look())
    found = {}
    for name in names:
        provider = provider_named(name) or Provider(name, name)
        found[provider.name] = provider
    return list(found.values())


def _ask(provider: Provider, session: requests.Session, timeout: float, checked_at: datetime) -> ServiceState:
    if not provider.now:
        return _unknown(provider, checked_at, "no page is known that says how it stands now")
    started = time.monotonic()
    try:
        page = web.get(session, provider.now, timeout=timeout)
        answer = read_status(provider.name, page.body, page.url, checked_at, content_type=page.content_type)
    except KitError as error:
        return _unknown(provider, checked_at, error.line())
    return _state(provider, answer, checked_at, (time.monotonic() - started) * 1000)


def _state(provider: Provider, answer: StatusAnswer, checked_at: datetime, latency_ms: float) -> ServiceState:
    open_now = [row for row in answer.incidents if _is_open(row, checked_at)]
    components = _covered(provider, answer)
    for row in open_now:
        for component in set(row["components"]) & set(COMPONENTS):
            components[component] = worst([components.get(component, "operational"), _word(row)])
    said = "operational" if answer.indicator in (None, "none") else answer.indicator
    return ServiceState(
        provider=provider.name,
        title=provider.title,
        url=provider.page,
        state=worst([said, *components.values(), *(_word(row) for row in open_now)]),
        checked_at=checked_at,
        components=components,
        incidents=open_now,
        latency_ms=round(latency_ms, 1),
    )


def _covered(provider: Provider, answer: StatusAnswer) -> dict[str, str]:
    states: dict[str, str] = {}
    for name, state in answer.states.items():
        ours, _ = provider.components_of([name], "", [])
        for component in set(ours) & set(COMPONENTS):
            word = "operational" if state == "none" else state
            states[component] = worst([states.get(component, "operational"), word])
    return {component: states[component] for component in COMPONENTS if component in states}


def _is_open(row: Row, now: datetime) -> bool:
    if row["resolved_at"] is not None and row["resolved_at"] <= now:
        return False
    return not (row["began_at"] and row["began_at"] > now)


def _word(row: Row) -> str:
    """An incident's impact as a state; a feed does not say it, and then it is at least minor."""
    impact = row["impact"]
    return "minor" if impact is None else "operational" if impact == "none" else str(impact)


def _unknown(provider: Provider, checked_at: datetime, error: str) -> ServiceState:
    return ServiceState(provider.name, provider.title, provider.page, "unknown", checked_at, error=error)
