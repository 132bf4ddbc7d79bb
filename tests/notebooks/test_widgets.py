"""What happens when somebody chooses, types or presses."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from analysis.collect import Collected, CollectOptions
from analysis.errors import NoDataError, UsageError
from analysis.notebook import views
from analysis.notebook.clusters import UnknownFailures
from analysis.notebook.collecting import CollectForm, names_in
from analysis.notebook.export import ExportButton
from analysis.notebook.folder import data_folder
from analysis.notebook.history import History, open_history
from analysis.notebook.start import ScopePicker, checks, open_notebook, read_scope, services, token_box
from analysis.notebook.strip import holdings, status_strip
from analysis.notebook.widgets import Explorer, table_html
from analysis.scope import Scope
from analysis.status import ServiceState
from tests.correlate.builder import History as Rows

NOW = datetime(2025, 1, 12, 9, tzinfo=UTC)


def test_a_choice_redraws_the_chart_and_its_conclusion(history: History) -> None:
    explorer = Explorer(history, views.failures)
    chart, says, _ = explorer.children[1:]
    before, said = chart.outputs[0]["data"]["application/vnd.plotly.v1+json"], says.value
    explorer.controls["repository"].value = "acme/api"
    after = chart.outputs[0]["data"]["application/vnd.plotly.v1+json"]
    assert after != before and says.value != said
    assert explorer.selection.repository == "acme/api"
    explorer.controls["repository"].value = "all"
    assert chart.outputs[0]["data"]["application/vnd.plotly.v1+json"] == before


def test_the_whole_window_is_no_restriction_and_a_part_of_it_is(history: History) -> None:
    explorer = Explorer(history, views.failures)
    assert explorer.selection.since is None and explorer.selection.until is None
    slider = explorer.controls["window"]
    slider.index = (10, 20)
    assert explorer.selection.until - explorer.selection.since == pd.Timedelta(hours=10)


def test_the_strip_names_window_runs_gaps_and_age(history: History) -> None:
    text = status_strip(history)._repr_mimebundle_()["text/plain"]
    for part in ("window 2025-01-06", "runs", "jobs 1\u2009312", "gaps 0", "age 60 minutes"):
        assert part in text


def test_holdings_count_the_rows_of_each_table(history: History) -> None:
    held = holdings(history.store).set_index("table")
    assert held.loc["incidents", "rows"] == 2 and held.loc["jobs", "rows"] > 1312


def test_a_status_page_out_of_reach_says_so_and_hostile_names_stay_text() -> None:
    states = [
        ServiceState("github", "GitHub", "https://x", "unknown", NOW, error="no route"),
        ServiceState(
            "docker-hub", "Docker", "https://x", "major", NOW, incidents=[{"name": "<script>alert(1)</script>"}]
        ),
    ]
    shown = services(states)._repr_mimebundle_()
    assert "unreachable" in shown["text/html"] and "<script" not in shown["text/html"]
    assert shown["text/plain"].startswith("Docker: major")
    assert "1 of 2 services report trouble. 1 pages could not be reached" in shown["text/plain"]


def test_checks_say_what_to_do() -> None:
    found = [SimpleNamespace(name="token", ok=False, detail="none", remedy="set GITHUB_TOKEN")]
    assert "to do" in checks(found=found)._repr_mimebundle_()["text/html"]


def test_a_token_goes_to_the_kernel_s_environment_and_leaves_the_field(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("GITHUB_TOKEN", "")
    box = token_box()
    box.children[0].value = "github_pat_example"
    assert os.environ["GITHUB_TOKEN"] == "github_pat_example"
    assert box.children[0].value == ""


def test_a_scope_that_is_kept_is_taken_up_by_the_other_notebooks(history: History, tmp_path: Path) -> None:
    picker = ScopePicker(history, tmp_path)
    picker.repos.value, picker.since.value = ("acme/api",), "2025-01-08"
    picker.keep.click()
    assert read_scope(tmp_path)["repos"] == ["acme/api"]
    folder = tmp_path / "data"
    folder.symlink_to(history.store.data_dir)
    (history.store.data_dir / "scope.json").write_text((tmp_path / "scope.json").read_text())
    try:
        opened = open_notebook(str(folder), now=NOW)
    finally:
        (history.store.data_dir / "scope.json").unlink()
    assert set(opened.jobs["repo"]) == {"acme/api"}
    picker.clear.click()
    assert read_scope(tmp_path) == {}


def test_a_time_that_is_none_is_not_kept(history: History, tmp_path: Path) -> None:
    picker = ScopePicker(history, tmp_path)
    picker.since.value = "yesterday-ish"
    picker.keep.click()
    assert "is not a time" in picker.note.value and read_scope(tmp_path) == {}


def test_the_form_collects_what_was_typed_and_tells_what_came(tmp_path: Path) -> None:
    asked: list[Any] = []

    def collect(repos: list[str], options: CollectOptions, store: Any, bar: Any) -> Collected:
        bar.stage("runs", 2)
        bar.advance(2)
        asked.append((repos, options.budget))
        return Collected("budget", 40, 1, 2.0, {"runs": 12}, (), ("logs of 3 jobs are missing",), {}, NOW)

    form = CollectForm(tmp_path, collect)
    form.repos.value, form.budget.value = "acme/web, acme/api", 100
    form.button.click()
    assert asked == [(["acme/web", "acme/api"], 100)]
    assert "40 requests" in form.note.value and "logs of 3 jobs are missing" in form.note.value
    assert not form.button.disabled and form.bar.widget.value == 2


@pytest.mark.parametrize("text", ["", "not-a-repo", "a/b c"])
def test_a_name_that_is_no_repository_is_named(text: str) -> None:
    with pytest.raises(UsageError):
        names_in(text)


def test_collecting_without_a_token_ends_in_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.notebook.collecting.find_token", lambda env: None)
    form = CollectForm(tmp_path)
    form.repos.value = "acme/web"
    form.button.click()
    assert "needs a token" in form.note.value


def test_a_cluster_of_unknown_failures_becomes_a_signature(tmp_path: Path) -> None:
    made = Rows()
    for hours in range(6):
        run = made.run(hours, conclusion="failure")
        made.job(run, hours, conclusion="failure", failing_step=4, component="unknown", kind="other")
        made.rows["failures"][-1]["excerpt"] = f"FATAL licence server lic{hours}.acme.test refused seat {hours}"
    store = made.write(tmp_path / "data")
    box = UnknownFailures(open_history(store, Scope(), now=NOW), tmp_path)
    assert box.clusters[0].count == 6
    box.name.value, box.component.value = "mine.licence-server", "other-registry"
    box.button.click()
    written = tomllib.loads((tmp_path / "signatures.toml").read_text("utf-8"))["signature"]
    assert written[0]["name"] == "mine.licence-server" and written[0]["component"] == "other-registry"


def test_known_failures_need_no_signature(history: History) -> None:
    assert "known to a signature" in UnknownFailures(history).children[0].value


def test_the_export_button_writes_and_says_where(history: History, tmp_path: Path) -> None:
    calls: list[Any] = []

    def write(*given: Any) -> Any:
        calls.append(given)
        return SimpleNamespace(path=given[3])

    button = ExportButton(history, write, tmp_path)
    button.format.value, button.lang.value = "md", "zh"
    button.button.click()
    assert calls[0][3:] == (tmp_path / "incident-report.md", "md", "zh")
    assert "incident-report.md" in button.note.value


def test_an_export_that_fails_says_why(history: History, tmp_path: Path) -> None:
    def write(*given: Any) -> Any:
        raise NoDataError("nothing there", remedy="collect")

    button = ExportButton(history, write, tmp_path)
    button.button.click()
    assert "nothing there" in button.note.value and not button.button.disabled


def test_a_table_escapes_and_links_only_to_the_web() -> None:
    html = table_html(pd.DataFrame({"a<b>": ["<img src=x>", "javascript:alert(1)", "https://e.test/'x", None]}))
    assert "<img" not in html and "href='javascript" not in html
    assert "https://e.test/&#x27;x" in html


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "data" / "sample" / "runs" / "repo=x").mkdir(parents=True)
    yield tmp_path


def test_the_sample_is_opened_until_there_is_history_of_one_s_own(root: Path) -> None:
    assert data_folder(root=root) == root / "data" / "sample"
    (root / "data" / "local").mkdir()
    (root / "data" / "local" / "scope.json").write_text(json.dumps({}))
    assert data_folder(root=root) == root / "data" / "sample"
    (root / "data" / "local" / "runs" / "repo=x").mkdir(parents=True)
    assert data_folder(root=root) == root / "data" / "local"
    assert data_folder("elsewhere", root=root) == Path("elsewhere")
