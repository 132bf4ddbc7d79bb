"""Where the aggregations run: DuckDB in this process, or a Spark cluster, by the same Ibis expressions."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import ibis
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


def forget(connection: ibis.BaseBackend, table: ibis.Table) -> None:
    """Give back the memory of a kept table that nothing needs any more (DuckDB; Spark evicts by itself)."""
    if connection.name == "duckdb":
        connection.con.execute(f"DROP TABLE {table.get_name()}")


def keep(connection: ibis.BaseBackend, expression: ibis.Table, name: str) -> ibis.Table:
    """Compute an expression once, so that several others can start from it."""
    return connection.create_table(gen_name(name), expression, temp=True)
