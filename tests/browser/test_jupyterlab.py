"""A notebook in JupyterLab, as somebody on call drives it: run, choose, look, export."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, expect

from tests.report import outage

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240_000

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """JupyterLab on loopback over a copy of one notebook, its data folder a small outage."""
    folder = tmp_path_factory.mktemp("lab")
    outage.folder(folder / "data", repos=4)
    (folder / "notebooks").mkdir()
    text = (ROOT / "notebooks" / "02_failures.ipynb").read_text("utf-8")
    named = text.replace("data_dir = None", "data_dir = '../data'")
    assert named != text
    (folder / "notebooks" / "02_failures.ipynb").write_text(named, "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 90
        while not _answers(f"{url}/api"):
            assert server.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.3)
        yield url, folder
    finally:
        server.terminate()
        server.wait(20)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_chart_redraws_when_a_repository_is_chosen_and_the_report_is_exported(
    browser: Browser, lab: tuple[str, Path]
) -> None:
    url, folder = lab
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    abroad: list[str] = []
    page.on("request", lambda request: abroad.append(request.url) if not _is_at_home(request.url, url) else None)
    page.goto(f"{url}/lab/tree/notebooks/02_failures.ipynb?reset", timeout=PATIENCE)
    page.locator(".jp-Notebook").first.wait_for(timeout=PATIENCE)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=PATIENCE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    chart = page.locator(".js-plotly-plot").first
    chart.wait_for(timeout=PATIENCE)
    bars = chart.locator(".trace.bars path")
    expect(bars.first).to_be_attached(timeout=30_000)
    before = bars.count()
    says = page.locator(".widget-html-content p", has_text="jobs failed").first
    said = says.inner_text()
    page.get_by_label("Repository").first.select_option(index=1)
    expect(says).not_to_have_text(said, timeout=20_000)
    expect(bars).not_to_have_count(before)

    page.get_by_role("button", name="Export the report").click()
    page.get_by_text("Written:").wait_for(timeout=PATIENCE)
    context.close()
    written = (folder / "reports" / "incident-report.html").read_text("utf-8")
    assert written.count("<section") == 9
    assert abroad == []


def _is_at_home(address: str, url: str) -> bool:
    return address.startswith((url, url.replace("http", "ws", 1), "data:", "blob:", "about:"))
