"""Unknown failures of one template are one cluster, and a cluster becomes a signature that names it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.errors import UsageError
from analysis.facts.runner_log import read_job_log
from analysis.facts.signatures import load_catalogue
from analysis.facts.unknown import Cluster, cluster_unknown, matches_example, signature_toml


def failure(minute: int, text: str, component: str = "unknown") -> dict[str, object]:
    return {
        "repo": "acme/web", "job_id": minute, "component": component, "excerpt": f"starting\n{text}\nbye",
        "failed_at": datetime(2025, 1, 8, 10, minute, tzinfo=UTC),
    }  # fmt: skip


def clusters() -> list[Cluster]:
    rows = [failure(n, f"licence server lic{n}.acme.internal refused seat {n}00") for n in (9, 3, 5)]
    return cluster_unknown([*rows, failure(1, "something else went wrong entirely: error"), failure(2, "x", "npm")])


def test_one_template_is_one_growing_cluster_with_its_first_sighting() -> None:
    largest, other = clusters()
    assert (largest.count, other.count) == (3, 1)
    assert largest.first_seen == datetime(2025, 1, 8, 10, 3, tzinfo=UTC) and largest.jobs[0] == ("acme/web", 9)


def test_a_cluster_becomes_a_signature_that_the_reader_then_uses(tmp_path: Path) -> None:
    text = signature_toml(clusters()[0], name="mine.licence", component="other-registry", kind="auth-denied")
    assert matches_example(text, clusters()[0])
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    log = b"ERROR: licence server lic77.acme.internal refused seat 7\n"
    found = read_job_log(log, catalogue=load_catalogue(tmp_path / "mine.toml")).failure
    assert found is not None and (found.signature, found.kind) == ("mine.licence", "auth-denied")


@pytest.mark.parametrize("field", [{"component": "nobody"}, {"kind": "bad"}, {"name": "not a name!"}])
def test_a_signature_that_would_not_be_valid_is_refused(field: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        signature_toml(clusters()[0], **{"name": "mine.x", **field})
