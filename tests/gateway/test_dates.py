"""Moments, in and out (contract hammy_common, "Dates")."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.dates import format_moment, parse_from, parse_moment, parse_to

LATE_EVENING = datetime(2025, 2, 10, 22, 55, 0, 190_000, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-10T23:55:00.190+01:00",
        "2025-02-10T23:55:00.19+01:00",
        "2025-02-10T22:55:00.190Z",
        "2025-02-10T23:55:00.190+0100",
        "2025-02-10T23:55:00.190+01",
        "2025-02-10T17:25:00.190-05:30",
        "2025-02-10T23:55:00.190000999+01:00",
        "2025-02-10T22:55:00.190-00:00",
    ],
)
def test_every_documented_spelling_is_the_same_moment(text: str) -> None:
    assert parse_moment(text) == LATE_EVENING


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-02-10", datetime(2025, 2, 9, 23, 0, tzinfo=UTC)),
        ("2025-07-10", datetime(2025, 7, 9, 22, 0, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 28, 23, 0, tzinfo=UTC)),
        # The days on which the clocks change begin before the change.
        ("2025-03-30", datetime(2025, 3, 29, 23, 0, tzinfo=UTC)),
        ("2025-03-31", datetime(2025, 3, 30, 22, 0, tzinfo=UTC)),
        ("2025-10-26", datetime(2025, 10, 25, 22, 0, tzinfo=UTC)),
        ("2025-10-27", datetime(2025, 10, 26, 23, 0, tzinfo=UTC)),
    ],
)
def test_a_date_is_its_midnight_in_the_sites_zone_from_and_to(text: str, moment: datetime) -> None:
    assert parse_from(text) == parse_to(text) == moment


def test_a_midnight_that_the_clocks_skip_is_the_moment_after(settings: Any) -> None:
    settings.TIME_ZONE = "America/Santiago"
    assert parse_moment("2024-09-08") == datetime(2024, 9, 8, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2025-02-30",
        "2025-13-01",
        "2023-02-29",
        "2025-2-1",
        "2025-02-10T23:55:00",
        "2025-02-10 23:55:00+01:00",
        "2025-02-10T23:55+01:00",
        "2025-02-10T24:00:00Z",
        "2025-02-10T23:60:00Z",
        "2025-02-10T23:59:60Z",
        "2025-02-10T23:55:00,190Z",
        "2025-02-10T23:55:00.Z",
        "2025-02-10T23:55:00+1:00",
        "2025-02-10T23:55:00+01:60",
        "2025-02-10T23:55:00+15:00",
        "2025-02-10t23:55:00z",
        "2025-02-10T23:55:00.0000000001Z",
        "0000-01-01",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59.999Z",
        "\u0662\u0660\u0662\u0665-02-10",
        " 2025-02-10",
        "2025-02-10\n",
        "1739228100",
        "2025-W07-1",
    ],
)
def test_anything_else_is_refused_with_the_right_spelling(text: str) -> None:
    with pytest.raises(ValueError, match="^must be a moment as ") as caught:
        parse_moment(text)
    assert str(caught.value) == (
        "must be a moment as 2025-02-10T23:55:00.190+01:00 (offset Z, +01:00, +0100 or +01) or a date as 2025-02-10"
    )


def test_a_plus_that_the_query_made_a_space_is_explained() -> None:
    with pytest.raises(ValueError, match=r"in a query \+ is written %2B$"):
        parse_moment("2025-02-10T23:55:00.190 01:00")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (LATE_EVENING, "2025-02-10T23:55:00.190+01:00"),
        (datetime(2025, 7, 10, 12, 0, tzinfo=UTC), "2025-07-10T14:00:00.000+02:00"),
        (datetime(2025, 3, 30, 0, 59, 59, 999_999, UTC), "2025-03-30T01:59:59.999+01:00"),
        (datetime(2025, 3, 30, 1, 0, tzinfo=UTC), "2025-03-30T03:00:00.000+02:00"),
        (datetime(2025, 10, 26, 0, 30, tzinfo=UTC), "2025-10-26T02:30:00.000+02:00"),
        (datetime(2025, 10, 26, 1, 30, tzinfo=UTC), "2025-10-26T02:30:00.000+01:00"),
    ],
)
def test_a_moment_goes_out_in_the_sites_zone_with_milliseconds(moment: datetime, text: str) -> None:
    assert format_moment(moment) == text


def test_another_site_has_another_zone(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    assert format_moment(LATE_EVENING) == "2025-02-11T04:25:00.190+05:30"
    assert parse_moment("2025-02-11") == datetime(2025, 2, 10, 18, 30, tzinfo=UTC)
