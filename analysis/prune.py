"""Take old history out of the data folder: what ended before a date goes, by whole months, with its logs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime

from analysis.errors import StorageError
from analysis.schema import TABLES
from analysis.store import Store


@dataclass(frozen=True)
class Pruned:
    """What was dropped.

    Attributes
    ----------
    partitions, logs : int
        Months of tables, and job logs.
    bytes : int
        What they took on disk.
    """

    partitions: int
    logs: int
    bytes: int


def prune(store: Store, older_than: datetime) -> Pruned:
    """Drop every month that ended before a date, and the logs of its jobs.

    Tables without months (releases, incidents, gaps, probes) stay: they are small and explain what is left.

    Parameters
    ----------
    store : Store
    older_than : datetime
        A month goes when its last moment lies before this.

    Raises
    ------
    StorageError
        The folder cannot be written.
    """
    first_kept = older_than.astimezone(UTC).strftime("%Y-%m")
    logs = [path for repo, job_id in _jobs_before(store, first_kept) if (path := store.log_path(repo, job_id)).exists()]
    folders = [
        folder
        for name, table in TABLES.items()
        if "month" in table.partitions
        for values, folder in store.partitions(name)
        if values["month"] < first_kept
    ]
    size = sum(path.stat().st_size for path in logs)
    size += sum(path.stat().st_size for folder in folders for path in folder.iterdir())
    try:
        for path in logs:
            path.unlink()
        for folder in folders:
            shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(
            "the data folder cannot be pruned", where=str(store.data_dir), remedy=error.strerror or str(error)
        ) from error
    store.refresh()
    return Pruned(len(folders), len(logs), size)


def _jobs_before(store: Store, first_kept: str) -> list[tuple[str, int]]:
    jobs = store.read("jobs", ["repo", "month", "job_id"])
    old = jobs[jobs["month"] < first_kept]
    return list(zip(old["repo"].astype(str), old["job_id"].astype(int), strict=True))
