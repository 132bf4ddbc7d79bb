"""A figure ready for the page: drawn wide and narrow, with its legend, its text alternative and its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from analysis.report.drawing import draw, legend
from analysis.report.texts import Texts

WIDE, NARROW = 940, 350
MOST_ROWS = 400


@dataclass(frozen=True)
class Chart:
    """A figure and all that stands around it.

    Attributes
    ----------
    name : str
        Anchor, unique in the report.
    label : str
        Short accessible name.
    wide, narrow : Markup
        SVG for screens and for phones.
    legend : Markup
        What the colours mean; empty where rows are labelled.
    alt : str
        The chart in words.
    columns : tuple of str
        Heads of the data table.
    rows : tuple of tuples
        Its cells; ready-made markup is kept, all else is escaped.
    left_out : int
        Rows that the table does not hold.
    zoom : bool
        Whether the x axis is time.
    """

    name: str
    label: str
    wide: Markup
    narrow: Markup
    legend: Markup
    alt: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    left_out: int
    zoom: bool


def chart(figure: go.Figure, label: str, texts: Texts, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Chart:
    """Draw a figure of ``analysis.charts`` for the page."""
    name = str(figure.layout.meta["name"])
    wide, narrow = (
        draw(figure, width=width, ident=f"{name}-{kind}", described_by=f"{name}-alt", words=texts.words, label=label)
        for kind, width in (("w", WIDE), ("n", NARROW))
    )
    kept = tuple(tuple(row) for row in rows[:MOST_ROWS])
    return Chart(
        name, label, wide, narrow, legend(figure), str(figure.layout.meta["alt"]), tuple(columns), kept,
        max(0, len(rows) - MOST_ROWS), figure.layout.xaxis.type == "date",
    )  # fmt: skip
