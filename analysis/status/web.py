"""One GET of a status page: bounded in time and size, without credentials, with errors that say what to do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ReadTimeoutError
from urllib3.util.retry import Retry

from analysis.errors import (
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RemoteError,
    ServiceUnavailableError,
    UsageError,
)
from analysis.status.read import LARGEST_BODY

AGENT = "actions-incident-kit"
ACCEPT = "application/json, application/atom+xml, application/rss+xml, */*;q=0.5"
_CHUNK = 256 * 1024


@dataclass(frozen=True)
class Page:
    """An answer: the address it came from after redirects, its body and content type."""

    url: str
    body: bytes
    content_type: str | None


def make_session(retries: int = 2) -> requests.Session:
    """A session for status pages: few retries, few redirects, never a credential (not even from a .netrc)."""
    session = requests.Session()
    retry = Retry(
        total=retries,
        read=min(retries, 1),
        backoff_factor=0.5,
        status_forcelist=(502, 503, 504),
        allowed_methods=("GET",),
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=16))
    session.auth = _no_credentials
    session.max_redirects = 5
    session.headers.update({"User-Agent": AGENT, "Accept": ACCEPT})
    return session


def get(session: requests.Session, url: str, *, timeout: float = 20.0) -> Page:
    """Fetch one address.

    Parameters
    ----------
    timeout : float
        Seconds to the first byte; the whole answer may take three times as long.

    Raises
    ------
    UsageError
        The address is none.
    RemoteError
        One of its family: 401, 403, 404, 429, 5xx, no answer, or an answer without end.
    """
    if not is_address(url):
        raise UsageError("this is no address of a status page", where=url, remedy="it begins with https://")
    started = time.monotonic()
    try:
        with session.get(url, timeout=(min(5.0, timeout), timeout), stream=True) as answer:
            _check(answer, url)
            body = bytearray()
            for chunk in answer.iter_content(_CHUNK):
                body += chunk
                if len(body) > LARGEST_BODY or time.monotonic() - started > 3 * timeout:
                    raise RemoteError("the status page does not end", where=url, remedy="give its feed instead")
            return Page(answer.url, bytes(body), answer.headers.get("Content-Type"))
    except requests.exceptions.Timeout as error:
        raise _unreachable("the status page did not answer in time", url) from error
    except requests.exceptions.SSLError as error:
        raise _unreachable("the status page's certificate is not accepted", url) from error
    except requests.exceptions.TooManyRedirects as error:
        raise _unreachable("the status page redirects in circles", url) from error
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise UsageError("this is no address of a status page", where=url, remedy="it begins with https://") from error
    except requests.exceptions.RequestException as error:
        slow = isinstance(getattr(error.args[0], "reason", None) if error.args else None, ReadTimeoutError)
        said = "the status page did not answer in time" if slow else "the status page cannot be reached"
        raise _unreachable(said, url) from error


def is_address(url: str) -> bool:
    """Whether the text is an http or https address with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        return False


def _check(answer: requests.Response, url: str) -> None:
    if urlsplit(url).scheme == "https" and urlsplit(answer.url).scheme != "https":
        raise RemoteError("the status page leaves https", where=url, remedy="give the address it redirects to")
    status = answer.status_code
    if status >= 500:
        remedy = "ask again later, or save the page and give --file"
        raise ServiceUnavailableError(f"the status page answered {status}", where=url, remedy=remedy, status=status)
    if status >= 400:
        kind, remedy = _REFUSALS.get(status, (RemoteError, "check the address"))
        raise kind(f"the status page answered {status}", where=url, remedy=remedy, status=status)


_REFUSALS: dict[int, tuple[type[RemoteError], str]] = {
    401: (AuthenticationError, "it is private; export it to a file and give --file"),
    403: (PermissionDeniedError, "open it in a browser, or save it and give --file"),
    404: (NotFoundError, "the page has moved; give its address with --url"),
    410: (NotFoundError, "the page has moved; give its address with --url"),
    429: (RateLimitError, "wait a few minutes and ask again"),
}


def _unreachable(what: str, url: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(what, where=url, remedy="check the network, or save the page and give --file")


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
