"""Counts and rates as simple bars: what fails most, and at which hours."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from analysis.charts.colours import hue, look
from analysis.charts.evidence import rows
from analysis.charts.frame import Panel, panels, plain
from analysis.charts.tables import Rate
from analysis.charts.words import Words, count, percent


def stacked(table: pd.DataFrame, heading: str, name: str, words: Words | None = None) -> go.Figure:
    """Failed jobs by one column, stacked by component.

    Parameters
    ----------
    table : DataFrame
        ``name, part, failed`` (``tables.counts_by`` with the component as part), the largest name first.
    heading : str
        What is counted, as a title.
    name : str
        Short name of the figure.
    """
    words = words or Words()
    totals = table.groupby("name", sort=False)["failed"].sum()
    labels = {n: plain(str(n), 60) for n in totals.index}
    parts = words.some(f"{labels[n]} {count(v)}" for n, v in totals.items())
    top = max(4, int(totals.max()) if len(totals) else 0)
    figure = rows(
        list(labels.values()),
        heading,
        words("alt_counts", title=heading, parts=parts),
        name,
        {"range": [0, top * 1.05]},
    )
    for component in table.groupby("part")["failed"].sum().sort_values(ascending=False).index:
        mine = table[table["part"] == component]
        seen = look(str(component))
        figure.add_bar(
            orientation="h", y=[labels[n] for n in mine["name"]], x=mine["failed"], width=0.4, offset=0,
            name=plain(words.service(str(component))), showlegend=True, hoverinfo="text", textposition="none",
            marker={"color": seen.colour, "pattern": {"shape": seen.pattern}},
            hovertext=[
                words("tip_part", name=n, part=words.service(str(component)), n=count(v))
                for n, v in zip(mine["name"], mine["failed"], strict=True)
            ],
        )  # fmt: skip
    return figure


def by_hour(rates: Sequence[Rate], words: Words | None = None) -> go.Figure:
    """Failure rate by hour of the day (UTC), with 95 % intervals; each rate's group is its hour."""
    words = words or Words()
    shown = [r for r in rates if r.jobs]
    tips = [
        words("tip_hour", hour=r.group, failed=count(r.failed), jobs=count(r.jobs), rate=percent(r.rate)) for r in shown
    ]
    top = max([r.high for r in shown] + [0.02]) * 1.05
    axis = {"range": [0, top], "tickformat": ".0%"}
    ticks = {"tickvals": list(range(0, 24, 3)), "ticktext": [f"{h:02}:00" for h in range(0, 24, 3)]}
    figure = panels(
        [Panel(words("rate_by_hour"), 200, axis)], {"range": [-0.6, 23.6], **ticks},
        alt=words("alt_counts", title=words("rate_by_hour"), parts=words.some(tips, 24)), name="hours",
    )  # fmt: skip
    figure.add_bar(
        x=[int(r.group) for r in shown], y=[r.rate for r in shown], width=0.8, marker={"color": hue("blue")},
        hoverinfo="text", hovertext=tips, textposition="none",
        error_y={
            "type": "data", "symmetric": False, "thickness": 1.5, "width": 3, "color": "#6b7076",
            "array": [r.high - r.rate for r in shown], "arrayminus": [r.rate - r.low for r in shown],
        },
    )  # fmt: skip
    return figure
