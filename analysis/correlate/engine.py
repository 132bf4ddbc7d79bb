"""Where the aggregations run: DuckDB in this process, or a Spark cluster, by the same Ibis expressions."""

from __future__ import annotations

import ibis
from ibis.util import gen_name

from analysis.errors import UsageError
from analysis.store import Store


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
        return Store.connect()
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


def keep(connection: ibis.BaseBackend, expression: ibis.Table, name: str) -> ibis.Table:
    """Compute an expression once, so that several others can start from it."""
    return connection.create_table(gen_name(name), expression, temp=True)
