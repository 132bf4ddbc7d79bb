"""Answers from a list or a function, in the place of the network."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from analysis.github import GitHub

Reply = tuple[int, dict[str, str], Any] | Exception


class Script(BaseAdapter):
    """Plays replies in order (the last one again and again), or asks a function for each request."""

    def __init__(self, replies: Sequence[Reply] | Callable[[requests.PreparedRequest], Reply]) -> None:
        super().__init__()
        self.replies = replies
        self.sent: list[requests.PreparedRequest] = []
        self.lock = Lock()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        with self.lock:
            self.sent.append(request)
            count = len(self.sent)
        reply = self.replies(request) if callable(self.replies) else self.replies[min(count, len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        status, headers, body = reply
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        raw = HTTPResponse(io.BytesIO(content), headers=headers, status=status, preload_content=False)
        response = requests.Response()
        response.status_code, response.raw, response.request, response.url = status, raw, request, request.url or ""
        response.headers = requests.structures.CaseInsensitiveDict(headers)
        return response

    def close(self) -> None:
        pass


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self, now: float = 1_736_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def client(script: Script, clock: Clock | None = None, **settings: Any) -> GitHub:
    """A client whose network is the script and whose clock stands still but for its sleeping."""
    clock = clock or Clock()
    session = requests.Session()
    session.mount("https://", script)
    session.mount("http://", script)
    settings.setdefault("token", "ghp_secret")
    settings.setdefault("pace", None)
    return GitHub(session=session, clock=clock, sleep=clock.sleep, **settings)
