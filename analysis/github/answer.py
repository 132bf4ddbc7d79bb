"""What does an answer of GitHub mean: data, an error of the one family, or "wait"?

In comes status, headers and body of one HTTP answer, out goes parsed JSON, a `RemoteError`, or the seconds
that a limit asks for. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from analysis.errors import (
    AuthenticationError,
    GoneError,
    NotFoundError,
    PermissionDeniedError,
    RemoteError,
    ServiceUnavailableError,
)
from analysis.github.token import PERMISSIONS

SECONDARY_PAUSE = 60.0
_LIMIT_TEXT = re.compile(r"rate limit|abuse detection|too many requests", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, its body bounded and read."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def message(self) -> str:
        """GitHub's own words for an error, empty where the body is none of its JSON (5xx come as HTML)."""
        try:
            told = json.loads(self.body[:65536])
        except ValueError:
            return ""
        text = told.get("message") if isinstance(told, dict) else None
        return " ".join(text.split())[:300] if isinstance(text, str) else ""

    @property
    def date(self) -> datetime | None:
        """The server's clock."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", ""))
        except (TypeError, ValueError):
            return None

    def json(self) -> Any:
        """The parsed body.

        Raises
        ------
        ServiceUnavailableError
            The body is not JSON: a proxy's or a maintenance page.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ServiceUnavailableError(
                "the answer is not JSON",
                where=bare(self.url),
                remedy="a proxy or a maintenance page answered; check --api-url and try again",
                status=self.status,
            ) from error


def seconds_to_wait(answer: Answer, now: float, turn: int) -> float | None:
    """Seconds that a primary or secondary limit asks for, None where the answer is no limit.

    Parameters
    ----------
    answer : Answer
        Any answer of the API's own host.
    now : float
        Seconds since the epoch, for servers that send no Date.
    turn : int
        How many times in a row this request was held already: without word from the server the pause doubles.
    """
    if answer.status not in (403, 429):
        return None
    told = _retry_after(answer, now)
    if told is not None:
        return told
    spoken = answer.message
    if answer.headers.get("X-RateLimit-Remaining") == "0" and (not spoken or _LIMIT_TEXT.search(spoken)):
        reset = answer.headers.get("X-RateLimit-Reset", "")
        clock = answer.date.timestamp() if answer.date else now
        return max(1.0, float(reset) - clock + 1) if reset.isdigit() else SECONDARY_PAUSE
    if answer.status == 429 or _LIMIT_TEXT.search(spoken):
        return float(SECONDARY_PAUSE * 2**turn)
    return None


def _retry_after(answer: Answer, now: float) -> float | None:
    """The header in seconds, which may be written as a date."""
    told = answer.headers.get("Retry-After", "").strip()
    if told.isdigit():
        return float(told)
    try:
        until = parsedate_to_datetime(told).timestamp()
    except (TypeError, ValueError):
        return None
    return max(1.0, until - (answer.date.timestamp() if answer.date else now))


def raise_for_error(answer: Answer) -> None:
    """Raise the error that an answer stands for; nothing for 2xx, 3xx.

    Raises
    ------
    RemoteError
        The member of the family that fits the status, with GitHub's own words.
    """
    if answer.status < 400:
        return
    spoken = answer.message
    where = bare(answer.url)
    sso = re.search(r"url=(https://\S+)", answer.headers.get("X-GitHub-SSO", ""))
    if answer.status == 401:
        raise AuthenticationError(
            f"GitHub does not accept the token ({spoken or 'Bad credentials'})",
            where=where,
            remedy=f"make a new one with {PERMISSIONS}",
            status=401,
        )
    if answer.status in (403, 451):
        remedy = f"authorise the token for single sign-on: {sso[1]}" if sso else f"the token needs {PERMISSIONS}"
        raise PermissionDeniedError(
            f"GitHub refuses: {spoken or 'forbidden'}", where=where, remedy=remedy, status=answer.status
        )
    if answer.status in (404, 409):
        raise NotFoundError(
            spoken or "not found",
            where=where,
            remedy="GitHub also says so for private things that the token may not see",
            status=answer.status,
        )
    if answer.status == 410:
        raise GoneError(spoken or "gone", where=where, remedy="it is past its retention", status=410)
    if answer.status >= 500:
        raise ServiceUnavailableError(
            f"GitHub answers {answer.status}", where=where, remedy="try again later", status=answer.status
        )
    raise RemoteError(f"GitHub answers {answer.status} {spoken}".strip(), where=where, status=answer.status)


def bare(url: str) -> str:
    """A URL without its query: signatures and tokens stay out of messages."""
    return url.split("?", 1)[0]
