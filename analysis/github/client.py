"""Ask GitHub's REST API over HTTP: in go a path and parameters, out comes parsed JSON, items, or a job's log.

Every request is counted, paced and answerable to a budget. Limits are waited for, 5xx and resets are tried again,
answers with an ETag are kept on disk. The token goes to the API's own host and nowhere else: redirects are followed
by hand, without it. Safe to use from several threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from requests.utils import parse_header_links
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

from analysis import __version__
from analysis.errors import AuthenticationError, BudgetSpentError, GoneError, RemoteError, ServiceUnavailableError
from analysis.github.answer import Answer, bare, raise_for_error, seconds_to_wait
from analysis.github.cache import BODY_LIMIT, AnswerCache, Kept
from analysis.github.gate import Gate
from analysis.github.token import API_URL, NO_TOKEN_REMEDY
from analysis.github.transport import Bearer, bounded, open_session, origin, reason

API_VERSION = "2022-11-28"
REQUESTS_A_SECOND = 12.0
LOG_LIMIT = 64 * 1024 * 1024
_TIMEOUT = (10, 60)
_TRIED_AGAIN = frozenset({500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class GitHub:
    """A client for one GitHub server.

    Parameters
    ----------
    token : str or None
        Sent as a bearer token to the host of `api_url` only.
    api_url : str
        ``https://api.github.com``, or ``https://HOST/api/v3`` of an Enterprise Server.
    session : requests.Session, optional
        Carries the requests; tests mount their own transport on it.
    budget : int, optional
        Requests that may be sent at most, of every kind.
    wait : bool
        Whether limits are waited for.
    clock, sleep : callable
        Seconds since the epoch, and a pause in seconds (by default one that `gate.stop` ends).
    cache_dir : Path, optional
        Where answers with an ETag are kept.
    pace : float or None
        Requests a second at most; None is no limit, the default is 12, and none on loopback.
    anonymous : bool
        Allow a missing token on a host that is not loopback (60 requests an hour, no logs).

    Attributes
    ----------
    partial : dict of str to str
        Paths whose 200 left out organisations that ask for single sign-on, with the header that says so.
    rate : dict of str to int
        The latest rate-limit headers: limit, remaining, used, reset.
    date : float or None
        The server's clock at the latest answer, seconds since the epoch.
    bytes : int
        Bytes of all bodies so far, as they came off the wire's compression.

    Raises
    ------
    AuthenticationError
        There is no token and one is needed, or it holds characters that no token has.
    """

    def __init__(
        self,
        token: str | None,
        api_url: str = API_URL,
        session: requests.Session | None = None,
        budget: int | None = None,
        wait: bool = True,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
        *,
        cache_dir: Path | None = None,
        pace: float | None = REQUESTS_A_SECOND,
        anonymous: bool = False,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        host = urlsplit(self.api_url).hostname or ""
        self.is_loopback = host in _LOOPBACK
        if not token and not self.is_loopback and not anonymous:
            raise AuthenticationError("no GitHub token", where=self.api_url, remedy=NO_TOKEN_REMEDY)
        if token and (not token.isascii() or not token.isprintable() or " " in token):
            raise AuthenticationError("the GitHub token holds characters that no token has", remedy=NO_TOKEN_REMEDY)
        self._auth = Bearer(token)
        self._session = session or open_session()
        self._clock = clock
        self._cache = AnswerCache(cache_dir, token)
        rate = None if self.is_loopback and pace == REQUESTS_A_SECOND else pace
        self.gate = Gate(budget=budget, rate=rate, wait=wait, clock=clock, sleep=sleep)
        self.partial: dict[str, str] = {}
        self.rate: dict[str, int] = {}
        self.date: float | None = None
        self.bytes = 0

    @property
    def requests(self) -> int:
        """HTTP requests sent so far: pages, repetitions and the redirects' targets included."""
        return self.gate.requests

    @property
    def remaining(self) -> float:
        """Requests that the budget still allows (infinity without a budget)."""
        return float("inf") if self.gate.budget is None else max(0, self.gate.budget - self.gate.requests)

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, keep: bool = True) -> Any:
        """Parsed JSON of one GET.

        Parameters
        ----------
        path : str
            Below `api_url`, with a leading slash.
        params : mapping, optional
            Query parameters; those that are None are left out.
        keep : bool
            Whether the answer is kept with its ETag.

        Raises
        ------
        RemoteError
            The member of the family that fits the answer.
        """
        return self._answer(self._url(path, params), keep).json()

    def pages(
        self, path: str, params: Mapping[str, Any] | None = None, key: str | None = None, *, keep: bool = True
    ) -> Iterator[Any]:
        """Items of a list, page after page as the Link header leads.

        Parameters
        ----------
        path, params, keep
            As for `get`.
        key : str, optional
            Name of the list in an answer that is an object (``workflow_runs``); None where the answer is the list.

        Yields
        ------
        Any
            One item, parsed. The next page is only asked for when its first item is.
        """
        for page in self.lists(path, params, keep=keep):
            yield from items(page, key)

    def lists(self, path: str, params: Mapping[str, Any] | None = None, *, keep: bool = True) -> Iterator[Any]:
        """Whole pages of a list, parsed, as the Link header leads."""
        url: str | None = self._url(path, params)
        seen: set[str] = set()
        while url and url not in seen:
            seen.add(url)
            answer = self._answer(url, keep)
            yield answer.json()
            url = self._next(answer)

    def job_log(self, repo: str, job_id: int) -> bytes:
        """A job's log as it is, at most `LOG_LIMIT` bytes (head and tail of a longer one).

        Two requests: GitHub sends to another host, whose URL lives for about a minute and never sees the token.

        Raises
        ------
        NotFoundError, GoneError
            There is none, or not any more.
        PermissionDeniedError
            The token may not read logs.
        BudgetSpentError
            The budget does not hold both requests.
        """
        if self.remaining < 2:
            raise BudgetSpentError("the budget is used up", remedy="raise --budget")
        url = self._url(f"/repos/{repo}/actions/jobs/{job_id}/logs")
        for last in (False, True):
            answer = self._ask(url, own=True, limit=LOG_LIMIT)
            raise_for_error(answer)
            if answer.status not in _REDIRECTS:
                return answer.body
            answer = self._ask(self._target(answer), own=False, limit=LOG_LIMIT)
            if answer.status < 300:
                return answer.body
            if answer.status == 404 or last or self.remaining < 2:
                break
        if answer.status in (404, 410):
            raise GoneError("the log is no longer there", where=bare(answer.url), status=answer.status)
        raise RemoteError(f"the log's host answers {answer.status}", where=bare(answer.url), status=answer.status)

    # -- one answer ------------------------------------------------------------------------------------

    def _answer(self, url: str, keep: bool) -> Answer:
        kept = self._cache.get(url) if keep else None
        answer = self._ask(url, own=True, limit=BODY_LIMIT, etag=kept.etag if kept else None)
        hops = 0
        while answer.status in _REDIRECTS and hops < 3:
            hops += 1
            target = self._target(answer)
            answer = self._ask(target, own=origin(target) == origin(self.api_url), limit=BODY_LIMIT)
        if answer.status == 304 and kept:
            return Answer(url, 200, {**answer.headers, "Link": kept.link}, kept.body)
        raise_for_error(answer)
        if "partial-results" in answer.headers.get("X-GitHub-SSO", ""):
            self.partial[urlsplit(url).path] = answer.headers["X-GitHub-SSO"]
        elif keep and not hops and answer.headers.get("ETag"):
            self._cache.put(url, Kept(answer.headers["ETag"], answer.headers.get("Link", ""), answer.body))
        return answer

    def _ask(self, url: str, *, own: bool, limit: int, etag: str | None = None) -> Answer:
        """Send until something other than a limit or a passing fault comes back."""
        retry = Retry(total=4, backoff_factor=0.5, status_forcelist=_TRIED_AGAIN)
        turn = 0
        while True:
            self.gate.enter()
            try:
                answer = self._once(url, own, limit, etag)
            except requests.exceptions.SSLError as error:
                raise ServiceUnavailableError(
                    "no trusted connection", where=bare(url), remedy=f"check the certificate: {reason(error)}"
                ) from error
            except (requests.RequestException, HTTPError, OSError) as error:
                retry = self._again(retry, url, None, error)
                continue
            pause = seconds_to_wait(answer, self._clock(), turn) if own else None
            if pause is not None and turn < 6:
                turn += 1
                self.gate.hold(pause, secondary=answer.headers.get("X-RateLimit-Remaining") != "0")
            elif answer.status in _TRIED_AGAIN:
                retry = self._again(retry, url, answer, None)
            else:
                return answer

    def _once(self, url: str, own: bool, limit: int, etag: str | None) -> Answer:
        headers = {"User-Agent": f"actions-incident-kit/{__version__}"}
        if own:
            headers |= {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
        if etag:
            headers["If-None-Match"] = etag
        with self._session.get(
            url,
            headers=headers,
            auth=self._auth if own else Bearer(None),
            allow_redirects=False,
            stream=True,
            timeout=_TIMEOUT,
        ) as response:
            answer = Answer(url, response.status_code, response.headers, bounded(response, limit))
        self.bytes += len(answer.body)
        if own:
            self._learn(answer)
        return answer

    def _again(self, retry: Retry, url: str, answer: Answer | None, error: Exception | None) -> Retry:
        try:
            retry = retry.increment("GET", url, error=error)
        except MaxRetryError as spent:
            if answer is not None:
                raise_for_error(answer)
            raise ServiceUnavailableError(
                f"no answer: {reason(error)}", where=bare(url), remedy="check the network and try again"
            ) from spent
        told = answer.headers.get("Retry-After", "") if answer else ""
        self.gate.pause(min(60.0, float(told)) if told.isdigit() else max(0.5, retry.get_backoff_time()))
        return retry

    def _learn(self, answer: Answer) -> None:
        """Keep the rate-limit headers; where nothing remains, let nobody through until the reset."""
        if answer.date:
            self.date = answer.date.timestamp()
        told = {n: answer.headers.get(f"X-RateLimit-{n}", "") for n in ("Limit", "Remaining", "Used", "Reset")}
        self.rate = {n.lower(): int(v) for n, v in told.items() if v.isdigit()} or self.rate
        if answer.status < 400 and told["Remaining"] == "0" and told["Reset"].isdigit():
            self.gate.hold(max(0.0, float(told["Reset"]) - (self.date or self._clock()) + 1))

    # -- addresses -------------------------------------------------------------------------------------

    def _url(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        query = urlencode({n: v for n, v in (params or {}).items() if v is not None})
        return f"{self.api_url}{path}" + (f"?{query}" if query else "")

    def _next(self, answer: Answer) -> str | None:
        """The next page on this client's own host, whatever host a proxy wrote into the Link."""
        for link in parse_header_links(answer.headers.get("Link", "")):
            if link.get("rel") == "next":
                there = urlsplit(link["url"])
                return f"{origin(self.api_url)}{there.path}" + (f"?{there.query}" if there.query else "")
        return None

    def _target(self, answer: Answer) -> str:
        """Where a redirect leads, refused unless it is as safe as where it came from."""
        target = urljoin(answer.url, answer.headers.get("Location", ""))
        parts = urlsplit(target)
        if parts.scheme == "https" or (self.is_loopback and parts.hostname in _LOOPBACK):
            return target
        raise RemoteError("GitHub redirects to an address that is not https", where=bare(target), status=answer.status)


def items(page: Any, key: str | None) -> list[Any]:
    """The list in one parsed page: under its key, or the page itself."""
    found = page.get(key) if isinstance(page, dict) and key else page
    return [item for item in found if item is not None] if isinstance(found, list) else []
