"""Sample incidents: raw histories made from real facts, that take the same path as real history.

In: a case, a seed, and who is to be guilty. Out: a data folder that `diagnose` and the report read at once, with the
raw answers it came from beside it (``raw/``) and ``sample.json``, which marks it as a sample and tells the truth.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from analysis.collect import CollectOptions, Progress, collect
from analysis.errors import StorageError, UsageError
from analysis.github import GitHub
from analysis.sample.case import DEFAULT_CASE, Case, case_names, load_case
from analysis.sample.history import build_history
from analysis.sample.objects import stamp
from analysis.sample.raw import RawHistory
from analysis.sample.replay import replay_session
from analysis.status import fetch_status, file_status
from analysis.store import Store

__all__ = ["DEFAULT_CASE", "case_names", "write_case", "write_sample"]

MARK = "sample.json"
_SWAPPED = "The same history with the guilt swapped: the registry is healthy, and the new version fails."


def write_sample(
    case: str, seed: int, output: Path, guilty: str | None = None, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Write a sample incident as a data folder.

    Parameters
    ----------
    case : str
        A name of `case_names`.
    seed : int
        Varies everything but the facts of the case. The same case and seed give the same bytes.
    output : Path
        The folder; an older sample in it is replaced as a whole.
    guilty : str, optional
        ``action`` swaps the guilt.

    Returns
    -------
    dict
        What ``sample.json`` says: case, seed, shows, truth, question, window, number of runs and jobs.

    Raises
    ------
    UsageError
        No such case, nobody of that name can be guilty, or the folder holds other data.
    StorageError
        The folder cannot be written.
    """
    return write_case(load_case(case), seed, output, guilty, progress=progress)


def write_case(
    case: Case, seed: int, output: Path, guilty: str | None = None, *, progress: Progress | None = None
) -> dict[str, Any]:
    """`write_sample` for a case in hand."""
    if output.exists() and any(output.iterdir()) and not (output / MARK).is_file():
        raise UsageError("this folder holds data that is no sample", where=str(output), remedy="name another --output")
    history = build_history(case, seed, guilty)
    told = _telling(case, seed, guilty, history)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".sample-", dir=output.parent) as fresh:
            _write(Path(fresh) / "sample", case, history, told, progress)
            if output.exists():
                shutil.rmtree(output)
            (Path(fresh) / "sample").rename(output)
    except OSError as error:
        raise StorageError(f"cannot write the sample: {error.strerror}", where=str(output)) from error
    return told


def _write(folder: Path, case: Case, history: RawHistory, told: dict[str, Any], progress: Progress | None) -> None:
    history.write(folder / "raw")
    store = Store(folder)
    session = replay_session(history, case.until)
    github = GitHub("sample", session=session, clock=case.until.timestamp, sleep=lambda _: None, pace=None)
    options = CollectOptions(since=case.since, until=case.until)
    collect([repo.name for repo in case.repos], options, store, github, progress, now=lambda: case.until)
    later = case.until + timedelta(minutes=2)
    pages = fetch_status(sorted(case.status), since=case.since, session=session, now=later)
    file_status(store, pages, finished_at=later)
    (folder / MARK).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _telling(case: Case, seed: int, guilty: str | None, history: RawHistory) -> dict[str, Any]:
    swapped = guilty not in (None, case.truth[0])
    cause, name = ("action-version", f"{case.action}@{case.new}") if swapped else case.truth
    return {
        "sample": True,
        "case": case.name,
        "title": case.title,
        "seed": seed,
        "shows": _SWAPPED if swapped else case.shows,
        "truth": {"cause": cause, "name": name},
        "question": {"action": case.action, "old": case.old, "new": case.new},
        "window": {"start": stamp(case.since), "end": stamp(case.until)},
        "repos": [repo.name for repo in case.repos],
        "runs": sum(len(repo.runs) for repo in history.repos.values()),
        "jobs": sum(len(repo.jobs) for repo in history.repos.values()),
        "made_up": "repositories, people, commits, shares of failures, the status pages' wording",
    }
