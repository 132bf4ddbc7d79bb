"""Run the report notebook and write what it shows to one file."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import nbformat
import papermill
from traitlets.config import Config

from analysis.errors import KitError, StorageError, UsageError
from analysis.notebook.case import NO_QUESTION, Question, judge
from analysis.notebook.history import sample_mark
from analysis.report.export import export
from analysis.report.texts import Texts
from analysis.scope import Scope, iso
from analysis.store import Store

FORMATS = ("html", "md")
_PLACES = (Path(__file__).parents[2] / "notebooks", Path(__file__).parent)
_NOTEBOOK = "incident_report.ipynb"
# A kernel that listens on a port warns about it on stderr, where only the command's own words belong.
_QUIET_KERNEL = Config({} if os.name == "nt" else {"KernelManager": {"transport": "ipc"}})


class Progress(Protocol):
    """Where a long command tells how far it is."""

    def stage(self, name: str, total: int | None = None) -> None: ...

    def advance(self, count: int = 1) -> None: ...


@dataclass(frozen=True)
class Written:
    """A report that was written.

    Attributes
    ----------
    path : Path
        The file.
    verdict : dict
        The verdict document that it shows.
    is_sample : bool
        Whether the data is a sample's.
    """

    path: Path
    verdict: dict[str, Any]
    is_sample: bool


def write_report(
    store: Store,
    scope: Scope,
    question: Question | None,
    output: Path,
    format: str = "html",
    lang: str = "en",
    *,
    verdict: dict[str, Any] | None = None,
    keep_notebook: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> Written:
    """Write the incident report.

    Parameters
    ----------
    question : mapping or None
        ``action``, ``old`` and ``new``; what is missing is left to the judge.
    output : Path
        The file to write; its folder is made.
    format : str
        ``html`` for one page, ``md`` for Markdown to paste into an issue or a wiki.
    lang : str
        ``en`` or ``zh``.
    verdict : dict or None
        A verdict document that was made before; without one the judge is asked.
    keep_notebook : bool
        Keep the executed notebook beside the report.
    now : datetime or None
        The time that the report says it was made at; the clock if None.

    Raises
    ------
    UsageError
        Unknown format, language, action or version.
    NoDataError
        Nothing in the data folder fits the scope.
    StorageError
        The file cannot be written.
    """
    if format not in FORMATS:
        raise UsageError(f"no report format {format!r}", remedy=f"choose one of {', '.join(FORMATS)}")
    Texts(lang)
    _write(output, None)
    moment = now or datetime.now(UTC)
    if verdict is None:
        # Asked here rather than in the notebook, so that a question that does not fit ends in one clear line.
        _stage(progress, "weighing the suspects")
        verdict = judge(store, scope, question)
    _stage(progress, "running the report notebook")
    with tempfile.TemporaryDirectory(prefix="incident-report-") as folder:
        saved = Path(folder) / "verdict.json"
        saved.write_text(json.dumps(verdict), "utf-8")
        executed = Path(folder) / _NOTEBOOK
        _run(executed, _parameters(store, scope, question, saved, lang, moment))
        notebook = nbformat.read(executed, as_version=4)  # type: ignore[no-untyped-call]
        _stage(progress, "writing the report")
        _write(output, export(notebook, format, lang))
        if keep_notebook:
            _write(output.with_suffix(".ipynb"), executed.read_text("utf-8"))
    return Written(output, verdict, bool(sample_mark(store.data_dir)))


def _parameters(
    store: Store, scope: Scope, question: Question | None, verdict: Path, lang: str, now: datetime
) -> dict[str, Any]:
    return {
        **NO_QUESTION,
        **(question or {}),
        "data_dir": str(store.data_dir),
        "repos": list(scope.repos),
        "since": iso(scope.since),
        "until": iso(scope.until),
        "workflow": scope.workflow,
        "branch": scope.branch,
        "lang": lang,
        "verdict_file": str(verdict),
        "now": iso(now),
    }


def _run(executed: Path, parameters: dict[str, Any]) -> None:
    source = next((place / _NOTEBOOK for place in _PLACES if (place / _NOTEBOOK).exists()), None)
    if source is None:
        raise StorageError("the report notebook is missing", where=_NOTEBOOK, remedy="install the kit again")
    try:
        papermill.execute_notebook(
            str(source), str(executed), parameters=parameters, kernel_name="python3", progress_bar=False,
            log_output=False, cwd=str(Path.cwd()), config=_QUIET_KERNEL,
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        remedy = "run it with --notebook in JupyterLab to see the cell" if error.ename != "UsageError" else ""
        raise KitError(
            f"the report notebook stopped: {error.ename}: {error.evalue}", where=_NOTEBOOK, remedy=remedy
        ) from error


def _write(path: Path, text: str | None) -> None:
    """Write the file whole or not at all; without a text only try whether it could be written."""
    temporary = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text or "", "utf-8")
        if text is None:
            temporary.unlink()
        else:
            temporary.replace(path)
    except OSError as error:
        raise StorageError(
            "the report cannot be written",
            where=str(path),
            remedy=f"{error.strerror or error}; choose another --output",
        ) from error


def _stage(progress: Progress | None, name: str) -> None:
    if progress is not None:
        progress.stage(name)
