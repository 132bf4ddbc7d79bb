"""prune drops what ended before a date and keeps the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from analysis.prune import prune
from analysis.store import Store


def test_old_months_go_with_their_logs_and_newer_ones_stay(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for month, job in (("2024-11", 1), ("2024-12", 2), ("2025-01", 3)):
        store.upsert("jobs", [{"repo": "o/r", "month": month, "job_id": job}])
        store.upsert("runs", [{"repo": "o/r", "month": month, "run_id": job, "run_attempt": 1}])
        store.write_log("o/r", job, b"log")
    store.upsert("releases", [{"action": "o/a", "tag": "v1", "sha": "a"}])
    done = prune(store, datetime(2025, 1, 20, tzinfo=UTC))
    assert (done.partitions, done.logs) == (4, 2) and done.bytes > 0
    assert store.read("jobs")["job_id"].tolist() == [3]
    assert store.read("runs")["run_id"].tolist() == [3]
    assert store.log_ids("o/r") == {3}
    assert len(store.read("releases")) == 1
    assert prune(store, datetime(2025, 1, 20, tzinfo=UTC)).partitions == 0


def test_an_empty_folder_has_nothing_to_drop(tmp_path: Path) -> None:
    assert prune(Store(tmp_path / "none"), datetime(2025, 1, 1, tzinfo=UTC)).bytes == 0
