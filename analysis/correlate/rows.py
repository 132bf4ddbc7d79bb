"""A row per first attempt of a job: collected or imputed, in the order of time, with what follows from jobs alone.

In come the collected runs and jobs, the imputed ones, and how far the data reaches; out come the rows that `exposure`
fills: who failed, what the log blames, who is censored (too young to count), and which failures repeat the one before.
Cancelled and skipped jobs are neither success nor failure and stay out.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.correlate.codes import (
    NEVER,
    Bools,
    Codes,
    Times,
    categorical,
    code,
    codes_of,
    isin,
    microseconds,
    minutes,
    taken,
    together,
)
from analysis.correlate.first_attempts import BLAME, FAILED, JUDGED, Collected
from analysis.correlate.imputation import quantiles

_MATRIX = r" ?\((?P<matrix>[^()]*(?:\([^()]*\)[^()]*)*)\)"
# What a row takes over from its run.
_OF_RUN = ("repo", "workflow", "event", "branch", "branch_class", "credential_class")
# A job without a record of its own duration is given the time most jobs end within.
_USUAL_MINUTES = 30.0


def rows(collected: Collected, imputed: pd.DataFrame, moment: datetime | None) -> pd.DataFrame:
    """Put the rows in the order of time.

    Parameters
    ----------
    collected : Collected
        What `first_attempts.collected` gave.
    imputed : DataFrame
        What `imputation.imputed_jobs` gave.
    moment : datetime or None
        How far the data reaches.

    Returns
    -------
    DataFrame
        ``run, stored`` (numbers of its run and of its job, -1 for an imputed one) ``, repo, workflow, event, branch,
        branch_class, credential_class, job_name, job, matrix, started_at`` (microseconds) ``, failed, imputed,
        censored, minutes, step`` (that failed, -1 where unknown) ``, has_failure, streak_position`` and what the log
        blames. The index is the number of the row.
    """
    runs, jobs = collected.runs, collected.jobs
    first = jobs["run_attempt"].to_numpy() == 1
    own = np.flatnonzero(first & (isin(jobs["conclusion"], JUDGED) | jobs["conclusion"].isna().to_numpy()))
    run = np.append(jobs["run"].to_numpy()[own], imputed["run"].to_numpy())
    stored = np.append(own, np.full(len(imputed), -1))
    name = np.append(codes_of(jobs["name"])[own], imputed["name"].to_numpy())
    started = _started(runs, jobs, run, stored)
    last = np.iinfo(np.int64).max
    job_id = np.where(stored >= 0, jobs["job_id"].to_numpy()[stored], last) if len(jobs) else stored
    order = np.lexsort((job_id, np.where(name < 0, last, name), run, np.where(started == NEVER, last, started)))
    run, stored, name, started = run[order], stored[order], name[order], started[order]
    took = minutes(jobs["started_at"].fillna(jobs["created_at"]), jobs["completed_at"])
    took = np.append(took[own], imputed["minutes"].to_numpy())[order]
    frame = _of_runs_and_jobs(runs, jobs, run, stored, name)
    ended = np.where(stored >= 0, frame.pop("outcome").notna(), runs["conclusion"].notna().to_numpy()[run])
    frame = frame.assign(started_at=started, minutes=took)
    frame["censored"] = ~ended | _is_young(frame, ended, moment)
    frame["streak_position"] = _streak_positions(frame)
    return frame


def _started(runs: pd.DataFrame, jobs: pd.DataFrame, run: Codes, stored: Codes) -> Times:
    """When a job began: what is known best, of the job, then of its run."""
    found = np.where(stored >= 0, _at(jobs, "started_at", stored), NEVER)
    found = np.where((found == NEVER) & (stored >= 0), _at(jobs, "created_at", stored), found)
    for column in ("run_started_at", "created_at"):
        found = np.where(found == NEVER, _at(runs, column, run), found)
    return np.asarray(found)


def _at(frame: pd.DataFrame, column: str, place: Codes) -> Times:
    return np.append(microseconds(frame[column]), NEVER)[place]


def _of_runs_and_jobs(runs: pd.DataFrame, jobs: pd.DataFrame, run: Codes, stored: Codes, name: Codes) -> pd.DataFrame:
    columns: dict[str, object] = {"run": run.astype(np.int32), "stored": stored.astype(np.int32)}
    columns |= {column: taken(runs[column], run) for column in _OF_RUN}
    outcome = taken(jobs["conclusion"], stored)
    failed = isin(outcome, FAILED)
    columns |= {"outcome": outcome, "failed": failed, "imputed": stored < 0}
    job_name = categorical(name, jobs["name"])
    columns["job_name"], (columns["job"], columns["matrix"]) = job_name, _without_matrix(job_name)
    blamed = np.where(failed, stored, -1)
    for column in BLAME:
        if isinstance(jobs[column].dtype, pd.CategoricalDtype):
            columns[column] = taken(jobs[column], blamed)
        else:
            columns[column] = jobs[column].astype("boolean").reindex(blamed).reset_index(drop=True)
    step = jobs["log_step"].fillna(jobs["failing_step"]).fillna(-1).to_numpy(dtype=np.int64)
    columns["step"] = np.append(step, -1)[blamed]
    columns["has_failure"] = np.append(jobs["has_failure"].to_numpy(dtype=bool), False)[stored]
    return pd.DataFrame(columns)


def _without_matrix(name: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The name of a job without its matrix values, and these values."""
    texts = pa.array(name.cat.categories, pa.string())
    stripped = pc.replace_substring_regex(texts, _MATRIX, "")
    values = pc.struct_field(pc.extract_regex(texts, _MATRIX), "matrix")
    empty = pc.fill_null(pc.equal(values, ""), True)
    parts = (stripped, pc.if_else(empty, pa.scalar(None, pa.string()), values))
    job, matrix = (pd.Series(pd.Categorical(part.to_pandas())) for part in parts)
    return taken(job, codes_of(name)), taken(matrix, codes_of(name))


def _is_young(rows: pd.DataFrame, ended: Bools, moment: datetime | None) -> Bools:
    """Jobs that are younger than nearly all jobs like them take: red ends early, green is still under way."""
    if moment is None:
        return np.zeros(len(rows), dtype=bool)
    took, started = rows["minutes"].to_numpy(), rows["started_at"].to_numpy()
    repo = codes_of(rows["repo"])
    job = together(repo, codes_of(rows["workflow"]), codes_of(rows["job_name"]))
    done = ended & ~rows["imputed"].to_numpy() & ~np.isnan(took)
    known = done & (job >= 0)
    jobs, repos = int(job.max(initial=-1)) + 2, int(repo.max(initial=-1)) + 1
    most = quantiles(job[known], took[known], 0.95, jobs)
    most[np.bincount(job[known], minlength=jobs) < 5] = np.nan
    in_repo = quantiles(repo[done], took[done], 0.95, repos)[repo]
    usual = np.where(np.isnan(most[job]), in_repo, most[job])
    usual = np.where(np.isnan(usual), _USUAL_MINUTES, usual)
    now = round(moment.timestamp() * 1e6)
    return np.asarray((started == NEVER) | ((now - started) / 1e6 < usual * 60))


def _streak_positions(rows: pd.DataFrame) -> np.ndarray:
    """Number the failures of a row of failures on one repository, workflow, job and branch; -1 for what passed.

    A failure that is known to come from somewhere else than the one before begins a new streak.
    """
    lane = together(*(codes_of(rows[name]) for name in ("repo", "workflow", "job_name", "branch")), nulls=True)
    order = np.argsort(lane, kind="stable")
    lane, failed = lane[order], rows["failed"].to_numpy()[order]
    blamed = codes_of(rows["component"])[order]
    told = (blamed >= 0) & (blamed != code(rows["component"], "unknown"))
    begins = np.ones(len(rows), dtype=bool)
    differs = told[1:] & told[:-1] & (blamed[1:] != blamed[:-1])
    begins[1:] = (lane[1:] != lane[:-1]) | ~failed[1:] | ~failed[:-1] | differs
    place = np.arange(len(rows))
    position = place - np.maximum.accumulate(np.where(begins, place, 0))
    out = np.empty(len(rows), dtype=np.int32)
    out[order] = np.where(failed, position, -1)
    return out
