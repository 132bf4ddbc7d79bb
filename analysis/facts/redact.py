"""Which secrets stand in a log, and how does it read without them?

In come the bytes of a log, out go the same bytes with every credential replaced by ``***KIND:LENGTH***``, where the
length is rounded up to a class, so that two different tokens of one kind can still be told from an empty one. One
scan finds the lines; only those are rewritten. What is known by its form is masked (``secrets.toml``): no guess by
entropy is made, and commit hashes and sha256 digests stay, for they are evidence. Masking twice changes nothing.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import re2

from analysis.facts.log_text import decode
from analysis.facts.scan import Scanner

CLASSES = (8, 16, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1024)
_KEY_BEGIN = b"PRIVATE KEY"
_KEY_END = b"-----END "
_KEY_LIMIT = 32_768
_NOWHERE, _NOT_SOUGHT = -1, -2
_MASK = b"***"


@dataclass(frozen=True, slots=True)
class Secret:
    """One kind of credential: its name, its pattern compiled, and the pattern's text."""

    kind: str
    pattern: str
    compiled: Any


def redact(log: bytes) -> bytes:
    """A log without its secrets.

    Parameters
    ----------
    log : bytes
        Any bytes. UTF-16 is turned into UTF-8, all else but the secrets stays byte for byte.

    Returns
    -------
    bytes
        The log with each credential as ``***KIND:LENGTH***``; a private key's lines become one mark.
    """
    masked = _masked(log)
    while _is_utf16(masked):  # without its secrets the head can read as UTF-16, and would be decoded the next time
        masked = _masked(masked)
    return masked


def _masked(text: bytes) -> bytes:
    while _is_utf16(text):  # a text that was encoded twice would be decoded again the next time
        text = decode(text)
    rules, scanner = _rules()
    pieces: list[bytes] = []
    position, last_line, key_end = 0, -1, _NOT_SOUGHT
    for hit in scanner.scan(text):
        if hit.line_start == last_line or hit.line_start < position:
            continue
        last_line = hit.line_start
        line = text[hit.line_start : hit.line_end]
        pieces.append(text[position : hit.line_start])
        if _KEY_BEGIN in line and b"-----BEGIN" in line:
            if _NOWHERE != key_end < hit.line_start:
                key_end = text.find(_KEY_END, hit.line_start)
            position = _end_of_key(text, hit.line_start, key_end)
            pieces.append(_without_key(text[hit.line_start : position], rules))
        else:
            pieces.append(_mask_line(line, rules))
            position = hit.line_end
    pieces.append(text[position:])
    return b"".join(pieces) if len(pieces) > 1 else text


def _is_utf16(log: bytes) -> bool:
    return log.startswith((b"\xff\xfe", b"\xfe\xff")) or (len(log) > 8 and log[:512].count(0) * 3 > len(log[:512]))


def _mask_line(line: bytes, rules: tuple[Secret, ...]) -> bytes:
    """A line without secrets; again until nothing changes, for a mask can be the boundary that the next one lacked."""
    while line and (masked := _mask_once(line, rules)) != line:
        line = masked
    return line


def _mask_once(line: bytes, rules: tuple[Secret, ...]) -> bytes:
    for rule in rules:
        pieces: list[bytes] = []
        position = 0
        for match in rule.compiled.finditer(line):
            start, end = match.span(1) if rule.compiled.groups else match.span()
            secret = line[start:end]
            if start < position or _is_masked(secret):
                continue
            pieces += (line[position:start], _mark(rule.kind, end - start))
            position = end
        if pieces:
            line = b"".join((*pieces, line[position:]))
    return line


def _is_masked(secret: bytes) -> bool:
    """Whether something stands there that is a mask already, the runner's or ours, or a reference to a variable."""
    return _MASK in secret or secret.startswith((b"$", b"%", b"<", b"{")) or not secret.strip(b"*x.-_ ")


def _mark(kind: str, length: int) -> bytes:
    size = next((limit for limit in CLASSES if length <= limit), CLASSES[-1])
    return b"***%s:%d***" % (kind.encode(), size)


def _end_of_key(text: bytes, start: int, end: int) -> int:
    """Where a private key's last line ends; the end of its first line where no end follows soon."""
    follows = end >= 0 and end + len(_KEY_END) <= start + _KEY_LIMIT
    stop = text.find(b"\n", end if follows else start)
    return len(text) if stop < 0 else stop


def _without_key(block: bytes, rules: tuple[Secret, ...]) -> bytes:
    """A key's lines as one mark each, so that the log keeps its line numbers."""
    begin = block.find(b"-----BEGIN")
    end = block.rfind(_KEY_END)
    if end < begin:
        return _mask_line(block[:begin], rules) + b"***private-key:1024***"
    tail = block.find(b"-----", end + len(_KEY_END))
    rest = block[tail + 5 :] if tail >= 0 else b""
    lines = block.count(b"\n")
    return _mask_line(block[:begin], rules) + b"***private-key:1024***" + b"\n" * lines + _mask_line(rest, rules)


@cache
def _rules() -> tuple[tuple[Secret, ...], Scanner]:
    document = tomllib.loads(files("analysis.facts").joinpath("secrets.toml").read_text(encoding="utf-8"))
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    rules = tuple(
        Secret(rule["kind"], rule["pattern"], re2.compile(rule["pattern"].encode(), options))
        for rule in document["secret"]
    )
    return rules, Scanner([rule.pattern for rule in rules])
