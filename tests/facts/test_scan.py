"""One pass finds the lines that match, the same with both engines, on any bytes."""

import pickle
import re
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import UsageError
from analysis.facts import scan
from analysis.facts.scan import Hit, Scanner
from analysis.facts.signatures import load_catalogue
from tests.facts.job_logs import lines as texts
from tests.facts.job_logs import steps

ENGINES = ("hyperscan", "re2")
PATTERNS = ["toomanyrequests", r"(?i)no space left", r"^start\b", r"end$", r"failed .*40[34]", r"a[^x]*z"]


def lines(buffer: bytes, hits: list[Hit]) -> list[tuple[int, bytes]]:
    return [(hit.pattern, buffer[hit.line_start : hit.line_end]) for hit in hits]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_hit_is_a_whole_line_and_its_pattern(engine: str) -> None:
    log = b"start here\nx No Space Left on device\nfailed with 404 at the end\nnothing"
    assert lines(log, Scanner(PATTERNS, engine=engine).scan(log)) == [
        (2, b"start here"),
        (1, b"x No Space Left on device"),
        (3, b"failed with 404 at the end"),
        (4, b"failed with 404 at the end"),
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_match_never_reaches_over_a_line_end(engine: str) -> None:
    log = b"failed \n 404\na\nz\n"
    assert Scanner(PATTERNS, engine=engine).scan(log) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pattern_that_matches_often_in_a_line_is_told_once(engine: str) -> None:
    log = b"toomanyrequests " * 50 + b"\ntoomanyrequests"
    assert [hit.pattern for hit in Scanner(PATTERNS, engine=engine).scan(log)] == [0, 0]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_line_cut_between_chunks_is_still_found(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "CHUNK", 40)
    log = b"\n".join(b"%03d toomanyrequests" % number for number in range(100))
    found = Scanner(PATTERNS, engine=engine).scan(log)
    assert [log[hit.line_start : hit.line_start + 3] for hit in found] == [b"%03d" % n for n in range(100)]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_line_of_many_megabytes_is_found_and_stays_linear(engine: str) -> None:
    log = b"x" * 8_000_000 + b" toomanyrequests " + b"a" * 8_000_000 + b"\nend"
    began = time.perf_counter()
    assert [hit.pattern for hit in Scanner(PATTERNS, engine=engine).scan(log)] == [0, 3]
    assert time.perf_counter() - began < 5


def test_a_line_full_of_candidates_that_never_match_stays_linear() -> None:
    scanner = Scanner([r"^begin.*q"], engine="hyperscan")
    log = b"begin\n" + b"q" * 2_000_000
    began = time.perf_counter()
    assert scanner.scan(log) == []
    assert time.perf_counter() - began < 5


def test_a_pattern_that_hyperscan_refuses_is_matched_all_the_same() -> None:
    refused = r"x(?:ab?){0,900}y[^\n]{600,900}z"
    scanner = Scanner(["toomanyrequests", refused])
    log = b"toomanyrequests\nxababy" + b"m" * 700 + b"z\n"
    assert [hit.pattern for hit in scanner.scan(log)] == [0, 1]


def test_without_hyperscan_the_hits_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    log = b"start here\nx No Space Left on device\nfailed with 404 at the end\nnothing"
    expected = Scanner(PATTERNS).scan(log)
    monkeypatch.setattr(scan, "hyperscan", None)
    assert Scanner(PATTERNS).scan(log) == expected != []


def test_both_engines_find_the_same_signatures_in_what_failing_steps_write() -> None:
    patterns = [signature.pattern for signature in load_catalogue().signatures]
    log = "".join(f"a line before it\n\n {case.text}\n" for case in (*texts(), *steps())).encode()
    found = [Scanner(patterns, engine=engine).scan(log) for engine in ENGINES]
    assert found[0] == found[1]
    assert len(found[0]) > 200


def test_hyperscan_takes_over_when_re2_has_taken_as_long_as_its_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[tuple[str, ...]] = []
    compile_database = scan._hyperscan_database

    def noted(patterns: tuple[str, ...]) -> object:
        built.append(patterns)
        return compile_database(patterns)

    monkeypatch.setattr(scan, "_hyperscan_database", noted)
    monkeypatch.setattr(scan, "COMPILATION", 0.001)
    scanner = Scanner(["toomanyrequests"])
    log = b"some words of a line\ntoomanyrequests\n" * 2000
    first = scanner.scan(log)
    assert built == []
    assert all(scanner.scan(log) == first for _ in range(40))
    assert built == [("toomanyrequests",)]


@pytest.mark.parametrize(("pattern", "said"), [("(?=x)", "not RE2 syntax"), ("(", "not RE2 syntax"), ("x*", "empty")])
def test_a_pattern_that_cannot_be_used_is_named(pattern: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Scanner(["fine", pattern])


def test_no_patterns_find_nothing() -> None:
    assert Scanner([]).scan(b"anything\n") == []


def test_a_memoryview_reads_like_its_bytes() -> None:
    log = b"toomanyrequests\n"
    assert Scanner(PATTERNS).scan(memoryview(log)) == Scanner(PATTERNS).scan(log) != []


def test_a_scanner_survives_pickling_and_works_in_many_threads() -> None:
    scanner = pickle.loads(pickle.dumps(Scanner(PATTERNS)))
    log = b"nothing at all\n" * 20_000 + b"toomanyrequests\n"
    results: list[list[Hit]] = []
    threads = [threading.Thread(target=lambda: results.append(scanner.scan(log))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all(len(found) == 1 for found in results)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([b"start", b"end", b"a", b"z", b"x", b"\n", b"\r", b"\x80", b"failed ", b"403", b" "])))
def test_both_engines_agree_with_pythons_re_line_by_line(pieces: list[bytes]) -> None:
    log = b"".join(pieces)
    expected = []
    offset = 0
    for line in log.split(b"\n"):
        for number, pattern in enumerate(PATTERNS):
            if re.search(pattern.replace("$", r"\Z").encode(), line, re.DOTALL):
                expected.append(Hit(offset, offset + len(line), number))
        offset += len(line) + 1
    for engine in ENGINES:
        assert Scanner(PATTERNS, engine=engine).scan(log) == expected
