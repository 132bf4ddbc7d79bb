"""A `requests` session that a raw history answers: a sample takes the path of real history, with no socket.

In: a `RawHistory`. Out: a session for `GitHub(..., session=)` and for reading status pages. What is no part of the
history (another host) fails as it would without a network.
"""

from __future__ import annotations

import io
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from analysis.sample.raw import RawHistory
from analysis.sample.replay.api import BLOBS, respond
from analysis.sample.replay.status_pages import status_page

_NO_LIMIT = 10**6
_OURS = ("api.github.com", urlsplit(BLOBS).hostname)


class ReplayAdapter(HTTPAdapter):
    """Transport over `respond`.

    Parameters
    ----------
    history : RawHistory
        What is served.
    now : datetime, optional
        The servers' time; may be set later, to let history go on.
    token, limit
        As for `respond`.

    Attributes
    ----------
    used : int
        Requests that counted against the limit so far.
    """

    def __init__(
        self, history: RawHistory, now: datetime | None = None, *, token: str | None = None, limit: int = _NO_LIMIT
    ) -> None:
        super().__init__()
        self.history, self.now, self.token, self.limit = history, now, token, limit
        self.used = 0
        self._lock = Lock()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer a prepared request.

        Raises
        ------
        requests.ConnectionError
            The host is no part of the history.
        """
        url = request.url or ""
        parsed = urlsplit(url)
        host = parsed.hostname or ""
        if host not in _OURS and status_page(self.history, host, parsed.path) is None:
            raise requests.ConnectionError(f"a sample has no network: {host}", request=request)
        answer = respond(
            self.history,
            request.method or "GET",
            url,
            {key: str(value) for key, value in request.headers.items()},
            now=self.now,
            used=self.used,
            limit=self.limit,
            token=self.token,
        )
        if host == "api.github.com" and answer.status != 304:
            with self._lock:
                self.used += 1
        body = b"" if request.method == "HEAD" else answer.body
        raw = HTTPResponse(body=io.BytesIO(body), headers=answer.headers, status=answer.status, preload_content=False)
        return self.build_response(request, raw)


def replay_session(history: RawHistory, now: datetime | None = None, **options: Any) -> requests.Session:
    """A session whose every request the history answers; `options` go to `ReplayAdapter`."""
    session = requests.Session()
    session.trust_env = False
    adapter = ReplayAdapter(history, now, **options)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
