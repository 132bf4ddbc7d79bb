import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import CorruptFileError, StorageError
from analysis.schema import TABLES
from analysis.store import Store

NOW = datetime(2025, 1, 8, 13, tzinfo=UTC)


def run(run_id: int, **fields: object) -> dict[str, object]:
    return {"repo": "octo/app", "month": "2025-01", "run_id": run_id, "run_attempt": 1, "created_at": NOW, **fields}


def test_every_table_can_be_written_and_read_back_with_its_columns(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name, spec in TABLES.items():
        row = {column: _value(kind) for column, kind in spec.columns.items()}
        store.upsert(name, [row])
        found = store.read(name)
        assert list(found.columns) == list(spec.columns)
        assert found.iloc[0][spec.key[0]] == row[spec.key[0]]


def _value(kind: object) -> object:
    text = str(kind)
    samples = {"string": "a/b=c %", "int64": 7, "double": 1.5, "bool": True, "list<element: string>": ["x"]}
    return samples.get(text, NOW if text.startswith("timestamp") else ["x"])


def test_the_newest_row_of_a_key_wins_and_nothing_doubles(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.upsert("runs", [run(1, status="in_progress"), run(2, status="completed")])
    store.upsert("runs", [run(1, status="completed", conclusion="failure")])
    found = store.read("runs").set_index("run_id")
    assert len(found) == 2
    assert found.loc[1, "conclusion"] == "failure"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["success", "failure"])), min_size=1, max_size=20), st.data()
)
def test_writing_in_batches_gives_what_one_write_gives(rows: list[tuple[int, str]], data: st.DataObject) -> None:
    import tempfile

    cut = data.draw(st.integers(0, len(rows)))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        whole, parts = Store(one), Store(two)
        whole.upsert("runs", [run(i, conclusion=c) for i, c in rows])
        for batch in (rows[:cut], rows[cut:], rows[cut:]):
            parts.upsert("runs", [run(i, conclusion=c) for i, c in batch])
        pd.testing.assert_frame_equal(whole.read("runs"), parts.read("runs"))


def test_plain_tools_read_the_layout(tmp_path: Path) -> None:
    Store(tmp_path).upsert("runs", [run(1), run(2)])
    answer = duckdb.sql(f"SELECT repo, month, count(*) FROM '{tmp_path}/runs/**/*.parquet' GROUP BY ALL").fetchall()
    assert answer == [("octo/app", "2025-01", 2)]
    assert len(pd.read_parquet(tmp_path / "runs")) == 2


def test_a_damaged_partition_is_named_and_skipped_and_the_rest_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.upsert("runs", [run(1), run(2, month="2025-02")])
    damaged = next(p for p in tmp_path.rglob("data.parquet") if "2025-02" in str(p))
    damaged.write_bytes(b"PAR1 this is none")
    again = Store(tmp_path)
    assert list(again.read("runs").run_id) == [1]
    assert [p.path for p in again.problems] == [damaged]
    assert again.table("runs", again.connect()).count().execute() == 1


def test_writing_into_a_damaged_partition_keeps_the_damaged_file_aside(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.upsert("runs", [run(1)])
    path = next(tmp_path.rglob("data.parquet"))
    path.write_bytes(b"not parquet")
    store.upsert("runs", [run(2)])
    assert path.with_name("data.parquet.corrupt").read_bytes() == b"not parquet"
    assert list(store.read("runs").run_id) == [2]


def test_a_kill_between_writes_loses_nothing_that_was_reported(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys
        from datetime import UTC, datetime
        from analysis.store import Store
        store, i = Store(sys.argv[1]), 0
        while True:
            i += 1
            store.upsert("runs", [dict(repo="o/a", month="2025-01", run_id=i, run_attempt=1)])
            print(i, flush=True)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    reported = 0
    for line in process.stdout:
        reported = int(line)
        if reported == 25:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    store = Store(tmp_path)
    assert set(range(1, reported + 1)) <= set(store.read("runs").run_id)
    assert store.problems == []


def test_a_folder_that_cannot_be_written_says_so_in_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StorageError, match="--data-dir") as caught:
        Store(blocked / "data").upsert("runs", [run(1)])
    assert "\n" not in caught.value.line()


def test_logs_come_back_as_they_went_in_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_log("octo/app", 7, b"line\xff\n" * 1000)
    assert store.read_log("octo/app", 7) == b"line\xff\n" * 1000
    assert store.read_log("octo/app", 8) is None
    assert store.log_ids("octo/app") == {7}
    next(tmp_path.rglob("7.log.zst")).write_bytes(b"junk")
    with pytest.raises(CorruptFileError, match=r"7\.log\.zst"):
        store.read_log("octo/app", 7)


def test_names_that_look_like_paths_stay_inside_the_data_folder(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    store.upsert("runs", [run(1, repo="../../evil/..")])
    store.write_log("../../evil/..", 1, b"x")
    assert {p.name for p in tmp_path.iterdir()} == {"data"}
    assert list(store.read("runs").repo) == ["../../evil/.."]
