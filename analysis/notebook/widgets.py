"""Charts that redraw when something is chosen: repository, workflow, action, window.

A widget never computes: it hands its choice to a function of `views` and shows what comes back, the chart and,
below it, the conclusion in words.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.notebook.history import HOUR, History, Selection
from analysis.notebook.views import Shown, View

EVERYTHING = "all"
_MOST_STEPS = 400
_CHART = "application/vnd.plotly.v1+json"


class Explorer(widgets.VBox):  # type: ignore[misc]
    """One chart with its choices.

    Parameters
    ----------
    history : History
        What is looked at.
    view : callable
        A function of `views`.
    controls : sequence of str
        Which of ``repository``, ``workflow``, ``action``, ``window`` to offer.
    """

    def __init__(
        self, history: History, view: View, controls: Sequence[str] = ("repository", "workflow", "window")
    ) -> None:
        self._history, self._view = history, view
        self.controls: dict[str, Any] = {name: _CONTROLS[name](history) for name in controls}
        self._chart, self._says, self._table = widgets.Output(), widgets.HTML(), widgets.Output()
        for control in self.controls.values():
            control.observe(self._redraw, names="value")
        row = widgets.HBox(list(self.controls.values()), layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([row, self._chart, self._says, self._table])
        self._redraw()

    @property
    def selection(self) -> Selection:
        """What is chosen now."""
        chosen = {name: c.value for name, c in self.controls.items() if name != "window" and c.value != EVERYTHING}
        if "window" in self.controls:
            since, until = self.controls["window"].value
            first, last = self._history.window
            chosen |= {"since": since if since > first else None, "until": until if until < last else None}
        return Selection(**chosen)

    @property
    def shown(self) -> Shown:
        """What is shown now."""
        return self._shown

    def _redraw(self, _change: Any = None) -> None:
        self._shown = self._view(self._history, self.selection)
        figure = self._shown.figure
        self._chart.outputs = (as_output(figure),) if figure is not None else ()
        self._says.value = "".join(f"<p>{escape(line)}</p>" for line in self._shown.says)
        self._table.outputs = (as_table(self._shown.table),) if self._shown.table is not None else ()


def as_output(figure: go.Figure) -> dict[str, Any]:
    """A figure as a notebook output that Jupyter and VS Code draw on their own."""
    alt = str(figure.layout.meta["alt"])
    figure.for_each_trace(lambda trace: trace.update(showlegend=bool(trace.showlegend)))
    named = any(trace.showlegend for trace in figure.data)
    below = {"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom"}
    figure.update_layout(showlegend=named, legend=below, margin_b=80 if named else 40)
    if named:
        figure.update_layout(height=figure.layout.height + 40)
    return {
        "output_type": "display_data", "metadata": {},
        "data": {_CHART: json.loads(figure.to_json()), "text/plain": alt},
    }  # fmt: skip


def as_table(frame: pd.DataFrame) -> dict[str, Any]:
    """A frame as a notebook output, its links made of web addresses only."""
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": table_html(frame)}}


def table_html(frame: pd.DataFrame, *, most: int = 500) -> str:
    """A frame as an escaped HTML table that scrolls; addresses of the web become links."""
    heads = "".join(f"<th scope='col'>{escape(str(c).replace('_', ' '))}</th>" for c in frame.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(v)}</td>" for v in row) + "</tr>"
        for row in frame.head(most).itertuples(index=False)
    )
    return (
        "<div style='max-height:22em;overflow:auto'><table><thead><tr>"
        f"{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return escape(", ".join(str(part) for part in value))
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    text = str(value)
    if text.startswith(("https://", "http://")):
        return f"<a href='{escape(text)}' target='_blank' rel='noopener noreferrer'>open</a>"
    return escape(text)


def _repository(history: History) -> Any:
    return _dropdown("Repository", history.jobs["repo"])


def _workflow(history: History) -> Any:
    return _dropdown("Workflow", history.jobs["workflow"])


def _dropdown(label: str, values: pd.Series) -> Any:
    names = sorted(str(v) for v in values.dropna().unique())
    return widgets.Dropdown(options=[EVERYTHING, *names], value=EVERYTHING, description=label)


def _action(history: History) -> Any:
    names = history.actions or [EVERYTHING]
    return widgets.Dropdown(options=names, value=names[0], description="Action")


def _window(history: History) -> Any:
    first, last = history.window
    hours = max(1, round((last - first) / HOUR / _MOST_STEPS))
    steps = [*pd.date_range(first, last, freq=f"{hours}h", inclusive="left"), last]
    return widgets.SelectionRangeSlider(
        options=[(f"{moment:%d %b %H:%M}", moment) for moment in steps], index=(0, len(steps) - 1),
        description="Window", continuous_update=False, layout=widgets.Layout(width="32em"),
    )  # fmt: skip


_CONTROLS = {"repository": _repository, "workflow": _workflow, "action": _action, "window": _window}
