"""One incident, opened: the data folder's facts beside the judge's verdict, ready to be shown.

In: a data folder and a scope. Out: a `Case`, which notebooks and report read and never change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.charts import tables
from analysis.charts.timeline import TimelineData
from analysis.correlate.exposure import Exposure, exposure
from analysis.errors import UsageError
from analysis.scope import Scope
from analysis.store import Store

Question = Mapping[str, str | None]
NO_QUESTION: Question = {"action": None, "old": None, "new": None}
_SAMPLE_MARK = "sample.json"
_HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True)
class Case:
    """An incident and what is known about it.

    Attributes
    ----------
    store : Store
        The data folder.
    scope : Scope
        The part of the history that was looked at.
    verdict : dict
        The verdict document.
    exposure : Exposure
        One row per first-attempt job.
    incidents : DataFrame
        Status posts that touch the window.
    now : datetime
        When the case was opened, UTC.
    sample : dict
        What ``sample.json`` says, where the data is a sample's; empty otherwise.
    """

    store: Store
    scope: Scope
    verdict: dict[str, Any]
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
        """First and last moment that is shown, UTC: the verdict's window, widened to whole hours."""
        window = self.verdict["window"]
        started = self.jobs["started_at"]
        first = pd.Timestamp(window["start"]) if window["start"] else started.min()
        last = pd.Timestamp(window["end"]) if window["end"] else started.max()
        if pd.isna(first) or pd.isna(last):
            first = last = pd.Timestamp(self.now)
        return first.floor(_HOUR), max(last.ceil(_HOUR), first.floor(_HOUR) + _HOUR)

    @cached_property
    def question(self) -> tuple[str, str, str] | None:
        """Action, old and new version in question: what was asked, else the change the judge names first."""
        asked = self.verdict.get("question") or {}
        action, old, new = (asked.get(name) for name in ("action", "old", "new"))
        if action and old and new:
            return action, old, new
        changes = [c for c in self.verdict["changes"] if c["kind"] == "action-version" and c["from"] and c["to"]]
        blamed = [c["name"] for c in self.verdict["causes"] if c["cause"] == "action-version"]
        mine = [c for c in changes if not action or c["name"] == action]
        mine.sort(key=lambda c: _rank(f"{c['name']}@{c['to']}", blamed))
        return (mine[0]["name"], mine[0]["from"], mine[0]["to"]) if mine else None

    def version_of(self, action: str) -> pd.Series:
        """The version of an action in each job, null where it is not used."""
        frame = self.exposure.versions
        if action in frame:
            return frame[action].astype("object")
        return pd.Series(None, index=self.jobs.index, dtype="object")

    def timeline(self, marks: Mapping[str, str]) -> TimelineData:
        """What the timeline draws; ``marks`` labels ``first_failure``, ``first_post`` and ``last_failure``."""
        since, until = self.window
        width = tables.bin_width(since, until)
        action, *versions = self.question or ("", "", "")
        shown = (versions[0], versions[1])
        adopted = tables.adoption(self.jobs, self.version_of(action), max(width, 6 * _HOUR), show=shown)
        first, last = self.episode
        times = {"first_failure": first, "first_post": self.first_post, "last_failure": last}
        return TimelineData(
            since=since, until=until, width=width, failures=tables.failures_by_time(self.jobs, width),
            adoption=adopted, adoption_width=max(width, 6 * _HOUR), versions=shown, action=action,
            incidents=self.incidents, reruns=tables.reruns(self.jobs),
            marks=tuple((at, marks[name]) for name, at in times.items() if at is not None and name in marks),
        )  # fmt: skip

    @cached_property
    def leader(self) -> dict[str, Any] | None:
        """The most probable guilty suspect; None where nobody is guilty."""
        guilty = [c for c in self.verdict["causes"] if f"{c['cause']}:{c['name']}" in self.verdict["guilty"]]
        return max(guilty, key=lambda c: float(c["probability"]), default=None)

    @cached_property
    def episode(self) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
        """First and last failure of the incident.

        Of the guilty service inside its window where a service leads; of the window that the judge gives any other
        culprit; of the whole scope where nobody is guilty. The everyday failures around them are not the incident.
        """
        scope, leader = self.verdict["scope"], self.leader
        whole = _moment(scope["first_failure_at"]), _moment(scope["last_failure_at"])
        if leader is None:
            return whole
        start, end = _moment(leader["start"]) or whole[0], _moment(leader["end"]) or whole[1]
        jobs = tables.counted(self.jobs)
        mine = jobs["failed"].astype(bool) & (jobs["started_at"] >= start) & (jobs["started_at"] <= end)
        if leader["cause"] == "service":
            named = mine & (jobs["component"].astype("object") == str(leader["name"]).split(" ")[0])
            mine = named if named.any() else mine
        times = jobs.loc[mine, "started_at"]
        return (times.min(), times.max()) if len(times) else (start, end)

    @cached_property
    def matching_posts(self) -> pd.DataFrame:
        """Status posts on the guilty services that touch the incident; a post on anything else explains nothing."""
        named = {g.removeprefix("service:").split(" ")[0] for g in self.verdict["guilty"] if g.startswith("service:")}
        first, last = self.episode
        posts = self.incidents
        if posts.empty or not named or first is None or last is None:
            return posts.head(0)
        about = posts["components"].map(lambda names: bool(named.intersection([] if names is None else names)))
        ended = posts["resolved_at"].fillna(last)
        return posts[about & (posts["began_at"].fillna(posts["posted_at"]) <= last) & (ended >= first)]

    @property
    def first_post(self) -> pd.Timestamp | None:
        """When the first matching status post came; None without one."""
        posted = self.matching_posts["posted_at"].dropna()
        return None if posted.empty else posted.min()

    def paradox(self) -> tables.Paradox | None:
        """Before/after beside the same hours for the versions in question; None where they cannot be compared."""
        if self.question is None:
            return None
        action, old, new = self.question
        return tables.paradox(self.jobs, self.version_of(action), old, new)


def open_case(
    store: Store,
    scope: Scope,
    question: Question | None = None,
    *,
    now: datetime,
    verdict: dict[str, Any] | None = None,
) -> Case:
    """Read the data folder and ask the judge.

    Parameters
    ----------
    question : mapping or None
        ``action``, ``old``, ``new``; a missing one is left to the judge.
    now : datetime
        The clock, UTC.
    verdict : dict or None
        A verdict document to show, where one was made before; otherwise the judge is asked.

    Raises
    ------
    UsageError
        The action or version in question was never used, or the given verdict is none.
    NoDataError
        The data folder holds nothing in this scope.
    """
    judged = verdict or judge(store, scope, question)
    if judged.get("schema") != 1:
        raise UsageError("this is no verdict document", remedy="make one with actions-incident diagnose --json")
    facts = exposure(store, scope)
    return Case(store, scope, judged, facts, posts(store, facts.jobs["started_at"]), now, sample_mark(store.data_dir))


def judge(store: Store, scope: Scope, question: Question | None) -> dict[str, Any]:
    """The verdict document on a question; without one, on the question that a sample brings along.

    Raises
    ------
    UsageError
        The action or version in question was never used.
    NoDataError
        The data folder holds nothing in this scope.
    """
    from analysis.diagnose import diagnose

    asked = {**NO_QUESTION, **(question or {})}
    if not any(asked.values()):
        asked |= {name: text for name, text in sample_mark(store.data_dir).get("question", {}).items() if name in asked}
    return diagnose(store, scope, action=asked["action"], old=asked["old"], new=asked["new"])


def posts(store: Store, started: pd.Series) -> pd.DataFrame:
    """Status posts that touch the time in which jobs ran, the earliest first."""
    found = store.read("incidents")
    if found.empty or started.empty:
        return found.head(0)
    began = found["began_at"].fillna(found["posted_at"])
    ended = found["resolved_at"].fillna(started.max())
    touching = (began <= started.max()) & (ended >= started.min())
    return found.loc[began[touching].sort_values().index].reset_index(drop=True)


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


def _moment(text: str | None) -> pd.Timestamp | None:
    return pd.Timestamp(text) if text else None


def _rank(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)
