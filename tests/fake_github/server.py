"""The socket around `analysis.sample.replay.respond`."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from analysis.sample.raw import RawHistory
from analysis.sample.replay import respond
from tests.fake_github.faults import HTML, SECONDARY, Faults


@dataclass(frozen=True)
class Seen:
    """One request that reached the server, and what it got (0: the connection was closed)."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    status: int


class FakeGitHub:
    """Serves a raw history on 127.0.0.1 until closed.

    Parameters
    ----------
    history : RawHistory
        What is served; `history` and `now` may be set anew while it runs, to let time go on.
    token : str, optional
        The only token that is accepted.
    limit : int
        Requests an hour.
    faults : Faults, optional
        What goes wrong.
    public_url : str
        Address of a proxy in front, for the links between pages; may be set later.

    Attributes
    ----------
    api_url : str
        For ``--api-url``.
    seen : list of Seen
        Requests in the order in which they were answered.
    """

    def __init__(
        self,
        history: RawHistory,
        *,
        port: int = 0,
        now: datetime | None = None,
        token: str | None = None,
        limit: int = 5000,
        faults: Faults | None = None,
        public_url: str = "",
    ) -> None:
        self.history, self.now, self.token, self.limit = history, now, token, limit
        self.faults = faults or Faults()
        self.public_url = public_url
        self.seen: list[Seen] = []
        self.used = 0
        self.lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.api_url = f"http://127.0.0.1:{self.port}"
        self.blob_url = f"http://localhost:{self.port}"

    def status_url(self, provider: str) -> str:
        """Address of a provider's page."""
        return f"{self.api_url}/status/{provider}"

    def __enter__(self) -> FakeGitHub:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve_forever(self) -> None:
        """Serve in this thread."""
        self._server.serve_forever()


def _handler(fake: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "FakeGitHub"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            time.sleep(fake.faults.slow)
            fault = fake.faults.strike(self.path)
            if fault == "reset":
                self._note(0)
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                self.connection.close()
                return
            if fault == "error":
                self._send(502, {"Content-Type": "text/html"}, HTML)
                return
            if fault == "secondary":
                wait = {"Content-Type": "application/json", "Retry-After": str(fake.faults.retry_after)}
                self._send(429, wait, SECONDARY)
                return
            self._send(*self._ask())

        def _ask(self) -> Any:
            host = self.headers.get("Host", f"127.0.0.1:{fake.port}")
            with fake.lock:
                used = fake.used
                fake.used += 1
            answer = respond(
                fake.history,
                self.command,
                (fake.public_url or f"http://{host}") + self.path,
                dict(self.headers.items()),
                now=fake.now,
                used=used,
                limit=fake.limit,
                token=fake.token,
                blob_url=fake.blob_url,
            )
            if answer.status == 304 or self.path.startswith(("/blobs/", "/status/")):
                with fake.lock:
                    fake.used -= 1
            return answer

        def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self._note(status)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _note(self, status: int) -> None:
            with fake.lock:
                fake.seen.append(
                    Seen(self.command, self.headers.get("Host", ""), self.path, dict(self.headers.items()), status)
                )

        def log_message(self, *_: object) -> None:
            pass

    return Handler
