"""What did a tool write in a line, without what the runner and the terminal put around it?

In come the bytes of a log or of a line of it; out goes UTF-8 without byte order marks, colours, time stamps, level
marks and overwritten progress. A mark is looked for by its first byte: a rare byte is found ten times as fast as three.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

# Two patterns with a literal each, not one with a choice: the search for a literal costs next to nothing.
_ANSI = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CARET = re.compile(rb"\^\[\[[0-9;]{0,16}[A-Za-z]")
_ANSI_TEXT = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?)?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TIME = re.compile(rb"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z ?")
_LEVEL = re.compile(r"^##\[(error|warning|notice|debug|command|section|group|endgroup)\]|^\[(command)\]")
_BOM = b"\xef\xbb\xbf"
_TRIES = 64
_EXCERPT = 1 << 16
_OUTERMOST = re.compile(rb"(?i:error|fatal|warning|npm |E: )|Run |##\[|#\d+ |/usr/bin/|\[")
_QUOTES = (b" ", b">", b"\n")


def decode(log: bytes) -> bytes:
    """A log in UTF-8 with ``\\n`` line ends and no byte order marks, whatever it came in.

    Parameters
    ----------
    log : bytes
        UTF-8, or UTF-16 with or without a byte order mark. Invalid sequences stay as they are.
    """
    if log.startswith((b"\xff\xfe", b"\xfe\xff")):
        log = log.decode("utf-16", errors="replace").encode("utf-8", errors="replace")
    elif len(log) > 8 and (head := log[:512]).count(0) * 3 > len(head):
        little = head[1::2].count(0) >= head[::2].count(0)
        log = log.decode("utf-16-le" if little else "utf-16-be", errors="replace").encode("utf-8", errors="replace")
    log = _without(log, _BOM)
    return log.replace(b"\r\n", b"\n") if _holds(log, b"\r\n") else log


def outdent(log: bytes) -> bytes:
    """An excerpt without what a quotation put before each of its lines: ``> `` or blanks. A whole log stays as it is.

    Parameters
    ----------
    log : bytes
        Decoded, at most `_EXCERPT` bytes; a longer one is returned unread.
    """
    if len(log) > _EXCERPT or log[:1] not in _QUOTES:
        return log
    lines = log.split(b"\n")
    written = [line for line in lines if line.strip(b" \t\r>")]
    if len(written) < 2:
        return log
    if all(line.startswith(b">") for line in written):
        return b"\n".join(line[1 + line.startswith(b"> ") :] if line.startswith(b">") else line for line in lines)
    depth = min(len(line) - len(line.lstrip(b" ")) for line in written)
    if not depth or not any(_OUTERMOST.match(line, depth) for line in written):
        return log  # test runners indent what they report: that is no quotation
    return b"\n".join(line[depth:] for line in lines)


def strip_colours(text: bytes) -> bytes:
    """A buffer without terminal escapes, real (ESC) or in caret notation (``^[[31m``)."""
    if b"\x1b" in text:
        text = _ANSI.sub(b"", text)
    return _CARET.sub(b"", text) if b"^" in text and _holds(text, b"^[[") else text


def split_time(line: bytes) -> tuple[datetime | None, str]:
    """The runner's time stamp of a line, and the rest as text."""
    match = _TIME.match(line)
    if match is None:
        return None, line.decode("utf-8", errors="replace")
    day, clock, fraction = match.groups()
    rest = line[match.end() :].decode("utf-8", errors="replace")
    try:
        time = datetime.fromisoformat(f"{day.decode()}T{clock.decode()}").replace(tzinfo=UTC)
    except ValueError:
        return None, rest
    return time.replace(microsecond=int((fraction or b"0")[:6].ljust(6, b"0"))), rest


def without_time(line: bytes) -> str:
    """A line's text without the runner's time stamp, which is not read."""
    if line[27:29] == b"Z ":
        return line[29:].decode("utf-8", errors="replace")
    match = _TIME.match(line)
    return line[match.end() if match is not None else 0 :].decode("utf-8", errors="replace")


def last_overwrite(text: str) -> str:
    """What is left on the screen of a line that was written over itself with carriage returns."""
    if text.isprintable():
        return text
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    return _ANSI_TEXT.sub("", text)


def split_level(text: str) -> tuple[str, str]:
    """The level that a runner's marker gives a line, and the line without it."""
    match = _LEVEL.match(text) if text.startswith(("##[", "[")) else None
    if match is None:
        return "", text
    return match[1] or match[2], text[match.end() :]


def only_time(prefix: bytes) -> bool:
    """Whether nothing but the runner's time stamp stands before a mark."""
    return not prefix or ((match := _TIME.match(prefix)) is not None and match.end() == len(prefix))


def _holds(text: bytes, mark: bytes) -> bool:
    at = text.find(mark[:1])
    for _ in range(_TRIES):
        if at < 0 or text.startswith(mark, at):
            return at >= 0
        at = text.find(mark[:1], at + 1)
    return at >= 0 and text.find(mark, at) >= 0


def _without(text: bytes, mark: bytes) -> bytes:
    pieces: list[bytes] = []
    kept = 0
    at = text.find(mark[:1])
    for _ in range(_TRIES):
        if at < 0:
            break
        if text.startswith(mark, at):
            pieces.append(text[kept:at])
            kept = at = at + len(mark)
        else:
            at += 1
        at = text.find(mark[:1], at)
    rest = text[kept:] if kept else text
    if at >= 0:
        rest = rest.replace(mark, b"")
    return b"".join((*pieces, rest)) if any(pieces) else rest
