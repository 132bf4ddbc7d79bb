"""Take in what somebody saved: API answers, `gh` output, logs and log zips. Files in, rows and kept logs out.

What a file is, is told from its content. Encodings of PowerShell (UTF-16) and colours inside JSON are undone. A file
that is nothing known is one line among the problems; the others are taken.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import CorruptFileError, KitError, UsageError
from analysis.facts.archive import is_archive, read_log_archive
from analysis.facts.gh_output import split_jobs
from analysis.facts.log_text import decode, strip_colours
from analysis.import_.answers import Rows, is_json, read_answers
from analysis.import_.logs import Shelf, is_log
from analysis.store import Store

FILE_LIMIT = 512 * 1024 * 1024

__all__ = ["Imported", "Trouble", "import_paths"]


@dataclass(frozen=True)
class Trouble:
    """A file that was not taken, or not wholly."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Imported:
    """What was taken.

    Attributes
    ----------
    rows : mapping of str to int
        Rows written, by table.
    logs : int
        Job logs kept.
    files : int
        Files that something was taken from.
    problems : tuple of Trouble
        Files that were not taken, or not wholly, and why.
    """

    rows: Mapping[str, int]
    logs: int
    files: int
    problems: tuple[Trouble, ...]


def import_paths(paths: Sequence[Path], store: Store, repo: str | None = None) -> Imported:
    """Import files and folders. Answers are read before logs, so that logs find their jobs.

    Parameters
    ----------
    paths : sequence of Path
        Files, or folders whose files are all tried.
    store : Store
        Where rows and logs go.
    repo : str, optional
        ``owner/name``, for files that do not say it.

    Raises
    ------
    StorageError
        The data folder cannot be written.
    """
    problems: list[Trouble] = []
    answers: list[tuple[Path, bytes]] = []
    logs: list[Path] = []
    taken = 0
    order: dict[Path, int] = {}
    for path in _files(paths):
        order[path] = len(order)
        content = _content(path, problems)
        if content is None:
            continue
        if is_archive(content) or not is_json(text := _text(content)):
            logs.append(path)
        else:
            answers.append((path, text))
    written: Counter[str] = Counter()
    found = Rows(repo)
    for path, text in answers:
        try:
            read_answers(text, found)
            taken += 1
        except KitError as error:
            problems.append(Trouble(path, error.line()))
    found.write(store, written)
    shelf = Shelf(store, repo, written)
    for path in logs:
        try:
            shelf.take(path.name, _jobs(path))
            taken += 1
        except KitError as error:
            problems.append(Trouble(path, error.line()))
    shelf.write()
    problems.sort(key=lambda problem: order[problem.path])
    return Imported(dict(written), shelf.kept, taken, tuple(problems))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            for folder, names, files in os.walk(path):
                names[:] = sorted(name for name in names if not name.startswith((".", "__MACOSX")))
                yield from (Path(folder) / name for name in sorted(files) if not name.startswith("."))
        else:
            yield path


def _content(path: Path, problems: list[Trouble]) -> bytes | None:
    try:
        if path.stat().st_size > FILE_LIMIT:
            problems.append(Trouble(path, f"larger than {FILE_LIMIT >> 20} MB: split it"))
            return None
        return _unpacked(path)
    except (OSError, EOFError, zlib.error) as error:
        problems.append(Trouble(path, f"cannot be read: {getattr(error, 'strerror', None) or error}"))
        return None


def _unpacked(path: Path) -> bytes:
    """A file's bytes, those of a gzip unpacked up to the limit."""
    with path.open("rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            stream.seek(0)
            return stream.read(FILE_LIMIT)
    with gzip.open(path) as packed:
        return packed.read(FILE_LIMIT)


def _text(content: bytes) -> bytes:
    """UTF-8 without a byte order mark and colours."""
    return strip_colours(decode(content)).lstrip(b"\xef\xbb\xbf")


def _jobs(path: Path) -> list[tuple[str, bytes]]:
    """Names and logs of the jobs in a file of logs.

    Raises
    ------
    UsageError
        It is neither a log nor anything else that is known.
    CorruptFileError
        An archive that cannot be unpacked.
    """
    content = _unpacked(path)
    if is_archive(content):
        jobs = [(job.name, job.log) for job in read_log_archive(content, path.name)]
        if not jobs:
            raise CorruptFileError("the archive holds no logs", where=path.name)
        return jobs
    if not is_log(decode(content)):
        raise UsageError(
            "neither a GitHub answer, gh output, a log nor a log zip",
            remedy="save `gh api`, `gh run list --json`, `gh run view --log` output, or the log zip",
        )
    return [(name, log) for name, _, log in split_jobs(content)]
