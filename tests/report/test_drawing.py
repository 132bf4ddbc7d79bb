"""Figures become SVG that needs no script."""

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import pytest

from analysis import charts
from analysis.charts.words import Words
from analysis.notebook.case import Case
from analysis.report.drawing import draw, legend
from analysis.report.scales import Scale, fit, text_width

SVG = "{http://www.w3.org/2000/svg}"
MARKS = {"first_failure": "first failure", "first_post": "first post", "last_failure": "last failure"}
FIGURES: dict[str, Callable[[Case], go.Figure]] = {
    "timeline": lambda case: charts.timeline(case.timeline(MARKS)),
    "suspects": lambda case: charts.suspects([("Docker Hub", "docker-hub", 0.97), ("build 6.11.0", "", 0.01)]),
    "forest": lambda case: charts.forest(
        [charts.Estimate("a", 1.03, 0.8, 1.3, "against"), charts.Estimate("b", None, 0.1, float("inf"), "open")]
    ),
    "paradox": lambda case: charts.paradox(case.paradox(), {"before": "b", "after": "a"}),
    "counterfactuals": lambda case: charts.counterfactuals([charts.Saving("retry", 12, 9, 14)], 20),
}


def parse(figure: go.Figure, width: int = 940) -> ET.Element:
    text = draw(figure, width=width, ident="f", described_by="alt", words=Words(), label="chart")
    return ET.fromstring(str(text).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("width", [350, 940])
def test_every_mark_and_label_lies_inside_the_picture(case: Case, name: str, width: int) -> None:
    root = parse(FIGURES[name](case), width)
    height = float(root.get("height", 0))
    for element in root.iter():
        if element.tag == f"{SVG}rect" and "width" in element.attrib and element.get("height") != "6":
            x, y, w, h = (float(element.get(k, 0)) for k in ("x", "y", "width", "height"))
            assert x >= -0.5 and x + w <= width + 0.5 and y >= -0.5 and y + h <= height + 0.5
        if element.tag == f"{SVG}text":
            size = text_width("".join(element.itertext()) if not len(element) else element[0].tail or "", 13)
            x, anchor = float(element.get("x", 0)), element.get("text-anchor", "start")
            left = x - {"start": 0, "middle": size / 2, "end": size}[anchor]
            assert left >= -8 and left + size <= width + 8, "".join(element.itertext())


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_says_in_words_what_it_shows(case: Case, name: str) -> None:
    figure = FIGURES[name](case)
    assert len(figure.layout.meta["alt"]) > 30
    assert parse(figure).get("role") == "img"


def test_the_bars_of_an_hour_stand_on_each_other() -> None:
    at = pd.Timestamp("2025-01-08T10:00Z")
    failures = pd.DataFrame({"at": [at, at], "component": ["docker-hub", "user-code"], "failed": [3, 2]})
    none = pd.DataFrame()
    hour = pd.Timedelta(hours=1)
    data = charts.TimelineData(
        at.floor("D"), at.ceil("D"), hour, failures, none, hour, ("", ""), "", pd.DataFrame({"began_at": []}), none, ()
    )
    bars = [r for r in parse(charts.timeline(data)).iter(f"{SVG}rect") if r.get("class") == "z"]
    tops = sorted((float(r.get("y", 0)), float(r.get("height", 0))) for r in bars)
    assert tops[0][0] + tops[0][1] == pytest.approx(tops[1][0], abs=0.2)


def test_a_tooltip_without_scripts_is_the_mark_s_own_title(case: Case) -> None:
    titles = [t.text or "" for t in parse(FIGURES["timeline"](case)).iter(f"{SVG}title")]
    assert any("Docker Hub" in t and "failed" in t for t in titles)


def test_a_name_from_outside_cannot_leave_its_text() -> None:
    evil = '</title></svg><script>alert(1)</script>"><img src=x onerror=alert(1)>'
    root = parse(charts.suspects([(evil, "docker-hub", 0.5)]))
    assert not list(root.iter(f"{SVG}script")) and not list(root.iter(f"{SVG}img"))


def test_the_legend_names_what_has_a_colour(case: Case) -> None:
    text = str(legend(FIGURES["timeline"](case)))
    assert "Docker Hub" in text and "build-push-action 6.11.0" in text


def test_a_long_label_is_cut_to_its_room() -> None:
    assert text_width(fit("x" * 500, 100, 13), 13) <= 100


def test_time_is_linear_between_the_edges() -> None:
    scale = Scale("date", 0.0, 3_600_000.0, 0.0, 100.0)
    assert scale(pd.Timestamp("1970-01-01T00:30Z")) == pytest.approx(50)
