"""On which image and with which tools did a job run whose log nobody read?

Images roll out gradually and tools float, so a value is inferred only where the neighbours in time agree: for an image
version three observations before and three after, over all repositories with that image; for tools the job's own
neighbours, else the same rule over everybody. Elsewhere it stays null: unknown beats wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from analysis.correlate.engine import keep
from analysis.correlate.nearest import both_sides
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
    inferred = _unanimous(targets, seen, "image", _ROLLED_OUT)
    inferred = _own_neighbours(keep(connection, inferred, "rolled_out"), seen, _TOOLS)
    inferred = keep(connection, inferred.mutate(region=ibis.null().cast("string")), "inferred_machines")
    return seen.select("row", *MACHINE).union(inferred.select("row", *MACHINE))


def _unanimous(targets: ibis.Table, seen: ibis.Table, by: str, names: Sequence[str]) -> ibis.Table:
    """Add each of ``names`` where the last three observations before and the first three after are all the same."""
    columns = targets.columns
    past = ibis.window(group_by=by, order_by="at", preceding=_AGREEING - 1, following=0)
    future = ibis.window(group_by=by, order_by="at", preceding=0, following=_AGREEING - 1)
    sides = {f"{side}_{n}": _same(seen[n], w) for n in names for side, w in (("past", past), ("future", future))}
    beside = both_sides(targets, seen.select(by, "at", **sides), (by,), list(sides))
    agreed = {n: _if_equal(beside[f"past_{n}_before"], beside[f"future_{n}_after"]) for n in names}
    return beside.select(*columns, **agreed)


def _own_neighbours(targets: ibis.Table, seen: ibis.Table, names: Sequence[str]) -> ibis.Table:
    """Add each of ``names`` where the job itself had the same before and after, or everybody had."""
    columns = targets.columns
    by = ("repo", "workflow", "job_name")
    beside = both_sides(targets, seen.select(*by, "at", *names), by, names)
    own = {f"own_{n}": _if_equal(beside[f"{n}_before"], beside[f"{n}_after"]) for n in names}
    uses = {f"uses_{n}": ibis.coalesce(beside[f"{n}_before"], beside[f"{n}_after"]).notnull() for n in names}
    ours = beside.select(*columns, **own, **uses, everybody=ibis.literal("all"))
    everybody = _unanimous(ours, seen.mutate(everybody=ibis.literal("all")), "everybody", names)
    return everybody.select(
        *columns,
        **{n: everybody[f"uses_{n}"].ifelse(ibis.coalesce(everybody[f"own_{n}"], everybody[n]), None) for n in names},
    )


def _same(value: ir.StringValue, window: Any) -> ir.StringValue:
    return ibis.ifelse(value.min().over(window) == value.max().over(window), value, ibis.null())


def _if_equal(before: ir.StringValue, after: ir.StringValue) -> ir.StringValue:
    return ibis.ifelse(before == after, before, ibis.null())
