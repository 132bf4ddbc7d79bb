"""What words say: since when, which way, and where."""

import pytest

from tests.status.bodies import at, incident, statusio_rss, statuspage, statuspage_atom, the_incident, update

POSTED = "2025-10-20T07:16:23.000Z"


def told(text: str, *, name: str = "Registry errors", provider: str = "docker-hub", posted: str = POSTED):
    one = incident(
        name=name,
        created_at=posted,
        resolved_at="2025-10-20T10:05:00.000Z",
        components=[],
        incident_updates=[update(posted, text)],
    )
    return the_incident(statuspage(one), provider)


@pytest.mark.parametrize(
    ("text", "began"),
    [
        ("The issue began at 06:48 UTC.", "2025-10-20T06:48:00"),
        ("Errors since 06:48 UTC on October 20th.", "2025-10-20T06:48:00"),
        ("On October 20th, 2025 from 06:48 UTC to 10:05 UTC, pulls failed.", "2025-10-20T06:48:00"),
        ("Between 11:48 PM and 3:05 AM PDT we saw errors in US-EAST-1.", "2025-10-20T06:48:00"),
        ("We see an issue beginning at Sunday, 2025-10-19 23:48 US/Pacific.", "2025-10-20T06:48:00"),
        ("Errors started at 2:48 AM ET.", "2025-10-20T06:48:00"),
        ("Starting 06:48:31 UTC requests fail.", "2025-10-20T06:48:31"),
        ("From 06:48-10:05 UTC pulls failed.", "2025-10-20T06:48:00"),
        ("Between 19 October 22:00 UTC and 20 October 10:00 UTC pulls failed.", "2025-10-19T22:00:00"),
        ("It began at 08:48 UTC+2.", "2025-10-20T06:48:00"),
    ],
)
def test_a_beginning_in_the_text_is_earlier_than_the_post(text: str, began: str) -> None:
    row = told(text)
    assert (row["began_at"], row["began_source"]) == (at(began + "+00:00"), "text")
    assert row["posted_at"] == at("2025-10-20T07:16:23+00:00")


@pytest.mark.parametrize(
    "text",
    [
        "We are investigating.",
        "Next update by 06:50 UTC.",
        "We have seen recovery since 06:50 UTC.",
        "This looks like the previous outage, which began at 05:00 UTC.",
        "It began at 06:48.",
        "It began at 06:48 QQQ.",
        "A second wave started at 09:30 UTC.",
        "It began at 25:99 UTC.",
        "It began on 2025-10-02 06:48 UTC.",
        "The fix was started at 06:50 UTC and mitigation began at 06:51 UTC.",
    ],
)
def test_no_beginning_is_made_up(text: str) -> None:
    assert told(text, provider="mirror")["began_source"] == "post"


def test_a_time_without_letters_is_read_in_the_zone_of_a_known_page() -> None:
    row = told("It began at 23:48 on October 19.")
    assert row["began_at"] == at("2025-10-20T06:48:00+00:00")


def test_the_2025_outage_of_us_east_1_was_posted_28_minutes_late() -> None:
    row = the_incident(
        statusio_rss(
            ("October 20, 2025 00:16 PDT", "Investigating", "Hub is down. AWS errors began at 06:48 UTC."),
            ("October 20, 2025 03:05 PDT", "Resolved", "Recovered."),
            title="Full Service Disruption",
            identifier="68f5e1c741c825463df7486c",
            published="Mon, 20 Oct 2025 10:05:00 GMT",
        ),
        "docker-hub",
    )
    assert round((row["posted_at"] - row["began_at"]).total_seconds() / 60) == 28


@pytest.mark.parametrize(
    ("name", "text", "direction"),
    [
        ("Quay.io push unavailable", "Pulls are not affected.", "push"),
        ("Pushes fail", "Pulls continue to work.", "push"),
        ("Registry in read-only mode", "We are looking.", "push"),
        ("Image pull failures", "We are looking.", "pull"),
        ("Registry errors", "Downloads of layers fail with 403.", "pull"),
        ("Login errors", "Users cannot sign in.", "auth"),
        ("Elevated errors", "Anonymous pulls and password auth continue to work.", "all"),
        ("Errors on pull and push", "", "all"),
        ("Elevated errors", "We are pushing a fix.", "all"),
        ("Elevated errors", "Pull requests are slow.", "all"),
        ("Elevated errors", "", "all"),
    ],
)
def test_words_tell_the_direction(name: str, text: str, direction: str) -> None:
    assert told(text, name=name)["direction"] == direction


def test_a_platform_as_a_whole_has_no_direction() -> None:
    row = told("Downloads fail.", name="Incident with Actions", provider="github")
    assert (row["components"][0], row["direction"]) == ("gha-service", "all")


def test_regions_are_named_in_the_text() -> None:
    assert told("Errors in US-EAST-1 and eu-central-1.")["regions"] == ["us-east-1", "eu-central-1"]


def test_what_a_report_says_afterwards_does_not_widen_what_was_hit() -> None:
    row = the_incident(
        statuspage_atom(
            ("Jan 8, 15:00 UTC", "Resolved", "Copilot failed. Actions and Packages will alert earlier."),
            ("Jan 8, 13:00 UTC", "Investigating", "Copilot is failing."),
            title="Disruption with some GitHub services",
            published="2025-01-08T15:00:53Z",
        )
    )
    assert row["components"] == ["GitHub"]
