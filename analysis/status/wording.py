"""What the words of a status page say: since when, in which direction, where, and whether it was planned.

In: a notice's name and posts as plain text. Out: small facts for ``rows``. The words themselves are data
(``wording.toml``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from importlib.resources import files

from analysis.status.notice import Notice
from analysis.status.times import earliest, zone_of

DIRECTIONS = ("pull", "push", "auth", "all")
# A beginning that lies further back than this before the first post is another incident's.
_LONGEST_SILENCE = timedelta(days=2)
# A time of day without a date is the last one before its post; half a day before the first post it is another one.
_SAME_DAY = timedelta(hours=12)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NUMBER = {name: number for number, name in enumerate(_MONTHS, 1)}
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]{{0,6}}"
_CLOCK = re.compile(
    r"(?<![\d:.])(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.\d+)?)?(?![\d:])"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*\(?(?P<zone>UTC[+-]\d{1,2}(?::?\d\d)?|US/\w+|Z\b|[A-Z]{2,4}\b|Pacific|Eastern)?",
    re.IGNORECASE,
)
_DAY = re.compile(
    rf"(?P<y1>\d{{4}})-(?P<m1>\d\d)-(?P<d1>\d\d)"
    rf"|\b(?P<m2>{_MONTH})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y2>\d{{4}})\b)?"
    rf"|\b(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m3>{_MONTH})\b\.?(?:,?\s+(?P<y3>\d{{4}})\b)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Words:
    """The compiled patterns of ``wording.toml``."""

    unaffected: re.Pattern[str]
    ignored: re.Pattern[str]
    not_a_beginning: re.Pattern[str]
    beginning: re.Pattern[str]
    maintenance: re.Pattern[str]
    region: re.Pattern[str]
    direction: dict[str, re.Pattern[str]]


def direction(texts: Iterable[str]) -> str:
    """Which way is hit: ``pull``, ``push`` or ``auth`` where the words name one alone, else ``all``.

    The first text that names a direction decides, so give the name of the incident first, then its components,
    then its posts together. A sentence that says what still works is left out.
    """
    words = load_words()
    for text in texts:
        told = [words.ignored.sub(" ", s) for s in _SENTENCE.split(text) if not words.unaffected.search(s)]
        named = [name for name, pattern in words.direction.items() if any(pattern.search(s) for s in told)]
        if named:
            return named[0] if len(named) == 1 else "all"
    return "all"


def regions(texts: Iterable[str]) -> tuple[str, ...]:
    """The cloud regions that the words name (``us-east-1``), in lower case, each once."""
    pattern = load_words().region
    return tuple(dict.fromkeys(found.lower() for text in texts for found in pattern.findall(text)))


def is_maintenance(name: str) -> bool:
    """Whether a title is a maintenance's."""
    return bool(load_words().maintenance.search(name))


def began(notice: Notice, *, zone: tzinfo | None) -> datetime | None:
    """The earliest time at which the text says that it began, if that lies before the first post.

    Parameters
    ----------
    notice : Notice
        Its name and posts are read.
    zone : tzinfo or None
        The page's zone, for times without letters; None leaves them out.

    Returns
    -------
    datetime or None
        UTC; never later than the first post, never more than two days before it.
    """
    first = notice.posted_at
    if not first or notice.is_maintenance:
        return None
    found = []
    for text, anchor in ((notice.name, first), *((p.body, p.posted_at or first) for p in notice.posts)):
        for sentence in _SENTENCE.split(text):
            found += list(_beginnings(sentence, anchor, zone))
    return earliest(*(moment for moment, silence in found if first - silence <= moment < first))


def _beginnings(sentence: str, anchor: datetime, zone: tzinfo | None) -> Iterator[tuple[datetime, timedelta]]:
    """Each time a sentence gives for a beginning, and how far before the first post it may lie to be believed."""
    words = load_words()
    if words.not_a_beginning.search(sentence):
        return
    clocks = list(_CLOCK.finditer(sentence))
    days = list(_DAY.finditer(sentence))
    for start in words.beginning.finditer(sentence):
        after = [c for c in clocks if 0 <= c.start() - start.end() <= 60]
        if not after:
            continue
        clock = after[0]
        spoken = next((c for c in after if _zone(c["zone"])), None)
        own = _zone(spoken["zone"]) if spoken else zone
        if own is None:
            continue
        half = clock["half"] or next((c["half"] for c in after[:2] if c["half"]), None)
        day = min(days, key=lambda d: min(abs(d.start() - clock.end()), abs(clock.start() - d.end())), default=None)
        moment = _moment(clock, half, day, anchor, own)
        if moment:
            yield moment, _LONGEST_SILENCE if day else _SAME_DAY


def _moment(
    clock: re.Match[str], half: str | None, day: re.Match[str] | None, anchor: datetime, zone: tzinfo
) -> datetime | None:
    hour, minute, second = int(clock["hour"]), int(clock["minute"]), int(clock["second"] or 0)
    if half:
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    local = anchor.astimezone(zone)
    try:
        if day is None:
            moment = local.replace(hour=hour, minute=minute, second=second, microsecond=0)
            moment = moment if moment <= local else moment - timedelta(days=1)
            return moment.astimezone(UTC)
        year, month, number = _date(day, local)
        return datetime(year, month, number, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _date(day: re.Match[str], local: datetime) -> tuple[int, int, int]:
    if day["y1"]:
        return int(day["y1"]), int(day["m1"]), int(day["d1"])
    month = _MONTH_NUMBER[(day["m2"] or day["m3"])[:3].lower()]
    number = int(day["d2"] or day["d3"])
    year = day["y2"] or day["y3"]
    if year:
        return int(year), month, number
    return (local.year - 1 if (month, number) > (local.month, local.day) else local.year), month, number


def _zone(letters: str | None) -> tzinfo | None:
    if not letters:
        return None
    offset = re.fullmatch(r"(?:UTC)?([+-])(\d{1,2}):?(\d\d)?", letters, re.IGNORECASE)
    if offset:
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(-away if offset[1] == "-" else away) if away < timedelta(days=1) else None
    return zone_of(letters)


@cache
def load_words() -> Words:
    """Read and compile ``wording.toml``."""
    raw = tomllib.loads((files("analysis.status") / "wording.toml").read_text("utf-8"))
    one = {k: re.compile(v, re.IGNORECASE) for k, v in raw.items() if isinstance(v, str)}
    return Words(**one, direction={k: re.compile(v, re.IGNORECASE) for k, v in raw["direction"].items()})
