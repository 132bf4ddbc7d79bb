"""Jobs that look alike, counted: a million rows become the few thousand cells that a model or a chart needs.

In come the exposure table and the names of the columns to tell apart; out comes one row per combination met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.correlate.exposure import Exposure

Codes = npt.NDArray[np.int64]
# Beyond so many possible combinations a table of all of them would cost more than sorting the ones that occur.
_DENSE = 4_000_000


def cells(exposure: Exposure, columns: Sequence[str], bins: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Count jobs and failures by combinations of columns. Censored jobs are left out.

    Parameters
    ----------
    exposure : Exposure
        The table.
    columns : sequence of str
        Columns of ``jobs``; ``version:owner/name``, ``registry:docker-hub`` and ``input:owner/name:key`` for the
        other frames.
    bins : mapping of str to float, optional
        Columns to cut into bins first, with their width: hours for times, the column's own unit for numbers.

    Returns
    -------
    DataFrame
        The columns (a binned one holds the bin's start), then ``n`` (jobs), ``failed`` (failed jobs), ``minutes``.
        Nulls are a group of their own.
    """
    counted = ~exposure.jobs["censored"].to_numpy(dtype=bool)
    every = bool(counted.all())
    coded = [_coded(_column(exposure, name), (bins or {}).get(name)) for name in columns]
    code, first = _combined([codes if every else codes[counted] for codes, _ in coded], int(counted.sum()))
    size = len(first)
    jobs = exposure.jobs
    failed = jobs["failed"].to_numpy(dtype=bool)
    spent = jobs["minutes"].to_numpy(dtype="float64", na_value=np.nan)
    if not every:
        failed, spent = failed[counted], spent[counted]
    out = {
        name: levels.take(codes[first] if every else codes[counted][first])
        for name, (codes, levels) in zip(columns, coded, strict=True)
    }
    table = pd.DataFrame(out)
    table["n"] = np.bincount(code, minlength=size)
    table["failed"] = np.bincount(code, weights=failed, minlength=size).astype(np.int64)
    table["minutes"] = np.bincount(code, weights=np.nan_to_num(spent), minlength=size)
    return table


def _column(exposure: Exposure, name: str) -> pd.Series:
    for prefix, frame in (
        ("version:", exposure.versions), ("registry:", exposure.registries), ("input:", exposure.inputs)
    ):  # fmt: skip
        if name.startswith(prefix):
            return frame[name.removeprefix(prefix)]
    return exposure.jobs[name]


class _Levels:
    """The values that codes stand for; the last one is null."""

    def __init__(self, values: pd.Index | pd.Categorical, null: bool) -> None:
        self.values, self.null = values, null

    def take(self, codes: Codes) -> pd.Series:
        """Values by code; code 0 is null where nulls occur."""
        shifted = codes - 1 if self.null else codes
        taken = pd.Series(self.values).take(np.where(shifted < 0, 0, shifted)) if len(self.values) else None
        if taken is None:
            return pd.Series([None] * len(codes), dtype="object")
        taken = taken.reset_index(drop=True)
        return taken.where(pd.Series(shifted >= 0)) if self.null else taken


def _coded(column: pd.Series, width: float | None) -> tuple[Codes, _Levels]:
    """Dense codes of a column, 0 for null where it has nulls."""
    if width is not None:
        return _binned(column, width)
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy().astype(np.int64)
        return codes + 1, _Levels(column.cat.categories, True)
    if column.dtype == bool:
        return column.to_numpy().astype(np.int64), _Levels(pd.Index([False, True]), False)
    codes, values = pd.factorize(column)
    return codes.astype(np.int64) + 1, _Levels(pd.Index(values), True)


def _binned(column: pd.Series, width: float) -> tuple[Codes, _Levels]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        step = int(width * 3600)
        number = column.to_numpy(dtype="datetime64[s]").astype(np.int64) // step
        low = int(number.min()) if len(number) else 0
        last = int(number.max()) - low if len(number) else 0
        starts = pd.to_datetime((np.arange(last + 1) + low) * step, unit="s", utc=True)
        return number - low, _Levels(pd.Index(starts), False)
    floats = np.floor(column.to_numpy(dtype="float64", na_value=np.nan) / width) * width
    codes, values = pd.factorize(floats)
    return codes.astype(np.int64) + 1, _Levels(pd.Index(values), True)


def _combined(parts: Sequence[Codes], rows: int) -> tuple[Codes, Codes]:
    """One dense code per combination, and the first row of each."""
    code, room = np.zeros(rows, dtype=np.int64), 1
    for part in parts:
        many = int(part.max(initial=0)) + 1
        if room > _DENSE:
            code, room = _dense(code, room)
        code, room = code * many + part, room * many
    code, room = _dense(code, room)
    first = np.full(room, rows, dtype=np.int64)
    first[code[::-1]] = np.arange(rows - 1, -1, -1)
    return code, first


def _dense(code: Codes, room: int) -> tuple[Codes, int]:
    """The same groups under numbers without gaps."""
    if room <= _DENSE:
        met = np.zeros(room, dtype=bool)
        met[code] = True
        return (np.cumsum(met) - 1)[code], int(met.sum())
    numbered, values = pd.factorize(code)
    return numbered.astype(np.int64), len(values)
