"""What the stages of collect share: the client, the rows on their way to disk, gaps, and how much may be spent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from analysis.collect.history import History
from analysis.collect.options import CollectOptions, Gap, Progress
from analysis.errors import AuthenticationError, BudgetSpentError, RateLimitError, RemoteError, ServiceUnavailableError
from analysis.github import GitHub
from analysis.store import Store

Row = dict[str, Any]
Item = TypeVar("Item")
Answer = TypeVar("Answer")

WORKERS = 4
_CHUNK = 24
DOWN_BELIEVED = 8
_BATCH_ROWS = 20_000
_BATCH_SECONDS = 20.0
LASTING = ("log", "jobs", "releases")
_FATAL = (BudgetSpentError, RateLimitError, AuthenticationError)


class Desk:
    """The shared state of one run of collect. Rows are filed from the main thread only.

    Attributes
    ----------
    since, until : datetime
        The window that is asked for.
    written : Counter
        Rows written so far, by table.
    known_gaps : set of (repo, kind, identifier)
        What earlier collections could not have and nobody will have.
    denied : dict of repo to int
        Logs in a row that the token was refused.
    gone : dict of repo to list of datetime
        When the jobs began whose log was gone, older than any log that was had.
    skipped : set of (repo, job id)
        Jobs whose log is not worth asking for.
    missing : list of str
        What an early end left out.
    sampling : Counter
        Of how many things how many were looked at.
    """

    def __init__(
        self,
        options: CollectOptions,
        store: Store,
        github: GitHub,
        progress: Progress,
        window: tuple[datetime, datetime],
    ) -> None:
        self.options = options
        self.store = store
        self.github = github
        self.progress = progress
        self.since, self.until = window
        self.history = History()
        self.gaps: dict[tuple[str, str, str], Gap] = {}
        self.known_gaps: set[tuple[str, str, str]] = set()
        self.written: Counter[str] = Counter()
        self.denied: dict[str, int] = {}
        self.gone: dict[str, list[datetime]] = {}
        self.skipped: set[tuple[str, int]] = set()
        self.missing: list[str] = []
        self.sampling: Counter[str] = Counter()
        self._first = github.requests
        self._cap = options.cap
        self._budget_before = github.gate.budget
        if self._cap is not None:
            limit = self._first + self._cap
            github.gate.budget = limit if github.gate.budget is None else min(limit, github.gate.budget)
        self._down = 0
        self._kept: dict[str, set[int]] = {}
        self._pending: dict[str, list[Row]] = {}
        self._flushed_at = time.monotonic()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="collect")

    # -- spending --------------------------------------------------------------------------------------

    @property
    def spent(self) -> int:
        """Requests sent by this run."""
        return self.github.requests - self._first

    @property
    def left(self) -> float:
        """Requests that this run may still send."""
        return self.github.remaining

    def share(self, part: float) -> float:
        """That part of the whole cap, in requests."""
        return float("inf") if self._cap is None else part * self._cap

    # -- asking ----------------------------------------------------------------------------------------

    def each(self, items: Iterable[Item], ask: Callable[[Item], Answer]) -> Iterator[tuple[Item, Answer | RemoteError]]:
        """Ask for many things at once; answers come in the order of the items.

        Raises
        ------
        BudgetSpentError, RateLimitError, AuthenticationError, ServiceUnavailableError
            After the answers that did come were given out; the last where nothing else comes any more.
        """

        def tried(item: Item) -> Answer | RemoteError:
            try:
                return ask(item)
            except RemoteError as error:
                return error

        waiting = list(items)
        for start in range(0, len(waiting), _CHUNK):
            part = waiting[start : start + _CHUNK]
            fatal: RemoteError | None = None
            for item, answer in zip(part, list(self._pool.map(tried, part)), strict=True):
                self._down = self._down + 1 if isinstance(answer, ServiceUnavailableError) else 0
                if isinstance(answer, RemoteError) and (isinstance(answer, _FATAL) or self._down >= DOWN_BELIEVED):
                    fatal = fatal or answer
                    continue
                yield item, answer
            if fatal is not None:
                raise fatal
            self._maybe_flush()

    def load_gaps(self) -> None:
        """Read what earlier collections could not have."""
        frame = self.store.read("gaps", ["repo", "kind", "identifier"])
        lasting = frame[frame["kind"].isin(LASTING)]
        self.known_gaps = set(lasting.itertuples(index=False, name=None))

    def is_asked(self, run: Row) -> bool:
        """Whether a run lies in the window that was asked for."""
        return bool(self.since <= run["created_at"] < self.until)

    def kept_logs(self, repo: str) -> set[int]:
        """Jobs of a repository whose log was kept before this run."""
        if repo not in self._kept:
            self._kept[repo] = self.store.log_ids(repo)
        return self._kept[repo]

    def gap(self, repo: str, kind: str, identifier: object, reason: str) -> None:
        """Note something that could not be had."""
        gap = Gap(repo, kind, str(identifier), reason)
        if (repo, kind, str(identifier)) in self.gaps:
            return
        self.gaps[repo, kind, str(identifier)] = gap
        self.file(
            "gaps",
            [
                {
                    "repo": repo,
                    "kind": kind,
                    "identifier": str(identifier),
                    "reason": reason,
                    "since": self.since,
                    "until": self.until,
                }
            ],
        )

    # -- filing ----------------------------------------------------------------------------------------

    def file(self, table: str, rows: Sequence[Row]) -> None:
        """Take rows for the next batch."""
        if rows:
            self._pending.setdefault(table, []).extend(rows)

    def flush(self) -> None:
        """Write what waits."""
        pending, self._pending = self._pending, {}
        for table in sorted(pending):
            self.written[table] += self.store.upsert(table, pending[table])
        self._flushed_at = time.monotonic()

    def close(self) -> None:
        """Let the workers go and give the client its own budget back."""
        self.github.gate.budget = self._budget_before
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _maybe_flush(self) -> None:
        waits = sum(map(len, self._pending.values()))
        if waits > _BATCH_ROWS or (waits and time.monotonic() - self._flushed_at > _BATCH_SECONDS):
            self.flush()
