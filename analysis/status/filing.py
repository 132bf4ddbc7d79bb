"""Put what the status pages said into the data folder, and tell from it what need not be asked again.

An incident seen before keeps what a poorer answer cannot say; a post that has not changed is not kept twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from analysis.status.fetch import StatusFetch
from analysis.status.rows import Row, merged
from analysis.store import Store

# An incident that was over this long ago is not edited any more.
SETTLED_AFTER = timedelta(days=14)
_COMMAND = "status "


def file_status(store: Store, fetched: StatusFetch, *, finished_at: datetime | None = None) -> dict[str, int]:
    """Upsert the rows and note the visit in ``collections``.

    Returns
    -------
    dict of str to int
        Rows written, by table.
    """
    older = {(row["provider"], row["incident_id"]): row for row in _records(store.read("incidents"))}
    seen: dict[tuple[str, str, str], str] = {}
    for row in _records(store.read("incident_updates").sort_values("fetched_at")):
        seen[row["provider"], row["incident_id"], row["update_id"]] = row["body"]
    incidents = [_over(older.get((row["provider"], row["incident_id"])), row) for row in fetched.incidents]
    updates = [
        row
        for row in fetched.incident_updates
        if seen.get((row["provider"], row["incident_id"], row["update_id"])) != row["body"]
    ]
    written = {
        "incidents": store.upsert("incidents", incidents),
        "incident_updates": store.upsert("incident_updates", updates),
    }
    store.upsert("collections", [_visit(fetched, finished_at or datetime.now(UTC))])
    return written


def settled(store: Store, now: datetime) -> set[tuple[str, str]]:
    """Incidents in the data folder that were over two weeks ago: (provider, incident id)."""
    frame = store.read("incidents", ["provider", "incident_id", "resolved_at"])
    over = frame[frame["resolved_at"] < pd.Timestamp(now - SETTLED_AFTER)]
    return set(zip(over["provider"], over["incident_id"], strict=True))


def asked(store: Store) -> dict[str, datetime]:
    """Which providers have answered, and when last: a page that was asked and says nothing is silent, not unknown."""
    visits = _records(store.read("collections", ["started_at", "arguments"]))
    found: dict[str, datetime] = {}
    for visit in sorted((v for v in visits if v["started_at"]), key=lambda v: v["started_at"]):
        arguments = visit["arguments"] or ""
        if arguments.startswith(_COMMAND):
            names = [name for name in arguments.removeprefix(_COMMAND).split("\t") if name]
            found.update(dict.fromkeys(names, visit["started_at"]))
    return found


def _visit(fetched: StatusFetch, finished_at: datetime) -> Row:
    return {
        "month": fetched.fetched_at.strftime("%Y-%m"),
        "started_at": fetched.fetched_at,
        "arguments": _COMMAND + "\t".join(fetched.answered),
        "finished_at": finished_at,
        "requests": fetched.requests,
        "ended": "done",
        # The time up to which runs are known is a matter of collect: a look at a status page does not move it.
        "data_as_of": None,
    }


def _over(older: Row | None, newer: Row) -> Row:
    return merged(older, newer, says_components=newer["impact"] is not None) if older else newer


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): _plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [str(item) for item in value]
    if value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
