"""On which image and with which tools did a job run whose log nobody read?

Images roll out gradually and tools float, so a value is inferred only where the neighbours in time agree: for an image
version three observations before and three after, over all repositories with that image; for tools the job's own
neighbours, else the same rule over everybody. Elsewhere it stays null: unknown beats wrong.
"""

from __future__ import annotations

import ibis

from analysis.correlate.engine import keep
from analysis.correlate.nearest import both_sides, closer
from analysis.store import Store

MACHINE = (
    "image", "image_version", "os", "region", "runner_version",
    "docker_version", "buildx_version", "buildkit_version", "binfmt_version",
)  # fmt: skip
_ROLLED_OUT = ("image_version", "runner_version", "docker_version")
_TOOLS = ("buildx_version", "buildkit_version", "binfmt_version")
_FIXED = ("image", "os")
_AGREEING = 3


def machines(store: Store, connection: ibis.BaseBackend, rows: ibis.Table, donors: ibis.Table) -> ibis.Table:
    """The machine of each row: observed, inferred or null.

    Parameters
    ----------
    rows : ibis.Table
        ``row, repo, job_id, workflow, job_name, at``.
    donors : ibis.Table
        What `imputation.donors` gave.

    Returns
    -------
    ibis.Table
        ``row`` and the columns of `MACHINE`.
    """
    environments = store.table("environments", connection)
    environments = environments.filter(environments.observed.fill_null(False)).select("repo", "job_id", *MACHINE)
    placed = rows.filter(rows.job_id.notnull()).select("row", "repo", "job_id", "workflow", "job_name", "at")
    seen = placed.inner_join(environments, ["repo", "job_id"])
    seen = keep(connection, seen.select("row", "repo", "workflow", "job_name", "at", *MACHINE), "machines")
    targets = rows.anti_join(seen, "row").select("row", "repo", "workflow", "job_name", "at")
    like = donors.inner_join(seen.select("row", *_FIXED), donors.donor == seen.row, rname="{name}_seen")
    targets = targets.left_join(like.select("row", *_FIXED), "row", rname="{name}_like").drop("row_like")
    targets = keep(connection, targets, "unseen")
    inferred = targets
    for name in _ROLLED_OUT:
        inferred = _unanimous(inferred, seen, ("image",), name)
    for name in _TOOLS:
        inferred = _own_neighbours(inferred, seen, name)
    inferred = inferred.mutate(region=ibis.null().cast("string"))
    return seen.select("row", *MACHINE).union(inferred.select("row", *MACHINE))


def _unanimous(targets: ibis.Table, seen: ibis.Table, by: tuple[str, ...], name: str) -> ibis.Table:
    """Add ``name`` where the last three observations before and the first three after are all the same."""
    columns = targets.columns
    known = seen.filter(seen[name].notnull()).select(*by, "at", name)
    past = ibis.window(group_by=by, order_by="at", preceding=_AGREEING - 1, following=0)
    future = ibis.window(group_by=by, order_by="at", preceding=0, following=_AGREEING - 1)
    value = known[name]
    known = known.select(
        *by, "at",
        past=ibis.ifelse(value.min().over(past) == value.max().over(past), value, ibis.null()),
        future=ibis.ifelse(value.min().over(future) == value.max().over(future), value, ibis.null()),
    )  # fmt: skip
    beside = both_sides(targets, known, by, ["past", "future"])
    same = beside.past_before == beside.future_after
    return beside.select(*columns, **{name: ibis.ifelse(same, beside.past_before, ibis.null())})


def _own_neighbours(targets: ibis.Table, seen: ibis.Table, name: str) -> ibis.Table:
    """Add ``name`` where the job itself had the same before and after, or everybody had."""
    columns = targets.columns
    known = seen.filter(seen[name].notnull())
    by = ("repo", "workflow", "job_name")
    own = both_sides(targets, known.select(*by, "at", own=known[name]), by, ["own"])
    own = own.select(*columns, own=ibis.ifelse(own.own_before == own.own_after, own.own_before, ibis.null()),
                     uses=closer(own, "own").notnull())  # fmt: skip
    everybody = _unanimous(own.mutate(all=ibis.literal("all")), known.mutate(all=ibis.literal("all")), ("all",), name)
    value = ibis.ifelse(everybody.uses, ibis.coalesce(everybody.own, everybody[name]), ibis.null())
    return everybody.select(*columns, **{name: value})
