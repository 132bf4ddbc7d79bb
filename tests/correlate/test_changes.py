"""What changed, and how far it reaches."""

from pathlib import Path

import pandas as pd

from analysis.correlate.changes import changes
from analysis.correlate.exposure import exposure
from analysis.correlate.reach import scope_summary
from analysis.scope import Scope
from tests.correlate.builder import BUILD_PUSH, History, at


def test_an_upgrade_its_rollback_and_a_red_commit_are_changes(tmp_path: Path) -> None:
    history = History()
    for hour, version in enumerate(["6.10.0", "6.10.0", "6.11.0", "6.11.0", "6.10.0"]):
        history.build(hour, version=version)
        history.build(hour, repo="acme/api", version="6.10.0" if hour < 3 else "6.11.0",
                      failed=hour > 3, component="user-code" if hour > 3 else None)  # fmt: skip
    history.build(6, repo="acme/api", version="6.11.0", failed=True, component="user-code")
    history.rows["releases"].append({"action": BUILD_PUSH, "tag": "v6.11.0", "sha": "b" * 40, "published_at": at(1)})
    store = history.write(tmp_path)
    got = changes(exposure(store, Scope()), store)
    versions = got[got["kind"] == "action-version"]
    assert versions[["from", "to", "repos"]].to_numpy().tolist() == [["6.10.0", "6.11.0", 2], ["6.11.0", "6.10.0", 1]]
    assert versions["at"].tolist() == [pd.Timestamp(at(2)), pd.Timestamp(at(4))]
    assert versions["url"].iloc[0] == f"https://github.com/{BUILD_PUSH}/releases/tag/v6.11.0"
    code = got[got["kind"] == "code"]
    assert code["name"].tolist() == ["acme/api:main"] and code["at"].tolist() == [pd.Timestamp(at(4))]


def test_the_scope_counts_failures_minutes_and_the_time_of_the_first_and_last(tmp_path: Path) -> None:
    history = History()
    history.build(0)
    history.build(1, failed=True, minutes=7)
    run = history.build(3, repo="acme/api", failed=True, minutes=3)
    history.run(4, repo="acme/api", run_id=run, attempt=2)
    history.job(run, 4, repo="acme/api", attempt=2, minutes=10)
    got = scope_summary(exposure(history.write(tmp_path), Scope())).as_scope()
    assert got == {
        "repos": 2, "workflows": 2, "branches": 2, "runs": 3, "jobs": 3, "failed_jobs": 2, "minutes_lost": 20.0,
        "first_failure_at": "2025-01-06T09:00:00Z", "last_failure_at": "2025-01-06T11:00:00Z", "censored_jobs": 0,
    }  # fmt: skip
