"""What is inside a run's log archive?

In comes the zip that GitHub gives for a run, in either of its layouts (``JOB/N_STEP.txt``, and ``N_JOB.txt`` beside
it, or alone), out go jobs with their logs. Sizes are bounded before anything is unpacked; names are only labels.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from analysis.errors import CorruptFileError

LARGEST_FILE = 512 << 20
LARGEST_TOTAL = 2 << 30
MOST_FILES = 20_000
LARGEST_RATIO = 1000
_STEP = re.compile(r"^(.+)/(\d{1,5})_(.*)\.txt$", re.DOTALL)
_WHOLE = re.compile(r"^(-?\d{1,5})_(.*)\.txt$", re.DOTALL)


@dataclass
class JobLog:
    """One job of an archive.

    Attributes
    ----------
    name : str
        The job's name as the archive tells it.
    log : bytes
        The whole log: the plain job log where the archive has it, else its steps' files in order.
    steps : list of (int, str, bytes)
        Number, name and log of each step, empty where the archive has none.
    """

    name: str
    log: bytes = b""
    steps: list[tuple[int, str, bytes]] = field(default_factory=list)


def is_archive(content: bytes) -> bool:
    """Whether bytes are a zip."""
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def read_log_archive(source: bytes | Path | str, name: str = "") -> list[JobLog]:
    """The jobs of a run's log archive, in the order of the archive.

    Parameters
    ----------
    source : bytes or path
        The zip.
    name : str
        What it is called in errors.

    Raises
    ------
    CorruptFileError
        It is no zip, is damaged, or would unpack to more than a run can have written.
    """
    where = name or (str(source) if isinstance(source, (str, Path)) else "log archive")
    try:
        handle = io.BytesIO(source) if isinstance(source, bytes) else source
        with zipfile.ZipFile(handle) as archive:
            entries = [entry for entry in archive.infolist() if _is_log(entry.filename)]
            _check_sizes(entries, len(archive.infolist()), where)
            return _jobs((entry.filename, _read(archive, entry, where)) for entry in entries)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise CorruptFileError(
            "the log archive cannot be read", where=where, remedy=str(error) or "download it again"
        ) from error


def _is_log(name: str) -> bool:
    return name.endswith(".txt") and not name.startswith("__MACOSX/") and "/._" not in f"/{name}"


def _check_sizes(entries: list[zipfile.ZipInfo], files: int, where: str) -> None:
    total = sum(entry.file_size for entry in entries)
    largest = max((entry.file_size for entry in entries), default=0)
    packed = sum(entry.compress_size for entry in entries)
    if (
        files > MOST_FILES
        or largest > LARGEST_FILE
        or total > LARGEST_TOTAL
        or total > (packed + 65_536) * LARGEST_RATIO
    ):
        raise CorruptFileError(
            f"the log archive would unpack to {total:,} bytes in {files:,} files",
            where=where,
            remedy="it is not a run's logs",
        )


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str) -> bytes:
    """One file, and not a byte more than its header promised."""
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size + 1)
    if len(content) > entry.file_size:
        raise CorruptFileError("a file of the log archive is larger than it says", where=f"{where}: {entry.filename}")
    return content


def _jobs(files: Iterable[tuple[str, bytes]]) -> list[JobLog]:
    jobs: dict[str, JobLog] = {}
    whole: dict[str, bytes] = {}
    for path, content in files:
        step = _STEP.match(path)
        if step is not None:
            jobs.setdefault(step[1], JobLog(step[1])).steps.append((int(step[2]), step[3], content))
        elif path.endswith("/system.txt"):
            continue
        elif (match := _WHOLE.match(path)) is not None:
            whole[match[2]] = content
        else:
            whole[path.removesuffix(".txt")] = content
    for name, content in whole.items():
        job = jobs.get(name) or next((job for key, job in jobs.items() if _same(key, name)), None)
        if job is None:
            job = jobs.setdefault(name, JobLog(name))
        job.log = content
    for job in jobs.values():
        job.steps.sort(key=lambda step: step[0])
        if not job.log:
            job.log = b"\n".join(content.rstrip(b"\n") for _, _, content in job.steps) + b"\n"
    return list(jobs.values())


def _same(folder: str, name: str) -> bool:
    """Whether a folder and a file name mean one job: slashes and colons are dropped from one of them at times."""
    return _letters(folder) == _letters(name)


def _letters(name: str) -> str:
    return re.sub(r"[^\w]+", "", name)
