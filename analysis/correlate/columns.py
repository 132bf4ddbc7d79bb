"""From rows of codes to the frames of `Exposure`: categoricals and flags that a million jobs fit into."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.correlate.codes import Codes, isin
from analysis.correlate.first_attempts import Collected
from analysis.correlate.history import Ran

# Columns with few distinct values, kept as categoricals.
_CATEGORIES = (
    "repo", "workflow", "job", "job_name", "matrix", "branch", "branch_class", "event", "credential_class", "component",
    "kind", "operation", "signature", "host", "image", "image_version", "os", "region", "runner_version",
    "docker_version", "buildx_version", "buildkit_version", "binfmt_version",
)  # fmt: skip
_ORDER = (
    "repo", "workflow", "job", "job_name", "matrix", "job_id", "run_id", "branch", "branch_class", "event",
    "credential_class", "head_sha", "created_at", "started_at", "failed", "censored", "reached", "streak_position",
    "minutes", "step_number", "component", "kind", "operation", "signature", "host", "transient", "has_log", "imputed",
    "image", "image_version", "os", "region", "runner_version", "docker_version", "buildx_version", "buildkit_version",
    "binfmt_version", "html_url", "weight",
)  # fmt: skip
# More columns than this serve nobody: the rarest are left out.
MOST_COLUMNS = 300


def jobs(rows: pd.DataFrame, collected: Collected, machine: dict[str, pd.Series]) -> pd.DataFrame:
    """The ``jobs`` frame, in the order of the rows. Takes the columns out of ``rows`` to save memory."""
    run, stored = rows["run"].to_numpy(), rows["stored"].to_numpy()
    of_run = collected.runs[["run_id", "head_sha", "created_at"]].take(run)
    frame = of_run.set_axis(rows.index)
    frame["job_id"] = _of_job(collected.jobs["job_id"].astype("Int64"), stored)
    frame["html_url"] = _of_job(collected.jobs["html_url"], stored)
    imputed = stored < 0
    frame.loc[imputed, "html_url"] = collected.runs["run_url"].take(run[imputed]).to_numpy()
    frame["started_at"] = pd.to_datetime(rows["started_at"].to_numpy().view("datetime64[us]"), utc=True)
    frame["step_number"] = rows["step"].where(rows["step"] >= 0).astype("Int32")
    frame["weight"] = np.ones(len(frame), dtype="float32")
    rest = {name: machine[name] if name in machine else rows[name] for name in _ORDER if name not in frame}
    columns = {name: frame[name] if name in frame else rest[name] for name in _ORDER}
    columns |= {name: _by_appearance(columns[name]) for name in _CATEGORIES}
    return pd.DataFrame(columns)


def _of_job(column: pd.Series, stored: Codes) -> pd.Series:
    return column.reindex(stored).reset_index(drop=True)


def _by_appearance(column: pd.Series) -> pd.Series:
    """A categorical with the categories that occur, in the order in which they do."""
    codes, met = pd.factorize(column.cat.codes)
    known = met >= 0
    place = np.cumsum(known) - 1
    renumbered = np.where(known, place, -1)
    return pd.Series(pd.Categorical.from_codes(renumbered[codes], categories=column.cat.categories[met[known]]))


def categories(ran: Ran, rows: int) -> pd.DataFrame:
    """A categorical column for each action, in the order of their names, with the versions that occur."""
    uses = np.bincount(ran.action, minlength=len(ran.actions))
    most = sorted(np.argsort(-uses, kind="stable")[:MOST_COLUMNS])
    order = np.argsort(ran.action, kind="stable")
    row, version = ran.row[order], ran.version[order]
    end = np.cumsum(uses)
    out: dict[str, pd.Categorical] = {}
    for action in most:
        mine = slice(end[action] - uses[action], end[action])
        if uses[action]:
            used, local = np.unique(version[mine], return_inverse=True)
            column = np.full(rows, -1, dtype="int32")
            column[row[mine]] = local
            texts = pd.Index([ran.texts[i] for i in used], dtype="object")
            out[ran.actions[action]] = pd.Categorical.from_codes(column, texts)
    return pd.DataFrame(out, index=pd.RangeIndex(rows))


def lowest(row: Codes, value: np.ndarray, rows: int) -> np.ndarray:
    """The lowest value of each row, NaN where it has none."""
    column = np.full(rows, np.inf, dtype="float32")
    np.minimum.at(column, row, value)
    column[np.isinf(column)] = np.nan
    return column


def coverage(collected: Collected, rows: pd.DataFrame) -> dict[str, int]:
    """How many runs the scope holds, and how many of them gave no row."""
    without = np.ones(len(collected.runs), dtype=bool)
    without[rows["run"]] = False
    never = ("skipped", "cancelled", "action_required", "neutral", "stale")
    lost = without & ~isin(collected.runs["conclusion"], never)
    return {"runs_seen": len(collected.runs), "runs_without_jobs": int(lost.sum())}
