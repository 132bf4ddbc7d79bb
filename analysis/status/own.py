"""What a user's own file of incidents says: CSV, JSON, YAML or iCalendar, with whatever column names they chose.

In: the body. Out: notices, and a line for each row that could not be used. Times without an offset are UTC, or in the
row's own ``timezone`` column. A day without a time is that whole day. The understood names are in ``own.toml``.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any

import icalendar
import yaml

from analysis.status import wording
from analysis.status.notice import Notice, Post, plain, title
from analysis.status.times import as_utc, end_of, is_day, zone_of

MOST_ROWS = 100_000
_MOST_PROBLEMS = 20
_SPLIT = re.compile(r"\s*[|;\n]\s*|\s*,\s*(?![^()]*\))")
_YES = frozenset({"true", "yes", "y", "1"})
_IMPACTS = {
    "none": "none", "info": "none", "informational": "none", "p5": "none", "sev5": "none",
    "minor": "minor", "low": "minor", "degraded": "minor", "degradation": "minor", "p3": "minor", "p4": "minor",
    "sev3": "minor", "sev4": "minor", "warning": "minor", "degraded performance": "minor",
    "major": "major", "medium": "major", "partial": "major", "disruption": "major", "p2": "major", "sev2": "major",
    "partial outage": "major", "high": "major", "partial service disruption": "major",
    "critical": "critical", "outage": "critical", "full": "critical", "down": "critical", "p1": "critical",
    "sev1": "critical", "p0": "critical", "sev0": "critical", "full service disruption": "critical",
    "major outage": "critical", "full outage": "critical",
    "maintenance": "maintenance", "planned": "maintenance", "scheduled": "maintenance",
}  # fmt: skip
_NAMED_LISTS = ("incidents", "data", "items", "events", "results", "rows", "records", "outages", "maintenances")


def is_calendar(body: str) -> bool:
    """Whether the text is iCalendar."""
    return body.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR")


def from_records(document: Any) -> tuple[list[Notice], list[str]] | None:
    """Notices of parsed JSON or YAML: a list of mappings, or a mapping that holds one. None where there is none."""
    records = _records(document)
    return None if records is None else _notices(records, "entry", 1)


def from_yaml(text: str) -> tuple[list[Notice], list[str]] | None:
    """Notices of a YAML text; None where it is none that holds incidents."""
    try:
        document = yaml.load(text, Loader=_BoundedLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return from_records(document)


def from_csv(text: str) -> tuple[list[Notice], list[str]] | None:
    """Notices of a table with a header line; commas, semicolons, tabs or bars. None where no column is understood."""
    try:
        dialect: Any = csv.Sniffer().sniff(text[:8192], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    header = text.split("\n", 1)[0]
    if header.count(",") and getattr(dialect, "delimiter", ",") not in header:
        dialect = csv.excel
    try:
        rows = list(csv.DictReader(io.StringIO(text), dialect=dialect, restkey="", restval=""))
    except csv.Error:
        return None
    columns = {_folded(column) for column in (rows[0] if rows else header.split(","))}
    known = {name for fact in ("began", "posted", "resolved") for name in _columns()[fact]}
    return _notices(rows, "row", 2) if columns & known else None


def from_calendar(body: bytes) -> tuple[list[Notice], list[str]]:
    """Notices of an iCalendar's events."""
    try:
        calendar = icalendar.Calendar.from_ical(body)
    except (ValueError, IndexError, KeyError) as error:
        return [], [f"the calendar is damaged: {' '.join(str(error).split())[:200]}"]
    return _notices([_event(event) for event in calendar.walk("VEVENT")], "event", 1)


def _event(event: Any) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for field in ("dtstart", "dtend", "created", "last-modified"):
        if event.get(field) is not None:
            record[field] = getattr(event[field], "dt", None)
    if is_day(record.get("dtend")):
        record["dtend"] = record["dtend"] - timedelta(days=1)
    if event.get("duration") is not None and record.get("dtstart") is not None and "dtend" not in record:
        record["dtend"] = record["dtstart"] + event["duration"].dt
    categories = event.get("categories")
    if categories is not None:
        groups = categories if isinstance(categories, list) else [categories]
        record["components"] = [str(name) for group in groups for name in getattr(group, "cats", [group])]
    record["modified"] = record.pop("last-modified", None)
    for field in ("uid", "summary", "description", "url", "location"):
        record[field] = str(event.get(field) or "")
    return record


def _notices(records: Iterable[Mapping[str, Any]], what: str, first: int) -> tuple[list[Notice], list[str]]:
    found: list[Notice] = []
    problems: list[str] = []
    for number, record in enumerate(records, first):
        if number - first >= MOST_ROWS:
            problems.append(f"only the first {MOST_ROWS} were read")
            break
        notice = _notice(record)
        if notice is None:
            if any(_filled(value) for value in record.values()):
                problems.append(f"{what} {number} has no time at which it began: left out")
            continue
        found.append(notice)
    if len(problems) > _MOST_PROBLEMS:
        problems = [*problems[:_MOST_PROBLEMS], f"and {len(problems) - _MOST_PROBLEMS} more like these"]
    return found, problems


def _notice(raw: Mapping[str, Any]) -> Notice | None:
    record = {_folded(str(key)): value for key, value in raw.items() if key is not None}
    zone = zone_of(str(_pick(record, "zone") or "")) or UTC
    began = _time(record, "began", zone)
    posted = _time(record, "posted", zone) or began
    if posted is None:
        return None
    name = title(_pick(record, "name"))
    maintenance = _is_maintenance(record, name)
    impact = _IMPACTS.get(str(_pick(record, "impact") or "").strip().lower())
    direction = str(_pick(record, "direction") or "").strip().lower()
    body = plain(_pick(record, "body"))
    status = title(_pick(record, "status")).lower() or "note"
    return Notice(
        id=str(_pick(record, "id") or "").strip()[:200],
        name=name,
        impact="maintenance" if maintenance else impact,
        components=_list(_pick(record, "components")),
        regions=_list(_pick(record, "regions")),
        began_at=began,
        posted_at=posted,
        updated_at=_time(record, "updated", zone),
        resolved_at=_end(record, began or posted, zone),
        is_maintenance=maintenance,
        url=_url(_pick(record, "url")),
        posts=(Post("", posted, status, body),) if body and body != name else (),
        provider=str(_pick(record, "provider") or "").strip() or None,
        direction=direction if direction in wording.DIRECTIONS else None,
    )


def _time(record: Mapping[str, Any], fact: str, zone: tzinfo) -> datetime | None:
    for column in _columns()[fact]:
        if _filled(record.get(column)):
            found = as_utc(record[column], zone=UTC if column.endswith("utc") else zone)
            if found:
                return found
    return None


def _end(record: Mapping[str, Any], began: datetime, zone: tzinfo) -> datetime | None:
    for column in _columns()["resolved"]:
        if _filled(record.get(column)):
            found = end_of(record[column], zone=UTC if column.endswith("utc") else zone)
            if found:
                return found
    minutes = str(_pick(record, "minutes") or "").strip()
    if re.fullmatch(r"\d{1,6}(?:\.\d+)?", minutes):
        return began + timedelta(minutes=float(minutes))
    given = next((record[c] for c in _columns()["began"] if _filled(record.get(c))), None)
    return end_of(given, zone=zone) if given is not None and is_day(given) else None


def _is_maintenance(record: Mapping[str, Any], name: str) -> bool:
    said = str(_pick(record, "maintenance") or "").strip().lower()
    impact = _IMPACTS.get(str(_pick(record, "impact") or "").strip().lower())
    return said in _YES or "maintenance" in said or impact == "maintenance" or wording.is_maintenance(name)


def _pick(record: Mapping[str, Any], fact: str) -> Any:
    return next((record[column] for column in _columns()[fact] if _filled(record.get(column))), None)


def _filled(value: Any) -> bool:
    return value is not None and value != [] and (not isinstance(value, str) or bool(value.strip()))


def _list(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else _SPLIT.split(str(value or ""))
    names = (title(item.get("name") if isinstance(item, Mapping) else item) for item in items[:200])
    return tuple(dict.fromkeys(name for name in names if name))


def _url(value: Any) -> str | None:
    text = str(value or "").strip()
    return text if text.startswith(("https://", "http://")) and len(text) <= 2000 else None


def _records(document: Any) -> list[Mapping[str, Any]] | None:
    if isinstance(document, Mapping):
        inner = next((document[key] for key in _NAMED_LISTS if isinstance(document.get(key), list)), None)
        document = inner if inner is not None else [document]
    if not isinstance(document, list):
        return None
    records = [record for record in document if isinstance(record, Mapping)]
    known = {name for fact in ("began", "posted") for name in _columns()[fact]}
    has_time = any(known & {_folded(str(key)) for key in record} for record in records)
    return records if has_time or document == [] else None


def _folded(column: str) -> str:
    return re.sub(r"[\s_\-]+", "_", column.strip().lstrip("\ufeff")).lower()


@cache
def _columns() -> dict[str, tuple[str, ...]]:
    raw = tomllib.loads((files("analysis.status") / "own.toml").read_text("utf-8"))
    return {fact: tuple(_folded(name) for name in names) for fact, names in raw.items()}


class _BoundedLoader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)
