"""A use is resolved to an exact release: by commit first, by the time of the job where only a floating tag is known."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.facts.action_versions import plain_version, resolve_versions

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
BUILD = "docker/build-push-action"
OLD, NEW = "48aba3b46d1b1fec4febb7c5d0c644b249a11355", "b32b51a8eda65d6793cd0494a773d4f6bcef32dc"
RELEASES = pd.DataFrame(
    [
        {"action": BUILD, "tag": "v6.10.0", "sha": OLD, "published_at": pd.Timestamp("2024-11-26", tz="UTC")},
        {"action": BUILD, "tag": "v6.11.0", "sha": NEW, "published_at": pd.Timestamp("2025-01-07", tz="UTC")},
        {"action": BUILD, "tag": "v6", "sha": NEW, "published_at": pd.Timestamp("2024-06-01", tz="UTC")},
        {"action": BUILD, "tag": "v7.0.0-rc.1", "sha": "c" * 40, "published_at": pd.Timestamp("2025-01-01", tz="UTC")},
    ]
)
NONE_SEEN = pd.DataFrame(columns=["action", "tag", "sha", "first_seen_at", "last_seen_at", "seen_in"])


def resolved(ref: str | None, sha: str | None, at: str | None = None) -> object:
    uses = pd.DataFrame([{"action": BUILD, "ref": ref, "sha": sha, "version": None}])
    if at is not None:
        uses["used_at"] = pd.Timestamp(at, tz="UTC")
    return resolve_versions(uses, RELEASES, NONE_SEEN)["version"].iloc[0]


@pytest.mark.parametrize("ref", ["v6", "6", "v6.11", "v6.11.0", NEW, "main", None])
def test_a_known_commit_is_its_release_whatever_the_reference_says(ref: str | None) -> None:
    assert resolved(ref, NEW) == "6.11.0"


@pytest.mark.parametrize(("at", "version"), [("2025-01-05", "6.10.0"), ("2025-01-08", "6.11.0"), ("2024-01-01", None)])
def test_a_floating_tag_alone_is_what_it_pointed_to_at_the_jobs_time(at: str, version: str | None) -> None:
    assert resolved("v6", None, at) == version


def test_an_exact_tag_alone_is_its_own_answer_and_an_unknown_commit_is_none() -> None:
    assert resolved("v6.9.1", None) == "6.9.1"
    assert resolved("v6", "d" * 40) is None
    assert resolved("feature", None) is None


def test_a_tag_was_seen_at_a_commit_at_that_time() -> None:
    seen = pd.DataFrame(
        [{"action": BUILD, "tag": "v6", "sha": OLD, "first_seen_at": pd.Timestamp("2025-01-07", tz="UTC"),
          "last_seen_at": pd.Timestamp("2025-01-09", tz="UTC"), "seen_in": "log"}]
    )  # fmt: skip
    uses = pd.DataFrame(
        [{"action": BUILD, "ref": "v6", "sha": None, "version": None, "used_at": pd.Timestamp("2025-01-08", tz="UTC")}]
    )
    assert resolve_versions(uses, RELEASES, seen)["version"].iloc[0] == "6.10.0"


def test_versions_are_written_without_the_v_and_other_tags_stay() -> None:
    assert [plain_version(tag) for tag in ("v6.11.0", "6.11.0", "stable", "v6")] == ["6.11.0", "6.11.0", "stable", "v6"]


def test_what_was_resolved_before_stays_and_empty_tables_resolve_to_nothing() -> None:
    uses = pd.DataFrame([{"action": BUILD, "ref": "v6", "sha": NEW, "version": "9.9.9"}])
    assert resolve_versions(uses, RELEASES, NONE_SEEN)["version"].tolist() == ["9.9.9"]
    assert resolve_versions(uses.assign(version=None), RELEASES.head(0), NONE_SEEN)["version"].tolist() == [None]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real captures are not beside the repository")
def test_every_real_exact_tag_is_found_again_by_its_commit() -> None:
    document = json.loads((SHARED / "action_tags.json").read_text("utf-8"))
    tags = [
        {"action": action, "tag": tag["tag"], "sha": tag["commit_sha"], "published_at": tag["commit_date"]}
        for action, record in document.items()
        for tag in record["tags"]
        if tag["tag"].count(".") == 2
    ]
    releases = pd.DataFrame(tags)
    uses = releases.rename(columns={"tag": "ref"}).assign(ref="v1", version=None)[["action", "ref", "sha", "version"]]
    found = resolve_versions(uses, releases, NONE_SEEN)["version"]
    at_commit = releases.groupby(["action", "sha"])["tag"].agg(set)
    assert len(releases) > 100
    for (action, sha), version in zip(zip(releases["action"], releases["sha"], strict=True), found, strict=True):
        assert version in {plain_version(tag) for tag in at_commit[(action, sha)]}
