"""What a reader meets when the report is opened from a file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
SETTINGS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "still": {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"},
}

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_host_is_asked_and_the_policy_is_never_broken(browser: Browser, report: Path, setting: str) -> None:
    context = browser.new_context(**SETTINGS[setting])
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(report.as_uri())
    page.mouse.wheel(0, 20_000)
    page.get_by_label("Search this table").fill("docker")
    page.wait_for_timeout(200)
    context.close()
    assert asked == [report.as_uri()]
    assert said == []


@pytest.fixture(scope="module")
def axe() -> str:
    """The checker's source, installed from its lock file where it is not there yet."""
    npm = shutil.which("npm")
    if not AXE.exists() and npm is None:
        pytest.skip("axe-core needs npm")
    if not AXE.exists():
        done = subprocess.run([str(npm), "ci"], cwd=HERE, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"axe-core could not be installed: {done.stderr.strip()[:200]}")
    return AXE.read_text("utf-8")


@pytest.mark.parametrize("setting", SETTINGS)
def test_axe_finds_nothing(browser: Browser, report: Path, axe: str, setting: str) -> None:
    context = browser.new_context(**SETTINGS[setting])
    page = context.new_page()
    page.goto(report.as_uri())
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, { runOnly: tags })", tags)
    context.close()
    assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found["violations"]] == []


def test_nothing_but_tables_and_code_scrolls_sideways_on_a_phone(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    wide = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth &&"
        " getComputedStyle(e).overflowX !== 'visible' && !e.closest('.scroll, pre, .unseen, textarea'))"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    expect(page.locator(".chart.narrow").first).to_be_visible()
    expect(page.locator(".chart.wide").first).to_be_hidden()
    context.close()


def test_the_first_screen_reads_without_scripts(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    expect(page.locator("h1")).to_contain_text("Docker Hub, not the upgrade")
    for text in ("failed jobs", "repositories affected", "job minutes lost", "What to do now"):
        box = page.get_by_text(text, exact=True).first.bounding_box()
        assert box is not None and box["y"] + box["height"] < 900, text
    assert page.locator(".chart.wide svg rect").count() > 20
    context.close()


def test_a_click_on_a_column_sorts_and_says_so(opened: Page) -> None:
    head = opened.locator("#jobs thead th", has_text="Repository")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    names = opened.locator("#jobs tbody th").all_inner_texts()
    assert names == sorted(names) and len(set(names)) > 3
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert opened.locator("#jobs tbody th").all_inner_texts() == sorted(names, reverse=True)


def test_the_search_leaves_the_rows_that_hold_every_word(opened: Page) -> None:
    rows = opened.locator("#jobs tbody tr")
    every = rows.count()
    opened.get_by_label("Search this table").fill("docker ACME/API")
    shown = [row.inner_text() for row in rows.all() if row.is_visible()]
    assert 0 < len(shown) < every
    assert all("Docker Hub" in text and "acme/api" in text for text in shown)
    expect(opened.get_by_role("status")).to_have_text(f"{len(shown)} of {every} rows")


def test_a_time_tells_the_reader_s_own_zone_on_hover(browser: Browser, report: Path) -> None:
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-US")
    page = context.new_page()
    page.goto(report.as_uri())
    first = page.locator("time").first
    assert "GMT+9" in (first.get_attribute("title") or "")
    context.close()


def test_dragging_across_the_timeline_zooms_and_the_button_takes_it_back(opened: Page) -> None:
    chart = opened.locator("#chart-timeline .wide svg")
    chart.scroll_into_view_if_needed()
    expect(opened.locator("#chart-timeline .wide .zoom")).to_be_visible()
    ticks = chart.locator(".ticks text")
    before = ticks.all_inner_texts()
    box = chart.bounding_box()
    assert box is not None
    opened.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 120)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + 120, steps=4)
    opened.mouse.up()
    assert ticks.all_inner_texts() != before
    opened.locator("#chart-timeline .wide").get_by_role("button", name="Whole window").click()
    assert ticks.all_inner_texts() == before


def test_a_mark_tells_its_numbers_under_the_pointer(opened: Page) -> None:
    bar = opened.locator("#chart-timeline .wide svg g[data-name='Docker Hub'] rect").first
    bar.scroll_into_view_if_needed()
    opened.wait_for_timeout(100)
    bar.hover()
    expect(opened.locator(".tip")).to_contain_text("Docker Hub")


def test_what_was_typed_is_in_the_saved_copy(opened: Page, tmp_path: Path) -> None:
    opened.locator("#actions input[type=text]").first.fill('Ann "ops" <b>')
    opened.locator("#postmortem textarea").first.fill("A dashboard showed it.")
    with opened.expect_download() as waiting:
        opened.get_by_role("button", name="Save a copy with my entries").click()
    copy = tmp_path / "copy.html"
    waiting.value.save_as(copy)
    opened.goto(copy.as_uri())
    assert opened.locator("#actions input[type=text]").first.input_value() == 'Ann "ops" <b>'
    assert opened.locator("#postmortem textarea").first.input_value() == "A dashboard showed it."
    expect(opened.locator("#jobs thead th button").first).to_be_visible()
    assert opened.locator("#jobs thead th button").count() == opened.locator("#jobs thead th").count()


def test_print_is_light_opens_the_details_and_breaks_between_sections(browser: Browser, report: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(report.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('#timeline')).breakBefore") == "page"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open], .numbers)").count() == 0
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF") and pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 8
    context.close()
