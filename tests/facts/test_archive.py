"""A run's log archive gives its jobs in both of its layouts, and no archive can fill the memory."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from analysis.errors import CorruptFileError
from analysis.facts import archive
from analysis.facts.archive import is_archive, read_log_archive


def zipped(files: dict[str, bytes]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return target.getvalue()


def test_a_folder_a_job_gives_its_steps_in_order_of_their_numbers() -> None:
    jobs = read_log_archive(
        zipped({"build/10_Post.txt": b"c\n", "build/2_Test.txt": b"b\n", "build/1_Set up job.txt": b"a\n"})
    )
    assert [(job.name, job.log) for job in jobs] == [("build", b"a\nb\nc\n")]
    assert [(number, name) for number, name, _ in jobs[0].steps] == [(1, "Set up job"), (2, "Test"), (10, "Post")]


def test_the_whole_log_beside_the_folder_is_the_jobs_log() -> None:
    files = {
        "0_test (a _ b).txt": b"whole\n",
        "test (a _ b)/1_Set up job.txt": b"part\n",
        "__MACOSX/x/._1_y.txt": b"junk",
    }
    jobs = read_log_archive(zipped(files))
    assert [(job.name, job.log, len(job.steps)) for job in jobs] == [("test (a _ b)", b"whole\n", 1)]


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_FILE", 1000)
    with pytest.raises(CorruptFileError, match="would unpack to 100,000 bytes"):
        read_log_archive(zipped({"0_a.txt": b"x" * 100_000}))


def test_what_is_no_archive_says_so() -> None:
    assert not is_archive(b"2025-01-08T10:00:00Z hello")
    with pytest.raises(CorruptFileError, match="cannot be read"):
        read_log_archive(b"PK\x03\x04 not really", "run.zip")
