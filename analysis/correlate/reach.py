"""How far does it reach: repositories, workflows, branches, runs, jobs, minutes; since when, until when?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from analysis.correlate.exposure import Exposure
from analysis.scope import iso


@dataclass(frozen=True)
class Reach:
    """The ``scope`` block of the verdict document.

    Attributes
    ----------
    repos, workflows, branches, runs : int
        Distinct ones among the jobs (a workflow or branch is counted once per repository).
    jobs, failed_jobs : int
        Jobs that count, and those of them that failed.
    minutes_lost : float
        Minutes of runner time that failed jobs used, and that their re-runs used again.
    first_failure_at, last_failure_at : datetime or None
        When the first and the last failed job started, UTC.
    censored_jobs : int
        Jobs too young to count.
    """

    repos: int
    workflows: int
    branches: int
    runs: int
    jobs: int
    failed_jobs: int
    minutes_lost: float
    first_failure_at: datetime | None
    last_failure_at: datetime | None
    censored_jobs: int

    def as_scope(self) -> dict[str, Any]:
        """The block as JSON holds it."""
        times = {"first_failure_at": iso(self.first_failure_at), "last_failure_at": iso(self.last_failure_at)}
        return {**vars(self), "minutes_lost": round(self.minutes_lost, 1), **times}


def scope_summary(exposure: Exposure, failures: pd.Series | None = None) -> Reach:
    """Count what the incident touched.

    Parameters
    ----------
    exposure : Exposure
        The table.
    failures : Series of bool, optional
        Over ``exposure.jobs``: only these failed jobs belong to the incident; by default all.

    Returns
    -------
    Reach
        Zeros and None where there is nothing.
    """
    jobs = exposure.jobs
    counted = ~jobs["censored"].astype(bool)
    failed = counted & jobs["failed"].astype(bool)
    if failures is not None:
        failed &= failures.reindex(jobs.index).fillna(False).astype(bool)
    seen = jobs[counted]
    again = exposure.reruns[exposure.reruns["row"].isin(jobs.index[failed])]
    lost = float(jobs.loc[failed, "minutes"].sum()) + (float(again["minutes"].sum()) if len(again) else 0.0)
    times = jobs.loc[failed, "started_at"]
    return Reach(
        repos=int(seen["repo"].nunique()),
        workflows=_distinct(seen, ["repo", "workflow"]),
        branches=_distinct(seen, ["repo", "branch"]),
        runs=_distinct(seen, ["repo", "run_id"]),
        jobs=len(seen),
        failed_jobs=int(failed.sum()),
        minutes_lost=lost,
        first_failure_at=times.min().to_pydatetime() if len(times) else None,
        last_failure_at=times.max().to_pydatetime() if len(times) else None,
        censored_jobs=int((~counted).sum()),
    )


def _distinct(jobs: pd.DataFrame, columns: list[str]) -> int:
    return len(jobs[columns].drop_duplicates())
