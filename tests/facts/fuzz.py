"""Hostile logs against the reader: ``python -m tests.facts.fuzz --seconds 600 [--seed N]``.

Logs are made of real forms (job logs, excerpts, markers, secrets, archives) by cutting, repeating, swapping and
breaking bytes. The reader must not raise, must say the same twice, must mask the same twice, and must stay linear: a
log of twice the size may take at most a few times as long. Prints what it did; exit 1 with the offending log's place.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from analysis.errors import KitError
from analysis.facts.redact import redact
from analysis.facts.runner_log import classify_document, read_job_log
from tests.facts.job_logs import job_log, lines, steps

LIMIT = 3 << 20
SLOWEST = 1.0e-6  # seconds of processor time a byte, on a busy machine
ALLOWANCE = 0.5  # seconds for what does not grow with the log

PIECES = [
    b"##[group]", b"##[endgroup]\n", b"##[error]", b"##[warning]", b"\x1b[31m", b"^[[0m", b"\r", b"\r\n",
    b"\xef\xbb\xbf", b"\x00",
    b"2025-01-08T10:00:00.0000000Z ", b"9999-99-99T99:99:99.9Z ", b"#12 ", b"#99999 ERROR: ", b"https://", b"@sha256:",
    b"-----BEGIN RSA PRIVATE KEY-----\n", b"-----END RSA PRIVATE KEY-----", b"ghp_",
    b"ey" + b"A" * 40 + b".ey" + b"B" * 40,
    b"job\tstep\t", b"***", b"PK\x03\x04", b"\xff\xfe", b"'" * 50, b"(" * 50, b"a." * 100, b"0." * 100,
    b"/v2/", b"?sig=",
    b"Download action repository 'a/b@", b"Post job cleanup.\n", b"Cleaning up orphan processes\n", b"Caused by: ",
    "😅\u202e\u2028".encode(), b"login attempt to ", b"toomanyrequests", b"Run a/b@v1\n  with:\n    x: y\n",
]  # fmt: skip


def main(arguments: list[str]) -> int:
    """Fuzz for a while; 0 where nothing broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    chance = random.Random(options.seed)
    seeds = [job_log(case.text)[0].encode() for case in steps()] + [case.text.encode() for case in lines()]
    read_job_log(b"".join(seeds))  # what is compiled at the first log is compiled before the clock runs
    until = time.monotonic() + options.seconds
    count = size = 0
    slowest = 0.0
    while time.monotonic() < until:
        log = hostile(chance, seeds)
        try:
            slowest = max(slowest, check(log))
        except Exception:
            traceback.print_exc()
            place = Path(tempfile.gettempdir()) / f"fuzz-{options.seed}-{count}.log"
            place.write_bytes(log)
            print(f"broke on log {count} of seed {options.seed}, {len(log)} bytes, kept at {place}", file=sys.stderr)
            return 1
        count, size = count + 1, size + len(log)
    print(f"{count} logs, {size / 1e6:.0f} MB, no crash; slowest {slowest * 1e9:.0f} ns a byte beyond {ALLOWANCE} s")
    return 0


def check(log: bytes) -> float:
    """Read, mask and classify one log; seconds a byte beyond the allowance.

    Raises
    ------
    AssertionError
        Something is not as it must be.
    """
    spent = spent_on(log)
    if (
        spent >= SLOWEST
    ):  # patterns are compiled once, when they have been asked for often enough: a slow log stays slow
        spent = spent_on(log)
    assert spent < SLOWEST, f"{spent * 1e9:.0f} ns a byte"
    first, masked = read_job_log(log), redact(log)
    assert redact(masked) == masked, "masking twice changed the log"
    if len(log) < 200_000:
        assert read_job_log(log) == first, "the same log was read otherwise"
        try:
            classify_document(log, "fuzz")
        except KitError:
            assert log.startswith(b"PK"), "only an archive may be refused"
    if first.failure is not None:
        assert len(first.failure.excerpt.splitlines()) <= 40, "the excerpt is too long"
        assert first.failure.line_number is not None
        assert 1 <= first.failure.line_number <= log.count(b"\n") + 1, "no such line"
    return spent


def spent_on(log: bytes) -> float:
    """Seconds of processor time a byte that reading and masking take beyond the allowance."""
    started = time.process_time()
    read_job_log(log)
    redact(log)
    return max(time.process_time() - started - ALLOWANCE, 0.0) / max(len(log), 1)


def hostile(chance: random.Random, seeds: list[bytes]) -> bytes:
    """A log made of one or two real forms by a few breaking steps."""
    log = chance.choice(seeds)
    if chance.random() < 0.4:
        log = log + chance.choice(seeds)
    for _ in range(chance.randrange(1, 7)):
        log = chance.choice(BREAKERS)(chance, log)[:LIMIT]
    return log


def _insert(chance: random.Random, log: bytes) -> bytes:
    at = chance.randrange(len(log) + 1)
    return log[:at] + chance.choice(PIECES) * chance.choice((1, 1, 2, 50)) + log[at:]


def _repeat(chance: random.Random, log: bytes) -> bytes:
    start = chance.randrange(len(log) + 1)
    end = min(len(log), start + chance.randrange(1, 400))
    return log[:end] + log[start:end] * chance.choice((2, 30, 3000)) + log[end:]


def _cut(chance: random.Random, log: bytes) -> bytes:
    start, end = sorted((chance.randrange(len(log) + 1), chance.randrange(len(log) + 1)))
    return log[start:end] if chance.random() < 0.3 else log[:start] + log[end:]


def _flip(chance: random.Random, log: bytes) -> bytes:
    broken = bytearray(log)
    for _ in range(chance.randrange(1, 60)):
        if broken:
            broken[chance.randrange(len(broken))] = chance.randrange(256)
    return bytes(broken)


def _swap(chance: random.Random, log: bytes) -> bytes:
    parts = log.split(b"\n")
    chance.shuffle(parts)
    return b"\n".join(parts)


def _one_line(_chance: random.Random, log: bytes) -> bytes:
    return log.replace(b"\n", b" ")


def _utf16(_chance: random.Random, log: bytes) -> bytes:
    return log.decode("utf-8", "replace").encode("utf-16")


def _run(chance: random.Random, log: bytes) -> bytes:
    return log + bytes([chance.randrange(256)]) * chance.choice((10, 10_000, 1_000_000)) + log


BREAKERS: list[Callable[[random.Random, bytes], bytes]] = [
    _insert, _insert, _insert, _repeat, _cut, _flip, _swap, _one_line, _utf16, _run,
]  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
