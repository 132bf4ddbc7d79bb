"""How often does the reader name the right component and kind, and find the line that is the cause?

``python -m benchmarks.accuracy`` reads the real captures in ``../shared/data`` (or the folder given): the failure
excerpts with the cause that their threads established, LogDx-CI's whole logs with their evidence lines, and the log
windows of pytorch/test-infra with their marked line. It prints what was missed, a confusion table and the scores.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.facts.runner_log import read_job_log

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
NEAR = 3
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?")
_ANSI = re.compile(r"(?:\x1b|\^\[)\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


@dataclass(frozen=True)
class Answer:
    """One excerpt: its id, what the thread established and what the reader said, each as (component, kind)."""

    name: str
    wanted: tuple[str, str]
    said: tuple[str, str]
    signature: str | None
    in_log: bool


def main(arguments: list[str]) -> int:
    """Print the scores; exit 1 with a plain line where the captures are absent."""
    folder = Path(arguments[0]) if arguments else DATA
    if not (folder / "failures_dev.jsonl").is_file():
        print(f"no captures in {folder}: give the folder that holds failures_dev.jsonl and logdx/", file=sys.stderr)
        return 1
    answers = list(read_excerpts(folder / "failures_dev.jsonl"))
    print_excerpts(answers)
    print_whole_logs(folder / "logdx")
    print_windows(folder / "logs" / "pytorch")
    return 0


def read_excerpts(path: Path) -> Iterator[Answer]:
    """What the reader says of each excerpt."""
    for record in _records(path):
        failure = read_job_log(record["log"].encode()).failure
        said = (failure.component, failure.kind) if failure is not None else ("none", "none")
        signature = failure.signature if failure is not None else None
        yield Answer(record["id"], (record["component"], record["kind"]), said, signature, record["in_log"])


def print_excerpts(answers: list[Answer]) -> None:
    """The misses, the confusion table of components and of kinds, the two shares."""
    print("excerpts that were read otherwise than their threads (kind counts where the log shows it)")
    for answer in answers:
        if answer.said[0] != answer.wanted[0] or (answer.in_log and answer.said[1] != answer.wanted[1]):
            mark = "" if answer.in_log else " (not in the log)"
            print(
                f"  {answer.name:<48} {'/'.join(answer.wanted)}{mark} -> {'/'.join(answer.said)} by {answer.signature}"
            )
    _confusion("component", [(answer.wanted[0], answer.said[0]) for answer in answers])
    _confusion("kind", [(answer.wanted[1], answer.said[1]) for answer in answers if answer.in_log])


def print_whole_logs(folder: Path) -> None:
    """LogDx-CI: does the excerpt hold an evidence line, and is the line within `NEAR` lines of one?"""
    if not (folder / "cases.jsonl").is_file():
        print(f"no whole logs in {folder}")
        return
    hits = nears = total = 0
    for case in _records(folder / "cases.jsonl"):
        raw = gzip.decompress((folder / case["log_file"]).read_bytes())
        lines = raw.decode("utf-8").split("\n")
        failure = read_job_log(raw).failure
        excerpt, number = (failure.excerpt, failure.line_number) if failure is not None else ("", None)
        hit = _holds(excerpt, [_plain(lines[n - 1]) for n in case["evidence_lines"]])
        near = number is not None and any(abs(number - n) <= NEAR for n in case["evidence_lines"])
        hits, nears, total = hits + hit, nears + near, total + 1
        shown = _plain(lines[number - 1])[:70] if number else ""
        print(f"  {case['id']:<36} hit={_said(hit)} near={_said(near)} line {number} {shown}")
    print(f"whole logs: excerpt holds the cause {hits}/{total}, line within {NEAR} of it {nears}/{total}\n")


def print_windows(folder: Path) -> None:
    """pytorch/test-infra: is the line within `NEAR` lines of the one that was marked?"""
    nears = total = 0
    for path in sorted(folder.glob("*.txt")):
        lines = path.read_text("utf-8").split("\n")[1:]
        wanted = [number for number, line in enumerate(lines, 1) if line.startswith("#=MATCH=# ")]
        log = "\n".join(re.sub("[‹›]", "", line.removeprefix("#=MATCH=# ")) for line in lines)
        failure = read_job_log(log.encode()).failure
        number = failure.line_number if failure is not None else None
        near = number is not None and any(abs(number - n) <= NEAR for n in wanted)
        nears, total = nears + near, total + 1
        if not near:
            shown = _plain(log.split("\n")[number - 1])[:90] if number else ""
            print(f"  {path.stem:<36} line {number}, marked {wanted} {shown}")
    print(f"windows: line within {NEAR} of the marked one {nears}/{total}")


def _said(right: bool) -> str:
    return "yes" if right else "no "


def _confusion(title: str, pairs: list[tuple[str, str]]) -> None:
    right = sum(wanted == said for wanted, said in pairs)
    print(f"\n{title}: {right}/{len(pairs)} = {right / max(len(pairs), 1):.1%}")
    for (wanted, said), count in sorted(Counter(pairs).items()):
        print(f"  {wanted:<24} {said:<24} {count:>4}{'' if wanted == said else '  <-'}")


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def _plain(line: str) -> str:
    return " ".join(_TIME.sub("", _ANSI.sub("", line.replace("\ufeff", "")).strip()).split())


def _holds(excerpt: str, evidence: list[str]) -> bool:
    lines = [_plain(line) for line in excerpt.splitlines()]
    text = " ".join(line for line in lines if line)
    for wanted in evidence:
        if len(re.findall(r"\w", wanted)) < 4:
            continue
        if wanted in lines or (len(wanted) >= 20 and wanted in text):
            return True
        if any(len(line) >= 30 and line in wanted for line in lines):
            return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
