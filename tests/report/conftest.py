"""One outage, opened once, and its report without a kernel."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import nbformat
import pytest

from analysis.notebook.case import Case, open_case
from analysis.report.export import export
from analysis.report.sections import Report
from analysis.scope import Scope
from analysis.store import Store
from tests.report import outage

NOW = datetime(2025, 1, 12, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return outage.folder(tmp_path_factory.mktemp("outage"))


@pytest.fixture(scope="session")
def case(store: Store) -> Case:
    return open_case(store, Scope(), now=NOW, verdict=outage.verdict(store))


@pytest.fixture
def verdict(case: Case) -> dict[str, Any]:
    """A copy of the case's verdict to change."""
    return copy.deepcopy(case.verdict)


def page(case: Case, lang: str = "en", format: str = "html") -> str:
    """The report as the notebook's cells would give it."""
    notebook = nbformat.v4.new_notebook()
    for part in Report(case, lang).sections():
        output = nbformat.v4.new_output("display_data", data=part._repr_mimebundle_())
        notebook.cells.append(nbformat.v4.new_code_cell("", outputs=[output]))
    return export(notebook, format, lang)
