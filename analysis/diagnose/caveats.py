"""What the reader must know about the data: status pages not read, gaps, and how little there was to compare.

In: the data folder, the exposure table and the judgement. Out: plain sentences, and the incidents that status pages
posted, on our own components.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.correlate.exposure import Exposure
from analysis.diagnose.cells import Cells
from analysis.diagnose.judge import Judgement
from analysis.diagnose.suspects import Question
from analysis.diagnose.windows import Posted
from analysis.schema import SERVICE_COMPONENTS
from analysis.scope import Scope
from analysis.store import Store

_MOST_GAPS = 30
_FEW_STRATA = 3


def posted(store: Store, jobs: pd.DataFrame) -> list[Posted]:
    """Incidents of status pages, one for each component they name; maintenances are none.

    Parameters
    ----------
    store : Store
    jobs : DataFrame
        The exposure table's jobs: incidents outside their time are left out.
    """
    first, last = jobs["started_at"].min(), jobs["started_at"].max()
    found = []
    rows: list[dict[Any, Any]] = store.read("incidents").to_dict("records")
    for row in rows:
        began = min((t for t in (row["began_at"], row["posted_at"]) if pd.notna(t)), default=None)
        ended = row["resolved_at"] if pd.notna(row["resolved_at"]) else last
        if row["is_maintenance"] is True or began is None or began > last or ended < first:
            continue
        names = row["components"] if row["components"] is not None else ()
        found += [Posted(str(c), began.timestamp(), max(ended, began).timestamp(), str(row["direction"] or "all"))
                  for c in names if c in SERVICE_COMPONENTS]  # fmt: skip
    return found


def gaps(store: Store, scope: Scope) -> list[str]:
    """What could not be had, grouped: one sentence for each kind and reason of a repository."""
    frame = store.read("gaps")
    if scope.repos:
        frame = frame[frame["repo"].isin(scope.repos)]
    counts = frame.groupby(["kind", "reason", "repo"], dropna=False).size().sort_values(ascending=False)
    grouped: list[dict[Any, Any]] = counts.head(_MOST_GAPS).reset_index(name="many").to_dict("records")
    lines = [f"{g['repo']}: {g['many'] if g['many'] > 1 else 'one'} {g['kind']}: {g['reason']}" for g in grouped]
    rest = len(counts) - _MOST_GAPS
    return [*lines, f"{rest} more gaps"] if rest > 0 else lines


def warnings(store: Store, table: Exposure, judgement: Judgement, asked: Question | None) -> list[str]:
    """Sentences that qualify the verdict."""
    jobs = table.jobs
    found = []
    failing = set(jobs.loc[jobs["failed"].astype(bool), "component"].dropna().astype(str)) & SERVICE_COMPONENTS
    known = {str(c) for row in store.read("incidents", ["components"])["components"] if row is not None for c in row}
    asked_pages = set(store.read("incidents", ["provider"])["provider"].astype(str))
    silent = sorted(failing - known - asked_pages - {"network"})
    if silent:
        found.append(f"no status data for {', '.join(silent)}: run actions-incident status, and remember that pages "
                     "are late or silent")  # fmt: skip
    if asked is not None and asked.new is not None:
        beside = side_by_side(judgement.cells, asked)
        if beside < _FEW_STRATA:
            found.append(f"only {beside} strata (repository, job and 12 hours) have {asked.new} of {asked.action} and "
                         "another version side by side")  # fmt: skip
    if judgement.decision.small:
        found.append("fewer than sixty comparable jobs or 25 runs: too little to convict or acquit anyone")
    failed = jobs["failed"].astype(bool)
    unread = int((failed & ~jobs["has_log"].fillna(False).astype(bool)).sum())
    if unread:
        found.append(f"the logs of {unread} of {int(failed.sum())} failed jobs were not read")
    inferred = int((~failed & ~jobs["versions_observed"].astype(bool)).sum())
    if inferred:
        found.append(f"what {inferred} of {int((~failed).sum())} green jobs ran is inferred from their neighbours")
    if table.runs_without_jobs:
        found.append(f"{table.runs_without_jobs} of {table.runs_seen} runs gave no job: nothing is known of theirs")
    found += [f"damaged file skipped: {p.path.name} ({p.reason})" for p in store.problems]
    return found


def side_by_side(cells: Cells, asked: Question) -> int:
    """Strata of repository, job and 12 hours in which the new version and another one ran."""
    attribute = cells.actions.get(asked.action)
    if attribute is None or asked.new not in attribute.levels:
        return 0
    level = attribute.levels.index(asked.new)
    known = attribute.code >= 0
    half_day = (cells.time // 43200).astype(np.int64)
    keys = cells.stratum * (int(half_day.max(initial=0)) + 1) + half_day
    with_new = set(keys[known & (attribute.code == level)].tolist())
    with_other = set(keys[known & (attribute.code != level)].tolist())
    return len(with_new & with_other)
