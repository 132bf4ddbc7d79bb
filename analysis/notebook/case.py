"""One incident, opened: the data folder's facts beside the judge's verdict, ready to be shown.

In: a data folder and a scope. Out: a `Case`, which notebooks and report read and never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.charts import tables
from analysis.charts.timeline import TimelineData
from analysis.correlate.exposure import exposure
from analysis.diagnose import diagnose
from analysis.errors import UsageError
from analysis.notebook.history import HOUR, History, posts, sample_mark, whole_hours
from analysis.scope import Scope
from analysis.store import Store

Question = Mapping[str, str | None]
NO_QUESTION: Question = {"action": None, "old": None, "new": None}


@dataclass(frozen=True, kw_only=True)
class Case(History):
    """An incident and what is known about it.

    Attributes
    ----------
    verdict : dict
        The verdict document.
    """

    verdict: dict[str, Any]

    @cached_property
    def window(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The verdict's window in whole hours, UTC."""
        window, started = self.verdict["window"], self.jobs["started_at"]
        return whole_hours(window["start"] or started.min(), window["end"] or started.max(), self.now)

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

    def timeline(self, marks: Mapping[str, str]) -> TimelineData:
        """What the timeline draws; ``marks`` labels ``first_failure``, ``first_post`` and ``last_failure``."""
        since, until = self.window
        width = tables.bin_width(since, until)
        action, *versions = self.question or ("", "", "")
        shown = (versions[0], versions[1])
        adopted = tables.adoption(self.jobs, self.version_of(action), max(width, 6 * HOUR), show=shown)
        first, last = self.episode
        times = {"first_failure": first, "first_post": self.first_post, "last_failure": last}
        return TimelineData(
            since=since, until=until, width=width, failures=tables.failures_by_time(self.jobs, width),
            adoption=adopted, adoption_width=max(width, 6 * HOUR), versions=shown, action=action,
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
    return Case(
        store=store, scope=scope, exposure=facts, incidents=posts(store, facts.jobs["started_at"]), now=now,
        sample=sample_mark(store.data_dir), verdict=judged,
    )  # fmt: skip


def judge(store: Store, scope: Scope, question: Question | None) -> dict[str, Any]:
    """The verdict document on a question; without one, on the question that a sample brings along.

    Raises
    ------
    UsageError
        The action or version in question was never used.
    NoDataError
        The data folder holds nothing in this scope.
    """
    asked = {**NO_QUESTION, **(question or {})}
    if not any(asked.values()):
        asked |= {name: text for name, text in sample_mark(store.data_dir).get("question", {}).items() if name in asked}
    return diagnose(store, scope, action=asked["action"], old=asked["old"], new=asked["new"])


def _moment(text: str | None) -> pd.Timestamp | None:
    return pd.Timestamp(text) if text else None


def _rank(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)
