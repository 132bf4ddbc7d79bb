"""Green runs whose jobs were not asked for: which jobs did they run? And whom does a job without a read log resemble?

A run that ended in success at its first attempt had no failed job, so its jobs are those of its workflow's neighbours
in time, all green. In come the collected runs and jobs; out come rows of the same shape as collected ones, marked
``imputed``. A run under way is treated alike, as not ended.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.correlate.codes import Bools, Codes, codes_of, isin, microseconds, together, values_at
from analysis.correlate.first_attempts import FAILED, JUDGED, Collected
from analysis.correlate.nearest import Observations


def imputed_jobs(collected: Collected) -> pd.DataFrame:
    """Jobs of the runs whose jobs are not in the store.

    Returns
    -------
    DataFrame
        ``run`` (its number) ``, name`` (code among the names of jobs) ``, minutes`` (the median of the job's green
        ones, NaN where it has none).
    """
    runs, jobs = collected.runs, collected.jobs
    jobs = jobs[jobs["run_attempt"].to_numpy() == 1]
    run, name = jobs["run"].to_numpy(), codes_of(jobs["name"])
    asked = np.zeros(len(runs), dtype=bool)
    asked[run] = True
    green = isin(runs["conclusion"], ("success",)) & (runs["run_attempt"].to_numpy() == 1)
    targets = np.flatnonzero(~asked & (green | runs["conclusion"].isna().to_numpy()))
    like = _neighbours(runs, jobs, targets)
    names = len(jobs["name"].cat.categories) + 1
    copied = np.unique((run * names + name + 1)[isin(jobs["conclusion"], (*JUDGED, "cancelled"))])
    source, place = expanded(np.searchsorted(copied // names, np.arange(len(runs) + 1)), like)
    rows = pd.DataFrame({"run": targets[source], "name": copied[place] % names - 1})
    job = _same_job(runs, np.append(run, rows["run"]), np.append(name, rows["name"]))
    known, wanted = job[: len(run)], job[len(run) :]
    # A job that fails in green runs (continue-on-error) says nothing when only the run is known.
    tolerated = isin(jobs["conclusion"], FAILED) & isin(runs["conclusion"], ("success",))[run]
    rows["minutes"] = _usual_minutes(jobs, known)[wanted]
    return rows[~np.isin(wanted, known[tolerated & (known >= 0)])].reset_index(drop=True)


def expanded(begin: Codes, group: Codes) -> tuple[Codes, Codes]:
    """Repeat each target for every member of its group.

    Parameters
    ----------
    begin : int array
        Where each group's members begin among all members; one more entry than groups.
    group : int array
        The group of each target; -1 has no member.

    Returns
    -------
    (int array, int array)
        Place of the target and place of the member, a pair each.
    """
    known = np.flatnonzero(group >= 0)
    many = begin[group[known] + 1] - begin[group[known]]
    source = np.repeat(known, many)
    offset = np.arange(len(source)) - np.repeat(np.cumsum(many) - many, many)
    return source, np.repeat(begin[group[known]], many) + offset


def _neighbours(runs: pd.DataFrame, jobs: pd.DataFrame, targets: Codes) -> Codes:
    """The run to copy from: a green one of the same event, of any event, then any run in which a job ran."""
    run = jobs["run"].to_numpy()
    passed = np.bincount(run[isin(jobs["conclusion"], ("success",))], minlength=len(runs))
    other = np.bincount(run[~isin(jobs["conclusion"], ("success", "skipped"))], minlength=len(runs))
    known = np.unique(run)
    green = known[(other[known] == 0) & (passed[known] > 0)]
    ran = known[(passed + other)[known] > 0]
    workflow = together(codes_of(runs["repo"]), codes_of(runs["workflow"]))
    event = together(codes_of(runs["repo"]), codes_of(runs["workflow"]), codes_of(runs["event"]))
    at = microseconds(runs["created_at"])
    like = np.full(len(targets), -1, dtype=np.int64)
    for seen, group in ((green, event), (green, workflow), (ran, event), (ran, workflow)):
        sides = Observations(group[seen], at[seen]).beside(group[targets], at[targets])
        like = np.where(like >= 0, like, values_at(seen, sides.nearer))
    return like


def _same_job(runs: pd.DataFrame, run: Codes, name: Codes) -> Codes:
    """A number per repository, workflow and name of a job; -1 without a name."""
    return together(codes_of(runs["repo"])[run], codes_of(runs["workflow"])[run], name)


def _usual_minutes(jobs: pd.DataFrame, job: Codes) -> np.ndarray:
    """Median minutes of the green ones by number of the job; NaN at the end, for numbers without any."""
    took = (microseconds(jobs["completed_at"]) - microseconds(jobs["started_at"])) / 6e7
    ended = jobs["completed_at"].notna() & jobs["started_at"].notna()
    passed = isin(jobs["conclusion"], ("success",)) & ended.to_numpy() & (job >= 0)
    return quantiles(job[passed], took[passed], 0.5, int(job.max(initial=-1)) + 2)


def quantiles(group: Codes, values: np.ndarray, share: float, groups: int) -> np.ndarray:
    """A quantile of each group's values, between two of them by the straight line; NaN for a group without any."""
    order = np.lexsort((values, group))
    group, values = group[order], values[order]
    begin = np.searchsorted(group, np.arange(groups + 1))
    many = np.diff(begin)
    place = (many - 1) * share
    low = np.floor(place).astype(np.int64)
    out = np.full(groups, np.nan)
    full = many > 0
    first = values[(begin[:-1] + low)[full]]
    second = values[(begin[:-1] + np.minimum(low + 1, many - 1))[full]]
    out[full] = first + (second - first) * (place - low)[full]
    return out


def donors(rows: pd.DataFrame, runs: pd.DataFrame, read: Bools) -> Codes:
    """For each row whose log was not read, the read one nearest in time that most likely did the same.

    Parameters
    ----------
    rows, runs : DataFrame
        What `rows.rows` and `first_attempts.collected` gave.
    read : bool array
        The rows that have a read log.

    Returns
    -------
    int array
        Per row the row that gives, -1 where there is none and for the rows that have a read log.
    """
    run = rows["run"].to_numpy()
    workflow, event = codes_of(rows["workflow"]), codes_of(rows["event"])
    leg = together(codes_of(rows["repo"]), workflow, codes_of(rows["job"]))
    name = together(codes_of(rows["repo"]), workflow, codes_of(rows["job_name"]))
    same_event = together(name, event)
    at = microseconds(runs["created_at"])[run]
    targets, green = np.flatnonzero(~read), np.flatnonzero(read & ~rows["failed"].to_numpy())
    given = np.full(len(targets), -1, dtype=np.int64)
    for seen, group in ((green, same_event), (green, name), (green, leg), (np.flatnonzero(read), leg)):
        open_ = np.flatnonzero(given < 0)
        sides = Observations(group[seen], at[seen]).beside(group[targets[open_]], at[targets[open_]])
        given[open_] = values_at(seen, sides.nearer)
    out = np.full(len(rows), -1, dtype=np.int64)
    out[targets] = given
    return out
