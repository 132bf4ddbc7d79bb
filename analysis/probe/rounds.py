"""Look at registries again and again, politely, and give rows of the table ``probes``.

In: registries, an image, how often. Out: after each look at one registry, its rows. No retry inside a look: a failure
is what is to be measured. Between looks at least the interval, longer while a registry fails or asks for it.
"""

from __future__ import annotations

import heapq
import os
import random as chance
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import requests

from analysis.probe.look import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Answer,
    Ask,
    Memory,
    Stage,
    Target,
    Unreachable,
    look,
    pause,
    reason,
)
from analysis.probe.registries import target

Row = dict[str, Any]


def probe(
    registry: str,
    image: str | None = None,
    *,
    session: requests.Session | None = None,
    vantage: str | None = None,
    memory: Memory | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Row]:
    """One look at one registry.

    Parameters
    ----------
    registry : str
        A component or a host.
    image : str, optional
        A small public image; left out: the registry's own in the catalogue.
    session : requests.Session, optional
        For tests.
    vantage : str, optional
        Where this machine stands, in the user's words.
    memory : Memory, optional
        Of earlier looks: spares a token and a manifest.
    clock, now : callable
        Seconds, and the time of day.

    Returns
    -------
    list of dict
        Rows of ``probes``, one a stage.

    Raises
    ------
    UsageError
        No such registry or image.
    """
    aim = target(registry, image)
    stages = look(aim, asker(session), memory=memory or Memory(), clock=clock, now=now)
    return [row(aim, stage, vantage or here()) for stage in stages]


def probe_registries(
    registries: Sequence[str],
    *,
    image: str | None = None,
    interval: float = 60.0,
    count: int = 1,
    vantage: str | None = None,
    session: requests.Session | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    random: Callable[[], float] = chance.random,
) -> Iterator[list[Row]]:
    """Look ``count`` times at each registry.

    Parameters
    ----------
    interval : float
        Seconds between two looks at one registry; doubled while it fails, up to ten minutes, and more where it asks.
    sleep, random : callable
        For tests.

    Yields
    ------
    list of dict
        The rows of one look at one registry.

    Raises
    ------
    UsageError
        Before the first look: no such registry or image.
    """
    targets = [target(registry, image) for registry in registries]
    return _rounds(targets, asker(session), interval, count, vantage or here(), clock, sleep, now, random)


def _rounds(
    targets: Sequence[Target],
    ask: Ask,
    interval: float,
    count: int,
    vantage: str,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    now: Callable[[], datetime],
    random: Callable[[], float],
) -> Iterator[list[Row]]:
    memories = [Memory() for _ in targets]
    failures = [0] * len(targets)
    due = [(clock(), number, count) for number in range(len(targets)) if count > 0]
    heapq.heapify(due)
    while due:
        at, number, left = heapq.heappop(due)
        if at > clock():
            sleep(at - clock())
        stages = list(look(targets[number], ask, memory=memories[number], clock=clock, now=now))
        yield [row(targets[number], stage, vantage) for stage in stages]
        failures[number] = failures[number] + 1 if any(stage.error for stage in stages) else 0
        wait = max((stage.retry_after or 0.0 for stage in stages), default=0.0)
        if left > 1:
            heapq.heappush(due, (clock() + pause(interval, failures[number], wait, random()), number, left - 1))


def row(aim: Target, stage: Stage, vantage: str) -> Row:
    """A stage as a row of ``probes``."""
    return {
        "registry": aim.registry,
        "probed_at": stage.probed_at,
        "operation": stage.operation,
        "vantage": vantage,
        "http_status": stage.http_status,
        "latency_ms": stage.latency_ms,
        "error": stage.error,
    }


def here(environment: Mapping[str, str] = os.environ) -> str:
    """Where this machine stands, as far as it knows: a runner of GitHub, or just here."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return "local"
    image = environment.get("ImageOS") or environment.get("RUNNER_OS") or "runner"
    return f"github-actions {image} {environment.get('RUNNER_ENVIRONMENT', '')}".strip()


def asker(session: requests.Session | None = None) -> Ask:
    """An asker over requests: no retry, no redirect, no credential of this machine."""
    own = session or requests.Session()
    own.auth = _as_it_is

    def ask(method: str, url: str, headers: Mapping[str, str], most: int) -> Answer:
        timeout = (CONNECT_SECONDS, READ_SECONDS)
        try:
            with own.request(
                method, url, headers=dict(headers), timeout=timeout, allow_redirects=False, stream=True
            ) as answer:
                body = b"" if method == "HEAD" else _body(answer, most)
                return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)
        except requests.exceptions.SSLError as error:
            raise Unreachable("no TLS connection") from error
        except requests.exceptions.Timeout as error:
            seconds = CONNECT_SECONDS if isinstance(error, requests.exceptions.ConnectTimeout) else READ_SECONDS
            raise Unreachable(f"no answer within {seconds} s") from error
        except requests.exceptions.RequestException as error:
            raise Unreachable(reason(_innermost(error))) from error

    return ask


def _body(answer: requests.Response, most: int) -> bytes:
    began = time.monotonic()
    body = b""
    for chunk in answer.iter_content(min(most, 65536)):
        body += chunk
        if len(body) >= most:
            break
        if time.monotonic() - began > READ_SECONDS:
            raise requests.exceptions.ReadTimeout
    return body[:most]


def _innermost(error: BaseException) -> BaseException:
    """The error of the socket under the layers of the HTTP libraries."""
    for _ in range(8):
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__ or _argument(error)
        if not isinstance(inner, BaseException):
            return error
        error = inner
    return error


def _argument(error: BaseException) -> Any:
    return next((argument for argument in error.args if isinstance(argument, BaseException)), None)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
