"""The history that a notebook looks at: a data folder's exposure table and status posts, without a verdict.

In: a data folder and a scope. Out: a `History`; and `select`, the part of it that a notebook's widgets choose.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.correlate.exposure import Exposure, exposure
from analysis.errors import NoDataError
from analysis.scope import Scope
from analysis.store import Store

HOUR = pd.Timedelta(hours=1)
_SAMPLE_MARK = "sample.json"


@dataclass(frozen=True, kw_only=True)
class History:
    """A part of the history.

    Attributes
    ----------
    store : Store
        The data folder.
    scope : Scope
        The part that was looked at.
    exposure : Exposure
        One row per first-attempt job.
    incidents : DataFrame
        Status posts that touch the time in which jobs ran.
    now : datetime
        When it was opened, UTC.
    sample : dict
        What ``sample.json`` says, where the data is a sample's; empty otherwise.
    """

    store: Store
    scope: Scope
    exposure: Exposure
    incidents: pd.DataFrame
    now: datetime
    sample: dict[str, Any] = field(default_factory=dict)

    @property
    def jobs(self) -> pd.DataFrame:
        """The exposure table's jobs."""
        return self.exposure.jobs

    @cached_property
    def window(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """From the first to the last job, in whole hours, UTC."""
        return whole_hours(self.jobs["started_at"].min(), self.jobs["started_at"].max(), self.now)

    @cached_property
    def actions(self) -> list[str]:
        """Actions of which two versions or more ran, the one with the most changes of version first."""
        frame = self.exposure.versions
        changed = {str(name): int(frame[name].nunique()) for name in frame}
        changed = {name: n for name, n in changed.items() if n > 1}
        return sorted(changed, key=lambda name: (name != self.sample_action, -changed[name], name))

    @property
    def sample_action(self) -> str:
        """The action that a sample is about, empty for real data."""
        return str(self.sample.get("question", {}).get("action") or "")

    def version_of(self, action: str) -> pd.Series:
        """The version of an action in each job, null where it is not used."""
        frame = self.exposure.versions
        if action in frame:
            return frame[action].astype("object")
        return pd.Series(None, index=self.jobs.index, dtype="object")

    def leading_versions(self, action: str) -> tuple[str, str] | None:
        """The two versions that ran most, the one that was seen first as the old one; None for fewer than two."""
        version = self.version_of(action).dropna()
        most = version.value_counts().index[:2]
        if len(most) < 2:
            return None
        first = {name: self.jobs.loc[version[version == name].index, "started_at"].min() for name in most}
        old, new = sorted(most, key=lambda name: first[name])
        return str(old), str(new)


@dataclass(frozen=True)
class Selection:
    """What a notebook's widgets choose; None and empty do not restrict.

    Attributes
    ----------
    repository, workflow, action : str or None
    since, until : Timestamp or None
        Half-open window, UTC.
    """

    repository: str | None = None
    workflow: str | None = None
    action: str | None = None
    since: pd.Timestamp | None = None
    until: pd.Timestamp | None = None


def open_history(store: Store, scope: Scope, *, now: datetime) -> History:
    """Read the data folder.

    Raises
    ------
    NoDataError
        It holds no job in this scope.
    """
    facts = exposure(store, scope)
    if facts.jobs.empty:
        raise NoDataError(
            "no job of this scope is in the data folder",
            where=str(store.data_dir),
            remedy="collect it first (notebook 01), or widen the scope",
        )
    return History(
        store=store, scope=scope, exposure=facts, incidents=posts(store, facts.jobs["started_at"]), now=now,
        sample=sample_mark(store.data_dir),
    )  # fmt: skip


def select(history: History, chosen: Selection) -> pd.DataFrame:
    """The jobs that a selection leaves."""
    jobs = history.jobs
    keep = pd.Series(True, index=jobs.index)
    if chosen.repository:
        keep &= jobs["repo"] == chosen.repository
    if chosen.workflow:
        keep &= jobs["workflow"] == chosen.workflow
    if chosen.since is not None:
        keep &= jobs["started_at"] >= chosen.since
    if chosen.until is not None:
        keep &= jobs["started_at"] < chosen.until
    chosen_jobs: pd.DataFrame = jobs[keep]
    return chosen_jobs


def posts(store: Store, started: pd.Series) -> pd.DataFrame:
    """Status posts that touch the time in which jobs ran, the earliest first."""
    found = store.read("incidents")
    if found.empty or started.empty:
        return found.head(0)
    began = found["began_at"].fillna(found["posted_at"])
    ended = found["resolved_at"].fillna(started.max())
    touching = (began <= started.max()) & (ended >= started.min())
    order = began[touching].sort_values().index
    touched: pd.DataFrame = found.loc[order].reset_index(drop=True)
    return touched


def sample_mark(data_dir: Path) -> dict[str, Any]:
    """What marks a data folder as a sample's; empty for real data."""
    path = data_dir / _SAMPLE_MARK
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return {"unreadable": str(path)}
    return found if isinstance(found, dict) and found else {"sample": True}


def whole_hours(first: Any, last: Any, now: datetime) -> tuple[pd.Timestamp, pd.Timestamp]:
    """A window widened to whole hours, at least one hour long; the hour of ``now`` where nothing ran."""
    if pd.isna(first) or pd.isna(last):
        first = last = pd.Timestamp(now)
    start = pd.Timestamp(first).floor(HOUR)
    return start, max(pd.Timestamp(last).ceil(HOUR), start + HOUR)
