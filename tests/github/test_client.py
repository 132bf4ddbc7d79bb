"""What the client sends, what it keeps to itself, and what it makes of answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from analysis.errors import (
    AuthenticationError,
    BudgetSpentError,
    GoneError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RemoteError,
    ServiceUnavailableError,
)
from analysis.github import GitHub, find_token
from tests.github.transport import Clock, Script, client

BLOB = "https://blobs.example.net/log?sig=abc"


def test_a_request_says_version_agent_and_token() -> None:
    script = Script([(200, {}, {"id": 1})])
    assert client(script).get("/repos/o/r", {"ref": "a b", "none": None}) == {"id": 1}
    sent = script.sent[0]
    assert sent.url == "https://api.github.com/repos/o/r?ref=a+b"
    assert sent.headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert sent.headers["User-Agent"].startswith("actions-incident-kit/")
    assert sent.headers["Authorization"] == "Bearer ghp_secret"


def test_pages_follow_the_link_on_the_own_host_whatever_host_it_names() -> None:
    link = '<https://elsewhere.example/repositories/7/actions/runs?page=2>; rel="next", <https://x/?page=9>; rel="last"'
    script = Script([(200, {"Link": link}, {"runs": [1, 2]}), (200, {}, {"runs": [3, None]})])
    github = client(script)
    assert list(github.pages("/repos/o/r/actions/runs", {}, "runs")) == [1, 2, 3]
    assert script.sent[1].url == "https://api.github.com/repositories/7/actions/runs?page=2"
    assert github.requests == 2


def test_a_next_link_that_leads_back_ends_the_list() -> None:
    script = Script([(200, {"Link": '<https://api.github.com/x>; rel="next"'}, [1])])
    assert list(client(script).pages("/x")) == [1]


def test_a_log_is_fetched_from_the_other_host_without_the_token() -> None:
    script = Script([(302, {"Location": BLOB}, b""), (200, {}, b"the log\n")])
    github = client(script)
    assert github.job_log("o/r", 5) == b"the log\n"
    assert script.sent[1].url == BLOB
    assert "Authorization" not in script.sent[1].headers
    assert github.requests == 2


def test_a_netrc_entry_never_takes_the_place_of_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password other-secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    script = Script([(302, {"Location": BLOB}, b""), (200, {}, b"log")])
    client(script).job_log("o/r", 5)
    assert script.sent[0].headers["Authorization"] == "Bearer ghp_secret"
    assert "Authorization" not in script.sent[1].headers


def test_a_log_link_that_expired_meanwhile_is_asked_for_again() -> None:
    redirect = (302, {"Location": BLOB}, b"")
    script = Script([redirect, (403, {}, b"<Error>AuthenticationFailed</Error>"), redirect, (200, {}, b"log")])
    assert client(script).job_log("o/r", 5) == b"log"


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ([(404, {}, {"message": "Not Found"})], NotFoundError),
        ([(410, {}, {"message": "Server Error"})], GoneError),
        ([(302, {"Location": BLOB}, b""), (404, {}, b"BlobNotFound")], GoneError),
        ([(403, {}, {"message": "Must have admin rights to Repository."})], PermissionDeniedError),
        (
            [(403, {"X-RateLimit-Remaining": "0"}, {"message": "Must have admin rights to Repository."})],
            PermissionDeniedError,
        ),
    ],
)
def test_a_log_that_cannot_be_had_says_why_at_once(replies: list[object], error: type[RemoteError]) -> None:
    clock = Clock()
    with pytest.raises(error):
        client(Script(replies), clock).job_log("o/r", 5)  # type: ignore[arg-type]
    assert clock.slept == []


def test_a_redirect_to_plain_http_is_refused() -> None:
    script = Script([(302, {"Location": "http://169.254.169.254/latest"}, b"")])
    with pytest.raises(RemoteError, match="not https"):
        client(script).job_log("o/r", 5)
    assert len(script.sent) == 1


def test_a_moved_repository_keeps_the_token_on_its_own_host_and_loses_it_elsewhere() -> None:
    own = Script([(301, {"Location": "https://api.github.com/repositories/7"}, b""), (200, {}, {"id": 7})])
    assert client(own).get("/repos/o/r") == {"id": 7}
    assert "Authorization" in own.sent[1].headers
    away = Script([(301, {"Location": "https://elsewhere.example/repositories/7"}, b""), (200, {}, {"id": 7})])
    client(away).get("/repos/o/r")
    assert "Authorization" not in away.sent[1].headers


def test_the_primary_limit_is_waited_for_by_the_servers_own_clock() -> None:
    clock = Clock()
    headers = {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1736000400",
        "Date": "Sat, 04 Jan 2025 14:18:20 GMT",  # 1736000300: 300 seconds later than ours
    }
    script = Script([(403, headers, {"message": "API rate limit exceeded for user ID 1."}), (200, {}, [])])
    assert client(script, clock).get("/x") == []
    assert clock.slept == [101.0]


def test_a_limit_without_waiting_is_an_error_that_says_how_long() -> None:
    script = Script([(429, {"Retry-After": "90"}, {"message": "secondary rate limit"})])
    with pytest.raises(RateLimitError) as caught:
        client(script, wait=False).get("/x")
    assert caught.value.wait_seconds == 90


def test_a_secondary_limit_waits_as_told_else_longer_each_time() -> None:
    clock = Clock()
    spoken = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    script = Script([(403, {"Retry-After": "7"}, spoken), (403, {}, spoken), (403, {}, spoken), (200, {}, [])])
    client(script, clock).get("/x")
    assert clock.slept == [7, 120, 240]


def test_nothing_is_sent_into_a_limit_that_the_last_answer_announced() -> None:
    clock = Clock()
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now) + 50)}
    script = Script([(200, headers, 1), (200, {}, 2)])
    github = client(script, clock)
    github.get("/x")
    told: list[float] = []
    github.gate.on_wait = told.append
    github.get("/y")
    assert clock.slept == [51.0] and told == [51.0]


def test_a_502_in_html_and_a_reset_are_tried_again_and_counted() -> None:
    script = Script([(502, {}, b"<html>Unicorn!</html>"), requests.ConnectionError("reset"), (200, {}, [1])])
    github = client(script)
    assert github.get("/x") == [1]
    assert github.requests == 3


def test_a_server_that_stays_down_gives_one_clear_line_without_html() -> None:
    script = Script([(503, {}, b"<html><b>maintenance</b></html>")])
    with pytest.raises(ServiceUnavailableError) as caught:
        client(script).get("/x")
    assert "503" in caught.value.line() and "<" not in caught.value.line()
    assert len(script.sent) == 5


def test_html_in_a_200_is_named_and_no_crash() -> None:
    with pytest.raises(ServiceUnavailableError, match="not JSON"):
        client(Script([(200, {}, b"<html>Sign in to the hotel</html>")])).get("/x")


@pytest.mark.parametrize(
    ("status", "headers", "error", "words"),
    [
        (401, {}, AuthenticationError, "Actions, Contents, Metadata and Pull requests: read"),
        (404, {}, NotFoundError, "private"),
        (403, {"X-GitHub-SSO": "required; url=https://github.com/orgs/o/sso?a=1"}, PermissionDeniedError, "orgs/o/sso"),
        (422, {}, RemoteError, "422"),
    ],
)
def test_an_error_says_what_to_do(status: int, headers: dict[str, str], error: type[RemoteError], words: str) -> None:
    with pytest.raises(error) as caught:
        client(Script([(status, headers, {"message": "No"})])).get("/repos/o/r", {"secret": "query"})
    assert words in caught.value.line()
    assert "query" not in caught.value.line()


def test_partial_results_of_single_sign_on_are_remembered() -> None:
    github = client(Script([(200, {"X-GitHub-SSO": "partial-results; organizations=21955855"}, [])]))
    github.get("/orgs/o/repos")
    assert github.partial == {"/orgs/o/repos": "partial-results; organizations=21955855"}


def test_an_answer_with_an_etag_is_not_sent_twice(tmp_path: Path) -> None:
    link = {"ETag": 'W/"a"', "Link": '<https://api.github.com/y>; rel="next"'}
    script = Script([(200, link, {"n": 1}), (304, {"ETag": 'W/"a"'}, b"")])
    github = client(script, cache_dir=tmp_path)
    assert github.get("/x") == {"n": 1}
    assert next(iter(github.lists("/x"))) == {"n": 1}
    assert "If-None-Match" not in script.sent[0].headers
    assert script.sent[1].headers["If-None-Match"] == 'W/"a"'


def test_another_token_does_not_see_what_was_kept(tmp_path: Path) -> None:
    script = Script([(200, {"ETag": 'W/"a"'}, 1)])
    client(script, cache_dir=tmp_path).get("/x")
    client(script, cache_dir=tmp_path, token="other").get("/x")
    assert "If-None-Match" not in script.sent[1].headers


def test_a_damaged_kept_answer_is_asked_for_anew(tmp_path: Path) -> None:
    script = Script([(200, {"ETag": 'W/"a"'}, 1)])
    client(script, cache_dir=tmp_path).get("/x")
    for file in tmp_path.rglob("*"):
        if file.is_file():
            file.write_bytes(b'{"etag": "x"}\nrubbish')
    assert client(script, cache_dir=tmp_path).get("/x") == 1


def test_the_budget_holds_for_every_kind_of_request() -> None:
    script = Script([(302, {"Location": BLOB}, b""), (200, {}, b"log")])
    github = client(script, budget=3)
    github.job_log("o/r", 1)
    with pytest.raises(BudgetSpentError):
        github.job_log("o/r", 2)
    assert github.requests == 2 and github.remaining == 1


def test_many_threads_never_exceed_the_budget() -> None:
    script = Script([(200, {}, 1)])
    github = client(script, budget=10)

    def ask(number: int) -> bool:
        try:
            return bool(github.get(f"/{number}"))
        except BudgetSpentError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(40))) == 10
    assert len(script.sent) == 10


def test_requests_are_spaced_out_to_the_pace() -> None:
    clock = Clock()
    github = client(Script([(200, {}, 1)]), clock, pace=10.0)
    for _ in range(4):
        github.get("/x")
    assert sum(clock.slept) == pytest.approx(0.3, abs=1e-6)


def test_a_log_beyond_the_bound_keeps_its_head_and_its_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.github.client.LOG_LIMIT", 400_000)
    log = b"head\n" + b"x" * 3_000_000 + b"\ntail"
    got = client(Script([(302, {"Location": BLOB}, b""), (200, {}, log)])).job_log("o/r", 1)
    assert got.startswith(b"head\n") and got.endswith(b"\ntail")
    assert len(got) < 700_000


def test_without_a_token_the_permissions_are_named() -> None:
    with pytest.raises(AuthenticationError) as caught:
        GitHub(None)
    assert "Actions, Contents, Metadata and Pull requests: read" in caught.value.line()
    GitHub(None, "http://127.0.0.1:9")


def test_a_token_with_a_line_break_is_refused_before_it_is_sent() -> None:
    with pytest.raises(AuthenticationError):
        GitHub("ghp_a\nHost: evil")


def test_a_token_is_found_in_the_environment_then_asked_of_gh() -> None:
    def gh(command: object) -> str:
        return "from-gh\n" if "github.com" in command else ""  # type: ignore[operator]

    assert find_token({"GITHUB_TOKEN": " a\n", "GH_TOKEN": "b"}, gh) == "a"
    assert find_token({"GITHUB_TOKEN": "", "GH_TOKEN": "b"}, gh) == "b"
    assert find_token({}, gh) == "from-gh"
    assert find_token({}, gh, "ghe.example") is None
    assert find_token({"GITHUB_TOKEN": "a", "GH_ENTERPRISE_TOKEN": "e"}, gh, "ghe.example") == "e"
