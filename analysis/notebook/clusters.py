"""Failures that no signature knows: clusters of them, and a button that turns one into a signature."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from analysis.charts.words import clock, count
from analysis.errors import KitError
from analysis.facts.unknown import Cluster, cluster_unknown, signature_toml
from analysis.notebook.folder import LOCAL
from analysis.notebook.history import History
from analysis.schema import COMPONENTS

OWN_SIGNATURES = "signatures.toml"
_MOST = 20


class UnknownFailures(widgets.VBox):  # type: ignore[misc]
    """The clusters, the largest first; name one and it becomes a signature in TOML.

    Parameters
    ----------
    history : History
        What is looked at.
    folder : Path
        Where the signatures are kept.
    """

    def __init__(self, history: History, folder: Path = LOCAL) -> None:
        self.clusters = clusters_of(history)[:_MOST]
        self._path = folder / OWN_SIGNATURES
        if not self.clusters:
            super().__init__([widgets.HTML("<p>Every failure that left a line is known to a signature.</p>")])
            return
        options = [(f"{count(c.count)} × {c.template[:90]}", i) for i, c in enumerate(self.clusters)]
        self.pick = widgets.Dropdown(options=options, description="Cluster", layout=widgets.Layout(width="60em"))
        self.name = widgets.Text(value="mine.", description="Name")
        self.component = widgets.Dropdown(options=list(COMPONENTS), value="unknown", description="At fault")
        self.button = widgets.Button(description="Make a signature", button_style="primary")
        self.about, self.note = widgets.HTML(), widgets.HTML()
        self.pick.observe(self._tell, names="value")
        self.button.on_click(self._make)
        row = widgets.HBox([self.name, self.component, self.button], layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([self.pick, self.about, row, self.note])
        self._tell()

    def _tell(self, _change: Any = None) -> None:
        cluster = self.clusters[self.pick.value]
        self.about.value = (
            f"<p>{count(cluster.count)} failures, first {clock(cluster.first_seen)}, last {clock(cluster.last_seen)} "
            f"UTC.</p><pre>{escape(cluster.example)}</pre>"
        )

    def _make(self, _button: Any) -> None:
        try:
            text = signature_toml(self.clusters[self.pick.value], name=self.name.value, component=self.component.value)
        except KitError as error:
            self.note.value = f"<p>{escape(error.line())}</p>"
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + text)
        self.note.value = (
            f"<p>Added to {escape(str(self._path))}; pass it with --signatures.</p><pre>{escape(text)}</pre>"
        )


def clusters_of(history: History) -> list[Cluster]:
    """Clusters of the unknown failures of a history, the largest first."""
    failures = history.store.read("failures")
    jobs = history.jobs["job_id"].dropna()
    mine = failures[failures["job_id"].isin(jobs)]
    rows = mine.astype(object).where(pd.notna(mine), None).to_dict("records")
    return cluster_unknown([{str(name): value for name, value in row.items()} for row in rows])
