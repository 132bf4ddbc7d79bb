"""Which part of the history is looked at: repositories, workflow, branch and a window of time. Layer 0."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dateutil import parser as dates

from analysis.errors import UsageError

_AGO = re.compile(r"^(\d+)\s*([mhdw])$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Scope:
    """A part of the history. An empty field does not restrict.

    Attributes
    ----------
    repos : tuple of str
        Repositories as ``owner/name``.
    since, until : datetime or None
        Half-open window in UTC, on the time a run was created.
    workflow : str or None
        Workflow file name (``ci.yml``) or workflow name.
    branch : str or None
        Head branch.
    """

    repos: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    workflow: str | None = None
    branch: str | None = None


def parse_time(text: str, *, now: datetime) -> datetime:
    """Read ISO 8601 (``2025-01-08T13:00Z``, ``2025-01-08``) or an age (``14d``, ``36h``, ``90m``, ``2w``).

    Parameters
    ----------
    text : str
        The time as written. Without an offset it is UTC.
    now : datetime
        What an age counts back from.

    Returns
    -------
    datetime
        Aware, UTC.

    Raises
    ------
    UsageError
        The text is neither.
    """
    ago = _AGO.match(text.strip().lower())
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = dates.isoparse(text.strip())
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is not a time",
            remedy="write ISO 8601 such as 2025-01-08T13:00Z, or an age such as 14d",
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def iso(moment: datetime | None) -> str | None:
    """A time as the JSON answers write it (``2025-01-08T13:02:11Z``), None for None or NaT."""
    if moment is None or moment != moment:
        return None
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if utc.microsecond else "%Y-%m-%dT%H:%M:%SZ")
