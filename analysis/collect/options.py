"""What collect is asked for and what it says at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

DEFAULT_BUDGET = 1_200
DEFAULT_WINDOW = timedelta(days=14)


@dataclass(frozen=True)
class CollectOptions:
    """What to collect.

    Attributes
    ----------
    since, until : datetime or None
        Half-open window in UTC on the time a run was created; the last 14 days where left out.
    workflow : str or None
        Workflow file (``ci.yml``) or workflow name.
    branch : str or None
        Head branch.
    jobs : str or None
        ``failed``: jobs of runs that did not pass at once; ``all``; None: failed ones first, then green controls.
    logs : str
        ``failed``, ``sampled`` (failed ones and green controls), ``all`` or ``none``.
    budget : int or None
        Requests at most. Left out: `DEFAULT_BUDGET`, or no cap where `jobs` or `logs` is ``all``.
    org : str or None
        Take every repository of this organisation as well.
    """

    since: datetime | None = None
    until: datetime | None = None
    workflow: str | None = None
    branch: str | None = None
    jobs: str | None = None
    logs: str = "sampled"
    budget: int | None = None
    org: str | None = None

    @property
    def cap(self) -> int | None:
        """Requests at most, None for no cap."""
        if self.budget is not None:
            return self.budget
        return None if "all" in (self.jobs, self.logs) else DEFAULT_BUDGET


@dataclass(frozen=True)
class Gap:
    """Something that could not be had."""

    repo: str
    kind: str
    identifier: str
    reason: str

    def __str__(self) -> str:
        return f"{self.repo}: {self.kind} {self.identifier}: {self.reason}"


@dataclass(frozen=True)
class Collected:
    """What one run of collect did.

    Attributes
    ----------
    ended : str
        ``done``, ``budget``, ``rate-limit`` or ``killed``.
    requests, bytes : int
        HTTP requests sent and bytes received.
    seconds : float
        How long it took.
    rows : mapping of str to int
        Rows written, by table.
    gaps : tuple of Gap
        What could not be had.
    missing : tuple of str
        What an early end left out, one plain sentence each.
    sampling : mapping of str to int
        Of how many things how many were looked at (``green_logs`` of ``green_runs`` ...).
    data_as_of : datetime
        The history is complete up to here.
    """

    ended: str
    requests: int
    bytes: int
    seconds: float
    rows: Mapping[str, int]
    gaps: tuple[Gap, ...]
    missing: tuple[str, ...]
    sampling: Mapping[str, int]
    data_as_of: datetime
    repos: tuple[str, ...] = field(default=())


class Progress(Protocol):
    """Who is told how far it is."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage of so many steps begins (None: not known)."""

    def advance(self, count: int = 1) -> None:
        """So many steps are done."""


class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Say nothing."""

    def advance(self, count: int = 1) -> None:
        """Say nothing."""
