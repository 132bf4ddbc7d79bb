"""The one error family. Each error says what happened, where, and what to do about it.

::

    KitError                     exit 1
    ├── UsageError               exit 2   the question itself does not fit (unknown action, bad time)
    ├── NoDataError              exit 1   nothing collected yet, or nothing inside the window
    ├── StorageError             exit 1   the data folder cannot be read or written
    ├── CorruptFileError         exit 3   one file is damaged; it was named and skipped
    └── RemoteError              exit 1   the outside world said no
        ├── AuthenticationError           401, or no token where one is needed
        ├── PermissionDeniedError         403 that is not a limit
        ├── NotFoundError                 404, or a private thing without access
        ├── GoneError                     410, or a log past its retention
        ├── RateLimitError                a primary or secondary limit, and waiting is not allowed
        ├── BudgetSpentError      exit 3   the caller's own cap on requests is reached
        └── ServiceUnavailableError       5xx, timeouts and resets after every retry
"""

from __future__ import annotations


class KitError(Exception):
    """Base of every error that a user may see.

    Parameters
    ----------
    what : str
        What happened, one plain clause.
    where : str
        The file, URL, repository or option it happened at.
    remedy : str
        What the user can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(self.line())

    def line(self) -> str:
        """The error as the one line that the command line prints."""
        text = self.what if not self.where else f"{self.what} ({self.where})"
        return " ".join((f"{text}: {self.remedy}" if self.remedy else text).split())


class UsageError(KitError):
    """The question does not fit: an unknown action or version, a time that is none, an option that clashes."""

    exit_code = 2


class NoDataError(KitError):
    """There is nothing to judge: no history in the data folder, or none inside the window."""


class StorageError(KitError):
    """The data folder cannot be read or written."""


class CorruptFileError(KitError):
    """One file is damaged. The rest of the data stays usable."""

    exit_code = 3


class RemoteError(KitError):
    """The outside world said no.

    Parameters
    ----------
    status : int or None
        HTTP status of the answer, None where there was none.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "", status: int | None = None) -> None:
        self.status = status
        super().__init__(what, where=where, remedy=remedy)


class AuthenticationError(RemoteError):
    """No token where one is needed, or a token that the server does not accept (401)."""


class PermissionDeniedError(RemoteError):
    """The token may not do this (403 that is not a limit)."""


class NotFoundError(RemoteError):
    """Nothing there, or a private thing that this token cannot see (404)."""


class GoneError(RemoteError):
    """It was there and is no longer: a log past its retention (410)."""


class RateLimitError(RemoteError):
    """A limit was hit and waiting for it is not allowed.

    Parameters
    ----------
    wait_seconds : float or None
        Seconds until the server allows more, None if it did not say.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        remedy: str = "",
        status: int | None = None,
        wait_seconds: float | None = None,
    ) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(what, where=where, remedy=remedy, status=status)


class BudgetSpentError(RemoteError):
    """The cap on requests that the user set is reached. What was collected is kept."""

    exit_code = 3


class ServiceUnavailableError(RemoteError):
    """5xx answers, timeouts or resets that outlasted every retry."""
