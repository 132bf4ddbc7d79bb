"""Green runs whose jobs were not asked for: which jobs did they run?

A run that ended in success at its first attempt had no failed job, so its jobs are those of its workflow's neighbours
in time, all green. In come the runs and the collected jobs; out come rows of the same shape as collected ones, marked
``imputed``. A run under way is treated alike, as not ended.
"""

from __future__ import annotations

import ibis

from analysis.correlate.engine import keep
from analysis.correlate.first_attempts import FAILED, JUDGED
from analysis.correlate.nearest import both_sides, closer
from analysis.store import Store

# The neighbour to copy from: a green run of the same event, of any event, then any run at all.
_TIERS = (
    ("green_event", ("repo", "workflow", "event")),
    ("green", ("repo", "workflow")),
    ("any", ("repo", "workflow")),
)


def imputed_jobs(store: Store, connection: ibis.BaseBackend, found: ibis.Table) -> ibis.Table:
    """Jobs of the runs whose jobs are not in the store.

    Parameters
    ----------
    found : ibis.Table
        What `first_attempts.runs` gave.

    Returns
    -------
    ibis.Table
        The run's columns and ``job_name, minutes`` (the median of the job's green ones).
    """
    jobs = store.table("jobs", connection)
    jobs = jobs.filter(jobs.run_attempt == 1)
    jobs = jobs.select("repo", "run_id", "conclusion", "started_at", "completed_at", job_name=jobs.name)
    of_run = found.select("repo", "run_id", "workflow", "event", "created_at", conclusion_of_run=found.conclusion)
    jobs = keep(connection, jobs.inner_join(of_run, ["repo", "run_id"]), "known_jobs")
    targets = found.anti_join(jobs, ["repo", "run_id"])
    green = (targets.conclusion == "success") & (targets.run_attempt == 1)
    targets = targets.filter(green | targets.conclusion.isnull())
    targets = targets.select("repo", "run_id", "workflow", "event", at=targets.created_at)
    known = keep(connection, _neighbours(jobs), "neighbours")
    like = keep(connection, _with_neighbour(targets, known), "like")
    return found.inner_join(_rows(like, jobs), ["repo", "run_id"])


def _neighbours(jobs: ibis.Table) -> ibis.Table:
    """Runs whose jobs are known, and whether each of those jobs passed."""
    return jobs.group_by("repo", "workflow", "event", "run_id").aggregate(
        at=jobs.created_at.max(),
        passed=(jobs.conclusion == "success").sum(),
        other=(~jobs.conclusion.isin(("success", "skipped"))).fill_null(True).sum(),
    )


def _with_neighbour(targets: ibis.Table, known: ibis.Table) -> ibis.Table:
    columns = targets.columns
    green = known.filter((known.other == 0) & (known.passed > 0))
    choices: list[str] = []
    for tier, by in _TIERS:
        seen = (known if tier == "any" else green).select(*by, "at", **{tier: "run_id"})
        targets = both_sides(targets, seen, by, [tier])
        targets = targets.mutate(**{f"like_{tier}": closer(targets, tier)})
        targets = targets.select(*columns, *choices, f"like_{tier}")
        choices.append(f"like_{tier}")
    return targets.select(*columns, like=ibis.coalesce(*(targets[c] for c in choices)))


def _rows(targets: ibis.Table, jobs: ibis.Table) -> ibis.Table:
    template = jobs.filter(jobs.conclusion.isin((*JUDGED, "cancelled")))
    template = template.select("repo", "job_name", like=template.run_id).distinct()
    rows = targets.inner_join(template, ["repo", "like"])
    rows = rows.select("repo", "run_id", "workflow", "job_name")
    # A job that fails in green runs (continue-on-error) says nothing when only the run is known.
    tolerated = jobs.filter(jobs.conclusion.isin(FAILED) & (jobs.conclusion_of_run == "success"))
    rows = rows.anti_join(tolerated, ["repo", "workflow", "job_name"])
    took = (jobs.completed_at.epoch_seconds() - jobs.started_at.epoch_seconds()) / 60.0
    passed = jobs.select("repo", "workflow", "job_name", "conclusion", took=took)
    passed = passed.filter(passed.conclusion == "success")
    usual = passed.group_by("repo", "workflow", "job_name").aggregate(minutes=passed.took.quantile(0.5))
    return rows.left_join(usual, ["repo", "workflow", "job_name"]).select("repo", "run_id", "job_name", "minutes")


def donors(connection: ibis.BaseBackend, rows: ibis.Table, read: ibis.Table) -> ibis.Table:
    """For each row whose log was not read, the read one nearest in time that most likely did the same.

    Parameters
    ----------
    rows : ibis.Table
        ``row, repo, workflow, job, job_name, event, at``.
    read : ibis.Table
        The rows that have a read log, with ``failed``.

    Returns
    -------
    ibis.Table
        ``row, donor`` (another ``row``), for every row without a read log that has any donor.
    """
    columns = ["row", "repo", "workflow", "job", "job_name", "event", "at"]
    targets = rows.anti_join(read, "row").select(*columns)
    read = keep(connection, read.select(*columns, "failed"), "read")
    chosen: list[str] = []
    for name, by, green in _DONORS:
        seen = (read.filter(~read.failed) if green else read).select(*by, "at", **{name: "row"})
        targets = both_sides(targets, seen, by, [name])
        targets = targets.mutate(**{f"like_{name}": closer(targets, name)}).select(*columns, *chosen, f"like_{name}")
        chosen.append(f"like_{name}")
    found = targets.select("row", donor=ibis.coalesce(*(targets[c] for c in chosen)))
    return found.filter(found.donor.notnull())


_DONORS = (
    ("same_event", ("repo", "workflow", "job_name", "event"), True),
    ("green", ("repo", "workflow", "job_name"), True),
    ("leg", ("repo", "workflow", "job"), True),
    ("any", ("repo", "workflow", "job"), False),
)
