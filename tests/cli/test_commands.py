"""The command line from outside: exit codes, one clear line, JSON alone on stdout."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from tests.cli.conftest import ROOT, SAMPLE

COMMANDS = (
    "triage", "collect", "import", "status", "classify", "diagnose", "report", "rollback", "experiment", "probe",
    "sample", "prune", "doctor",
)  # fmt: skip
OPEN = (
    b"failed to solve: failed to compute cache key: failed to copy: httpReadSeeker: failed open: unexpected status code"
)
LINES = (
    b"##[group]Run docker/build-push-action@v6",
    b"with:",
    b"  context: .",
    b"##[endgroup]",
    b"#4 [internal] load metadata for docker.io/library/php:8.3-fpm",
    b"ERROR: " + OPEN,
    b"##[error]buildx failed with: ERROR: " + OPEN,
)
LOG = b"".join(b"2025-01-08T13:02:11.1234567Z " + line + b"\n" for line in LINES)


def schema(name: str) -> dict:
    return json.loads((ROOT / "analysis" / "schemas" / f"{name}.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(run, command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert "--json" in done.out


def test_diagnose_gives_one_document_that_fits_the_schema(run) -> None:
    done = run("diagnose", "--data-dir", SAMPLE, "--action", "docker/build-push-action", "--json")
    assert done.code == 0, done.err
    jsonschema.validate(done.json, schema("verdict"))


def test_diagnose_tells_a_person_the_verdict_and_what_to_do(run) -> None:
    done = run("diagnose", "--data-dir", SAMPLE)
    assert done.code == 0, done.err
    assert "docker-hub" in done.out
    assert "what to do" in done.out


def test_classify_reads_a_log_from_a_file(run, tmp_path: Path) -> None:
    file = tmp_path / "job.log"
    file.write_bytes(LOG)
    done = run("classify", file, "--json")
    assert done.code == 0, done.err
    jsonschema.validate(done.json, schema("classify"))
    assert done.json["failure"]["component"] == "docker-hub"
    assert done.json["failure"]["operation"] == "pull"


def test_without_history_it_says_what_to_do(run, tmp_path: Path) -> None:
    done = run("diagnose", "--data-dir", tmp_path / "none")
    assert done.code == 1
    assert "collect OWNER/REPO" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert done.out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--action", "docker/no-such-action"), "docker/build-push-action"),
        (("--action", "docker/build-push-action", "--old", "6.10.0", "--new", "9.9.9"), "6.11.0"),
        (("--old", "6.10.0"), "--action"),
        (("--since", "yesterday-ish"), "ISO 8601"),
        (("--since", "2025-01-08", "--until", "2025-01-02"), "before"),
        (("--repo", "not a repository"), "OWNER/NAME"),
    ],
)
def test_a_question_that_does_not_fit_is_answered_with_one_line(run, arguments: tuple[str, ...], said: str) -> None:
    done = run("diagnose", "--data-dir", SAMPLE, "--json", *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.out == ""


def test_a_window_with_no_runs_is_said(run) -> None:
    done = run("diagnose", "--data-dir", SAMPLE, "--since", "2031-01-01", "--until", "2031-01-02")
    assert done.code == 1
    assert len(done.err.strip().splitlines()) == 1


def test_an_unknown_command_is_wrong_usage(run) -> None:
    assert run("blame").code == 2


def test_collect_without_a_token_names_the_permissions(run, tmp_path: Path) -> None:
    done = run("collect", "octo-org/octo-repo", "--data-dir", tmp_path)
    assert done.code == 1
    assert all(word in done.err for word in ("GITHUB_TOKEN", "Actions", "Contents", "Metadata", "Pull requests"))


def test_collect_without_a_repository_is_wrong_usage(run, tmp_path: Path) -> None:
    assert run("collect", "--data-dir", tmp_path).code == 2


def test_a_damaged_file_is_named_and_the_rest_is_judged(run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(SAMPLE, data, ignore=shutil.ignore_patterns("raw", "logs"))
    damaged = sorted((data / "steps").rglob("*.parquet"))[0]
    damaged.write_bytes(damaged.read_bytes()[:100])
    done = run("diagnose", "--data-dir", data, "--json")
    assert done.code == 3
    assert str(damaged) in done.err
    jsonschema.validate(done.json, schema("verdict"))


def test_rollback_writes_patches_that_pin_the_good_commit(run, tmp_path: Path) -> None:
    done = run("rollback", "--data-dir", SAMPLE, "--action", "docker/build-push-action", "--to", "6.10.0",
               "--output", tmp_path, "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["sha"] == "48aba3b46d1b1fec4febb7c5d0c644b249a11355"
    patches = [Path(path) for path in done.json["patches"]]
    assert patches
    assert all(done.json["sha"] in path.read_text("utf-8") for path in patches)


def test_rollback_to_an_unknown_version_names_the_known_ones(run) -> None:
    done = run("rollback", "--data-dir", SAMPLE, "--action", "docker/build-push-action", "--to", "0.0.9")
    assert done.code == 2
    assert "6.10.0" in done.err


def test_experiment_writes_a_workflow_with_both_commits(run, tmp_path: Path) -> None:
    target = tmp_path / "experiment.yml"
    done = run("experiment", "--data-dir", SAMPLE, "--action", "docker/build-push-action", "--old", "6.10.0",
               "--new", "6.11.0", "--output", target)  # fmt: skip
    assert done.code == 0, done.err
    text = target.read_text("utf-8")
    assert "48aba3b46d1b1fec4febb7c5d0c644b249a11355 # v6.10.0" in text
    assert "b32b51a8eda65d6793cd0494a773d4f6bcef32dc # v6.11.0" in text


def test_status_takes_a_file_of_ones_own(run, tmp_path: Path) -> None:
    file = tmp_path / "outages.csv"
    file.write_text("name,began_at,resolved_at,impact\nRegistry down,2025-01-08T10:00Z,2025-01-08T12:00Z,major\n")
    done = run("status", "our-registry", "--file", file, "--data-dir", tmp_path / "data", "--json")
    assert done.code == 0, done.err
    assert done.json["incidents"] == 1


def test_report_writes_one_file_and_says_the_verdict(run, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    done = run("report", "--data-dir", SAMPLE, "--output", target)
    assert done.code == 0, done.err
    assert target.stat().st_size < 2_000_000
    assert "collect OWNER/REPO" in done.out


def test_doctor_says_what_to_do_without_a_token(run, tmp_path: Path) -> None:
    done = run("doctor", "--data-dir", tmp_path, "--json")
    assert done.code == 1
    token = next(check for check in done.json["checks"] if "token" in check["name"].lower())
    assert not token["ok"]
    assert "GITHUB_TOKEN" in token["remedy"]
