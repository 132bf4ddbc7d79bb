"""How a command speaks: JSON on stdout, progress, warnings and errors on stderr, tables for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from analysis.errors import UsageError
from analysis.scope import iso

if TYPE_CHECKING:
    from analysis.store import Problem

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

PARTLY = 3


def complain(line: str) -> None:
    """One line on stderr that says what is wrong."""
    err.print(f"[bold red]error:[/] {escape(line)}")


def warn(line: str) -> None:
    """One line on stderr that the reader should know."""
    err.print(f"[yellow]warning:[/] {escape(line)}")


def print_json(document: Any) -> None:
    """One JSON document on stdout; times in ISO 8601, no NaN."""
    sys.stdout.write(json.dumps(plain(document), ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """A value made of what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, Iterable):
        return [plain(v) for v in value]
    return str(value)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """A table for people on stdout."""
    grid = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        grid.add_column(column)
    for row in rows:
        grid.add_row(*(escape(str("" if cell is None else cell)) for cell in row))
    out.print(grid)


def warn_of(problems: Iterable[Problem]) -> bool:
    """Name each damaged file; whether there was one."""
    found = list(problems)
    for problem in found:
        warn(f"{problem.path} is damaged and was skipped ({problem.reason}); collect again to replace it")
    return bool(found)


class Bars:
    """Progress bars of a long command, one at a time (the collector's progress protocol)."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: Any = None

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage of so many steps (None: not known)."""
        if self._task is not None:
            task = self._progress.tasks[-1]
            self._progress.update(self._task, total=task.completed or 1, completed=task.completed or 1)
        self._task = self._progress.add_task(name, total=total)

    def advance(self, count: int = 1) -> None:
        """Say that so many steps are done."""
        if self._task is not None:
            self._progress.advance(self._task, count)


@contextmanager
def bars() -> Iterator[Bars]:
    """Progress bars on stderr; plain silence where stderr is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        yield Bars(progress)


def show_path(path: Path) -> str:
    """A path as the user would type it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def deliver(text: str, output: Path | None, as_json: bool) -> None:
    """A text that a command made: into a file, or to stdout."""
    if output:
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(text, "utf-8")
        except OSError as error:
            raise UsageError("the file cannot be written", where=str(output), remedy=error.strerror or "") from error
    if as_json:
        print_json({"path": str(output) if output else None, "workflow": text})
    elif output:
        out.print(f"{show_path(output)}: commit it to a branch and start it under Actions", soft_wrap=True)
    else:
        sys.stdout.write(text)
