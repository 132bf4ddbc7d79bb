"""The failed jobs, one row each, as the reader of the report wants to see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.charts.tables import counted
from analysis.notebook.case import Case

MOST_ROWS = 1500


@dataclass(frozen=True)
class AffectedJob:
    """One failed first attempt: where, what, when, and whether a rerun passed (None without a rerun)."""

    repo: str
    workflow: str
    job: str
    step: str
    component: str
    kind: str
    at: pd.Timestamp
    attempts: int
    rerun_passed: bool | None
    url: str


def rows(case: Case) -> tuple[list[AffectedJob], int]:
    """At most 1,500 failed jobs, the incident's own first, each part in order of time; and how many there are in all.

    1,500 rows keep the report far below 2 MB; the data folder holds every one.
    """
    votes = counted(case.jobs)
    failed = votes[votes["failed"].astype(bool)]
    aside = ~incident_jobs(case, failed)
    failed = failed.assign(aside=aside).sort_values(["aside", "started_at"])
    shown = failed.head(MOST_ROWS)
    steps, attempts = _steps(case, shown), _attempts(case)
    table = [
        AffectedJob(
            str(r["repo"]), _text(r["workflow"]), _text(r["job_name"]) or _text(r["job"]),
            steps.get((r["repo"], r["job_id"], r["step_number"]), _number(r["step_number"])),
            _text(r["component"]) or "unknown", _text(r["kind"]) or "other", r["started_at"],
            attempts.get((r["repo"], r["run_id"]), 1), _rerun(r["rerun_passed"]), _text(r["html_url"]),
        )
        for r in shown.to_dict("records")
    ]  # fmt: skip
    return table, len(failed)


def incident_jobs(case: Case, failed: pd.DataFrame) -> pd.Series:
    """Which failed jobs belong to the incident: of the guilty service, or of anyone inside the culprit's window."""
    first, last = case.episode
    leader = case.leader
    if leader is None or first is None or last is None:
        return pd.Series(True, index=failed.index)
    inside = (failed["started_at"] >= first) & (failed["started_at"] <= last)
    if leader["cause"] != "service":
        return inside
    return inside & (failed["component"].astype("object") == str(leader["name"]).split(" ")[0])


def _steps(case: Case, shown: pd.DataFrame) -> dict[tuple[Any, ...], str]:
    steps = case.store.read("steps", ["repo", "job_id", "number", "name"])
    steps = steps[steps["job_id"].isin(shown["job_id"].dropna())]
    keys = zip(steps["repo"], steps["job_id"], steps["number"], strict=True)
    return dict(zip(keys, steps["name"].fillna(""), strict=True))


def _attempts(case: Case) -> dict[Any, int]:
    runs = case.store.read("runs", ["repo", "run_id", "run_attempt"])
    latest = runs.groupby(["repo", "run_id"])["run_attempt"].max()
    return {key: int(n) for key, n in latest[latest > 1].items()} if len(latest) else {}


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _number(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(int(value))


def _rerun(value: Any) -> bool | None:
    return None if value is None or pd.isna(value) else bool(value)
