"""One log gives its failure, its actions and its machine, whatever form it comes in."""

from __future__ import annotations

import gzip
import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import CorruptFileError, UsageError
from analysis.facts.runner_log import classify_document, read_job_log
from analysis.facts.signatures import load_catalogue
from analysis.schema import COMPONENTS, KINDS, OPERATIONS
from tests.facts.job_logs import Text, job_log, lines, steps

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
SCHEMA = json.loads((ROOT / "analysis" / "schemas" / "classify.schema.json").read_text("utf-8"))
needs_captures = pytest.mark.skipif(not SHARED.is_dir(), reason="the real captures are not beside the repository")


def checked(document: dict[str, Any]) -> dict[str, Any]:
    """A document that holds to the schema of ``classify``'s answer."""
    for answer in document.get("jobs", [document]):
        jsonschema.validate(json.loads(json.dumps(answer)), SCHEMA)
    return document


@pytest.mark.parametrize("case", lines(), ids=lambda case: case.name)
def test_a_line_is_read_by_its_structure(case: Text) -> None:
    failure = read_job_log(case.text.encode()).failure
    assert failure is not None
    assert (failure.component, failure.kind) == (case.component, case.kind)


@pytest.mark.parametrize("first", range(3))
def test_what_other_steps_wrote_and_what_the_runner_echoes_does_not_colour_the_reading(first: int) -> None:
    for case in lines()[first::3]:
        if "##[" in case.text:
            continue
        failure = read_job_log(job_log(case.text.strip("\n") + "\n")[0].encode()).failure
        assert failure is not None and (failure.component, failure.kind) == (case.component, case.kind), case.text


@pytest.mark.parametrize("case", steps(), ids=lambda case: case.name)
def test_in_a_whole_log_the_cause_is_found_and_not_the_symptom(case: Text) -> None:
    log, marked = job_log(case.text)
    failure = read_job_log(log.encode()).failure
    assert failure is not None and failure.line_number is not None
    assert (failure.component, failure.kind) == (case.component, case.kind)
    assert min(abs(failure.line_number - number) for number in marked) <= 2
    assert len(failure.excerpt.splitlines()) <= 12


@pytest.mark.parametrize(
    "said",
    [
        "dpkg-preconfigure: unable to re-open stdin: No such file or directory",
        "fatal: No names found, cannot describe anything.",
        "cat: /etc/web.conf: No such file or directory",
        "npm warn ERESOLVE overriding peer dependency",
        "##[warning]The `set-output` command is deprecated and will be disabled soon.",
        "##[warning]Failed to restore: Cache service responded with 503",
    ],
)
def test_what_is_said_on_good_days_too_is_not_the_cause_where_the_step_ends_with_an_error_of_its_own(said: str) -> None:
    log, _ = job_log(f"{said}\n" + "web: all is well\n" * 20 + "Error: the frobnicator is grumpy\n")
    failure = read_job_log(log.encode()).failure
    assert failure is not None and failure.component == "unknown"
    assert "the frobnicator is grumpy" in failure.excerpt


@pytest.mark.parametrize(
    ("text", "host", "status", "operation"),
    [
        ("remote: Permission to acme/web.git denied to github-actions[bot].", "github.com", 403, "push"),
        ("##[error]Resource not accessible by integration", None, 403, "other"),
        ("denied: permission_denied: write_package", "ghcr.io", None, "push"),
        ("denied: requested access to the resource is denied", None, None, "push"),
        ("error: failed to get `serde` as a dependency\nwarning: spurious network error (3 tries remaining): "
         "[28] Timeout was reached", "index.crates.io", None, "build-step"),
        ('Error response from daemon: Get "https://quay.io/v2/": EOF\nError: Docker pull failed with exit code 1',
         "quay.io", None, "download-action"),
    ],
)  # fmt: skip
def test_what_a_text_implies_is_said_of_it(text: str, host: str | None, status: int | None, operation: str) -> None:
    failure = read_job_log(text.encode()).failure
    assert failure is not None
    assert (failure.host, failure.http_status, failure.operation) == (host, status, operation)


@pytest.mark.parametrize("lead", ["> ", "    ", ">"])
def test_an_excerpt_is_read_although_somebody_quoted_or_indented_it(lead: str) -> None:
    for case in lines()[::7]:
        text = [*case.text.strip("\n").split("\n"), "Error: Process completed with exit code 1."]
        quoted = "\n".join(lead + line for line in text)
        failure = read_job_log(quoted.encode()).failure
        assert failure is not None and (failure.component, failure.kind) == (case.component, case.kind), case.text


def test_a_job_that_ended_well_has_no_failure_although_its_log_speaks_of_errors() -> None:
    log, _ = job_log("ERROR: toomanyrequests: this is the name of a test\nFAILED tests/x.py::y - flaky, rerun\n")
    assert read_job_log(log.replace("##[error]Process completed with exit code 1.", "done").encode()).failure is None


def test_steps_that_all_succeeded_mean_that_nothing_failed() -> None:
    log, _ = job_log("npm error code E503\n")
    steps_rows = [
        {"number": 1, "name": "Set up job", "conclusion": "success", "started_at": "2025-01-08T10:00:00Z"},
        {"number": 2, "name": "Run make ci", "conclusion": "success", "started_at": "2025-01-08T10:00:03Z"},
    ]
    assert read_job_log(log.encode(), steps=steps_rows).failure is None


def test_the_steps_say_which_step_failed_and_number_the_uses() -> None:
    log, _ = job_log("FAILED tests/test_a.py::test_b - assert 1 == 2\n")
    rows = [
        {"number": 1, "name": "Set up job", "conclusion": "success", "started_at": "2025-01-08T10:00:00Z",
         "completed_at": "2025-01-08T10:00:01Z"},
        {"number": 2, "name": "Run actions/checkout@v4", "conclusion": "success", "started_at": "2025-01-08T10:00:01Z",
         "completed_at": "2025-01-08T10:00:01Z"},
        {"number": 3, "name": "Prepare", "conclusion": "success", "started_at": "2025-01-08T10:00:01Z",
         "completed_at": "2025-01-08T10:00:02Z"},
        {"number": 4, "name": "Test", "conclusion": "failure", "started_at": "2025-01-08T10:00:02Z",
         "completed_at": "2025-01-08T10:00:04Z"},
    ]  # fmt: skip
    facts = read_job_log(log.encode(), steps=rows)
    assert facts.failure is not None and facts.failure.step_number == 4
    assert [(use["action"], use["step_number"], use["inputs"]) for use in facts.action_uses] == [
        ("actions/checkout", 2, ["fetch-depth"])
    ]


def test_a_vague_line_of_buildkit_takes_its_registry_from_the_image_that_it_was_fetching() -> None:
    case = next(step for step in steps() if step.name == "docker-pull-vague")
    failure = read_job_log(job_log(case.text)[0].encode()).failure
    assert failure is not None
    assert (failure.component, failure.operation, failure.host) == ("docker-hub", "pull", "registry-1.docker.io")
    assert failure.image_reference is not None and "php:8.3.15-fpm" in failure.image_reference


@pytest.mark.parametrize(
    ("image", "component"),
    [("ghcr.io/acme/base:1", "ghcr"), ("quay.io/acme/base:1", "quay"), ("acme/base:1", "docker-hub"),
     ("***.dkr.ecr.eu-west-1.amazonaws.com/base:1", "ecr"), ("***/base:1", "docker-hub"),
     ("europe-docker.pkg.dev/acme/base/x:1", "gar")],
)  # fmt: skip
def test_the_same_vague_line_belongs_to_the_registry_of_its_image(image: str, component: str) -> None:
    log = (
        f"#3 [internal] load metadata for {image}\n#3 DONE 0.4s\n"
        "ERROR: failed to solve: failed to compute cache key: failed to copy: httpReadSeeker: failed open: "
        "unexpected status code\n"
    )
    failure = read_job_log(log.encode()).failure
    assert failure is not None and (failure.component, failure.operation) == (component, "pull")


def test_an_attempt_that_was_retried_and_passed_is_counted_and_not_blamed() -> None:
    case = next(step for step in steps() if step.name == "docker-retry-recovers-then-test-fails")
    failure = read_job_log(job_log(case.text)[0].encode()).failure
    assert failure is not None and failure.component == "user-code" and failure.recovered_attempts == 1


def test_a_log_that_no_signature_knows_is_unknown_with_a_low_score() -> None:
    log, _ = job_log("the frobnicator said no\n")
    failure = read_job_log(log.encode()).failure
    assert failure is not None
    assert (failure.component, failure.signature) == ("unknown", None) and failure.score < 0.3


def test_the_excerpt_holds_no_secret() -> None:
    log, _ = job_log("FAILED tests/a.py::b - token ghp_0123456789abcdefghijABCDEFGHIJ012345 refused\n")
    failure = read_job_log(log.encode()).failure
    assert failure is not None and "ghp_" not in failure.excerpt and "***github-token:40***" in failure.excerpt


FORMS = {
    "crlf": lambda log: log.replace(b"\n", b"\r\n"),
    "byte order mark": lambda log: b"\xef\xbb\xbf" + log,
    "byte order marks in every line": lambda log: b"".join(b"\xef\xbb\xbf" + line + b"\n" for line in log.splitlines()),
    "crlf after many bars": lambda log: b"5%\r9%\n" * 100 + log.replace(b"\n", b"\r\n"),
    "marks after spaces": lambda log: log.replace(b"##[error]", b"  ##[error]"),
    "gh run view, steps in turn": lambda log: b"".join(
        b"build\tstep %d\t%s\n" % (number % 3, line) for number, line in enumerate(log.splitlines())
    ),
    "utf-16": lambda log: log.decode().encode("utf-16"),
    "no time stamps": lambda log: b"\n".join(line[29:] for line in log.split(b"\n")),
    "gh run view": lambda log: b"".join(b"build\tRun make ci\t" + line + b"\n" for line in log.splitlines()),
    "colours": lambda log: log.replace(b"FAILED tests", b"\x1b[31mFAILED\x1b[0m tests"),
    "colours in caret notation": lambda log: log.replace(b"FAILED tests", b"^[[31mFAILED^[[0m tests"),
    "invalid utf-8": lambda log: log.replace(b"collected", b"coll\xff\xfe\xc3ected"),
    "a line of four MB": lambda log: log.replace(b"collected", b"x" * 4_000_000 + b"collected"),
    "progress bar": lambda log: log.replace(b"collected", b" 10%\r 20%\r100%\rcollected"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_log_means_the_same_in_every_form_that_it_comes_in(form: str) -> None:
    log, marked = job_log(next(step for step in steps() if step.name == "pytest").text)
    failure = read_job_log(FORMS[form](log.encode())).failure
    added = 100 if form == "crlf after many bars" else 0
    assert failure is not None and failure.line_number is not None and failure.line_number - added in marked
    assert (failure.component, failure.kind) == ("user-code", "test-failure")


def test_a_log_cut_in_the_middle_still_names_what_it_shows() -> None:
    log, _ = job_log(next(step for step in steps() if step.name == "npm-network").text)
    cut = log.encode()[: log.index("A complete log")]
    failure = read_job_log(cut).failure
    assert failure is not None and failure.component == "npm"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3000))
def test_no_bytes_make_the_reader_fail(log: bytes) -> None:
    document = checked(classify_document(log if not log.startswith(b"PK") else b"x" + log))
    for answer in document.get("jobs", [document]):
        failure = answer["failure"]
        if failure is not None:
            assert failure["component"] in COMPONENTS and failure["kind"] in KINDS
            assert failure["operation"] in OPERATIONS


def test_a_signature_of_ones_own_comes_before_the_kits(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(
        '[[signature]]\nname = "mine.frobnicator"\npattern = "the frobnicator said no"\n'
        'component = "network"\nkind = "timeout"\nspecificity = 95\n',
        encoding="utf-8",
    )
    log, _ = job_log("the frobnicator said no\n")
    answer = checked(classify_document(log.encode(), catalogue=load_catalogue(own)))
    assert (answer["failure"]["signature"], answer["failure"]["component"]) == ("mine.frobnicator", "network")


def test_output_of_gh_with_several_jobs_gives_each_job_with_lines_of_the_whole_file() -> None:
    good = "".join(f"lint\tRun it\t2025-01-08T10:00:0{n}.0000000Z fine {n}\n" for n in range(4))
    bad, _ = job_log("FAILED tests/a.py::b - assert 1 == 2\n")
    both = good + "".join(f"test\tRun it\t{line}\n" for line in bad.splitlines())
    number = both.splitlines().index(next(line for line in both.splitlines() if "FAILED tests" in line)) + 1
    answer = checked(classify_document(both.encode()))
    assert [job["name"] for job in answer["jobs"]] == ["lint", "test"]
    assert answer["jobs"][0]["failure"] is None and answer["jobs"][1]["failure"]["line_number"] == number


def zipped(files: dict[str, str]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target.getvalue()


def test_a_log_archive_gives_its_jobs_by_name() -> None:
    log, _ = job_log("FAILED tests/a.py::b - assert 1 == 2\n")
    answer = checked(classify_document(zipped({"0_test (3.12).txt": log, "1_lint.txt": "fine\n"})))
    assert {job["name"]: job["failure"] is None for job in answer["jobs"]} == {"test (3.12)": False, "lint": True}


def test_a_damaged_archive_and_a_missing_file_say_so(tmp_path: Path) -> None:
    whole = zipped({"0_a.txt": "x" * 500})
    with pytest.raises(CorruptFileError, match="cannot be read"):
        classify_document(whole[:60], "run.zip")
    with pytest.raises(UsageError, match="cannot be read"):
        classify_document(tmp_path / "absent.log")


@needs_captures
@pytest.mark.shared
def test_real_logs_of_whole_jobs_are_read_with_their_facts() -> None:
    raw = gzip.decompress((SHARED / "logdx" / "logs" / "moby-buildx-bake-v2-001.log.gz").read_bytes())
    answer = checked(classify_document(raw))
    wanted = {"runner_version": "2.334.0", "docker_version": "28.0.4", "buildx_version": "0.33.0",
              "buildkit_version": "0.29.0", "binfmt_version": "10.2.1", "region": "eastus"}  # fmt: skip
    assert wanted.items() <= answer["environment"].items()
    assert (answer["failure"]["http_status"], answer["failure"]["line_number"]) == (502, 1855)


@needs_captures
@pytest.mark.shared
@pytest.mark.parametrize("path", sorted(SHARED.glob("logs/**/*.*")), ids=lambda path: path.name)
def test_every_real_capture_is_read_and_holds_to_the_schema(path: Path) -> None:
    checked(classify_document(path))


@needs_captures
@pytest.mark.shared
def test_real_excerpts_are_read_as_their_threads_established() -> None:
    records = [json.loads(line) for line in (SHARED / "failures_dev.jsonl").read_text("utf-8").splitlines()]
    found = [(record, read_job_log(record["log"].encode()).failure) for record in records]
    components = sum(failure is not None and failure.component == record["component"] for record, failure in found)
    shown = [(record, failure) for record, failure in found if record["in_log"]]
    kinds = sum(failure is not None and failure.kind == record["kind"] for record, failure in shown)
    assert components / len(found) >= 0.9 and kinds / len(shown) >= 0.95
