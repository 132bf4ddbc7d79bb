"""A workflow that runs both versions side by side."""

import pytest
import yaml

from analysis.errors import UsageError
from analysis.experiment import Pinned, experiment_workflow

OLD = Pinned("v6.10.0", "48aba3b46d1b1fec4febb7c5d0c644b249a11355")
NEW = Pinned("v6.11.0", "b32b51a8eda65d6793cd0494a773d4f6bcef32dc")
SOURCE = """
name: ci
on: {push: {branches: [main]}}
env: {REGION: eu}
jobs:
  lint:
    runs-on: ubuntu-latest
    steps: [{run: make lint}]
  image:
    needs: lint
    if: github.ref == 'refs/heads/main'
    runs-on: ubuntu-24.04
    strategy: {matrix: {platform: [linux/amd64, linux/arm64]}}
    steps:
      - uses: actions/checkout@v4
      - uses: docker/build-push-action@v6
        with: {context: ., platforms: "${{ matrix.platform }}"}
"""


def build(**options):
    text = experiment_workflow("docker/build-push-action", OLD, NEW, **options)
    return text, yaml.safe_load(text)


def test_both_versions_are_pinned_by_commit_and_named_by_release() -> None:
    text, document = build()
    uses = [step["uses"] for job in document["jobs"].values() for step in job["steps"]]
    assert f"docker/build-push-action@{OLD.sha}" in uses
    assert f"docker/build-push-action@{NEW.sha}" in uses
    assert f"@{OLD.sha} # v6.10.0" in text
    assert [job["name"] for job in document["jobs"].values()] == ["old v6.10.0", "new v6.11.0"]


def test_each_version_runs_as_often_as_asked_and_a_failure_stops_no_other() -> None:
    _, document = build(attempts=14)
    for job in document["jobs"].values():
        assert job["strategy"]["fail-fast"] is False
        assert job["strategy"]["matrix"]["attempt"] == list(range(1, 15))


def test_the_jobs_of_a_given_workflow_are_taken_over_with_their_matrix() -> None:
    _, document = build(source=SOURCE)
    assert set(document["jobs"]) == {"image-old", "image-new"}
    job = document["jobs"]["image-old"]
    assert job["strategy"]["matrix"]["platform"] == ["linux/amd64", "linux/arm64"]
    assert "needs" not in job and "if" not in job
    assert job["steps"][1]["with"] == {"context": ".", "platforms": "${{ matrix.platform }}"}
    assert document["env"] == {"REGION": "eu"}


def test_it_starts_by_hand_only_and_may_only_read() -> None:
    _, document = build(source=SOURCE)
    assert document.get("on", document.get(True)) == {"workflow_dispatch": {}}
    assert document["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(
    ("source", "said"),
    [("jobs: [", "YAML"), ("a: 1", "no workflow"), ("jobs: {a: {steps: [{run: x}]}}", "no job")],
)
def test_a_source_that_does_not_fit_is_named(source: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build(source=source)


def test_too_many_attempts_are_refused() -> None:
    with pytest.raises(UsageError, match="matrix"):
        build(attempts=200)


def test_the_inputs_of_the_history_are_listed() -> None:
    text, _ = build(inputs=("context", "push", "cache-to"))
    assert "# Inputs that your jobs set: cache-to, context, push." in text
