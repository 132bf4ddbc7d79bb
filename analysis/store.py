"""The data folder: Parquet tables and redacted job logs, written atomically and idempotently.

A partition is one Parquet file, rewritten whole: temporary file, fsync, rename. The newest row of a key
wins. A kill at any moment loses nothing that a finished call wrote, and a second run never doubles a row.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from analysis.errors import CorruptFileError, StorageError
from analysis.schema import TABLES, Table

_DATA_FILE = "data.parquet"
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Problem:
    """A file that could not be read: what it is and why."""

    path: Path
    reason: str


class Store:
    """A data folder.

    Parameters
    ----------
    data_dir : Path
        The folder. It need not exist for reading: every table is then empty.

    Attributes
    ----------
    problems : list of Problem
        Damaged files met so far. They are named and skipped, never deleted.
    """

    def __init__(self, data_dir: Path | str) -> None:
        self.data_dir = Path(data_dir)
        self.problems: list[Problem] = []
        self._files: dict[str, list[Path]] = {}

    # -- writing ---------------------------------------------------------------------------------------

    def upsert(self, table: str, rows: Sequence[Mapping[str, Any]] | pd.DataFrame) -> int:
        """Insert rows, replacing those with the same key.

        Parameters
        ----------
        table : str
            A name of ``schema.TABLES``.
        rows : sequence of mappings, or DataFrame
            Every partition column and key column must be there; other columns may be missing (null).

        Returns
        -------
        int
            Number of rows given.

        Raises
        ------
        StorageError
            The folder cannot be written, or a partition that must be rewritten is damaged: it is moved
            aside (``.corrupt``) so that nothing in it is lost.
        """
        spec = TABLES[table]
        records: list[Any] = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
        groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for record in records:
            groups.setdefault(tuple(str(record[p]) for p in spec.partitions), []).append(record)
        for values, members in groups.items():
            self._rewrite(spec, values, members)
        self._files.pop(table, None)
        return len(records)

    def _rewrite(self, spec: Table, values: tuple[str, ...], rows: list[Mapping[str, Any]]) -> None:
        path = self._partition(spec, values) / _DATA_FILE
        key = [k for k in spec.key if k not in spec.partitions]
        fresh = _arrow(spec, rows)
        if path.exists():
            try:
                fresh = pa.concat_tables([_conform(pq.ParquetFile(path).read(), spec), fresh])
            except (pa.ArrowException, OSError) as error:
                aside = path.with_name(path.name + ".corrupt")
                path.replace(aside)
                self.problems.append(Problem(aside, str(error).splitlines()[0]))
        frame = fresh.select(key).to_pandas()
        newest = ~frame.duplicated(keep="last") if key else pd.Series([False] * (len(frame) - 1) + [True])
        fresh = fresh.filter(pa.array(newest.to_numpy())).sort_by([(k, "ascending") for k in key])
        _write_atomically(path, lambda target: pq.write_table(fresh, target, compression="zstd"))

    def write_log(self, repo: str, job_id: int, log: bytes) -> None:
        """Keep one redacted job log, zstd-compressed. The caller has masked its secrets."""
        data = zstandard.ZstdCompressor(level=9).compress(log)
        _write_atomically(self.log_path(repo, job_id), lambda target: target.write_bytes(data))

    # -- reading ---------------------------------------------------------------------------------------

    def read(self, table: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read one table whole.

        Returns
        -------
        DataFrame
            Arrow-typed where pandas has no equal (lists), UTC timestamps, partition columns as text. Empty,
            with every column, where nothing was stored.
        """
        spec = TABLES[table]
        parts = [self._read_file(spec, path) for path in self.files(table)]
        whole = pa.concat_tables([p for p in parts if p is not None] or [spec.arrow.empty_table()])
        frame: pd.DataFrame = (whole.select(list(columns)) if columns else whole).to_pandas()
        return frame

    def table(self, name: str, connection: ibis.BaseBackend) -> ibis.Table:
        """The table as an Ibis expression over its Parquet files (damaged ones left out)."""
        spec = TABLES[name]
        files = [str(p) for p in self.files(name)]
        if not files:
            return ibis.memtable(spec.arrow.empty_table())
        return connection.read_parquet(files, table_name=f"{name}_files", hive_partitioning=True, union_by_name=True)

    @staticmethod
    def connect() -> ibis.BaseBackend:
        """An in-process DuckDB for Ibis expressions, in UTC."""
        connection = ibis.duckdb.connect()
        connection.raw_sql("SET TimeZone='UTC'")
        return connection

    def files(self, table: str) -> list[Path]:
        """Every readable Parquet file of a table, sorted; damaged ones are added to ``problems``."""
        if table not in self._files:
            found = sorted((self.data_dir / table).rglob(_DATA_FILE))
            self._files[table] = [p for p in found if self._is_readable(p)]
        return self._files[table]

    def read_log(self, repo: str, job_id: int) -> bytes | None:
        """A kept job log, or None.

        Raises
        ------
        CorruptFileError
            The file is there and cannot be decompressed.
        """
        path = self.log_path(repo, job_id)
        try:
            return zstandard.ZstdDecompressor().decompress(path.read_bytes())
        except FileNotFoundError:
            return None
        except (zstandard.ZstdError, OSError) as error:
            raise CorruptFileError(
                "a kept job log cannot be read",
                where=str(path),
                remedy=f"{error}; delete it and collect again",
            ) from error

    def log_ids(self, repo: str) -> set[int]:
        """Job ids of a repository whose log is kept."""
        folder = self.log_path(repo, 0).parent
        return {int(p.name.split(".")[0]) for p in folder.glob("*.log.zst")}

    def partitions(self, table: str) -> Iterator[tuple[dict[str, str], Path]]:
        """Partition values and folder of every partition of a table (for ``prune``)."""
        for path in sorted((self.data_dir / table).rglob(_DATA_FILE)):
            pairs = (part.split("=", 1) for part in path.parent.relative_to(self.data_dir / table).parts)
            yield {name: unquote(value) for name, value in pairs}, path.parent

    def refresh(self) -> None:
        """Look at the disk anew: files came or went past this object."""
        self._files.clear()

    # -- inside ----------------------------------------------------------------------------------------

    def _partition(self, spec: Table, values: Iterable[str]) -> Path:
        folder = self.data_dir / spec.name
        for name, value in zip(spec.partitions, values, strict=True):
            folder = folder / f"{name}={quote(value, safe='') or _NO_VALUE}"
        return folder

    def log_path(self, repo: str, job_id: int) -> Path:
        """Where a job's log is kept, whether it is or not."""
        return self.data_dir / "logs" / f"repo={quote(repo, safe='')}" / f"{job_id}.log.zst"

    def _is_readable(self, path: Path) -> bool:
        try:
            pq.ParquetFile(path).close()
        except (pa.ArrowException, OSError) as error:
            self._report(path, error)
            return False
        return True

    def _read_file(self, spec: Table, path: Path) -> pa.Table | None:
        try:
            data = pq.ParquetFile(path).read()
        except (pa.ArrowException, OSError) as error:
            self._report(path, error)
            return None
        for part in path.parent.relative_to(self.data_dir / spec.name).parts:
            name, value = part.split("=", 1)
            data = data.append_column(name, pa.array([unquote(value)] * data.num_rows, pa.string()))
        return _conform(data, spec, spec.arrow)

    def _report(self, path: Path, error: Exception) -> None:
        if all(problem.path != path for problem in self.problems):
            self.problems.append(Problem(path, (str(error).splitlines() or ["unreadable"])[0]))


def _arrow(spec: Table, rows: list[Mapping[str, Any]]) -> pa.Table:
    schema = spec.file_schema
    return pa.Table.from_pylist([{n: _plain(row.get(n)) for n in schema.names} for row in rows], schema=schema)


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    return value


def _conform(data: pa.Table, spec: Table, schema: pa.Schema | None = None) -> pa.Table:
    """Add columns that an older kit did not write and put all in the schema's order and types."""
    schema = schema or spec.file_schema
    columns = [
        data[name].cast(schema.field(name).type)
        if name in data.column_names
        else pa.nulls(data.num_rows, schema.field(name).type)
        for name in schema.names
    ]
    return pa.table(columns, schema=schema)


def _write_atomically(path: Path, write: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        raise StorageError(
            "the data folder cannot be written",
            where=str(path.parent),
            remedy=f"{error.strerror or error}; choose another with --data-dir",
        ) from error
