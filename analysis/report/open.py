"""The report notebook's first call: its parameters, all plain text, become a `Report`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from analysis.errors import UsageError
from analysis.notebook.case import open_case
from analysis.notebook.folder import data_folder
from analysis.report.sections import Report
from analysis.scope import Scope, parse_time
from analysis.store import Store


def open_report(
    data_dir: str | None = None,
    *,
    action: str | None = None,
    old: str | None = None,
    new: str | None = None,
    repos: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    workflow: str | None = None,
    branch: str | None = None,
    lang: str = "en",
    verdict_file: str | None = None,
    now: str | None = None,
) -> Report:
    """Open a data folder as a report.

    Parameters
    ----------
    data_dir : str or None
        The data folder; None takes ``data/local`` where it holds data, otherwise ``data/sample``.
    action, old, new : str or None
        The question; what is missing is left to the judge.
    repos, since, until, workflow, branch
        The part of the history, as on the command line.
    lang : str
        ``en`` or ``zh``.
    verdict_file : str or None
        A verdict document that ``actions-incident diagnose --json`` wrote; without one the judge is asked.
    now : str or None
        The time that the report says it was made at (ISO 8601); the clock if None.

    Raises
    ------
    UsageError
        A parameter does not fit, or the verdict file cannot be read.
    NoDataError
        Nothing in the data folder fits the scope.
    """
    clock = datetime.now(UTC)
    moment = parse_time(now, now=clock) if now else clock
    window = [parse_time(text, now=moment) if text else None for text in (since, until)]
    scope = Scope(tuple(repos), window[0], window[1], workflow, branch)
    question = {"action": action, "old": old, "new": new}
    verdict = _read(Path(verdict_file)) if verdict_file else None
    return Report(open_case(Store(data_folder(data_dir)), scope, question, now=moment, verdict=verdict), lang)


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError("the verdict document cannot be read", where=str(path), remedy=str(error)) from error
    return found if isinstance(found, dict) else {}
