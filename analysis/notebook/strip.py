"""The strip under a notebook's title: what data it looks at, how old it is, and what is missing."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from analysis.charts.words import clock, count
from analysis.notebook.history import History
from analysis.schema import TABLES
from analysis.store import Store


class Html:
    """A piece of HTML that a notebook shows."""

    def __init__(self, html: str, plain: str) -> None:
        self.html, self.plain = html, plain

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.plain}


def status_strip(history: History) -> Html:
    """Data window, runs, gaps and age of the data, in one line."""
    jobs, store = history.jobs, history.store
    parts = [
        ("data", str(store.data_dir) + (" (SAMPLE)" if history.sample else "")),
        ("window", f"{clock(jobs['started_at'].min())} – {clock(jobs['started_at'].max())} UTC"),
        ("repositories", count(jobs["repo"].nunique())),
        ("runs", count(jobs[["repo", "run_id"]].drop_duplicates().shape[0])),
        ("jobs", count(len(jobs))),
        ("gaps", count(len(store.read("gaps", ["repo"])))),
        ("age", age(store, history.now, bool(history.sample))),
    ]
    parts += [("damaged files", count(len(store.problems)))] if store.problems else []
    cells = "".join(f"<span><b>{name}</b> {escape(value)}</span>" for name, value in parts)
    html = f"<div style='display:flex;flex-wrap:wrap;gap:.2em 1.4em;padding:.4em 0;opacity:.9'>{cells}</div>"
    return Html(html, " · ".join(f"{name} {value}" for name, value in parts))


def age(store: Store, now: datetime, is_sample: bool) -> str:
    """How old the newest data is: ``3 hours``; a sample does not age."""
    if is_sample:
        return "a sample does not age"
    moment = store.read("collections", ["data_as_of"])["data_as_of"].max()
    if pd.isna(moment):
        return "not known"
    minutes = (pd.Timestamp(now) - moment).total_seconds() / 60
    if minutes < 120:
        return f"{minutes:.0f} minutes"
    return f"{minutes / 60:.0f} hours" if minutes < 2880 else f"{minutes / 1440:.0f} days"


def holdings(store: Store) -> pd.DataFrame:
    """What the data folder holds: ``table, files, rows, megabytes``, one row a table."""
    rows = []
    for path in sorted(p for p in store.data_dir.iterdir() if p.is_dir()) if store.data_dir.is_dir() else []:
        files = [f for f in path.rglob("*") if f.is_file() and not f.name.startswith(".")]
        size = sum(f.stat().st_size for f in files) / 1e6
        rows.append((path.name, len(files), _rows(store, path.name), round(size, 2)))
    return pd.DataFrame(rows, columns=["table", "files", "rows", "megabytes"])


def _rows(store: Store, table: str) -> int | None:
    return len(store.read(table, list(TABLES[table].key[:1]))) if table in TABLES else None
