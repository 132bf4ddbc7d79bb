"""How fast are a million jobs judged, against DuckDB's bare scan of the same columns in the same run?

Writes synthetic tables of the data folder (jobs, runs, ten steps a job, action uses and machines of the jobs whose logs
were read) into a temporary folder and prints, in seconds of CPU and of the clock, each with its ratio to a bare scan:
`exposure` against the scan of the columns that it reads, `cells` against the scan of the columns that it groups by; the
judge's inference on this history against that on one of a tenth of its jobs; and the peak of memory. DuckDB scans with
every core and the kit's own arithmetic runs on one, so the ratio of CPU says more where the machine is shared. Run:
``python -m benchmarks.speed [--jobs 1000000] [--data-dir DIR]``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.correlate.cells import cells
from analysis.correlate.exposure import Exposure, exposure
from analysis.diagnose.judge import weigh
from analysis.schema import TABLES
from analysis.scope import Scope
from analysis.store import Store

REPOS, JOBS_A_RUN, STEPS, READ_SHARE, FAILED_SHARE = 60, 4, 10, 0.12, 0.03
TENTH = 10
MONTHS = ("2025-01", "2025-02", "2025-03")
ACTIONS = ("actions/checkout", "actions/setup-node", "docker/setup-buildx-action", "docker/build-push-action")
COLUMNS = ("repo", "job", "credential_class", "started_at", "component", "kind", "image_version",
           "version:docker/build-push-action", "version:docker/setup-buildx-action")  # fmt: skip
_NAMES = {"started_at": "started_at", "version:docker/build-push-action": "build_push",
          "version:docker/setup-buildx-action": "buildx"}  # fmt: skip


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data_dir or Path(temporary) / "data"
        if not folder.exists():
            # In a process of its own, so that its memory is not counted.
            writer = multiprocessing.get_context("spawn").Process(target=write_tables, args=(folder, options.jobs, 0))
            writer.start()
            writer.join()
        measure(folder)


@dataclass(frozen=True)
class _Cost:
    """Seconds of a piece of work: of the CPU (all threads) and of the clock."""

    cpu: float
    clock: float

    def line(self, name: str, against: _Cost, what: str, note: str = "") -> str:
        return (
            f"{name:26s} {self.cpu:8.2f} s CPU {self.clock:8.2f} s   "
            f"{self.cpu / against.cpu:6.2f} x in CPU, {self.clock / against.clock:6.2f} x by the clock {what}{note}"
        )


def measure(folder: Path) -> None:
    """Time everything and print it."""
    store = Store(folder)
    rows = sum(pq.ParquetFile(path).metadata.num_rows for path in store.files("steps"))
    bare, _ = _best(lambda: _scan_tables(store))
    built, table = _best(lambda: exposure(store, Scope()), times=1)
    peak = _peak()
    print(f"jobs {len(table.jobs):,}, steps {rows:,}, columns {len(table.jobs.columns) + len(table.versions.columns)}")
    print(_line("bare scan of the tables", bare))
    print(built.line("exposure()", bare, "the bare scan of the tables"))
    scan = _scan_columns(table, folder / "columns.parquet")
    grouped, folded = _best(lambda: cells(table, COLUMNS, {"started_at": 6}))
    print(_line("bare scan of the columns", scan))
    print(grouped.line("cells()", scan, "the bare scan of the columns", f" ({len(folded):,} cells)"))
    peer, _ = _best(lambda: _group_in_duckdb(folder / "columns.parquet"))
    print(peer.line("GROUP BY in DuckDB", scan, "the bare scan of the columns"))
    print(f"peak memory                {peak:8.2f} GB with exposure(), {_peak():.2f} GB with cells()")
    del folded
    whole = _measure_inference(table, bare)
    with tempfile.TemporaryDirectory() as temporary:
        write_tables(Path(temporary), max(len(table.jobs) // TENTH, REPOS), 0)
        part = _measure_inference(exposure(Store(temporary), Scope()), bare)
    grown = f"{whole.cpu / part.cpu:.2f} x in CPU, {whole.clock / part.clock:.2f} x by the clock"
    print(f"inference at {TENTH} times the jobs costs {grown}")


def _measure_inference(table: Exposure, bare: _Cost) -> _Cost:
    weighing, judged = _best(lambda: weigh(table), times=1)
    sizes = (f" ({judged.cells.size:,} cells, {int(table.jobs['failed'].sum()):,} failures, "
             f"peak memory so far {_peak():.2f} GB)")  # fmt: skip
    print(weighing.line(f"inference, {len(table.jobs):,} jobs", bare, "the bare scan of the tables", sizes))
    return weighing


def _line(name: str, cost: _Cost) -> str:
    return f"{name:26s} {cost.cpu:8.2f} s CPU {cost.clock:8.2f} s"


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _best(work: Callable[[], Any], times: int = 3) -> tuple[_Cost, Any]:
    """The cheapest of some runs (the lowest of each clock) and what the last one gave."""
    costs = []
    for _ in range(times):
        cpu, clock = time.process_time(), time.perf_counter()
        result = work()
        costs.append(_Cost(time.process_time() - cpu, time.perf_counter() - clock))
    return _Cost(min(c.cpu for c in costs), min(c.clock for c in costs)), result


def _scan_tables(store: Store) -> None:
    """Read every column that `exposure` reads, and do nothing with it."""
    wanted = {
        "runs": "repo run_id run_attempt path workflow_name event head_branch head_sha head_repository conclusion "
                "created_at run_started_at actor triggering_actor pull_request display_title html_url",
        "jobs": "repo job_id run_id run_attempt name conclusion created_at started_at completed_at html_url",
        "steps": "repo job_id number conclusion",
        "action_uses": "repo job_id step_number action ref sha version inputs observed",
        "environments": "repo job_id image image_version os region runner_version docker_version buildx_version "
                        "buildkit_version binfmt_version base_images logged_in observed",
        "failures": "repo job_id component kind operation signature host transient step_number",
    }  # fmt: skip
    for table, columns in wanted.items():
        files = [str(path) for path in store.files(table)]
        _scan(f"read_parquet({files!r}, hive_partitioning=true)", columns.split())


def _scan(source: str, columns: list[str]) -> None:
    duckdb.sql(f"SELECT {', '.join(f'max({name})' for name in columns)} FROM {source}").fetchall()


def _plain(table: Exposure) -> pa.Table:
    names = {name: _NAMES.get(name, name) for name in COLUMNS}
    parts = {
        names[name]: table.versions[name.split(":", 1)[1]] if name.startswith("version:") else table.jobs[name]
        for name in COLUMNS
    }
    return pa.Table.from_pandas(pd.DataFrame(parts | {n: table.jobs[n] for n in ("failed", "minutes")}))


def _scan_columns(table: Exposure, path: Path) -> _Cost:
    plain = _plain(table)
    pq.write_table(plain, path, compression="zstd")
    return _best(lambda: _scan(f"read_parquet('{path}')", plain.column_names))[0]


def _group_in_duckdb(path: Path) -> pa.Table:
    keys = [_NAMES.get(name, name) for name in COLUMNS if name != "started_at"]
    query = (
        f"SELECT {', '.join(keys)}, time_bucket(INTERVAL 6 HOURS, started_at) AS bin, count(*), "
        f"sum(failed::INT), sum(minutes) FROM read_parquet('{path}') GROUP BY ALL"
    )
    return duckdb.sql(query).to_arrow_table()


# -- the synthetic tables ------------------------------------------------------------------------------


def write_tables(folder: Path, jobs: int, seed: int) -> None:
    """Write a history of so many jobs: a file per repository and month, as the store lays them out."""
    rng = np.random.default_rng(seed)
    parts = [(f"org/repo-{i:03}", month) for i in range(REPOS) for month in MONTHS]
    runs = max(1, jobs // JOBS_A_RUN // len(parts))
    for number, (repo, month) in enumerate(parts):
        _write_part(folder, repo, month, number * 10_000_000, runs, rng)
    moment = pd.Timestamp("2025-05-01", tz="UTC")
    _write(folder, "collections", {"month": "2025-05"}, {"started_at": [moment], "data_as_of": [moment]})


def _write_part(folder: Path, repo: str, month: str, base: int, runs: int, rng: np.random.Generator) -> None:
    key = {"repo": repo, "month": month}
    run_id = base + np.arange(runs)
    begin = pd.Timestamp(f"{month}-01", tz="UTC")
    created = begin + pd.to_timedelta(np.sort(rng.integers(0, 28 * 86400, runs)), unit="s")
    branch = np.where(rng.random(runs) < 0.5, "main", "topic-" + pd.Series(rng.integers(0, 40, runs)).astype(str))
    failed = rng.random((runs, JOBS_A_RUN)) < FAILED_SHARE
    sha = [f"{i:040x}" for i in run_id]
    _write(folder, "runs", key, {
        "run_id": run_id, "run_attempt": 1, "path": ".github/workflows/ci.yml", "event": "push",
        "head_branch": branch, "head_sha": sha, "head_repository": repo, "status": "completed",
        "conclusion": np.where(failed.any(axis=1), "failure", "success"), "created_at": created,
        "run_started_at": created, "updated_at": created, "actor": "ann", "triggering_actor": "ann",
        "display_title": "Change", "html_url": f"https://github.com/{repo}/run/" + pd.Series(run_id).astype(str),
    })  # fmt: skip
    n = runs * JOBS_A_RUN
    job_id = base + np.arange(n)
    red = failed.ravel()
    start = created.repeat(JOBS_A_RUN)
    done = start + pd.to_timedelta(rng.integers(60, 900, n), unit="s")
    _write(folder, "jobs", key, {
        "job_id": job_id, "run_id": run_id.repeat(JOBS_A_RUN), "run_attempt": 1, "head_sha": np.repeat(sha, JOBS_A_RUN),
        "name": np.tile(["build (amd64)", "build (arm64)", "test", "lint"], runs),
        "conclusion": np.where(red, "failure", "success"), "started_at": start, "completed_at": done,
        "html_url": f"https://github.com/{repo}/job/" + pd.Series(job_id).astype(str),
    })  # fmt: skip
    number = np.tile(np.arange(1, STEPS + 1), n)
    _write(folder, "steps", key, {
        "job_id": job_id.repeat(STEPS), "number": number, "name": "step", "status": "completed",
        "conclusion": np.where(red.repeat(STEPS) & (number == 5), "failure", "success"),
    })  # fmt: skip
    read = red | (rng.random(n) < READ_SHARE)
    _write_logs(folder, key, job_id[read], start[read], rng)
    which = rng.integers(0, 3, int(red.sum()))
    _write(folder, "failures", key, {
        "job_id": job_id[red], "step_number": 5, "component": np.array(["docker-hub", "user-code", "unknown"])[which],
        "kind": np.array(["http-403", "test-failure", "other"])[which],
        "operation": np.array(["pull", "test", "other"])[which], "recovered_attempts": 0,
    })  # fmt: skip


def _write_logs(
    folder: Path, key: dict[str, str], job_id: np.ndarray, start: pd.DatetimeIndex, rng: np.random.Generator
) -> None:
    late = np.asarray(start.day > 14)
    many = len(job_id) * len(ACTIONS)
    minor = np.where(np.repeat(late, len(ACTIONS)), "1", "0")
    action = np.tile(ACTIONS, len(job_id))
    version = np.where(minor == "1", "6.11.0", "6.10.0")
    _write(folder, "action_uses", key, {
        "job_id": job_id.repeat(len(ACTIONS)), "step_number": np.tile(np.arange(2, 2 + len(ACTIONS)), len(job_id)),
        "action": action, "path": "", "ref": "v" + pd.Series(version), "sha": [f"{v:>040}" for v in minor],
        "version": version, "inputs": pa.array([["context", "push"]] * many), "resolved_from": "log", "observed": True,
    })  # fmt: skip
    _write(folder, "environments", key, {
        "job_id": job_id, "image": "ubuntu-24.04", "os": "Ubuntu",
        "image_version": np.where(late, "20250120.1.0", "20250105.1.0"), "region": "eastus",
        "runner_version": "2.321.0", "buildkit_version": "0.18.2",
        "base_images": pa.array([["php:8.3"]] * len(job_id)), "observed": True,
    })  # fmt: skip


def _write(folder: Path, table: str, key: dict[str, str], columns: dict[str, Any]) -> None:
    """One Parquet file of a table, laid out as the store does; a single value fills its column."""
    schema = TABLES[table].file_schema
    rows = max(len(v) for v in columns.values() if not np.isscalar(v) and not isinstance(v, str))
    arrays = []
    for field in schema:
        value = columns.get(field.name)
        if value is None:
            arrays.append(pa.nulls(rows, field.type))
        elif np.isscalar(value):
            arrays.append(pa.array([value], field.type).take(pa.array(np.zeros(rows, dtype=np.int64))))
        elif isinstance(value, pa.Array):
            arrays.append(value.cast(field.type))
        else:
            arrays.append(pa.array(value, from_pandas=True).cast(field.type))
    place = folder / table
    for name, value in key.items():
        place = place / f"{name}={value.replace('/', '%2F')}"
    place.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays, schema=schema), place / "data.parquet", compression="zstd")


if __name__ == "__main__":
    main()
