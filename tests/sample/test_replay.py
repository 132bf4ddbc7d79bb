"""The replayed history behaves as GitHub's servers do."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from analysis.sample.objects import commit_object, job_object, repository_object, run_object, stable_sha, tag_object
from analysis.sample.raw import RawHistory, RawRepo, StatusAnswer
from analysis.sample.replay import Answer, replay_session, respond

START = datetime(2025, 1, 1, tzinfo=UTC)
RUNS = 1_205
NAME = "acme/web"
TOKEN = {"Authorization": "Bearer secret"}
WORKFLOW = ".github/workflows/ci.yml"
API = "https://api.github.com"
BELOW = f"{API}/repos/{NAME}"


def build() -> RawHistory:
    """A run every ten minutes, each with a commit; the last one was run again a day later."""
    runs: list[dict[str, Any]] = []
    commits: list[dict[str, Any]] = []
    for number in range(RUNS):
        at = START + timedelta(minutes=10 * number)
        sha = stable_sha("commit", number)
        branch = "main" if number % 5 else "dev"
        runs.append(
            run_object(NAME, created_at=at, run_number=number, head_sha=sha, head_branch=branch, pull_request=7)
        )
        parents = [commits[-1]["sha"]] if commits else []
        commits.append(commit_object(NAME, sha, at, parents=parents))
    failed = {**runs[-1], "conclusion": "failure"}
    again = START + timedelta(days=20)
    runs[-1] = run_object(
        NAME, created_at=START + timedelta(minutes=10 * (RUNS - 1)), run_number=RUNS - 1, run_attempt=2,
        head_sha=commits[-1]["sha"], run_started_at=again, updated_at=again + timedelta(minutes=5),
    )  # fmt: skip
    jobs = [job_object(failed, conclusion="failure"), job_object(runs[-1]), job_object(runs[0])]
    skipped = job_object(runs[0], name="deploy", conclusion="skipped")
    log = "\ufeff2025-01-09T08:40:01.0000000Z ##[error]Process completed with exit code 1.\n".encode()
    repo = RawRepo(
        repository_object(NAME),
        runs=runs,
        attempts=[failed],
        jobs=[*jobs, skipped],
        logs={job["id"]: log for job in jobs[:2]},
        commits=commits[::-1],
        tags=[tag_object(NAME, tag, commits[0]["sha"]) for tag in ("v1", "v1.0.0", "v2")],
        contents={(commits[3]["sha"], WORKFLOW): "one\n", (commits[900]["sha"], WORKFLOW): "two\n"},
    )
    hidden = RawRepo(repository_object("acme/hidden", private=True))
    page = {"page": {"id": "p"}, "incidents": [{"id": "i", "resolved_at": None}]}
    return RawHistory(
        {NAME: repo, "acme/hidden": hidden},
        {"github": StatusAnswer("json", json.dumps(page)), "docker-hub": StatusAnswer("rss", "<rss/>")},
    )


HISTORY = build()
REPO = HISTORY.repos[NAME]
FAILED = REPO.jobs[0]


def ask(path: str, headers: dict[str, str] = TOKEN, **settings: Any) -> Answer:
    url = path if path.startswith("http") else f"{BELOW}{path}"
    return respond(HISTORY, "GET", url, headers, **settings)


def body(path: str, **settings: Any) -> Any:
    answer = ask(path, **settings)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_runs_come_newest_first_in_pages_that_link_to_each_other() -> None:
    answer = ask("/actions/runs?per_page=100&page=2")
    told = json.loads(answer.body)
    times = [run["created_at"] for run in told["workflow_runs"]]
    assert times == sorted(times, reverse=True) and len(times) == 100
    assert told["total_count"] == RUNS
    links = {link["rel"]: link["url"] for link in requests.utils.parse_header_links(answer.headers["Link"])}
    assert links["next"] == f"{BELOW}/actions/runs?per_page=100&page=3"
    assert links["last"].endswith("page=13") and links["prev"].endswith("page=1")
    assert "next" not in ask("/actions/runs?per_page=100&page=13").headers["Link"]


def test_a_filtered_list_ends_silently_at_a_thousand_results() -> None:
    path = "/actions/runs?per_page=100&created=>=2025-01-01"
    told = body(f"{path}&page=10")
    assert told["total_count"] == RUNS and len(told["workflow_runs"]) == 100
    assert body(f"{path}&page=11")["workflow_runs"] == []
    assert len(body("/actions/runs?per_page=100&page=11")["workflow_runs"]) == 100


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("created=2025-01-02..2025-01-02", 144),
        ("created=2025-01-02", 144),
        ("created=2025-01-01T23:00:00Z..2025-01-02T01:00:00Z", 13),
        ("created=2025-01-02T00:00:00%2B01:00..2025-01-02T01:00:00%2B01:00", 7),
        ("created=<2025-01-01T01:00:00Z", 6),
        ("created=<=2025-01-01T01:00:00Z", 7),
        ("created=>2025-01-09T08:00:00Z", 4),
        ("created=*..2025-01-01", 144),
        ("branch=dev&created=2025-01-02", 29),
        ("status=failure", 0),
        (f"head_sha={REPO.runs[5]['head_sha']}", 1),
        ("event=schedule", 0),
    ],
)
def test_filters_take_githubs_search_syntax(query: str, count: int) -> None:
    assert body(f"/actions/runs?per_page=1&{query}")["total_count"] == count


def test_pull_requests_are_left_out_where_that_is_asked() -> None:
    assert body("/actions/runs?page=3")["workflow_runs"][0]["pull_requests"]
    assert not body("/actions/runs?page=3&exclude_pull_requests=true")["workflow_runs"][0]["pull_requests"]


def test_a_rerun_shows_at_its_time_and_does_not_move_the_creation() -> None:
    number = REPO.runs[-1]["id"]
    before, after = START + timedelta(days=15), START + timedelta(days=21)
    assert body(f"/actions/runs/{number}", now=before)["conclusion"] == "failure"
    later = body(f"/actions/runs/{number}", now=after)
    assert (later["conclusion"], later["run_attempt"]) == ("success", 2)
    assert later["created_at"] == REPO.attempts[0]["created_at"]
    assert body(f"/actions/runs/{number}/attempts/1", now=after)["conclusion"] == "failure"
    for which, attempts in (("latest", [2]), ("all", [1, 2])):
        jobs = body(f"/actions/runs/{number}/jobs?filter={which}", now=after)["jobs"]
        assert sorted(job["run_attempt"] for job in jobs) == attempts


def test_what_has_not_happened_yet_is_not_there() -> None:
    now = START + timedelta(minutes=22)
    shown = body("/actions/runs", now=now)["workflow_runs"]
    assert [(run["run_number"], run["status"], run["conclusion"]) for run in shown] == [
        (2, "in_progress", None),
        (1, "completed", "success"),
        (0, "completed", "success"),
    ]


def test_an_etag_brings_304_until_the_answer_changes() -> None:
    first = ask("")
    same = ask("", {**TOKEN, "If-None-Match": first.headers["ETag"]})
    assert (same.status, same.body) == (304, b"")
    assert ask("/actions/runs", {**TOKEN, "If-None-Match": first.headers["ETag"]}).status == 200


def test_the_rate_limit_counts_down_and_then_refuses() -> None:
    assert ask("", used=4_989).headers["X-RateLimit-Remaining"] == "10"
    spent = ask("", used=5_000)
    assert spent.status == 403 and b"rate limit" in spent.body
    assert spent.headers["X-RateLimit-Remaining"] == "0"
    assert int(spent.headers["X-RateLimit-Reset"]) > HISTORY.ends_at.timestamp()
    assert ask("", {}).headers["X-RateLimit-Limit"] == "60"
    assert body(f"{API}/rate_limit", used=10)["rate"]["remaining"] == 4_990


def test_only_the_right_token_is_let_in() -> None:
    assert ask("", token="secret").status == 200
    assert ask("", {"Authorization": "Bearer other"}, token="secret").status == 401
    assert ask(f"{API}/repos/acme/hidden", {}).status == 404
    assert ask(f"{API}/repos/acme/hidden").status == 200
    assert ask(f"{API}/repos/acme/none").status == 404


def test_a_log_is_redirected_to_storage_that_takes_no_token_and_forgets() -> None:
    answer = ask(f"/actions/jobs/{FAILED['id']}/logs")
    assert answer.status == 302
    link = answer.headers["Location"]
    assert not link.startswith(API)
    assert ask(link, {}).body == REPO.logs[FAILED["id"]]
    assert ask(link, TOKEN).status == 400
    assert ask(link, {}, now=HISTORY.ends_at + timedelta(minutes=2)).status == 403
    assert ask(link.replace("sig=", "sig=0"), {}).status == 403


def test_a_log_that_is_gone_skipped_or_not_ours_says_so() -> None:
    path = f"/actions/jobs/{FAILED['id']}/logs"
    assert ask(path, now=HISTORY.ends_at + timedelta(days=91)).status == 410
    assert ask(f"/actions/jobs/{REPO.jobs[2]['id']}/logs").status == 410
    assert ask(f"/actions/jobs/{REPO.jobs[3]['id']}/logs").status == 404
    assert ask(path, {}).status == 403


def test_a_run_has_an_archive_with_a_text_for_each_job() -> None:
    link = ask(f"/actions/runs/{REPO.runs[-1]['id']}/attempts/1/logs").headers["Location"]
    with zipfile.ZipFile(io.BytesIO(ask(link, {}).body)) as archive:
        assert archive.namelist() == ["0_build.txt"]
        assert archive.read("0_build.txt") == REPO.logs[FAILED["id"]]


def test_annotations_follow_from_the_errors_of_the_log() -> None:
    told = body(f"/check-runs/{FAILED['id']}/annotations")
    assert [one["message"] for one in told] == ["Process completed with exit code 1."]


def test_a_file_reads_at_a_commit_as_its_last_change_before_left_it() -> None:
    raw = {**TOKEN, "Accept": "application/vnd.github.raw+json"}
    texts = [
        ask(f"/contents/{WORKFLOW}?ref={REPO.runs[number]['head_sha']}", raw).body for number in (3, 500, 900, 1_100)
    ]
    assert texts == [b"one\n", b"one\n", b"two\n", b"two\n"]
    assert ask(f"/contents/{WORKFLOW}?ref={REPO.runs[2]['head_sha']}", raw).status == 404
    changes = body(f"/commits?path={WORKFLOW}&sha=main")
    assert [commit["sha"] for commit in changes] == [REPO.runs[900]["head_sha"], REPO.runs[3]["head_sha"]]
    assert len(body(f"/commits?path={WORKFLOW}&since=2025-01-05T00:00:00Z")) == 1


def test_refs_are_matched_by_their_beginning() -> None:
    refs = [ref["ref"] for ref in body("/git/matching-refs/tags/v1")]
    assert refs == ["refs/tags/v1", "refs/tags/v1.0.0"]


def test_links_lead_to_the_server_that_was_asked() -> None:
    told = respond(HISTORY, "GET", f"https://ghe.example.com/api/v3/repos/{NAME}", TOKEN)
    assert json.loads(told.body)["url"] == f"https://ghe.example.com/api/v3/repos/{NAME}"


def test_status_pages_answer_at_their_hosts_and_below_status() -> None:
    session = replay_session(HISTORY)
    assert session.get("https://www.githubstatus.com/api/v2/incidents.json").json()["incidents"][0]["id"] == "i"
    assert session.get("https://www.githubstatus.com/api/v2/summary.json").json()["incidents"][0]["id"] == "i"
    feed = session.get("https://www.dockerstatus.com/pages/533c6539221ae15e3f000031/rss")
    assert (feed.text, feed.headers["Content-Type"].split(";")[0]) == ("<rss/>", "application/rss+xml")
    assert ask(f"{API}/status/docker-hub/rss", {}).body == b"<rss/>"
    assert session.get("https://status.npmjs.org/api/v2/incidents.json").status_code == 404


def test_a_session_has_no_other_network_and_follows_to_the_log_without_the_token() -> None:
    session = replay_session(HISTORY)
    log = session.get(f"{BELOW}/actions/jobs/{FAILED['id']}/logs", headers=TOKEN)
    assert log.content == REPO.logs[FAILED["id"]]
    with pytest.raises(requests.ConnectionError, match="no network"):
        session.get("https://example.org/")


def test_a_304_does_not_count_against_the_limit() -> None:
    session = replay_session(HISTORY)
    tag = session.get(BELOW, headers=TOKEN).headers["ETag"]
    assert session.get(BELOW, headers={**TOKEN, "If-None-Match": tag}).status_code == 304
    assert session.get(f"{API}/rate_limit", headers=TOKEN).json()["rate"]["used"] == 1


def test_a_history_can_go_on_while_it_is_served() -> None:
    session = replay_session(HISTORY, START + timedelta(minutes=5))
    assert session.get(f"{BELOW}/actions/runs", headers=TOKEN).json()["total_count"] == 1
    session.get_adapter(API).now = START + timedelta(minutes=25)  # type: ignore[attr-defined]
    assert session.get(f"{BELOW}/actions/runs", headers=TOKEN).json()["total_count"] == 3


def test_a_history_without_runs_is_served_too() -> None:
    empty = replace(HISTORY, repos={NAME: RawRepo(repository_object(NAME))})
    assert json.loads(respond(empty, "GET", f"{BELOW}/actions/runs", TOKEN).body) == {
        "total_count": 0,
        "workflow_runs": [],
    }
