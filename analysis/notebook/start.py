"""The first notebook's parts: how the services stand, whether all is ready, the token, and the scope."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from analysis.doctor import Check, examine
from analysis.errors import UsageError
from analysis.notebook.folder import LOCAL, data_folder
from analysis.notebook.history import History, open_history
from analysis.notebook.strip import Html
from analysis.scope import Scope, parse_time
from analysis.status import ServiceState, current_status
from analysis.store import Store

SCOPE_FILE = "scope.json"
_SIGNS = {"operational": "●", "unknown": "?", "maintenance": "◐"}
_COLOURS = {"operational": "#1a7f4b", "unknown": "#6b7076", "maintenance": "#8a6100"}


def services(states: Sequence[ServiceState] | None = None) -> Html:
    """How the services stand by their own pages, asked now; a page out of reach says so.

    Parameters
    ----------
    states : sequence of ServiceState or None
        What to show; None asks the pages.
    """
    found = list(states) if states is not None else current_status(timeout=4.0)
    rows, plain = [], []
    for state in sorted(found, key=lambda s: s.state in ("operational", "unknown")):
        word = "unreachable" if state.error else state.state
        open_ones = "; ".join(str(i.get("name")) for i in state.incidents[:3])
        colour = _COLOURS.get(state.state, "#b3261e")
        rows.append(
            f"<tr><th scope='row' style='text-align:left'>{escape(state.title)}</th>"
            f"<td style='color:{colour};text-align:left'>{_SIGNS.get(state.state, '▲')} {escape(word)}</td>"
            f"<td style='text-align:left'>{escape(open_ones)}</td></tr>"
        )
        plain.append(f"{state.title}: {word}")
    troubled = [s for s in found if s.state not in ("operational", "unknown")]
    lost = [s for s in found if s.error]
    says = (
        f"{len(troubled)} of {len(found)} services report trouble. "
        + (f"{len(lost)} pages could not be reached from here. " if lost else "")
        + "A page that shows green proves nothing: posts come late."
    )
    return Html(f"<table>{''.join(rows)}</table><p>{escape(says)}</p>", "; ".join([*plain, says]))


def checks(data_dir: Path | str = LOCAL, found: Sequence[Check] | None = None) -> Html:
    """Whether all is ready to collect: each line OK or what to do."""
    lines = list(found) if found is not None else examine(Path(data_dir))
    rows = "".join(
        f"<tr><td>{'OK' if c.ok else 'to do'}</td><th scope='row' style='text-align:left'>{escape(c.name)}</th>"
        f"<td style='text-align:left'>{escape(c.detail)}{'. ' + escape(c.remedy) if c.remedy else ''}</td></tr>"
        for c in lines
    )
    return Html(f"<table>{rows}</table>", "; ".join(f"{c.name}: {'OK' if c.ok else c.remedy}" for c in lines))


def token_box() -> Any:
    """A field for a token. It stays in this kernel's memory and is written nowhere."""
    field = widgets.Password(description="Token", continuous_update=False)
    note = widgets.HTML("Kept in this kernel's memory only. Paste it and press Enter.")

    def keep(_change: Any) -> None:
        if field.value.strip():
            os.environ["GITHUB_TOKEN"] = field.value.strip()
            field.value, note.value = "", "Set for this kernel. Run the checks again."

    field.observe(keep, names="value")
    return widgets.HBox([field, note])


class ScopePicker(widgets.VBox):  # type: ignore[misc]
    """Pick repositories and window once; the other notebooks take it up where their parameters are empty.

    Parameters
    ----------
    history : History
        What there is to pick from.
    folder : Path
        Where the choice is kept.
    """

    def __init__(self, history: History, folder: Path = LOCAL) -> None:
        first, last = history.window
        self._path = folder / SCOPE_FILE
        names = sorted(str(name) for name in history.jobs["repo"].dropna().unique())
        self.repos = widgets.SelectMultiple(options=names, rows=min(8, max(3, len(names))), description="Repositories")
        self.since = widgets.Text(value=f"{first:%Y-%m-%dT%H:%MZ}", description="Since")
        self.until = widgets.Text(value=f"{last:%Y-%m-%dT%H:%MZ}", description="Until")
        self.keep = widgets.Button(description="Use in the other notebooks")
        self.clear = widgets.Button(description="Everything")
        self.note = widgets.HTML(_told(read_scope(folder)))
        self.keep.on_click(self._keep)
        self.clear.on_click(self._clear)
        super().__init__([self.repos, self.since, self.until, widgets.HBox([self.keep, self.clear]), self.note])

    def _keep(self, _button: Any) -> None:
        chosen = {"repos": list(self.repos.value), "since": self.since.value, "until": self.until.value}
        try:
            for name in ("since", "until"):
                parse_time(str(chosen[name]), now=datetime.now(UTC))
        except UsageError as error:
            self.note.value = escape(error.line())
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(chosen, indent=1), "utf-8")
        self.note.value = _told(chosen)

    def _clear(self, _button: Any) -> None:
        self._path.unlink(missing_ok=True)
        self.note.value = _told({})


def read_scope(folder: Path = LOCAL) -> dict[str, Any]:
    """The kept choice: ``repos, since, until``; empty where none was kept."""
    try:
        found = json.loads((folder / SCOPE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def open_notebook(
    data_dir: str | None = None,
    repos: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    *,
    now: datetime | None = None,
) -> History:
    """What a notebook's first cell calls with its parameters.

    Parameters
    ----------
    data_dir : str or None
        The data folder; None takes ``data/local`` where it holds data, otherwise ``data/sample``.
    repos, since, until
        The scope; all empty takes what ``00_start_here`` kept, for data of one's own.

    Raises
    ------
    UsageError
        A time that is none.
    NoDataError
        Nothing fits.
    """
    moment = now or datetime.now(UTC)
    folder = data_folder(data_dir)
    kept = read_scope(folder) if not (repos or since or until) else {}
    repos, since, until = kept.get("repos", repos), kept.get("since", since), kept.get("until", until)
    window = [parse_time(text, now=moment) if text else None for text in (since, until)]
    return open_history(Store(folder), Scope(tuple(repos), window[0], window[1]), now=moment)


def _told(chosen: dict[str, Any]) -> str:
    if not chosen:
        return "The other notebooks look at everything in the data folder."
    repos = ", ".join(chosen.get("repos", [])) or "every repository"
    return escape(f"The other notebooks look at {repos}, {chosen.get('since')} to {chosen.get('until')}.")
