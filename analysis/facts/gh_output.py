"""``gh run view --log`` output: which job and step wrote each line, and the log without that?

In comes the text of such an output (each line is job, step and text, with tabs between); out go the jobs in it, or the
plain log with the places at which each named step begins. Any other log stays as it is.
"""

from __future__ import annotations

import re

import numpy as np

from analysis.facts.log_text import decode

_PIECE = 1 << 15
_NEWLINE = ord("\n")
_FIRST = re.compile(rb"[^\t\n]{1,500}\t[^\t\n]{1,500}\t(?:\xef\xbb\xbf)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_PREFIX = re.compile(rb"([^\t\n]{1,500}\t)([^\t\n]{1,500})\t")


def is_gh_output(log: bytes) -> bool:
    """Whether a log is ``gh run view --log`` output: job, step and line, separated by tabs."""
    return _FIRST.match(log.lstrip(b"\xef\xbb\xbf")[:2048]) is not None


def split_jobs(log: bytes) -> list[tuple[str, int, bytes]]:
    """The jobs inside ``gh run view --log`` output.

    Returns
    -------
    list of (str, int, bytes)
        Job name, number of its first line in the file (1-based), its lines. One nameless entry for any other log.
    """
    text = decode(log)
    if not is_gh_output(text):
        return [("", 1, log)]
    jobs: list[tuple[str, int, bytes]] = []
    job, start, number, first = b"", 0, 0, 1
    for match in re.finditer(rb"^([^\t\n]{1,500})\t[^\t\n]{1,500}\t", text, re.MULTILINE):
        if match[1] != job:
            if match.start() > start:
                number += text.count(b"\n", start, match.start())
                jobs.append((job.decode("utf-8", errors="replace"), first, text[start : match.start()]))
                first = number + 1
            job, start = match[1], match.start()
    jobs.append((job.decode("utf-8", errors="replace"), first, text[start:]))
    return jobs


def split_prefixes(text: bytes) -> tuple[bytes, list[tuple[int, str]]]:
    """A log without the ``job TAB step TAB`` of each line, and where in it each named step begins."""
    if not is_gh_output(text):
        return text, []
    named: list[tuple[int, str]] = []
    plain: list[bytes] = []
    at = written = 0
    while at < len(text):
        end = text.find(b"\n", min(at + _PIECE, len(text)))
        end = len(text) if end < 0 else end + 1
        cleaned = _without_prefixes(text[at:end], named, written)
        plain.append(cleaned)
        written += len(cleaned)
        at = end
    return b"".join(plain), [] if all(name == "UNKNOWN STEP" for _, name in named) else named


def _without_prefixes(piece: bytes, named: list[tuple[int, str]], written: int) -> bytes:
    """Lines without their prefixes: most often all of them begin with the same one, and one replacement does it."""
    prefix = _prefix_of(piece)
    if prefix:
        cleaned = piece.replace(b"\n" + prefix, b"\n")
        newlines = int(np.count_nonzero(np.frombuffer(piece, dtype=np.uint8) == _NEWLINE))
        if len(piece) - len(cleaned) == len(prefix) * (newlines - piece.endswith(b"\n")):
            _note_step(named, written, prefix)
            return cleaned[len(prefix) :]
    lines = piece.split(b"\n")
    for index, line in enumerate(lines):
        lines[index] = _without_prefix(line, named, written)
        written += len(lines[index]) + 1
    return b"\n".join(lines)


def _without_prefix(line: bytes, named: list[tuple[int, str]], written: int) -> bytes:
    prefix = _prefix_of(line)
    if prefix:
        _note_step(named, written, prefix)
    return line[len(prefix) :]


def _prefix_of(text: bytes) -> bytes:
    match = _PREFIX.match(text)
    return match[0] if match is not None else b""


def _note_step(named: list[tuple[int, str]], at: int, prefix: bytes) -> None:
    name = prefix.split(b"\t")[1].decode("utf-8", errors="replace")
    if not named or named[-1][1] != name:
        named.append((at, name))
