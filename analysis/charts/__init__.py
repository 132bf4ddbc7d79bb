"""Plotly figures from result tables, nothing else.

In: the small tables of ``charts.tables`` and the lines of a verdict document. Out: ``plotly`` figures in plain
colours, one a component, each with its text alternative in ``layout.meta["alt"]``. Notebooks show them as they
are; the report draws the same figures as static SVG (``report.drawing``).
"""

from analysis.charts.counts import by_hour, stacked
from analysis.charts.evidence import Estimate, Saving, counterfactuals, forest, paradox, rate_rows, suspects
from analysis.charts.timeline import TimelineData, timeline

__all__ = [
    "Estimate", "Saving", "TimelineData", "by_hour", "counterfactuals", "forest", "paradox", "rate_rows", "stacked",
    "suspects", "timeline",
]  # fmt: skip
