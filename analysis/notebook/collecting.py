"""The second notebook's parts: a form that collects, and what came of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from analysis.charts.words import count
from analysis.collect import Collected, CollectOptions, collect
from analysis.errors import AuthenticationError, KitError, UsageError
from analysis.github import GitHub, find_token
from analysis.notebook.folder import LOCAL
from analysis.scope import parse_time
from analysis.store import Store

Collector = Callable[[list[str], CollectOptions, Store, "Bar"], Collected]
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class Bar:
    """Progress of a collection as a bar in the notebook."""

    def __init__(self) -> None:
        self.widget = widgets.IntProgress(value=0, max=1, description="")

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage of so many steps begins."""
        self.widget.description, self.widget.value, self.widget.max = name, 0, total or 1

    def advance(self, count: int = 1) -> None:
        """So many steps are done."""
        self.widget.value += count


class CollectForm(widgets.VBox):  # type: ignore[misc]
    """Repositories, window and budget; a button that collects into the data folder.

    Parameters
    ----------
    folder : Path
        The data folder that is written.
    run : callable
        What collects; GitHub with the token of the environment if not given.
    """

    def __init__(self, folder: Path = LOCAL, run: Collector | None = None) -> None:
        self._folder, self._run = folder, run or _from_github
        self.repos = widgets.Textarea(description="Repositories", placeholder="owner/name, one a line")
        self.since = widgets.Text(value="14d", description="Since")
        self.budget = widgets.BoundedIntText(value=1200, min=20, max=100_000, step=100, description="Requests")
        self.button = widgets.Button(description="Collect", button_style="primary")
        self.bar, self.note = Bar(), widgets.HTML("")
        self.button.on_click(self._collect)
        super().__init__([self.repos, self.since, self.budget, self.button, self.bar.widget, self.note])

    def _collect(self, _button: Any) -> None:
        self.button.disabled = True
        try:
            repos = names_in(self.repos.value)
            options = CollectOptions(
                since=parse_time(self.since.value, now=datetime.now(UTC)), budget=self.budget.value
            )
            done = self._run(repos, options, Store(self._folder), self.bar)
            self.note.value = "".join(f"<p>{escape(line)}</p>" for line in told(done))
        except KitError as error:
            self.note.value = f"<p>{escape(error.line())}</p>"
        finally:
            self.button.disabled = False


def names_in(text: str) -> list[str]:
    """The repositories in a text field.

    Raises
    ------
    UsageError
        There is none, or a word is no ``owner/name``.
    """
    words = text.replace(",", " ").split()
    wrong = [word for word in words if not _REPOSITORY.fullmatch(word)]
    if wrong or not words:
        raise UsageError(
            f"{wrong[0]!r} is no repository" if wrong else "no repository named", remedy="write OWNER/NAME"
        )
    return words


def told(done: Collected) -> list[str]:
    """What a collection did, in sentences."""
    rows = ", ".join(f"{count(n)} {table}" for table, n in done.rows.items() if n)
    lines = [f"{count(done.requests)} requests in {done.seconds:.0f} seconds: {rows or 'nothing new'}."]
    lines += [f"It ended early ({done.ended}); press again to go on."] if done.ended != "done" else []
    return [*lines, *done.missing, *(str(gap) for gap in done.gaps[:10])]


def _from_github(repos: list[str], options: CollectOptions, store: Store, bar: Bar) -> Collected:
    token = find_token(os.environ)
    if token is None:
        raise AuthenticationError(
            "collecting needs a token",
            remedy="set it in notebook 00; it needs Actions, Contents, Metadata and Pull requests: read",
        )
    return collect(repos, options, store, GitHub(token), bar)
