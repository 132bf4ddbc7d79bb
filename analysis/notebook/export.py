"""The button at the end of each notebook: write the incident report on what the notebook looks at."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from analysis.errors import KitError
from analysis.notebook.history import History

Writer = Callable[..., Any]


class ExportButton(widgets.VBox):  # type: ignore[misc]
    """Writes the report and says where it is.

    Parameters
    ----------
    history : History
        What is looked at: its data folder and scope.
    write : callable
        ``report.write_report``; given by the notebook, since the report stands on the notebooks and not under them.
    folder : Path or None
        Where reports go; ``reports`` beside the folder of the notebooks if not given.
    """

    def __init__(self, history: History, write: Writer, folder: Path | None = None) -> None:
        here = Path.cwd()
        self._folder = folder or (here.parent if here.name == "notebooks" else here) / "reports"
        self._history, self._write = history, write
        self.format = widgets.Dropdown(options=["html", "md"], description="Format")
        self.lang = widgets.Dropdown(options=["en", "zh"], description="Language")
        self.button = widgets.Button(description="Export the report", button_style="primary")
        self.note = widgets.HTML()
        self.button.on_click(self._export)
        super().__init__([widgets.HBox([self.format, self.lang, self.button]), self.note])

    def _export(self, _button: Any) -> None:
        self.button.disabled, self.note.value = True, "<p>Judging and writing…</p>"
        target = self._folder / f"incident-report.{self.format.value}"
        try:
            done = self._write(
                self._history.store, self._history.scope, None, target, self.format.value, self.lang.value
            )
            self.note.value = f"<p>Written: <code>{escape(str(done.path))}</code></p>"
        except KitError as error:
            self.note.value = f"<p>{escape(error.line())}</p>"
        finally:
            self.button.disabled = False
