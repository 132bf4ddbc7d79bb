"""Atom and RSS: Statuspage without years, Status.io with letters, Azure, and any other feed."""

from tests.status.bodies import at, posts_of, read, statusio_rss, statuspage_atom, the_incident


def test_statusios_letters_are_read_as_the_pages_zone_and_the_id_gives_the_second() -> None:
    row = the_incident(
        statusio_rss(
            ("June 4, 2026 05:15 PDT", "Investigating", "Pulls fail"),
            ("June 4, 2026 06:43 PDT", "Resolved", "Over"),
            identifier="6a216c468614df05b0372d0d",
            published="Thu, 04 Jun 2026 13:43:08 GMT",
        ),
        "docker-hub",
    )
    assert row["incident_id"] == "6a216c468614df05b0372d0d"
    assert row["posted_at"] == row["began_at"] == at("2026-06-04T12:15:02+00:00")
    assert row["began_source"] == "id"
    assert row["resolved_at"] == at("2026-06-04T13:43:08+00:00")


def test_letters_of_the_wrong_half_of_the_year_are_put_right_by_the_id() -> None:
    answer = read(
        statusio_rss(("June 4, 2026 05:15 PST", "Investigating", "x"), identifier="6a216c468614df05b0372d0d",
                     published="Thu, 04 Jun 2026 13:43:08 GMT"),
        "docker-hub",
    )  # fmt: skip
    assert answer.incidents[0]["posted_at"] == at("2026-06-04T12:15:02+00:00")
    assert "zone letters are off by 1:00:00" in answer.problems[0]


def test_unknown_letters_are_settled_by_the_id() -> None:
    row = the_incident(
        statusio_rss(("June 4, 2026 17:45 XYZT", "Investigating", "x"), identifier="6a216c468614df05b0372d0d",
                     published="Thu, 04 Jun 2026 13:43:08 GMT"),
        "docker-hub",
    )  # fmt: skip
    assert row["posted_at"] == at("2026-06-04T12:15:02+00:00")


def test_the_publication_date_of_statusio_is_its_last_update() -> None:
    row = the_incident(
        statusio_rss(("April 20, 2026 01:48 PDT", "Investigating", "Latency of Hub"),
                     identifier="69e5e86ffcdb9205f3a36fa8", published="Tue, 21 Apr 2026 14:32:19 GMT"),
        "docker-hub",
    )  # fmt: skip
    assert row["posted_at"] == at("2026-04-20T08:48:47+00:00")
    assert row["updated_at"] == at("2026-04-21T14:32:19+00:00")
    assert row["resolved_at"] is None


def test_a_maintenance_of_statusio_began_when_it_became_active_not_when_its_id_was_made() -> None:
    row = the_incident(
        statusio_rss(
            ("May 28, 2026 07:00 PDT", "Active", "Underway"),
            ("May 28, 2026 09:00 PDT", "Completed", "Done"),
            title="Scheduled Database Maintenance",
            identifier="6a0ec04beac9dc05ffa1f136",
            kind="maintenance",
            published="Thu, 28 May 2026 16:00:05 GMT",
        ),
        "docker-hub",
    )
    assert (row["is_maintenance"], row["impact"]) == (True, "maintenance")
    assert row["began_at"] == at("2026-05-28T14:00:00+00:00")
    assert row["resolved_at"] == at("2026-05-28T16:00:05+00:00")


def test_a_feed_claims_no_impact_that_it_does_not_say() -> None:
    row = the_incident(statusio_rss(("January 8, 2025 05:00 PST", "Investigating", "Registry errors")), "docker-hub")
    assert row["impact"] is None


def test_statuspages_atom_has_no_year_and_takes_it_from_the_entry() -> None:
    row = the_incident(
        statuspage_atom(
            ("Jan 8, 15:00 UTC", "Resolved", "Over."),
            ("Jan 8, 13:00 UTC", "Investigating", "Looking."),
            published="2025-01-08T15:00:53Z",
        )
    )
    assert row["posted_at"] == at("2025-01-08T13:00:00+00:00")
    assert row["resolved_at"] == at("2025-01-08T15:00:53+00:00")
    assert row["incident_id"] == "nm83zrdky73y"


def test_an_incident_over_new_year_begins_in_the_old_one() -> None:
    row = the_incident(
        statuspage_atom(
            ("Jan  1, 02:10 UTC", "Resolved", "Over."),
            ("Dec 31, 22:40 UTC", "Investigating", "Looking."),
            published="2025-01-01T02:10:20Z",
        )
    )
    assert row["posted_at"] == at("2024-12-31T22:40:00+00:00")
    assert row["resolved_at"] == at("2025-01-01T02:10:20+00:00")


def test_posts_of_one_minute_keep_their_order_and_the_end_comes_last() -> None:
    answer = read(
        statuspage_atom(
            ("Jan 8, 15:00 UTC", "Resolved", "Over."),
            ("Jan 8, 15:00 UTC", "Update", "Nearly."),
            ("Jan 8, 15:00 UTC", "Investigating", "Looking."),
            published="2025-01-08T15:00:53Z",
        )
    )
    assert [status for status, _ in posts_of(answer)] == ["investigating", "update", "resolved"]


def test_a_scheduled_entry_of_statuspage_is_maintenance() -> None:
    row = the_incident(
        statuspage_atom(
            ("Jan 8, 15:00 UTC", "Completed", "Done."),
            ("Jan 8, 13:00 UTC", "In progress", "Underway."),
            ("Jan 6, 13:00 UTC", "Scheduled", "We will move disks."),
            title="Moving disks",
            published="2025-01-08T15:00:53Z",
        )
    )
    assert row["is_maintenance"]
    assert row["began_at"] == at("2025-01-08T13:00:00+00:00")
    assert row["posted_at"] == at("2025-01-06T13:00:00+00:00")


def test_azures_own_way_of_writing_utc_is_read() -> None:
    rss = """<?xml version="1.0"?><rss version="2.0"><channel><title>Azure Status</title><item>
    <title>Azure Container Registry - West Europe</title><description>Pulls of images may fail.</description>
    <link>https://status.azure.com/en-us/status</link><guid>WEU-1</guid>
    <pubDate>Wed, 24 Jun 2026 03:01:00 Z</pubDate></item></channel></rss>"""
    row = the_incident(rss, "azure")
    assert row["posted_at"] == at("2026-06-24T03:01:00+00:00")
    assert (row["components"], row["direction"]) == (["acr"], "pull")


def test_a_healthy_azure_has_an_empty_channel() -> None:
    answer = read('<?xml version="1.0"?><rss version="2.0"><channel><title>Azure</title></channel></rss>', "azure")
    assert (answer.kind, answer.incidents, answer.problems) == ("feed", [], [])


def test_any_other_feed_gives_an_incident_an_entry() -> None:
    rss = """<rss version="2.0"><channel><title>Our mirror</title><item><title>[Resolved] Mirror was slow</title>
    <description>Disk replaced.</description><guid>7</guid>
    <pubDate>Wed, 08 Jan 2025 13:00:00 +0100</pubDate></item></channel></rss>"""
    row = the_incident(rss, "our-mirror")
    assert row["posted_at"] == row["resolved_at"] == at("2025-01-08T12:00:00+00:00")
    assert row["components"] == ["our-mirror"]


def test_a_feed_cut_in_the_middle_gives_what_it_held_and_says_so() -> None:
    whole = statusio_rss(("January 8, 2025 05:00 PST", "Investigating", "x"))
    answer = read(whole.replace("</channel></rss>", "<item><title>cut"), "docker-hub")
    assert len(answer.incidents) >= 1
    assert "damaged" in answer.problems[-1]


def test_a_maintenance_that_is_only_planned_begins_when_it_is_planned() -> None:
    rss = """<rss version="2.0"><channel><title>Status</title><item><title>Move of disks</title><description>
    &lt;p&gt;&lt;strong&gt;THIS IS A SCHEDULED EVENT Jun &lt;var data-var='date'&gt; 3&lt;/var&gt;,
    &lt;var&gt;21:00&lt;/var&gt; - &lt;var&gt;23:00&lt;/var&gt; UTC&lt;/strong&gt;&lt;/p&gt;
    &lt;p&gt;&lt;small&gt;May &lt;var&gt;30&lt;/var&gt;, &lt;var&gt;02:53&lt;/var&gt; UTC&lt;/small&gt;&lt;br&gt;
    &lt;strong&gt;Scheduled&lt;/strong&gt; - We will move disks.&lt;/p&gt;</description>
    <pubDate>Fri, 30 May 2025 02:53:00 +0000</pubDate><link>https://status.x/incidents/aaaabbbbcccc</link></item>
    </channel></rss>"""
    row = the_incident(rss, "mirror")
    assert row["is_maintenance"]
    assert row["began_at"] == at("2025-06-03T21:00:00+00:00")
    assert row["posted_at"] == at("2025-05-30T02:53:00+00:00")
