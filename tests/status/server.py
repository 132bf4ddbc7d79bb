"""A status page on loopback: paths and what they answer."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Page:
    """What the server answers and what it was asked."""

    root: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)


class Server(ThreadingHTTPServer):
    """A server that does not mind clients who hang up."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        return


@contextmanager
def serving(answers: dict[str, Any], *, delay: float = 0.0) -> Iterator[Page]:
    """Serve bodies (JSON values, text, bytes), ``int`` statuses, or (status, headers, body)."""
    page = Page(answers=answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page.asked.append(self.path)
            page.headers.append(dict(self.headers))
            time.sleep(delay)
            answer = page.answers.get(self.path, 404)
            status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
            if isinstance(body, int):
                status, body = body, b""
            if not isinstance(body, bytes):
                body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    page.root = f"http://127.0.0.1:{server.server_port}"
    try:
        yield page
    finally:
        server.shutdown()
        server.server_close()
