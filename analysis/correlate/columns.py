"""From tables of the engine to columns of pandas: categoricals and flags that a million jobs fit into."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

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
    "binfmt_version", "html_url",
)  # fmt: skip
# More columns than this serve nobody: the rarest are left out.
MOST_COLUMNS = 300


def jobs(connection: ibis.BaseBackend, rows: ibis.Table, machine: ibis.Table) -> pd.DataFrame:
    """The ``jobs`` frame, in the order of ``row``."""
    full = rows.left_join(machine, "row", rname="{name}_machine").order_by("row").select(*_ORDER)
    table = connection.to_pyarrow(full)
    for name in _CATEGORIES:
        table = table.set_column(table.column_names.index(name), name, pc.dictionary_encode(table[name]))
    frame: pd.DataFrame = table.to_pandas(self_destruct=True)
    frame["job_id"] = frame["job_id"].astype("Int64")
    frame["step_number"] = frame["step_number"].astype("Int32")
    frame["streak_position"] = frame["streak_position"].astype("int32")
    frame["transient"] = frame["transient"].astype("boolean")
    frame["weight"] = np.ones(len(frame), dtype="float32")
    return frame


def categories(connection: ibis.BaseBackend, long: ibis.Table, name: str, value: str, rows: int) -> pd.DataFrame:
    """A categorical column for each distinct ``name`` out of rows of ``row, name, value``."""
    table = connection.to_pyarrow(long.select("row", name, value))
    row = table["row"].to_numpy()
    keys, key_names = _codes(table[name])
    codes, texts = _codes(table[value])
    out: dict[str, pd.Categorical] = {}
    for code in _most_used(keys, len(key_names)):
        mine = keys == code
        used, local = np.unique(codes[mine], return_inverse=True)
        column = np.full(rows, -1, dtype="int32")
        column[row[mine]] = local
        out[key_names[code]] = pd.Categorical.from_codes(column, pd.Index([texts[i] for i in used], dtype="object"))
    return pd.DataFrame(out, index=pd.RangeIndex(rows))


def flags(connection: ibis.BaseBackend, long: ibis.Table, name: str, rows: int) -> pd.DataFrame:
    """A bool column for each distinct ``name`` out of rows of ``row, name``; a pair may come twice."""
    counts = long.group_by(name).aggregate(n=long.count()).order_by(ibis.desc("n"), name).limit(MOST_COLUMNS)
    names = sorted(connection.to_pyarrow(counts)[name].to_pylist())
    schema = {name: "string", "place": "int16"}
    places = ibis.memtable(pd.DataFrame({name: names, "place": range(len(names))}), schema=schema)
    found = connection.to_pyarrow(long.select("row", name).inner_join(places, name).select("row", "place"))
    table = np.zeros((len(names), rows), dtype=bool)
    table[found["place"].to_numpy(), found["row"].to_numpy()] = True
    return pd.DataFrame(table.T, columns=names, index=pd.RangeIndex(rows))


def marked(connection: ibis.BaseBackend, found: ibis.Table, rows: int) -> np.ndarray:
    """A bool array that is true at each ``row``."""
    column = np.zeros(rows, dtype=bool)
    column[connection.to_pyarrow(found.select("row"))["row"].to_numpy()] = True
    return column


def lowest(connection: ibis.BaseBackend, long: ibis.Table, value: str, rows: int) -> np.ndarray:
    """The lowest ``value`` of each ``row``, NaN where it has none."""
    table = connection.to_pyarrow(long.group_by("row").aggregate(least=long[value].min()))
    column = np.full(rows, np.nan, dtype="float32")
    column[table["row"].to_numpy()] = table["least"].to_numpy()
    return column


def coverage(connection: ibis.BaseBackend, found: ibis.Table, rows: ibis.Table) -> dict[str, int]:
    """How many runs the scope holds, and how many of them gave no row."""
    without = found.anti_join(rows, ["repo", "run_id"])
    never = ("skipped", "cancelled", "action_required", "neutral", "stale")
    lost = without.filter(~without.conclusion.isin(never).fill_null(False))
    return {
        "runs_seen": int(connection.to_pyarrow(found.count()).as_py()),
        "runs_without_jobs": int(connection.to_pyarrow(lost.count()).as_py()),
    }


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    encoded = pc.dictionary_encode(column).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks) if encoded.num_chunks else pa.array([], encoded.type)
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()


def _most_used(keys: np.ndarray, count: int) -> list[int]:
    """Codes by name of use: the most used ones, in the order they were met."""
    uses = np.bincount(keys, minlength=count)
    top = np.argsort(-uses, kind="stable")[:MOST_COLUMNS]
    return sorted(int(code) for code in top)
