"""The nearest observation in time, before and after, within a group: what every inference in this room rests on."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir


def both_sides(targets: ibis.Table, seen: ibis.Table, by: Sequence[str], values: Sequence[str]) -> ibis.Table:
    """Put the last observation at or before each target, and the first at or after it, beside the target.

    Parameters
    ----------
    targets : ibis.Table
        Has the columns of ``by`` and a time column ``at``.
    seen : ibis.Table
        Observations with the columns of ``by``, ``at`` and ``values``. Rows without a time or a key never match.
    by : sequence of str
        Columns that must be equal.
    values : sequence of str
        Columns to bring over.

    Returns
    -------
    ibis.Table
        ``targets`` with ``at_before, at_after`` and each value as ``NAME_before`` and ``NAME_after``; null where
        there is none.
    """
    known = seen.filter(seen["at"].notnull())
    for side in ("before", "after"):
        names = {f"at_{side}": known["at"], **{f"{name}_{side}": known[name] for name in values}}
        other = known.select(*by, **names)
        on = targets["at"] >= other.at_before if side == "before" else targets["at"] <= other.at_after
        targets = targets.asof_join(other, on=on, predicates=list(by), rname="{name}_seen")
        targets = targets.drop(*(f"{name}_seen" for name in by))
    return targets


def closer(table: ibis.Table, value: str) -> ir.Value:
    """Of ``VALUE_before`` and ``VALUE_after`` the one nearer in time; the only one where there is but one."""
    before, after = table[f"{value}_before"], table[f"{value}_after"]
    gap_before = table["at"].epoch_seconds() - table.at_before.epoch_seconds()
    gap_after = table.at_after.epoch_seconds() - table["at"].epoch_seconds()
    return ibis.cases(
        (table.at_after.isnull(), before),
        (table.at_before.isnull(), after),
        (gap_before <= gap_after, before),
        else_=after,
    )
