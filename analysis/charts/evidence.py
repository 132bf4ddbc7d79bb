"""The judge's answer as figures: suspects, the shared forest plot, the two comparisons, what would have helped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from analysis.charts.colours import hue, look
from analysis.charts.frame import Panel, line, panels, plain
from analysis.charts.tables import Paradox, Rate
from analysis.charts.words import Words, chance, count, percent, ratio

_ROW = 46


@dataclass(frozen=True)
class Estimate:
    """One line of a forest plot: a ratio of failure rates (None where it has no bound), its interval, its side.

    The side is ``for``, ``against`` or ``open``.
    """

    label: str
    value: float | None
    low: float
    high: float
    side: str


@dataclass(frozen=True)
class Saving:
    """What one measure would have avoided: failures, with the ends of the interval (None where not known)."""

    name: str
    avoided: float
    low: float | None
    high: float | None


def suspects(causes: Sequence[tuple[str, str, float]], words: Words | None = None) -> go.Figure:
    """Bars of probability, one a suspect.

    Parameters
    ----------
    causes : sequence of (label, component, probability)
        In the order to show. The component gives the colour; empty for a suspect that is no service.
    """
    words = words or Words()
    labels = [plain(label) for label, _, _ in causes]
    alt = words("alt_suspects", parts=words.some(f"{label} {chance(p)}" for label, _, p in causes))
    figure = rows(labels, words("suspects"), alt, "suspects", {"range": [0, 1], **_SHARES})
    looks = [look(component or "action") for _, component, _ in causes]
    figure.add_bar(
        orientation="h", y=labels, x=[p for _, _, p in causes], width=0.4, hoverinfo="text", offset=0,
        text=[chance(p) for _, _, p in causes], textposition="outside", cliponaxis=False,
        marker={"color": [seen.colour for seen in looks], "pattern": {"shape": [seen.pattern for seen in looks]}},
        hovertext=[words("tip_suspect", name=label, p=chance(p)) for label, _, p in causes],
    )  # fmt: skip
    figure.add_shape(line(0.5, 0.5, 0, 1, yref="paper"))
    return figure


_SHARES = {"tickvals": [0, 0.25, 0.5, 0.75, 1], "ticktext": ["0 %", "25 %", "50 %", "75 %", "100 %"]}
_RATIOS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


def forest(estimates: Sequence[Estimate], words: Words | None = None) -> go.Figure:
    """Ratios with their intervals on one logarithmic axis; left of one: fewer failures, right: more."""
    words = words or Words()
    shown = list(estimates)
    ends = [x for e in shown for x in (e.value, e.low, e.high) if x and math.isfinite(x)]
    low = max(math.log10(min([*ends, 0.5])) - 0.1, -1.4)
    high = min(math.log10(max([*ends, 2.0])) + 0.1, 2.1)
    labels = _distinct([plain(e.label) for e in shown])
    ticks = [t for t in _RATIOS if low <= math.log10(t) <= high]
    alt = words("alt_forest", parts=words.some(f"{e.label}: {_interval(e, words)}" for e in shown))
    axis = {"type": "log", "range": [low, high], "tickvals": ticks, "ticktext": [f"{t:g}" for t in ticks]}
    figure = rows(labels, words("forest"), alt, "forest", axis)
    for side, symbol, colour in (
        ("for", "square", "brown"),
        ("against", "circle", "blue"),
        ("open", "diamond", "grey"),
    ):
        mine = [(label, e) for label, e in zip(labels, shown, strict=True) if e.side == side]
        if not mine:
            continue
        cut = [[min(max(x, 10**low), 10**high) for x in _ends(e)] for _, e in mine]
        figure.add_scatter(
            x=[value for value, _, _ in cut], y=[label for label, _ in mine],
            mode="markers+text",
            name=words(f"side_{side}"), showlegend=True, cliponaxis=False,
            marker={"symbol": symbol, "size": [11 if e.value else 0 for _, e in mine], "color": hue(colour)},
            text=[_interval(e, words) for _, e in mine], textposition="bottom center",
            error_x={
                "type": "data", "symmetric": False, "color": hue(colour), "thickness": 2.5, "width": 5,
                "array": [b - value for value, _, b in cut],
                "arrayminus": [value - a for value, a, _ in cut],
            },
            hoverinfo="text", hovertext=[f"{e.label}: {_interval(e, words)}" for _, e in mine],
        )  # fmt: skip
    figure.add_shape(line(1, 1, 0, 1, yref="paper", dash="solid"))
    return figure


def paradox(comparison: Paradox, names: Mapping[str, str], words: Words | None = None) -> go.Figure:
    """Before/after beside the same comparison within the same hours.

    Parameters
    ----------
    names : mapping
        Label of each group (``before``, ``after`` and the two versions).
    """
    words = words or Words()
    shown = [(words("paradox_before"), rate, "amber", "/") for rate in (comparison.before, comparison.after)]
    shown += [(words("paradox_within"), rate, "blue", "") for rate in (comparison.old, comparison.new) if rate]
    return rate_rows(
        [(f"{view}: {names.get(rate.group, rate.group)}", rate, colour, shape) for view, rate, colour, shape in shown],
        words, words("rate"), "paradox", "alt_paradox",
    )  # fmt: skip


def rate_rows(
    given: Sequence[tuple[str, Rate, str, str]], words: Words, heading: str, name: str, alt: str = "alt_rates"
) -> go.Figure:
    """Failure rates with their intervals, one row each: label, rate, colour by name, hatch."""
    shown = [row for row in given if row[1].jobs]
    labels = _distinct([plain(label, 80) for label, *_ in shown])
    tips = [
        words(
            "tip_rate", group=label, failed=count(r.failed), jobs=count(r.jobs), rate=percent(r.rate),
            low=percent(r.low), high=percent(r.high),
        )
        for label, r, *_ in shown
    ]  # fmt: skip
    top = max([r.high for _, r, *_ in shown] + [0.02]) * 1.1
    figure = rows(labels, heading, words(alt, parts=words.some(tips)), name, _rate_axis(top))
    figure.add_bar(
        orientation="h", y=labels, x=[r.rate for _, r, *_ in shown], width=0.4, offset=0, hoverinfo="text",
        hovertext=tips, text=[percent(r.rate) for _, r, *_ in shown], textposition="none",
        marker={"color": [hue(c) for _, _, c, _ in shown], "pattern": {"shape": [shape for *_, shape in shown]}},
        error_x={
            "type": "data", "symmetric": False, "thickness": 2, "width": 5, "color": "#6b7076",
            "array": [r.high - r.rate for _, r, *_ in shown], "arrayminus": [r.rate - r.low for _, r, *_ in shown],
        },
    )  # fmt: skip
    _values(figure, [(r.high, percent(r.rate)) for _, r, *_ in shown])
    return figure


def counterfactuals(savings: Sequence[Saving], total: int, words: Words | None = None) -> go.Figure:
    """Failures that each measure would have avoided, with intervals; the axis ends at all failures.

    Parameters
    ----------
    total : int
        Failed jobs.
    """
    words = words or Words()
    top = max([total, *(s.high or s.avoided for s in savings), 1])
    labels = [plain(s.name) for s in savings]
    tips = [
        words("tip_counterfactual", name=s.name, avoided=count(s.avoided), low=count(s.low), high=count(s.high))
        for s in savings
    ]
    alt = words("alt_counterfactuals", parts=words.some(tips))
    figure = rows(labels, words("counterfactuals"), alt, "counterfactuals", {"range": [0, top * 1.02]})
    figure.add_bar(
        orientation="h", y=labels, x=[s.avoided for s in savings], width=0.4, offset=0, hoverinfo="text",
        hovertext=tips, marker={"color": hue("blue")}, text=[count(s.avoided) for s in savings], textposition="none",
        error_x={
            "type": "data", "symmetric": False, "thickness": 2, "width": 5, "color": "#6b7076",
            "array": [(s.high if s.high is not None else s.avoided) - s.avoided for s in savings],
            "arrayminus": [s.avoided - (s.low if s.low is not None else s.avoided) for s in savings],
        },
    )  # fmt: skip
    _values(figure, [(s.high if s.high is not None else s.avoided, count(s.avoided)) for s in savings])
    return figure


def _values(figure: go.Figure, values: Sequence[tuple[float, str]]) -> None:
    """Write each row's value behind the end of its interval, where Plotly would strike it through."""
    for row, (end, text) in enumerate(values):
        figure.add_annotation(
            text=text, x=end, y=row + 0.2, xref="x", yref="y", xanchor="left", xshift=6, showarrow=False, name="value"
        )


def _rate_axis(top: float) -> dict[str, object]:
    step = next(s for s in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 1.0) if top / s <= 6)
    ticks = [i * step for i in range(int(top / step) + 1)]
    return {"range": [0, top], "tickvals": ticks, "ticktext": [f"{100 * t:g} %" for t in ticks]}


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    """Where to draw: an estimate without a bound stands at the middle of what is known of its interval."""
    value = estimate.value or max(estimate.low, 1.0)
    return value, estimate.low, estimate.high


def _interval(estimate: Estimate, words: Words) -> str:
    return words("interval", value=ratio(estimate.value), low=ratio(estimate.low), high=ratio(estimate.high))


def rows(labels: Sequence[str], heading: str, alt: str, name: str, x: Mapping[str, object]) -> go.Figure:
    """One panel of horizontal rows, the first label on top; ``x`` holds Plotly's settings of the x axis."""
    axis = {"type": "category", "categoryarray": list(labels), "range": [len(labels) - 0.5, -0.5], "showgrid": False}
    figure = panels([Panel(heading, max(_ROW * len(labels), _ROW), axis)], {"showgrid": True, **x}, alt=alt, name=name)
    figure.update_layout(margin={"l": 260})
    return figure


def _distinct(labels: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        result.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return result
