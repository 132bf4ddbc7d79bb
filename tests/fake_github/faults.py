"""What goes wrong on the way: shares of requests that meet a 5xx, a secondary limit, a reset, or take their time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from threading import Lock

HTML = b"<!DOCTYPE html><html><head><title>Unicorn! &middot; GitHub</title></head><body></body></html>"
SECONDARY = b'{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}'


@dataclass
class Faults:
    """How often each fault strikes, as shares of the requests.

    Attributes
    ----------
    errors, secondary, resets : float
        Answered 502 with HTML, answered 429 with Retry-After, closed without an answer.
    slow : float
        Seconds before each answer.
    retry_after : int
        Seconds that a secondary limit asks for.
    in_a_row : int
        At most so many faults for one address, so that a client that tries again gets through.
    only : str
        Strike only addresses that hold this text.
    """

    errors: float = 0.0
    secondary: float = 0.0
    resets: float = 0.0
    slow: float = 0.0
    retry_after: int = 1
    in_a_row: int = 2
    only: str = ""
    seed: int = 0
    struck: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._lock = Lock()

    def strike(self, path: str) -> str | None:
        """``error``, ``secondary``, ``reset`` or None for the next request to an address."""
        with self._lock:
            drawn = self._chance.random()
            if self.only not in path or self.struck.get(path, 0) >= self.in_a_row:
                return None
            for name, share in (("error", self.errors), ("secondary", self.secondary), ("reset", self.resets)):
                if drawn < share:
                    self.struck[path] = self.struck.get(path, 0) + 1
                    return name
                drawn -= share
            return None
