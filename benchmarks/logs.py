"""How fast are logs read, from bytes to facts, beside Python's re and ripgrep on the same logs and patterns?

``python -m benchmarks.logs`` makes a mix of job logs (by bytes: most of it green jobs and long ones, as in real
collections; with real captures in ``../shared/data``, those too), reads each of them on one core, and prints megabytes
of log a second of processor time, and the ratios. ripgrep is left out where it is not installed.
"""

from __future__ import annotations

import gzip
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from analysis.facts.redact import redact
from analysis.facts.runner_log import read_job_log
from analysis.facts.signatures import load_catalogue
from tests.facts.job_logs import job_log, steps

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
TARGET = 500.0
RUNS = 7
SMALL = 2 << 20
RE_SAMPLE = 1 << 17
GREP_SAMPLE = 1 << 22
_SAID = (
    "Downloading package {w} ({n} kB)", "[{n}/9000] Building CXX object src/{w}/{w}.cc.o", "ok    acme/{w}/{w}  0.{n}s",
    "tests/{w}/test_{w}.py::test_{w}_{n} PASSED [ {n}%]", "#12 {n}.{n} Unpacking {w} ({n}.{n}) ...",
    "added {n} packages from {w} in {n}s", "INFO  {w}.{w}: request {n} took {n} ms", "  {w}: {n} -> {n}",
    "npm warn deprecated {w}@{n}.1.0: use {w} in its place", "    at {w}.{w} (/home/runner/work/{w}/{w}.js:{n}:{n})",
)  # fmt: skip


def main() -> int:
    """Print the table; exit 1 where reading is below the target."""
    catalogue = load_catalogue()
    started = time.process_time()
    catalogue.scanner.scan(b"warm")
    read_job_log(b"warm\n")
    redact(b"warm")
    print(f"patterns compiled in {time.process_time() - started:.2f} s, once a process")
    logs = mixed_logs()
    size = sum(map(len, logs))
    print(f"{len(logs)} logs, {size / 1e6:.0f} MB, the largest {max(map(len, logs)) / 1e6:.0f} MB")
    reading = _speed(logs, read_job_log)
    small = [log for log in logs if len(log) < SMALL]
    reading_small = _speed(small, read_job_log)
    masking = _speed(logs, redact)
    scanning = _speed(logs, catalogue.scanner.scan)
    print(f"read_job_log, bytes to facts   {reading:8.0f} MB/s a core")
    print(f"  the {len(small)} logs below 2 MB alone {reading_small:10.0f} MB/s a core")
    print(f"redact                         {masking:8.0f} MB/s a core")
    print(f"scan for every signature       {scanning:8.0f} MB/s a core")
    patterns = [signature.pattern for signature in catalogue.signatures]
    plain = python_re(logs, patterns)
    print(f"Python's re, one alternation   {plain:8.1f} MB/s, reading is {reading / plain:.0f} times as fast")
    grep = ripgrep(logs, patterns)
    if grep is not None:
        print(f"ripgrep, the same patterns     {grep:8.0f} MB/s, reading is {reading / grep:.1f} times as fast")
    print(f"largest memory of the process  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")
    return int(reading < TARGET)


def mixed_logs(seed: int = 7) -> list[bytes]:
    """Green and failing job logs of 0.2 to 40 MB, and the real captures where they are."""
    chance = random.Random(seed)
    cases = steps()
    logs = [_padded(chance, chance.choice(cases).text, size, green=True) for size in (200, 800, 1500, 4000) * 6]
    logs += [_padded(chance, case.text, size, green=False) for case, size in zip(cases, (300, 2000) * 6, strict=False)]
    logs.append(_padded(chance, cases[0].text, 40_000, green=False))
    if DATA.is_dir():
        logs += [gzip.decompress(path.read_bytes()) for path in sorted(DATA.glob("logdx/logs/*.gz"))]
        logs += [path.read_bytes() for path in sorted(DATA.glob("logs/link-assistant-agent/**/*.log"))]
    return logs


def _padded(chance: random.Random, text: str, kilobytes: int, *, green: bool) -> bytes:
    words = [f"w{number:03x}" for number in range(400)]
    said: list[str] = []
    left = kilobytes * 1000
    while left > 0:
        line = chance.choice(_SAID).format(w=chance.choice(words), n=chance.randrange(1, 999))
        said.append(line)
        left -= len(line) + 30
    body = "\n".join(said) + "\n"
    log, _ = job_log(body if green else body + text)
    return (log.replace("##[error]Process completed with exit code 1.", "done") if green else log).encode()


def _speed(logs: list[bytes], work: Callable[[bytes], object]) -> float:
    """Megabytes a second of processor time, the best of some runs: the first ones compile what the logs ask for."""
    best = float("inf")
    for _ in range(RUNS):
        started = time.process_time()
        for log in logs:
            work(log)
        best = min(best, time.process_time() - started)
    return sum(map(len, logs)) / best / 1e6


def python_re(logs: list[bytes], patterns: list[str]) -> float:
    """The same patterns in Python's re over a sample, case folded where any of them asks for it."""
    union = re.compile("|".join(f"(?:{pattern.removeprefix('(?i)')})" for pattern in patterns).encode(), re.M | re.I)
    sample = b"".join(logs)[:RE_SAMPLE]
    started = time.process_time()
    sum(1 for _ in union.finditer(sample))
    return len(sample) / (time.process_time() - started) / 1e6


def ripgrep(logs: list[bytes], patterns: list[str]) -> float | None:
    """The same patterns in ripgrep on one thread over a sample of the same logs."""
    program = shutil.which("rg")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "patterns"
        listed.write_text("\n".join(patterns), encoding="utf-8")
        sample = b"".join(logs)[:GREP_SAMPLE]
        (Path(folder) / "sample.log").write_bytes(sample)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [program, "-j1", "-a", "-c", "-f", str(listed), "-g", "*.log", folder]
        done = subprocess.run(command, capture_output=True, check=False, timeout=300)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 1:
        return None
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return len(sample) / spent / 1e6


if __name__ == "__main__":
    sys.exit(main())
