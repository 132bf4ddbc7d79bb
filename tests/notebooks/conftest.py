"""A small history for widgets and views."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analysis.notebook.history import History, open_history
from analysis.scope import Scope
from tests.report import outage


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    store = outage.folder(tmp_path_factory.mktemp("history"))
    return open_history(store, Scope(), now=datetime(2025, 1, 12, 9, tzinfo=UTC))
