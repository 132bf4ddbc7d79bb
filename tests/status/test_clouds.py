"""Google Cloud and AWS."""

import codecs
import json
from typing import Any

from tests.status.bodies import at, read, the_incident

GOOGLE = {
    "id": "ow5i3PPK96RduMcb1SsW",
    "number": "1",
    "begin": "2025-06-12T17:45:00+00:00",
    "created": "2025-06-12T18:46:00+00:00",
    "end": "2025-06-12T18:30:00+00:00",
    "modified": "2025-06-13T00:00:00+00:00",
    "external_desc": "Multiple products are failing",
    "updates": [
        {"created": "2025-06-12T18:46:00+00:00", "when": "2025-06-12T18:46:00+00:00", "text": "We are looking.",
         "status": "SERVICE_OUTAGE", "affected_locations": [{"title": "Iowa", "id": "us-central1"}]},
    ],
    "status_impact": "SERVICE_OUTAGE",
    "severity": "high",
    "service_name": "Multiple Products",
    "affected_products": [{"title": "Artifact Registry", "id": "a"}, {"title": "Cloud Build", "id": "b"}],
    "uri": "incidents/ow5i3PPK96RduMcb1SsW",
}  # fmt: skip


def event(**fields: Any) -> dict[str, Any]:
    made = {
        "date": "1760942880",
        "arn": "arn:aws:health:us-east-1::event/MULTIPLE_SERVICES/AWS_MULTIPLE_SERVICES_OPERATIONAL_ISSUE/X1",
        "region_name": "N. Virginia",
        "status": "3",
        "service": "multipleservices-us-east-1",
        "service_name": "Multiple services (N. Virginia)",
        "summary": "[RESOLVED] Operational issue",
        "event_log": [
            {"summary": "s", "message": "Errors in US-EAST-1.", "status": 1, "timestamp": 1760944260},
            {"summary": "s", "message": "All operations are normal.", "status": 0, "timestamp": 1760998860},
            {"summary": "s", "message": "Afterwards: what happened.", "status": 0, "timestamp": 1761085260},
        ],
        "impacted_services": {
            "ecr-us-east-1": {"service_name": "Amazon Elastic Container Registry", "current": "0", "max": "2"},
            "ec2-us-east-1": {"service_name": "Amazon Elastic Compute Cloud", "current": "0", "max": "3"},
        },
    }
    return made | fields


def test_google_began_when_it_says_even_if_the_post_came_after_the_end() -> None:
    row = the_incident([GOOGLE], "google-cloud")
    assert row["began_at"] == at("2025-06-12T17:45:00+00:00")
    assert row["posted_at"] == at("2025-06-12T18:46:00+00:00")
    assert row["resolved_at"] == at("2025-06-12T18:30:00+00:00")
    assert row["began_source"] == "page"


def test_googles_affected_products_say_what_was_hit_and_not_its_service_name() -> None:
    row = the_incident([GOOGLE], "google-cloud")
    assert (row["components"], row["regions"], row["impact"]) == (["gar", "Cloud Build"], ["us-central1"], "critical")
    assert row["url"] == "https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW"


def test_an_older_name_of_googles_registry_is_the_same_component() -> None:
    older = GOOGLE | {"affected_products": [{"title": "Container Registry"}]}
    assert the_incident([older], "google-cloud")["components"] == ["gar"]


def test_google_leaves_the_end_out_while_it_is_open() -> None:
    running = {key: value for key, value in GOOGLE.items() if key != "end"}
    assert the_incident([running], "google-cloud")["resolved_at"] is None


def test_googles_prose_in_pacific_time_is_read() -> None:
    text = "We have an issue beginning at Thursday, 2025-06-12 10:41 US/Pacific."
    told = GOOGLE | {"updates": [{"when": "2025-06-12T18:46:00+00:00", "text": text, "status": "SERVICE_OUTAGE"}]}
    row = the_incident([told], "google-cloud")
    assert (row["began_at"], row["began_source"]) == (at("2025-06-12T17:41:00+00:00"), "text")


def test_aws_answers_in_utf_16_with_a_mark() -> None:
    body = codecs.BOM_UTF16_LE + json.dumps({"multipleservices-us-east-1": [event()]}).encode("utf-16-le")
    assert read(body, "aws").kind == "aws"
    plain = json.dumps([event()]).encode()
    assert len(read(plain, "aws").incidents) == 1


def test_aws_is_over_at_the_first_zero_that_stays_and_its_peak_is_the_impact() -> None:
    row = the_incident([event()], "aws")
    assert row["impact"] == "critical"
    assert row["began_at"] == at("2025-10-20T06:48:00+00:00")
    assert row["posted_at"] == at("2025-10-20T07:11:00+00:00")
    assert row["resolved_at"] == at("2025-10-20T22:21:00+00:00")
    assert row["name"] == "Operational issue"


def test_ecr_is_found_inside_an_event_of_many_services() -> None:
    row = the_incident([event()], "aws")
    assert (row["components"], row["regions"]) == (["ecr", "Amazon Elastic Compute Cloud"], ["us-east-1"])


def test_an_event_is_open_until_its_last_service_has_returned() -> None:
    changes = [
        {"service": "ecr-us-east-1", "current_status": "0", "timestamp": 1760952000000},
        {"service": "ec2-us-east-1", "current_status": "2", "timestamp": 1760951000000},
    ]
    running = event(event_log=[], impacted_service_status_changes=changes)
    assert the_incident([running], "aws")["resolved_at"] is None
    changes.append({"service": "ec2-us-east-1", "current_status": "0", "timestamp": 1760959000000})
    assert the_incident([running], "aws")["resolved_at"] == at("2025-10-20T11:16:40+00:00")


def test_one_event_listed_under_two_services_is_one_incident() -> None:
    assert len(read({"a-us-east-1": [event()], "b-us-east-1": [event()]}, "aws").incidents) == 1


def test_the_old_aws_format_dates_its_posts_by_the_hour_of_the_day() -> None:
    posts = (
        '<div><span class="yellowfg"> 6:08 PM PDT</span>&nbsp;We are investigating.</div>'
        '<div><span class="yellowfg">Aug 7,  2:53 AM PDT</span>&nbsp;Between August 6 5:23 PM and August 7 2:48 AM PDT,'
        " customers saw errors. The issue has been resolved.</div>"
    )
    entry = {
        "service_name": "Amazon Elastic Container Registry (N. Virginia)", "summary": "[RESOLVED] Increased errors",
        "date": "1628298493", "status": "2", "details": "", "description": posts, "service": "ecr-us-east-1",
    }  # fmt: skip
    answer = read({"archive": [entry], "current": []}, "aws")
    (row,) = answer.incidents
    assert answer.kind == "aws-2022"
    assert row["began_at"] == at("2021-08-07T00:23:00+00:00")
    assert row["posted_at"] == at("2021-08-07T01:08:13+00:00")
    assert row["resolved_at"] == at("2021-08-07T09:53:00+00:00")
    assert (row["components"], row["regions"], row["impact"]) == (["ecr"], ["us-east-1"], "major")
