"""The small parts of sending a request: the token on it, how much of an answer is read, what an error says."""

from __future__ import annotations

from collections import deque
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase


class Bearer(AuthBase):
    """Sets the token, or nothing: given always, so that no .netrc entry takes its place."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def open_session() -> requests.Session:
    """A session that keeps connections open for several threads."""
    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=16)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def bounded(response: requests.Response, limit: int) -> bytes:
    """At most `limit` bytes: all, or the first and the last half."""
    head = bytearray()
    tail: deque[bytes] = deque()
    held = 0
    for chunk in response.iter_content(65536):
        if len(head) < limit // 2:
            head += chunk
            continue
        tail.append(chunk)
        held += len(chunk)
        while held - len(tail[0]) > limit // 2:
            held -= len(tail.popleft())
    return bytes(head) + b"".join(tail)


def origin(url: str) -> str:
    """Scheme and host of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def reason(error: Exception | None) -> str:
    """An error of the network in one short line."""
    text = str(getattr(error, "reason", None) or error)
    return " ".join(text.split())[:200] or type(error).__name__
