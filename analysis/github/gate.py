"""When may the next request go out? Budget, pace and GitHub's limits, over all threads of one client."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from analysis.errors import BudgetSpentError, RateLimitError

_log = logging.getLogger(__name__)
LONGEST_WAIT = 2 * 3600.0
WORTH_TELLING = 5.0


class Gate:
    """Counts requests, spaces them out, and holds everyone while a limit lasts.

    Attributes
    ----------
    requests : int
        Requests let through so far.
    budget : int or None
        How many may be let through at most.
    on_wait : callable
        Told the seconds of each pause that a person would notice, once; by default it logs a warning.
    """

    def __init__(
        self,
        *,
        budget: int | None,
        rate: float | None,
        wait: bool,
        clock: Callable[[], float],
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.requests = 0
        self.budget = budget
        self.on_wait: Callable[[float], None] = _log_wait
        self._told = 0.0
        self._interval = 1 / rate if rate else 0.0
        self._wait = wait
        self._clock = clock
        self._stopped = threading.Event()
        self._sleep = sleep or self._doze
        self._lock = threading.Lock()
        self._next = 0.0
        self._resume = 0.0

    def enter(self) -> None:
        """Wait for this request's turn and count it.

        Raises
        ------
        BudgetSpentError
            The budget is used up.
        RateLimitError
            A limit lasts and waiting is not allowed.
        """
        with self._lock:
            if self.budget is not None and self.requests >= self.budget:
                raise BudgetSpentError(f"the budget of {self.budget} requests is used up", remedy="raise --budget")
            now = self._clock()
            held = self._resume - now
            if held > 0:
                self._refuse_or_tell(held)
            turn = max(now, self._next, self._resume)
            self._next = turn + self._interval
            self.requests += 1
        if turn > now:
            self.pause(turn - now)

    def pause(self, seconds: float) -> None:
        """Let time pass, until `stop` at the latest.

        Raises
        ------
        RateLimitError
            It was stopped meanwhile.
        """
        self._sleep(seconds)
        if self._stopped.is_set():
            raise RateLimitError("stopped while it waited for GitHub", wait_seconds=seconds)

    def stop(self) -> None:
        """Wake everyone who waits, for good: the user does not want to wait any more."""
        self._stopped.set()

    def _doze(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def hold(self, seconds: float, *, secondary: bool = False) -> None:
        """Let nobody through for this long; a secondary limit also halves the pace from here on."""
        with self._lock:
            self._resume = max(self._resume, self._clock() + seconds)
            if secondary and self._interval:
                self._interval = min(2.0, self._interval * 2)

    def _refuse_or_tell(self, held: float) -> None:
        if not self._wait or held > LONGEST_WAIT:
            raise RateLimitError(
                f"GitHub's rate limit is used up for another {held / 60:.0f} minutes",
                remedy="leave out --no-wait, or come back then: what was collected is kept",
                wait_seconds=held,
            )
        if held > WORTH_TELLING and self._told != self._resume:
            self._told = self._resume
            self.on_wait(held)


def _log_wait(seconds: float) -> None:
    length = f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{seconds:.0f} seconds"
    _log.warning("GitHub's rate limit is used up: waiting %s (--no-wait stops instead, what came is kept)", length)
