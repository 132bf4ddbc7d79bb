"""A report in a real browser: Debian's chromium, driven by Playwright, with no network to go to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from analysis.notebook.case import open_case
from analysis.scope import Scope
from tests.report import outage
from tests.report.conftest import page as render

CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS), headless=True)
        yield running
        running.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on the outage as a file."""
    folder = tmp_path_factory.mktemp("browser")
    store = outage.folder(folder / "data")
    case = open_case(store, Scope(), now=datetime(2025, 1, 12, 9, 30, tzinfo=UTC), verdict=outage.verdict(store))
    target = folder / "report.html"
    target.write_text(render(case), "utf-8")
    return target


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Page]:
    """The report, opened from its file in a wide window."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.goto(report.as_uri())
    yield page
    context.close()
