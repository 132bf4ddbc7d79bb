"""On which image and with which tools did a job run whose log nobody read?

Images roll out gradually and tools float, so a value is inferred only where the neighbours in time agree: for an image
version three observations before and three after, over all repositories with that image; for tools the job's own
neighbours, else the same rule over everybody. Elsewhere it stays null: unknown beats wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.correlate.codes import Codes, Times, codes_of, microseconds, pairs, to_frame, together, values_at
from analysis.correlate.engine import Tables
from analysis.correlate.first_attempts import Collected
from analysis.correlate.nearest import Observations

MACHINE = (
    "image", "image_version", "os", "region", "runner_version",
    "docker_version", "buildx_version", "buildkit_version", "binfmt_version",
)  # fmt: skip
_ROLLED_OUT = ("image_version", "runner_version", "docker_version")
_TOOLS = ("buildx_version", "buildkit_version", "binfmt_version")
_FIXED = ("image", "os")
_AGREEING = 3


@dataclass(frozen=True)
class Environments:
    """What the logs say of runners.

    Attributes
    ----------
    table : DataFrame
        A row per job: ``job`` (its number) ``, observed`` and the columns of `MACHINE`.
    base_images, logged_in : DataFrame
        ``job`` and the image or host, a row per pair.
    """

    table: pd.DataFrame
    base_images: pd.DataFrame
    logged_in: pd.DataFrame


def environments(tables: Tables, collected: Collected) -> Environments:
    """Read the environments of the jobs."""
    stored = tables["environments"].select("repo", "job_id", *MACHINE, "base_images", "logged_in", "observed")
    found = tables.fetch(stored.inner_join(collected.numbers, ["repo", "job_id"]).drop("repo", "job_id"))
    lists = ("base_images", "logged_in")
    frame = to_frame(found.drop_columns(list(lists)))
    frame["observed"] = frame["observed"].astype("boolean").fillna(False).astype(bool)
    return Environments(frame, *(pairs(found["job"], found[name], ("job", name)) for name in lists))


def machines(
    rows: pd.DataFrame, runs: pd.DataFrame, environments: Environments, row_of_job: Codes, donor: Codes
) -> dict[str, pd.Series]:
    """The machine of each row: observed, inferred or null.

    Parameters
    ----------
    rows, runs : DataFrame
        What `rows.rows` and `first_attempts.collected` gave.
    environments : Environments
        What the logs say.
    row_of_job : int array
        The row of each job, -1 where it has none.
    donor : int array
        What `imputation.donors` gave.

    Returns
    -------
    dict of str to Series
        A categorical column for each of `MACHINE`.
    """
    table = environments.table
    row = row_of_job[table["job"].to_numpy()]
    table = table[table["observed"].to_numpy() & (row >= 0)]
    table = table.assign(row=row_of_job[table["job"].to_numpy()]).sort_values("row", ignore_index=True)
    seen = table["row"].to_numpy()
    place = np.full(len(rows), -1, dtype=np.int64)
    place[seen] = np.arange(len(seen))
    found = {name: np.append(codes_of(table[name]), -1)[place] for name in MACHINE}
    unseen = np.flatnonzero(place < 0)
    like = np.append(place, -1)[donor[unseen]]
    for name in _FIXED:
        found[name][unseen] = values_at(codes_of(table[name]), like)
    at = microseconds(runs["created_at"])[rows["run"].to_numpy()]
    everybody = np.zeros(len(rows), dtype=np.int64)
    known = {name: column[seen] for name, column in found.items()}
    by_image = _Neighbours(found["image"], at, seen, unseen)
    by_all = _Neighbours(everybody, at, seen, unseen)
    by_job = _Neighbours(
        together(*(codes_of(rows[name]) for name in ("repo", "workflow", "job_name"))), at, seen, unseen
    )
    for name in _ROLLED_OUT:
        found[name][unseen] = by_image.unanimous(known[name])
    for name in _TOOLS:
        before, after = by_job.beside(known[name])
        own = np.where(before == after, before, -1)
        inferred = np.where(own >= 0, own, by_all.unanimous(known[name]))
        found[name][unseen] = np.where((before >= 0) | (after >= 0), inferred, -1)
    return {
        name: pd.Series(pd.Categorical.from_codes(column, dtype=table[name].dtype)) for name, column in found.items()
    }


class _Neighbours:
    """The observations around each unseen row within a group, in the order of time."""

    def __init__(self, group: Codes, at: Times, seen: Codes, unseen: Codes) -> None:
        self._order = np.lexsort((at[seen], group[seen]))
        own = group[seen][self._order]
        self._group = own
        sides = Observations(own, at[seen][self._order]).beside(group[unseen], at[unseen])
        self._before, self._after = sides.before, sides.after

    def beside(self, values: Codes) -> tuple[Codes, Codes]:
        """What the observations before and after hold, of values by observation."""
        ordered = values[self._order]
        return values_at(ordered, self._before), values_at(ordered, self._after)

    def unanimous(self, values: Codes) -> Codes:
        """The value where the last three observations before and the first three after are all the same, else -1."""
        ordered = values[self._order]
        before = values_at(self._same(ordered, -1), self._before)
        after = values_at(self._same(ordered, 1), self._after)
        return np.where(before == after, before, -1)

    def _same(self, values: Codes, step: int) -> Codes:
        """Each value, -1 where one of the next two in a direction is another; what is not known is passed over."""
        same = values >= 0
        for distance in range(1, _AGREEING):
            other, group = np.full(len(values), -1), np.full(len(values), -2)
            here, there = slice(0, len(values) - distance), slice(distance, None)
            if step < 0:
                here, there = there, here
            other[here], group[here] = values[there], self._group[there]
            same &= (group != self._group) | (other < 0) | (other == values)
        return np.where(same, values, -1)
