"""The layout that all figures share: quiet axes, panels under one x axis, a text alternative in ``meta``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

_MARGIN = {"l": 56, "r": 16, "t": 34, "b": 40}
_LINE = "rgba(128,128,128,0.35)"


@dataclass(frozen=True)
class Panel:
    """One row of a figure.

    Attributes
    ----------
    title : str
        What the panel shows, written above it.
    height : int
        Pixels.
    axis : dict
        Plotly's settings of its y axis (range, ticks).
    """

    title: str
    height: int
    axis: Mapping[str, Any]


def panels(rows: Sequence[Panel], x: Mapping[str, Any], *, alt: str, name: str, head: int = 0) -> go.Figure:
    """A figure of panels under one x axis, the first on top.

    Parameters
    ----------
    rows : sequence of Panel
        From top to bottom; panel ``i`` owns axis ``y`` (first), ``y2``, ``y3`` ...
    x : mapping
        Plotly's settings of the x axis.
    alt : str
        What the figure shows, in sentences: the text alternative.
    name : str
        Short name, unique in a report.
    head : int
        Pixels kept free above the first panel.
    """
    gap = 34
    inner = head + sum(row.height for row in rows) + gap * (len(rows) - 1)
    layout: dict[str, Any] = {
        "height": inner + _MARGIN["t"] + _MARGIN["b"],
        "margin": _MARGIN,
        "meta": {"alt": alt, "name": name, "head": head},
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "barmode": "stack",
        "bargap": 0.08,
        "hovermode": "closest",
        "showlegend": False,
        "font": {"size": 13, "color": "#6b7076"},
        "annotations": [],
        "shapes": [],
    }
    top = float(inner - head)
    for number, row in enumerate(rows, 1):
        suffix = "" if number == 1 else str(number)
        low, high = (top - row.height) / inner, top / inner
        axis = {"domain": [low, high], "zeroline": False, "gridcolor": _LINE, "fixedrange": True, "anchor": "x"}
        layout[f"yaxis{suffix}"] = {**axis, **row.axis}
        layout["annotations"].append(title(row.title, high))
        top -= row.height + gap
    last = "y" if len(rows) == 1 else f"y{len(rows)}"
    layout["xaxis"] = {"anchor": last, "zeroline": False, "showgrid": False, "gridcolor": _LINE, **x}
    return go.Figure(layout=layout)


def title(text: str, y: float) -> dict[str, Any]:
    """A panel's title as an annotation just above it."""
    return {
        "text": text, "xref": "paper", "yref": "paper", "x": 0, "y": y, "xanchor": "left", "yanchor": "bottom",
        "showarrow": False, "yshift": 4, "name": "title",
    }  # fmt: skip


def line(x0: Any, x1: Any, y0: Any, y1: Any, *, xref: str = "x", yref: str = "y", dash: str = "dot") -> dict[str, Any]:
    """A thin reference line as a shape."""
    return {
        "type": "line", "x0": x0, "x1": x1, "y0": y0, "y1": y1, "xref": xref, "yref": yref,
        "line": {"width": 1.5, "dash": dash, "color": "#81858c"},
    }  # fmt: skip


def plain(text: str, limit: int = 120) -> str:
    """Outside text as a label: one line, cut, and without the angle brackets that Plotly would read as markup."""
    flat = " ".join(str(text).split()).replace("<", "‹").replace(">", "›")
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
