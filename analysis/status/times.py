"""When a status page says something happened, as UTC.

In: a time as pages write it (RFC 3339 with the page's offset, an epoch in seconds or milliseconds, a Mongo ObjectId,
letters such as PDT, a day and month without a year). Out: an aware ``datetime`` in UTC, or None where the text is no
time. Nothing here raises: a page that writes nonsense loses that one time and nothing else.
"""

from __future__ import annotations

import re
from calendar import month_abbr
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import Any

from dateutil import parser as dates
from dateutil import tz

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_LONGEST = 80

# Letters as status pages print them: fixed offsets in hours where the letters say which half of the year it is,
# a zone name where they do not.
_LETTERS: dict[str, float | str] = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5, "EDT": -4, "BRT": -3,
    "PT": "America/Los_Angeles", "MT": "America/Denver", "CT": "America/Chicago", "ET": "America/New_York",
    "PACIFIC": "America/Los_Angeles", "EASTERN": "America/New_York",
    "US/PACIFIC": "America/Los_Angeles", "US/EASTERN": "America/New_York", "US/CENTRAL": "America/Chicago",
}  # fmt: skip

_OBJECT_ID = re.compile(r"^[0-9a-f]{24}$", re.IGNORECASE)
_EPOCH = re.compile(r"^\d{9,13}(?:\.\d+)?$")
_SCRIPT_DATE = re.compile(r"GMT([+-]\d{4})")
_DAY_ONLY = re.compile(r"^\s*\d{4}-\d{2}-\d{2}\s*$")
_MONTHS = {name.lower(): number for number, name in enumerate(month_abbr) if name}
_PRINTED = re.compile(
    r"(?P<month>[A-Za-z]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?:(?P<year>\d{4}),?\s+)?(?:at\s+)?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"(?:\s*-\s*(?:[A-Za-z]{3,9}\s+\d{1,2},\s+)?\d{1,2}:\d{2})?"
    r"\s*(?P<zone>[A-Z]{1,5}\b|US/\w+)?"
)
_CLOCK = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)\s*(?P<half>[AaPp][Mm])?\s*(?P<zone>[A-Z]{2,5}\b)?")


@dataclass(frozen=True)
class Printed:
    """A time as a page prints it for people, before its zone and year are settled.

    Attributes
    ----------
    moment : datetime
        The clock reading, naive; its year is the one printed, or 1904 (a leap year) where none is.
    has_year : bool
        Whether the page printed the year.
    zone : tzinfo or None
        What the letters mean, None where there are none or nobody knows them.
    """

    moment: datetime
    has_year: bool
    zone: tzinfo | None


def as_utc(value: Any, *, zone: tzinfo = UTC) -> datetime | None:
    """A machine-written time: ISO 8601, RFC 2822, a script's date text, or an epoch (seconds or milliseconds).

    Parameters
    ----------
    value : any
        What the page gave.
    zone : tzinfo
        What a time without an offset is read in.

    Returns
    -------
    datetime or None
        Aware, UTC; None where the value is no time between 1990 and 2100.
    """
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, datetime):
            return _bounded(value, zone)
        if isinstance(value, date):
            return _bounded(datetime(value.year, value.month, value.day), zone)
        text = str(value).strip()
        if _EPOCH.match(text):
            seconds = float(text)
            return _bounded(datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC), zone)
        if not 6 <= len(text) <= _LONGEST:
            return None
        return _bounded(_parsed(text), zone)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        plain = _SCRIPT_DATE.sub(r"\1", text.partition("(")[0])
        return dates.parse(plain, tzinfos=_zone_for_parser)


def end_of(value: Any, *, zone: tzinfo = UTC) -> datetime | None:
    """Like ``as_utc`` for the end of something: a bare day ends when that day does."""
    found = as_utc(value, zone=zone)
    if found and is_day(value):
        return found + timedelta(days=1) - timedelta(microseconds=1)
    return found


def is_day(value: Any) -> bool:
    """Whether a time was given to the day only."""
    return (isinstance(value, date) and not isinstance(value, datetime)) or bool(_DAY_ONLY.match(str(value)))


def printed(text: str) -> Printed | None:
    """Read a time printed for people: ``Aug 21, 00:37 UTC``, ``June 4, 2026 05:15 PDT``, ``Jun  3, 02:53 - 04:00``."""
    found = _PRINTED.search(text)
    month = _MONTHS.get(found["month"][:3].lower()) if found else None
    if not found or not month:
        return None
    try:
        moment = datetime(
            int(found["year"] or 1904),
            month,
            int(found["day"]),
            _hour(int(found["hour"]), found["half"]),
            int(found["minute"]),
            int(found["second"] or 0),
        )
    except ValueError:
        return None
    return Printed(moment, bool(found["year"]), zone_of(found["zone"] or ""))


def printed_clock(text: str) -> tuple[int, int, str] | None:
    """Hour, minute and zone letters of a time of day (``12:53 PM PDT``), whatever date stands before it."""
    found = _CLOCK.search(text)
    if not found or int(found["hour"]) > 23:
        return None
    return _hour(int(found["hour"]), found["half"]), int(found["minute"]), found["zone"] or ""


def near(moment: Printed, anchor: datetime, *, zone: tzinfo) -> datetime | None:
    """Settle a printed time: its own zone or ``zone``, its own year or the one that brings it nearest to ``anchor``."""
    own = moment.zone or zone
    if moment.has_year:
        return _bounded(moment.moment, own)
    readings = []
    for year in (anchor.year - 1, anchor.year, anchor.year + 1):
        try:
            readings.append(_bounded(moment.moment.replace(year=year), own))
        except ValueError:
            continue
    known = [reading for reading in readings if reading]
    return min(known, key=lambda reading: abs(reading - anchor)) if known else None


@cache
def zone_of(letters: str) -> tzinfo | None:
    """What a zone's letters or name mean (``PDT``, ``US/Pacific``, ``America/Los_Angeles``); None where unknown."""
    meaning = _LETTERS.get(letters.upper())
    if isinstance(meaning, str):
        return tz.gettz(meaning)
    if meaning is not None:
        return tz.tzoffset(None, timedelta(hours=meaning))
    return tz.gettz(letters) if re.fullmatch(r"[A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?", letters) else None


def object_id_time(identifier: str) -> datetime | None:
    """When a Mongo ObjectId was made: its first eight hexadecimal digits are an epoch in UTC."""
    return as_utc(int(identifier[:8], 16)) if _OBJECT_ID.match(identifier) else None


def earliest(*moments: datetime | None) -> datetime | None:
    """The first of the times that are known."""
    return min((moment for moment in moments if moment), default=None)


def latest(*moments: datetime | None) -> datetime | None:
    """The last of the times that are known."""
    return max((moment for moment in moments if moment), default=None)


def _hour(hour: int, half: str | None) -> int:
    if not half:
        return hour
    return hour % 12 + (12 if half[0] in "pP" else 0)


def _bounded(moment: datetime, zone: tzinfo) -> datetime | None:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    utc = aware.astimezone(UTC)
    return utc if _EARLIEST <= utc < _LATEST else None


def _zone_for_parser(letters: str | None, offset: int | None) -> tzinfo | None:
    if offset is not None:
        return tz.tzoffset(None, offset)
    return zone_of(letters or "")
