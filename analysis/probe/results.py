"""Read looks that were made elsewhere: the artifact of the workflow, or what ``probe --json`` printed.

In: a file's bytes. Out: rows of ``probes``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from dateutil import parser as dates

from analysis.errors import UsageError
from analysis.probe.rounds import Row

MOST_ROWS = 1_000_000
_OPERATIONS = frozenset({"v2", "token", "manifest", "blob", "push"})


def is_probes(record: Any) -> bool:
    """Whether a JSON value is one look's stage."""
    return isinstance(record, Mapping) and {"registry", "probed_at", "operation"} <= set(record)


def probe_row(record: Mapping[str, Any]) -> Row | None:
    """One JSON stage as a row of ``probes``; None where its time, registry or operation is none."""
    try:
        moment = dates.isoparse(str(record["probed_at"]))
        status = record.get("http_status")
        latency = record.get("latency_ms")
        error = record.get("error")
        row: Row = {
            "registry": str(record["registry"])[:200],
            "probed_at": moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC),
            "operation": str(record["operation"]),
            "vantage": str(record.get("vantage") or "unknown")[:200],
            "http_status": None if status is None else int(status),
            "latency_ms": None if latency is None else float(latency),
            "error": None if error is None else str(error)[:500],
        }
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return row if row["registry"] and row["operation"] in _OPERATIONS and _is_sane(row["probed_at"]) else None


def read_probes(content: bytes, where: str = "") -> list[Row]:
    """Rows of a whole file.

    Parameters
    ----------
    content : bytes
        JSON lines, a JSON list, or ``{"probes": [...]}``.
    where : str
        The file's name, for the error.

    Raises
    ------
    UsageError
        The file holds no looks.
    """
    rows = [row for record in _records(content) if is_probes(record) and (row := probe_row(record))]
    if not rows:
        raise UsageError(
            "the file holds no looks at registries", where=where, remedy="give the workflow's probes.jsonl"
        )
    return rows[:MOST_ROWS]


def _records(content: bytes) -> Iterator[Any]:
    text = content.decode("utf-8-sig", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                continue
        return
    if isinstance(document, Mapping) and isinstance(document.get("probes"), list):
        document = document["probes"]
    yield from document if isinstance(document, list) else [document]


def _is_sane(moment: datetime) -> bool:
    return 2000 <= moment.year < 2100
