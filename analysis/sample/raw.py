"""Raw history: everything that GitHub and the status pages would have answered, in memory or as a folder.

In: objects from `analysis.sample.objects`, job logs, status pages. Out: a `RawHistory` that
`analysis.sample.replay` answers from, and the folder drawn in docs/architecture.md ("Raw history").
The same history writes the same bytes.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import zstandard

from analysis.errors import CorruptFileError, NoDataError
from analysis.sample.objects import (
    commit_object,
    job_object,
    moment,
    release_object,
    repository_object,
    run_object,
    stable_id,
    stable_sha,
    step_object,
    tag_object,
    user_object,
)

__all__ = [
    "RawHistory", "RawRepo", "StatusAnswer",
    "commit_object", "job_object", "release_object", "repository_object", "run_object",
    "stable_id", "stable_sha", "step_object", "tag_object", "user_object",
]  # fmt: skip

_Object = dict[str, Any]
_LOGS = "logs.tar.zst"
_LEVEL = 19


@dataclass(frozen=True)
class RawRepo:
    """All that GitHub knows of one repository.

    Attributes
    ----------
    repository : dict
        From `repository_object`.
    runs, attempts : list of dict
        Runs at their latest attempt, and the earlier attempts of those that were run again; any order.
    jobs : list of dict
        Every job of every attempt.
    logs : mapping of int to bytes
        Job id to its log as the server sends it. May be lazy: only a log that is asked for is looked up.
        A completed job without one has lost it (410), a skipped one never had one (404).
    releases, tags : list of dict
        Newest first.
    commits : list of dict
        Newest first. A commit's `parents` lead to the texts that hold at it.
    contents : mapping of (sha, path) to str
        Texts of files at the commits that changed them.
    annotations : mapping of int to list of dict
        Job id to its annotations; without an entry they follow from the ``##[error]`` lines of its log.
    """

    repository: _Object
    runs: list[_Object] = field(default_factory=list)
    attempts: list[_Object] = field(default_factory=list)
    jobs: list[_Object] = field(default_factory=list)
    logs: Mapping[int, bytes] = field(default_factory=dict)
    releases: list[_Object] = field(default_factory=list)
    tags: list[_Object] = field(default_factory=list)
    commits: list[_Object] = field(default_factory=list)
    contents: Mapping[tuple[str, str], str] = field(default_factory=dict)
    annotations: Mapping[int, list[_Object]] = field(default_factory=dict)

    @cached_property
    def runs_newest_first(self) -> list[_Object]:
        """Runs in the order of GitHub's list. Built once: a repository that is served is not changed any more."""
        return sorted(self.runs, key=lambda run: (run["created_at"], run["id"]), reverse=True)

    @cached_property
    def attempts_by_run(self) -> dict[int, list[_Object]]:
        """Run id to the run object of each attempt, the first attempt first."""
        found: dict[int, list[_Object]] = {}
        for run in sorted([*self.attempts, *self.runs], key=lambda run: int(run["run_attempt"])):
            found.setdefault(run["id"], []).append(run)
        return found

    @cached_property
    def jobs_by_run(self) -> dict[int, list[_Object]]:
        """Run id to its jobs of every attempt."""
        found: dict[int, list[_Object]] = {}
        for job in self.jobs:
            found.setdefault(job["run_id"], []).append(job)
        return found

    @cached_property
    def jobs_by_id(self) -> dict[int, _Object]:
        """Job id to job."""
        return {job["id"]: job for job in self.jobs}

    @cached_property
    def commits_by_sha(self) -> dict[str, _Object]:
        """Commit to its object."""
        return {commit["sha"]: commit for commit in self.commits}


@dataclass(frozen=True)
class StatusAnswer:
    """What a status page answers.

    Attributes
    ----------
    kind : str
        ``json`` (Statuspage's incidents) or ``rss`` (Status.io's feed).
    body : str
        The whole answer.
    """

    kind: str
    body: str


@dataclass(frozen=True)
class RawHistory:
    """GitHub's and the status pages' answers of one stretch of time.

    Attributes
    ----------
    repos : mapping of str to RawRepo
        ``owner/name`` to what is known of it, the repositories of actions included.
    status : mapping of str to StatusAnswer
        Provider name to its page's answer.
    """

    repos: Mapping[str, RawRepo]
    status: Mapping[str, StatusAnswer] = field(default_factory=dict)

    @cached_property
    def ends_at(self) -> datetime:
        """Ten minutes after the last thing that happened."""
        times = [run["updated_at"] for repo in self.repos.values() for run in repo.runs]
        return moment(max(times, default="1970-01-01T00:00:00Z")) + timedelta(minutes=10)

    def write(self, folder: Path) -> None:
        """Write the folder (``github/`` and ``status/`` below it), byte for byte the same each time."""
        for name, repo in self.repos.items():
            _write_repo(repo, folder / "github" / name)
        for provider, answer in self.status.items():
            _put(folder / "status" / f"{provider}.{answer.kind}", answer.body.encode())

    @classmethod
    def read(cls, folder: Path) -> RawHistory:
        """Read what `write` wrote.

        Raises
        ------
        NoDataError
            The folder holds no raw history.
        CorruptFileError
            A file of it is damaged.
        """
        found = sorted((folder / "github").glob("*/*/repository.json"))
        if not found:
            raise NoDataError(
                "no raw history here",
                where=str(folder),
                remedy="write one with: actions-incident sample --output DIR (it lies in DIR/raw)",
            )
        repos = {f"{p.parent.parent.name}/{p.parent.name}": _read_repo(p.parent) for p in found}
        pages = sorted((folder / "status").glob("*.*"))
        return cls(repos, {p.stem: StatusAnswer(p.suffix[1:], p.read_text("utf-8")) for p in pages})


def _write_repo(repo: RawRepo, folder: Path) -> None:
    _put(folder / "repository.json", _dump(repo.repository))
    for name, rows in (
        ("runs", repo.runs),
        ("attempts", repo.attempts),
        ("jobs", repo.jobs),
        ("commits", repo.commits),
    ):
        if rows:
            _put(folder / f"{name}.jsonl.zst", _lines(rows))
    for name, rows in (("releases", repo.releases), ("tags", repo.tags)):
        if rows:
            _put(folder / f"{name}.json", _dump(rows))
    if repo.annotations:
        _put(folder / "annotations.json", _dump({str(k): v for k, v in repo.annotations.items()}))
    if repo.logs:
        _put(folder / _LOGS, _pack(repo.logs))
    if repo.contents:
        _put(folder / "contents.json", _dump([[sha, path, text] for (sha, path), text in repo.contents.items()]))


def _read_repo(folder: Path) -> RawRepo:
    return RawRepo(
        repository=_load(folder / "repository.json", {}),
        runs=_load_lines(folder / "runs.jsonl.zst"),
        attempts=_load_lines(folder / "attempts.jsonl.zst"),
        jobs=_load_lines(folder / "jobs.jsonl.zst"),
        logs=_load_logs(folder / _LOGS),
        releases=_load(folder / "releases.json", []),
        tags=_load(folder / "tags.json", []),
        commits=_load_lines(folder / "commits.jsonl.zst"),
        contents={(sha, path): text for sha, path, text in _load(folder / "contents.json", [])},
        annotations={int(k): v for k, v in _load(folder / "annotations.json", {}).items()},
    )


def _put(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _lines(rows: Iterable[_Object]) -> bytes:
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    return zstandard.ZstdCompressor(level=_LEVEL).compress(text.encode())


def _pack(logs: Mapping[int, bytes]) -> bytes:
    """One stream for all logs: they repeat each other, and a zip would compress each alone."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for job in sorted(logs):
            entry = tarfile.TarInfo(f"{job}.txt")
            entry.size = len(logs[job])
            archive.addfile(entry, io.BytesIO(logs[job]))
    return zstandard.ZstdCompressor(level=_LEVEL).compress(out.getvalue())


def _load(path: Path, absent: Any) -> Any:
    if not path.exists():
        return absent
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise _damaged(path) from error


def _load_lines(path: Path) -> list[_Object]:
    if not path.exists():
        return []
    try:
        text = zstandard.ZstdDecompressor().decompress(path.read_bytes()).decode("utf-8")
        return [json.loads(line) for line in text.split("\n") if line]
    except (OSError, ValueError, zstandard.ZstdError) as error:
        raise _damaged(path) from error


def _load_logs(path: Path) -> dict[int, bytes]:
    if not path.exists():
        return {}
    found: dict[int, bytes] = {}
    try:
        packed = zstandard.ZstdDecompressor().decompress(path.read_bytes())
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            for entry in archive:
                file = archive.extractfile(entry)
                found[int(entry.name.removesuffix(".txt"))] = file.read() if file else b""
    except (OSError, ValueError, tarfile.TarError, zstandard.ZstdError) as error:
        raise _damaged(path) from error
    return found


def _damaged(path: Path) -> CorruptFileError:
    return CorruptFileError("a file of the raw history is damaged", where=str(path), remedy="write the sample again")
