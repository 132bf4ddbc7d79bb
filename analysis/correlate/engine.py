"""Where the aggregations run: DuckDB in this process, or a Spark cluster, by the same Ibis expressions."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import ibis
import pyarrow as pa
from ibis.util import gen_name

from analysis.errors import UsageError
from analysis.store import Store

# What DuckDB may hold before it spills to disk; the frames that come out of it are about as large.
_MEMORY = "800MB"


def connect(engine: str | None = None) -> ibis.BaseBackend:
    """Open the engine.

    Parameters
    ----------
    engine : str or None
        None or ``duckdb`` for DuckDB in this process; ``spark://host:port`` or ``local[2]`` for Spark.

    Raises
    ------
    UsageError
        The engine is none of these, or Spark is not installed.
    """
    if engine is None or engine == "duckdb":
        connection = Store.connect()
        spill = Path(tempfile.gettempdir()) / f"actions-incident-{os.getpid()}"
        for name, value in {"memory_limit": _MEMORY, "temp_directory": str(spill)}.items():
            connection.con.execute(f"SET {name} = ?", [value])
        connection.con.execute("SET preserve_insertion_order = false")
        return connection
    if not engine.startswith(("spark://", "local", "yarn", "k8s://")):
        raise UsageError(f"{engine!r} is no engine", remedy="leave it out, or write spark://HOST:PORT")
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UsageError("Spark is not installed", remedy="pip install 'actions-incident-kit[spark]'") from error
    session = (
        SparkSession.builder.master(engine)
        .appName("actions-incident")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    return ibis.pyspark.connect(session)


class Tables:
    """The tables of a data folder as Ibis expressions, each opened once.

    Parameters
    ----------
    store : Store
        The data folder.
    connection : ibis.BaseBackend
        What `connect` gave.
    """

    def __init__(self, store: Store, connection: ibis.BaseBackend) -> None:
        self.store, self.connection = store, connection
        self._opened: dict[str, ibis.Table] = {}

    def __getitem__(self, name: str) -> ibis.Table:
        if name not in self._opened:
            self._opened[name] = self.store.table(name, self.connection)
        return self._opened[name]

    def keep(self, expression: ibis.Table, name: str) -> ibis.Table:
        """Compute an expression once, so that several others can start from it."""
        return self.connection.create_table(gen_name(name), expression, temp=True)

    def forget(self, table: ibis.Table) -> None:
        """Give back the memory of a kept table that nothing needs any more (DuckDB; Spark evicts by itself)."""
        if self.connection.name == "duckdb":
            self.connection.con.execute(f"DROP TABLE {table.get_name()}")

    def fetch(self, expression: ibis.Table) -> pa.Table:
        """Bring the rows of an expression here."""
        return self.connection.to_pyarrow(expression)

    def close(self) -> None:
        """Give back what the engine holds."""
        self.connection.disconnect()
