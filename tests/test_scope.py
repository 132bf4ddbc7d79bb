from datetime import UTC, datetime, timedelta, timezone

import pytest

from analysis.errors import UsageError
from analysis.scope import iso, parse_time

NOW = datetime(2025, 1, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14d", NOW - timedelta(days=14)),
        ("36h", NOW - timedelta(hours=36)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2025-01-08", datetime(2025, 1, 8, tzinfo=UTC)),
        ("2025-01-08T13:00Z", datetime(2025, 1, 8, 13, tzinfo=UTC)),
        ("2025-01-08T13:00:00+02:00", datetime(2025, 1, 8, 11, tzinfo=UTC)),
    ],
)
def test_a_time_is_iso_8601_or_an_age(text: str, expected: datetime) -> None:
    assert parse_time(text, now=NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "", "14x", "2025-13-01", "99999999999w"])
def test_what_is_no_time_is_named_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="ISO 8601"):
        parse_time(text, now=NOW)


def test_times_are_written_in_utc_with_a_z() -> None:
    assert iso(datetime(2025, 1, 8, 15, tzinfo=timezone(timedelta(hours=2)))) == "2025-01-08T13:00:00Z"
    assert iso(datetime(2025, 1, 8, 15, 0, 0, 500, tzinfo=UTC)) == "2025-01-08T15:00:00.000500Z"
    assert iso(None) is None
