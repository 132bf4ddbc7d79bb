"""From a data folder to a file, through the report notebook."""

import json
from pathlib import Path

import pytest

from analysis.errors import StorageError, UsageError
from analysis.report import write_report
from analysis.scope import Scope
from analysis.store import Store
from tests.report import outage
from tests.report.conftest import NOW


def test_the_notebook_s_cells_become_one_page(store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "deep" / "report.html"
    stages: list[str] = []

    class Progress:
        def stage(self, name: str, total: int | None = None) -> None:
            stages.append(name)

        def advance(self, count: int = 1) -> None: ...

    verdict = outage.verdict(store)
    done = write_report(
        store, Scope(), verdict["question"], target, verdict=verdict, keep_notebook=True, progress=Progress(), now=NOW
    )
    text = target.read_text("utf-8")
    assert done.path == target and done.verdict == verdict and not done.is_sample
    assert text.count("<section") == 9 and "Made 2025-01-12 09:30 UTC" in text
    assert "open_report(" not in text
    assert json.loads(target.with_suffix(".ipynb").read_text("utf-8"))["cells"]
    assert stages and "WARNING" not in capfd.readouterr().err


def test_an_unknown_format_is_refused_before_anything_runs(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="html, md"):
        write_report(store, Scope(), None, tmp_path / "x.pdf", format="pdf")


def test_a_place_that_cannot_be_written_is_named_before_anything_runs(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="--output"):
        write_report(store, Scope(), None, tmp_path / "file" / "report.html")
