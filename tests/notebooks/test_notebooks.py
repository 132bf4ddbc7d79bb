"""The notebooks as they are committed: thin, without outputs, and running top to bottom on the sample."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager, start_new_kernel
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = ["00_start_here", "01_collect", "02_failures", "03_action_versions", "04_time_windows", "05_status_incidents",
         "incident_report"]  # fmt: skip
WIDGET = "application/vnd.jupyter.widget-view+json"


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code(path: Path) -> list[Any]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_there_are_seven() -> None:
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
class TestEachNotebook:
    def test_it_is_committed_without_outputs(self, path: Path) -> None:
        assert all(not cell.outputs and cell.execution_count is None for cell in code(path))

    def test_it_opens_with_what_it_answers_and_how_long_it_takes(self, path: Path) -> None:
        first = read(path).cells[0]
        assert first.cell_type == "markdown" and first.source.startswith("# ")
        assert "second" in first.source or "minute" in first.source

    def test_it_has_one_parameters_cell_and_empty_parameters_mean_the_data_there_is(self, path: Path) -> None:
        tagged = [cell for cell in code(path) if "parameters" in cell.metadata.get("tags", [])]
        assert len(tagged) == 1
        assert "data_dir = None" in tagged[0].source

    def test_its_cells_are_short_and_hold_no_logic(self, path: Path) -> None:
        for cell in code(path):
            assert len(cell.source.splitlines()) <= 20
            assert not any(
                line.startswith((" for", "for ", "def ", "class ", "while ")) for line in cell.source.splitlines()
            )

    def test_prose_stands_before_every_chart(self, path: Path) -> None:
        cells = read(path).cells
        for before, cell in pairwise(cells):
            if cell.cell_type == "code" and "Explorer(" in cell.source:
                assert before.cell_type == "markdown" and "." in before.source


@pytest.fixture(scope="module")
def kernel() -> Iterator[KernelManager]:
    """One kernel for all: its libraries are loaded once. No token, no proxy, no kept scope."""
    hidden = {"GITHUB_TOKEN", "GH_TOKEN"}
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    manager, client = start_new_kernel(kernel_name="python3", env={**env, "GH_CONFIG_DIR": os.devnull})
    client.stop_channels()
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("path", NOTEBOOKS[:-1], ids=lambda p: p.stem)
def test_it_runs_on_the_sample_without_token_or_network(path: Path, kernel: KernelManager) -> None:
    """The report notebook is run by tests/report/test_write.py, through the door that exports it."""
    if not (ROOT / "data" / "sample" / "runs").exists():
        pytest.skip("there is no embedded sample")
    notebook = read(path)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source += f"\ndata_dir = {str(ROOT / 'data' / 'sample')!r}"
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    NotebookClient(notebook, km=kernel, timeout=180, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type in ("error", "stream")]
    shown = [output for output in outputs if output.output_type in ("display_data", "execute_result")]
    assert len(shown) >= 4
    assert any(WIDGET in output.data for output in shown)
