"""One look at a registry: its front door, its token service, a manifest, a byte of a blob.

In: a host, an image and something that asks. Out: one stage after the other, each with its status, its latency and what
is wrong. What is healthy is not always 200: a registry that wants a token answers 401 with a challenge.

This file imports nothing but Python's standard library: the workflow that probes from the runners carries it as it
stands (``workflow.py``), so what is measured there and here is the same.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

CONNECT_SECONDS = 5
READ_SECONDS = 10
LARGEST = 4 * 1024 * 1024
MOST_REDIRECTS = 5
LONGEST_PAUSE = 600.0
AGENT = "actions-incident-kit"
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_PAIR = re.compile(r'(\w+)="([^"]{0,2000})"')
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
_TRACES = ("cf-ray", "x-github-request-id", "x-amzn-requestid", "x-ms-correlation-request-id", "x-served-by")


@dataclass(frozen=True)
class Target:
    """Where a look goes: our name for the registry, its host, and an image's name and tag or digest (may be empty)."""

    registry: str
    host: str
    name: str = ""
    reference: str = ""

    @property
    def scheme(self) -> str:
        """https, but http for this machine itself, as container clients do."""
        return "http" if is_loopback(self.host) else "https"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names in lower case, the body cut where the asker said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Unreachable(Exception):
    """There was no answer; the text says why."""


Ask = Callable[[str, str, Mapping[str, str], int], Answer]


@dataclass(frozen=True)
class Stage:
    """One stage of a look.

    Attributes
    ----------
    operation : str
        ``v2``, ``token``, ``manifest`` or ``blob``.
    probed_at : datetime
        When it was asked, UTC.
    http_status : int or None
        Of the last answer, after redirects; None where there was none.
    latency_ms : float
        Milliseconds to that answer, or to giving up.
    error : str or None
        What is wrong, with the host that said it; None where the registry does what it should.
    host : str
        The host that gave the last answer: a healthy registry can hide a bad CDN.
    retry_after : float or None
        Seconds that the answer asks to wait.
    """

    operation: str
    probed_at: datetime
    http_status: int | None
    latency_ms: float
    error: str | None
    host: str
    retry_after: float | None = None


@dataclass
class Memory:
    """What one look leaves for the next: the challenge, a token and when it ends (on the clock), a blob's digest."""

    challenge: dict[str, str] = field(default_factory=dict)
    token: str = ""
    token_ends: float = 0.0
    blob: str = ""


def look(
    target: Target,
    ask: Ask,
    *,
    memory: Memory,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Stage]:
    """Look once.

    Parameters
    ----------
    target : Target
        Without an image only ``v2`` is looked at.
    ask : callable
        ``(method, url, headers, most bytes of the body) -> Answer``; follows no redirect, raises ``Unreachable``.
    memory : Memory
        Of earlier looks at the same target; changed in place.
    clock, now : callable
        Seconds for latencies, and the time of day.

    Yields
    ------
    Stage
        In order. A stage that cannot be asked because an earlier one failed is not there.
    """
    walk = _Walk(target, ask, clock, now)
    root = f"{target.scheme}://{target.host}/v2/"
    door, answer = walk.stage("v2", "GET", root, {}, _door_error)
    yield door
    if answer and door.error is None:
        memory.challenge = challenge(answer)
    elif not memory.challenge:
        return
    if not target.name or memory.challenge.get("scheme") == "basic":
        return
    if memory.challenge.get("realm") and (not memory.token or clock() >= memory.token_ends):
        yield _token(walk, memory)
        if not memory.token:
            return
    bearer = {"Authorization": f"Bearer {memory.token}"} if memory.token else {}
    manifest = f"{root}{target.name}/manifests/"
    accept = {"Accept": MANIFESTS}
    yield walk.stage("manifest", "HEAD", manifest + target.reference, accept | bearer, _plain_error)[0]
    if not memory.blob:
        memory.blob, why = _some_blob(walk, manifest, target.reference, accept | bearer)
        if not memory.blob:
            yield Stage("blob", now(), None, 0.0, why, target.host)
            return
    url = f"{root}{target.name}/blobs/{memory.blob}"
    yield walk.stage("blob", "GET", url, {"Range": "bytes=0-0"} | bearer, _plain_error, most=1)[0]


def challenge(answer: Answer) -> dict[str, str]:
    """The challenge of a 401: scheme (``bearer``, ``basic``), realm, service, scope. Empty where nothing is asked."""
    header = answer.headers.get("www-authenticate", "")
    scheme = header.partition(" ")[0].lower()
    if answer.status != 401 or not scheme:
        return {"scheme": "none"}
    return {"scheme": scheme, **{name.lower(): value for name, value in _PAIR.findall(header)}}


class _Walk:
    """Asks on behalf of one look: follows redirects without leaking the token, times, and says what is wrong."""

    def __init__(self, target: Target, ask: Ask, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self.target = target
        self._ask = ask
        self.clock = clock
        self._now = now

    def stage(
        self,
        operation: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        judge: Callable[[Answer], str | None],
        most: int = LARGEST,
    ) -> tuple[Stage, Answer | None]:
        """Ask, follow, judge."""
        began, start = self._now(), self.clock()
        answer, host, error = self.follow(method, url, headers, most)
        latency = (self.clock() - start) * 1000
        if answer and not error:
            wrong = judge(answer)
            error = f"{wrong} from {host}{_trace(answer)}" if wrong else None
        wait = retry_after(answer, self._now()) if answer else None
        status = answer.status if answer else None
        return Stage(operation, began, status, round(latency, 1), error, host, wait), answer

    def follow(
        self, method: str, url: str, headers: Mapping[str, str], most: int
    ) -> tuple[Answer | None, str, str | None]:
        """The last answer, the host that gave it, and why there is none or why it was not followed."""
        host = first = urllib.parse.urlsplit(url).netloc
        answer: Answer | None = None
        for _ in range(MOST_REDIRECTS + 1):
            sent = {k: v for k, v in headers.items() if host == first or k.lower() != "authorization"}
            try:
                answer = self._ask(method, url, {"User-Agent": AGENT, **sent}, most)
            except Unreachable as error:
                return None, host, f"{error} ({host})"
            location = answer.headers.get("location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer, host, None
            try:
                url = urllib.parse.urljoin(url, location)
            except ValueError:
                return answer, host, f"redirected by {host} to no address"
            if not self.allows(url):
                return answer, host, f"redirected by {host} to something that is not https"
            parts = urllib.parse.urlsplit(url)
            host = _UNPRINTABLE.sub("?", parts.netloc)[:120]
        return answer, host, f"more than {MOST_REDIRECTS} redirects ({host})"

    def allows(self, url: str) -> bool:
        """https everywhere; http only from this machine to itself."""
        try:
            parts = urllib.parse.urlsplit(url)
        except ValueError:
            return False
        if not parts.hostname or "@" in parts.netloc:
            return False
        own = self.target.scheme == "http" and is_loopback(parts.netloc)
        return parts.scheme == "https" or (parts.scheme == "http" and own)


def _token(walk: _Walk, memory: Memory) -> Stage:
    realm = memory.challenge["realm"]
    if not walk.allows(realm):
        host = walk.target.host
        return Stage("token", walk._now(), None, 0.0, f"{host} names a token service that is not https", host)
    asked = {"service": memory.challenge.get("service", ""), "scope": f"repository:{walk.target.name}:pull"}
    query = urllib.parse.urlencode({name: value for name, value in asked.items() if value})
    url = f"{realm}{'&' if '?' in realm else '?'}{query}"
    stage, answer = walk.stage("token", "GET", url, {}, _token_error)
    found = _json(answer) if answer and stage.error is None else {}
    memory.token = str(found.get("token") or found.get("access_token") or "")
    seconds = found.get("expires_in")
    memory.token_ends = walk.clock() + (float(seconds) if isinstance(seconds, int | float) and seconds > 0 else 60.0)
    return stage


def _some_blob(walk: _Walk, manifest: str, reference: str, headers: Mapping[str, str]) -> tuple[str, str]:
    """The digest of the image's smallest blob, else why none is known. Read once: a GET counts as a pull."""
    for _ in range(2):
        answer, host, error = walk.follow("GET", manifest + reference, headers, LARGEST)
        wrong = error or (_plain_error(answer) if answer else None)
        if not answer or wrong:
            return "", f"no blob is known: the manifest answered {wrong}" + ("" if error else f" from {host}")
        document = _json(answer)
        blobs = [b for b in (document.get("config"), *_list(document.get("layers"))) if isinstance(b, dict)]
        known = [blob for blob in blobs if _DIGEST.match(str(blob.get("digest")))]
        if known:
            return str(min(known, key=lambda blob: int(blob.get("size") or 0))["digest"]), ""
        images = [m for m in _list(document.get("manifests")) if isinstance(m, dict)]
        digests = [str(m.get("digest")) for m in images if _DIGEST.match(str(m.get("digest")))]
        if not digests:
            break
        reference = digests[0]
    return "", f"no blob is known: the manifest of {walk.target.host} names none"


def _door_error(answer: Answer) -> str | None:
    if answer.status == 401 and challenge(answer)["scheme"] in ("bearer", "basic"):
        return None
    if answer.status == 401:
        return "401 without a challenge"
    return _plain_error(answer)


def _plain_error(answer: Answer) -> str | None:
    if answer.status in (200, 206):
        return "a web page instead of a registry's answer" if _is_html(answer) else None
    code = _code(answer)
    return f"{answer.status} {code}" if code else str(answer.status)


def _token_error(answer: Answer) -> str | None:
    wrong = _plain_error(answer)
    if wrong:
        return wrong
    found = _json(answer)
    return None if found.get("token") or found.get("access_token") else "200 without a token"


def _is_html(answer: Answer) -> bool:
    return "text/html" in answer.headers.get("content-type", "") or answer.body[:200].lstrip()[:1] == b"<"


def _code(answer: Answer) -> str:
    """The registry's own error code (``TOOMANYREQUESTS``), as far as it is a word."""
    errors = _list(_json(answer).get("errors"))
    code = errors[0].get("code") if errors and isinstance(errors[0], dict) else ""
    return code if isinstance(code, str) and re.fullmatch(r"[A-Z_]{3,40}", code) else ""


def _trace(answer: Answer) -> str:
    for name in _TRACES:
        value = answer.headers.get(name, "")
        if re.fullmatch(r"[\w:.-]{1,80}", value):
            return f", {name} {value}"
    return ""


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds that an answer asks to wait (``Retry-After`` in seconds or as a date)."""
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,6}", text):
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds()) if text else None
    except (TypeError, ValueError):
        return None


def pause(interval: float, failures: int, wait: float | None, random: float) -> float:
    """Seconds until the next look: doubling with failures up to ten minutes, what the server asks for, some jitter."""
    doubled = min(interval * 2.0 ** min(failures, 10), max(LONGEST_PAUSE, interval))
    return max(doubled, min(wait or 0.0, 3600.0)) * (1 + 0.1 * random)


def is_loopback(netloc: str) -> bool:
    """Whether a host is this machine."""
    host = netloc.rpartition("@")[2]
    host = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    return host in ("localhost", "::1") or bool(re.fullmatch(r"127(?:\.\d{1,3}){3}", host))


def _json(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any, **named: Any) -> None:
        return None


def ask_with_urllib(method: str, url: str, headers: Mapping[str, str], most: int) -> Answer:
    """An asker of the standard library, for the runners."""
    request = urllib.request.Request(url, method=method, headers=dict(headers))
    try:
        try:
            answer = urllib.request.build_opener(_NoRedirect).open(request, timeout=READ_SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = b"" if method == "HEAD" else answer.read(most)
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)
    except (OSError, ValueError) as error:
        raise Unreachable(reason(error)) from error
    except Exception as error:
        raise Unreachable("the answer is no HTTP") from error


def reason(error: BaseException) -> str:
    """Why there was no answer, in a few words."""
    cause = getattr(error, "reason", None)
    inner = cause if isinstance(cause, BaseException) else error
    if isinstance(inner, socket.gaierror):
        return "the name is not resolved"
    if isinstance(inner, ssl.SSLError):
        return "no TLS connection"
    if isinstance(inner, TimeoutError):
        return f"no answer within {READ_SECONDS} s"
    if isinstance(inner, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(inner, ConnectionError):
        return "the connection was reset"
    return "no connection"


def watch(targets: list[Target], path: str, vantage: str, interval: float, count: int) -> None:
    """On a runner: look ``count`` times at every target and append each stage to a file of JSON lines."""
    memories = {target: Memory() for target in targets}
    failures = 0
    for number in range(count):
        waits = []
        with Path(path).open("a", encoding="utf-8") as file:
            for target in targets:
                for stage in look(target, ask_with_urllib, memory=memories[target]):
                    row = asdict(stage) | {"registry": target.registry, "vantage": vantage}
                    row["probed_at"] = stage.probed_at.isoformat()
                    file.write(json.dumps(row) + "\n")
                    waits.append((stage.error, stage.retry_after or 0.0))
        failures = failures + 1 if waits and all(error for error, _ in waits) else 0
        if number + 1 < count:
            time.sleep(pause(interval, failures, max((wait for _, wait in waits), default=0.0), time.time() % 1))


if __name__ == "__main__":
    given = json.loads(os.environ["PROBE"])
    watch([Target(**target) for target in given.pop("targets")], **given)
