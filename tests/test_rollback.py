"""Patches that pin a good version: only the uses line changes, and git applies them."""

import subprocess
from pathlib import Path

import pytest

from analysis.rollback import pin

SHA = "48aba3b46d1b1fec4febb7c5d0c644b249a11355"
WORKFLOW = """name: ci
on: push
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: build
        uses: docker/build-push-action@v6  # floats
        with:
          push: true
      - uses: "docker/build-push-action@b32b51a8eda65d6793cd0494a773d4f6bcef32dc" # v6.11.0
"""


def pinned(text: str = WORKFLOW, action: str = "docker/build-push-action"):
    return pin("acme/web", ".github/workflows/ci.yml", text, action=action, version="v6.10.0", sha=SHA)


def test_every_use_is_pinned_and_nothing_else_changes() -> None:
    change = pinned()
    assert change is not None
    added = [line[1:] for line in change.patch.splitlines() if line.startswith("+") and not line.startswith("+++")]
    removed = [line for line in change.patch.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert added == [
        f"        uses: docker/build-push-action@{SHA} # v6.10.0",
        f"      - uses: docker/build-push-action@{SHA} # v6.10.0",
    ]
    assert len(removed) == 2
    assert change.refs == ("v6", "b32b51a8eda65d6793cd0494a773d4f6bcef32dc")


@pytest.mark.parametrize("text", [WORKFLOW, WORKFLOW.rstrip("\n"), WORKFLOW.replace("\n", "\r\n")])
def test_git_applies_the_patch(tmp_path: Path, text: str) -> None:
    change = pinned(text)
    assert change is not None
    file = tmp_path / change.path
    file.parent.mkdir(parents=True)
    file.write_bytes(text.encode())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, check=True, input=change.patch.encode())
    assert pin("acme/web", change.path, file.read_bytes().decode(), action="docker/build-push-action",
               version="v6.10.0", sha=SHA).patch == ""  # fmt: skip
    assert file.read_bytes().count(SHA.encode()) == 2


def test_a_workflow_without_the_action_needs_no_patch() -> None:
    assert pinned(action="docker/login-action") is None


def test_an_action_whose_name_only_begins_alike_is_left_alone() -> None:
    assert pinned("steps:\n  - uses: docker/build-push-action-fork@v1\n") is None


def test_the_path_inside_the_action_stays() -> None:
    change = pin("a/b", "w.yml", "- uses: github/codeql-action/init@v3\n", action="github/codeql-action",
                 version="v3.1.0", sha=SHA)  # fmt: skip
    assert change is not None
    assert f"+- uses: github/codeql-action/init@{SHA} # v3.1.0" in change.patch
