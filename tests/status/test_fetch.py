"""Asking pages: known ones, any address, half of them failing."""

import time
from datetime import UTC, datetime

import pytest

from analysis.errors import ServiceUnavailableError, UsageError
from analysis.status import fetch_status, providers, web
from analysis.status.providers import Provider
from tests.status.bodies import NOW, PAGE, at, incident, statusio_rss, statuspage
from tests.status.server import serving

RSS = statusio_rss(("January 8, 2025 05:00 PST", "Investigating", "Pulls fail"))
JSON = statuspage(incident())


def test_an_address_is_filed_under_the_name_given() -> None:
    with serving({"/feed.xml": RSS}) as page:
        fetched = fetch_status(["docker-hub"], url=f"{page.root}/feed.xml", now=NOW)
    assert [(row["provider"], row["components"]) for row in fetched.incidents] == [("docker-hub", ["docker-hub"])]
    assert (fetched.answered, fetched.exit_code, fetched.requests) == ({"docker-hub": "feed"}, 0, 1)


def test_without_a_name_the_host_is_the_name() -> None:
    with serving({"/rss": RSS}) as page:
        fetched = fetch_status(url=f"{page.root}/rss", now=NOW)
    assert fetched.incidents[0]["provider"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/api/v2/incidents.json", JSON, "statuspage"),
        ("/summary.json", {"page": {"status": "UP"}}, "instatus"),
        ("/index.json", {"data": {"type": "status_page"}, "included": []}, "betterstack"),
        ("/history.atom", RSS, "feed"),
        ("/rss", RSS, "feed"),
    ],
)
def test_a_bare_page_is_tried_for_what_its_engine_serves(path: str, body: object, kind: str) -> None:
    with serving({"/": "<!doctype html><html></html>", path: body}) as page:
        fetched = fetch_status(["mirror"], url=page.root, now=NOW)
    assert (fetched.answered, fetched.failures) == ({"mirror": kind}, [])


def test_a_page_that_answers_every_path_with_html_is_found_by_the_feed_it_links() -> None:
    html = '<!DOCTYPE html><link rel="alternate" type="application/rss+xml" href="/my/feed?a=1&amp;b=2">'
    answers = {"/": html, "/my/feed?a=1&b=2": RSS, "/summary.json": "<html></html>"}
    with serving(answers) as page:
        fetched = fetch_status(["mirror"], url=page.root + "/", now=NOW)
    assert fetched.answered == {"mirror": "feed"}


def test_a_page_of_statusio_is_found_by_the_number_in_its_links() -> None:
    number = "533c6539221ae15e3f000031"
    answers = {"/": f'<html><a href="/pages/history/{number}">History</a></html>', f"/pages/{number}/rss": RSS}
    with serving(answers) as page:
        assert fetch_status(["mirror"], url=page.root, now=NOW).answered == {"mirror": "feed"}


def test_a_page_with_nothing_for_machines_is_refused_with_what_to_give() -> None:
    with serving({"/": "<html>All good</html>"}) as page, pytest.raises(UsageError, match="page for people"):
        fetch_status(["mirror"], url=page.root, now=NOW)


def month(name: str, *codes: str) -> dict[str, object]:
    return {"name": name, "year": 2024, "incidents": [{"code": code} for code in codes]}


def archive() -> dict[str, object]:
    old = incident(id="oldone123456", created_at="2024-06-05T10:00:00Z", resolved_at="2024-06-05T11:00:00Z")
    return {
        "/api/v2/incidents.json": JSON,
        "/history.json?page=1": {"months": [month("December"), month("November")]},
        "/history.json?page=2": {"months": [month("June", "oldone123456"), month("April", "tooold123456")]},
        "/history.json?page=3": {"months": [month("January", "ancient12345")]},
        "/api/v2/incidents/oldone123456.json": {"page": PAGE, "incident": old},
    }


def test_the_archive_of_statuspage_is_walked_back_to_since_and_no_further() -> None:
    with serving(archive()) as page:
        fetched = fetch_status(["github"], url=page.root, since=datetime(2024, 5, 1, tzinfo=UTC), now=NOW)
    assert {row["incident_id"] for row in fetched.incidents} == {"abc123def456", "oldone123456"}
    assert "/api/v2/incidents/tooold123456.json" not in page.asked
    assert fetched.failures == []


def test_an_incident_that_is_known_and_over_is_not_fetched_again() -> None:
    with serving(archive()) as page:
        known = {("github", "oldone123456")}
        fetch_status(["github"], url=page.root, since=datetime(2024, 5, 1, tzinfo=UTC), now=NOW, known=known)
    assert "/api/v2/incidents/oldone123456.json" not in page.asked


def test_a_page_without_an_archive_gives_what_it_has() -> None:
    with serving({"/api/v2/incidents.json": JSON}) as page:
        since = datetime(2024, 5, 1, tzinfo=UTC)
        fetched = fetch_status(["github"], url=f"{page.root}/api/v2/incidents.json", since=since, now=NOW)
    assert (len(fetched.incidents), fetched.exit_code) == (1, 0)


def test_a_damaged_archive_is_done_in_part_and_says_where() -> None:
    answers = archive() | {"/api/v2/incidents/oldone123456.json": 500}
    with serving(answers) as page:
        fetched = fetch_status(["github"], url=page.root, since=datetime(2024, 5, 1, tzinfo=UTC), now=NOW)
    assert fetched.exit_code == 3
    assert "oldone123456.json" in fetched.failures[0].reason


def test_what_was_over_before_since_is_left_out_and_what_is_open_is_kept() -> None:
    running = incident(id="openopenopen", resolved_at=None, status="investigating")
    with serving({"/x": statuspage(incident(), running)}) as page:
        fetched = fetch_status(["github"], url=f"{page.root}/x", since=at("2025-01-15T00:00:00+00:00"), now=NOW)
    assert [row["incident_id"] for row in fetched.incidents] == ["openopenopen"]
    assert {row["incident_id"] for row in fetched.incident_updates} == {"openopenopen"}


def known_pages(monkeypatch: pytest.MonkeyPatch, root: str) -> None:
    made = {
        "good": Provider("good", "Good", history=(f"{root}/good",), default=("npm",), first_look=True),
        "bad": Provider("bad", "Bad", history=(f"{root}/bad",), first_look=True),
    }
    monkeypatch.setattr(providers, "load_providers", lambda: made)


def test_half_of_the_pages_failing_hides_nothing_of_the_other_half(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"/good": RSS, "/bad": 503}) as page:
        known_pages(monkeypatch, page.root)
        fetched = fetch_status(["good", "bad"], now=NOW)
    assert fetched.answered == {"good": "feed"}
    assert fetched.exit_code == 3
    assert "bad" in fetched.failures[0].reason
    assert f"{page.root}/bad" in fetched.failures[0].reason


def test_all_of_them_failing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({}) as page:
        known_pages(monkeypatch, page.root)
        assert fetch_status([], now=NOW).exit_code == 1


def test_an_unknown_name_without_an_address_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'our-mirror'.*--url.*docker-hub, github"):
        fetch_status(["our-mirror"])


@pytest.mark.parametrize(
    ("status", "word"), [(401, "private"), (403, "browser"), (404, "moved"), (429, "wait"), (500, "later")]
)
def test_each_refusal_says_what_to_do(status: int, word: str) -> None:
    with serving({"/x": status}) as page:
        fetched = fetch_status(["mirror"], url=f"{page.root}/x", now=NOW)
    assert fetched.exit_code == 1
    assert f"answered {status}" in fetched.failures[0].reason
    assert word in fetched.failures[0].reason


@pytest.mark.parametrize("url", ["ftp://x/y", "file:///etc/passwd", "status.example.com", "https://", "http://[::1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="https://"):
        fetch_status(["mirror"], url=url, now=NOW)


def test_no_credential_is_ever_sent(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", "utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving({"/rss": RSS}) as page:
        fetch_status(["mirror"], url=f"{page.root}/rss", now=NOW)
    assert all("Authorization" not in headers for headers in page.headers)


def test_a_redirect_is_followed_and_a_circle_is_not() -> None:
    answers = {"/a": (302, {"Location": "/rss"}, b""), "/rss": RSS, "/c": (302, {"Location": "/c"}, b"")}
    with serving(answers) as page:
        assert fetch_status(["mirror"], url=f"{page.root}/a", now=NOW).answered == {"mirror": "feed"}
        assert "circles" in fetch_status(["mirror"], url=f"{page.root}/c", now=NOW).failures[0].reason


def test_statusios_feed_and_json_are_one_incident_with_the_facts_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    identifier = "68f5e1c741c825463df7486c"
    rss = statusio_rss(("October 20, 2025 00:16 PDT", "Investigating", "Errors"), identifier=identifier,
                       published="Mon, 20 Oct 2025 09:40:00 GMT")  # fmt: skip
    now = {"result": {"status_overall": {"status_code": 500}, "status": [], "incidents": [
        {"name": "Errors", "_id": identifier, "datetime_open": "2025-10-20T07:16:23.700Z",
         "components_affected": [{"name": "Docker Hub Registry"}],
         "messages": [{"state": 100, "status": 500, "datetime": "2025-10-20T07:16:24Z", "details": ""}]}]}}  # fmt: skip
    with serving({"/rss": rss, "/now": now}) as page:
        docker = Provider("docker-hub", "Docker", history=(f"{page.root}/rss", f"{page.root}/now"))
        monkeypatch.setattr("analysis.status.fetch.provider_named", lambda name: docker)
        (row,) = fetch_status(["docker-hub"], now=NOW).incidents
    assert (row["impact"], row["incident_id"]) == ("critical", identifier)


def test_a_page_that_never_answers_is_given_up_in_time() -> None:
    with serving({"/rss": RSS}, delay=3.0) as page:
        started = time.monotonic()
        with pytest.raises(ServiceUnavailableError, match="in time"):
            web.get(web.make_session(retries=0), f"{page.root}/rss", timeout=0.3)
    assert time.monotonic() - started < 3.5


@pytest.mark.parametrize("end", ["", "/"])
def test_a_page_below_a_path_is_tried_there_first(end: str) -> None:
    answers = {f"/status/mirror{end}": "<html></html>", "/status/mirror/history.atom": RSS, "/history.atom": 500}
    with serving(answers) as page:
        assert fetch_status(["mirror"], url=f"{page.root}/status/mirror{end}", now=NOW).answered == {"mirror": "feed"}


def test_a_host_that_does_not_answer_is_one_failure_however_many_addresses_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = Provider("gone", "Gone", history=("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"))
    monkeypatch.setattr("analysis.status.fetch.provider_named", lambda name: gone)
    fetched = fetch_status(["gone"], now=NOW)
    assert [failure.url for failure in fetched.failures] == ["http://127.0.0.1:9/a"]


def test_a_quiet_quarter_is_not_the_end_of_the_archive_but_three_are() -> None:
    answers = archive()
    answers |= {f"/history.json?page={number}": {"months": []} for number in (1, 2)}
    answers["/history.json?page=3"] = {"months": [month("June", "oldone123456")]}
    answers |= {f"/history.json?page={number}": {"months": []} for number in range(4, 12)}
    with serving(answers) as page:
        fetched = fetch_status(["github"], url=page.root, since=datetime(2023, 5, 1, tzinfo=UTC), now=NOW)
    assert "oldone123456" in {row["incident_id"] for row in fetched.incidents}
    assert "/history.json?page=6" in page.asked
    assert "/history.json?page=7" not in page.asked
