"""Moments as the contracts write and read them (contract hammy_common, "Dates")."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from zoneinfo import available_timezones

from django.utils.timezone import get_default_timezone

_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:(Z)|([+-])(\d{2})(?::?(\d{2}))?))?",
    re.ASCII,
)
_SENTENCE = "must be a moment as 2025-02-10T23:55:00.190+01:00 (offset Z, +01:00, +0100 or +01) or a date as 2025-02-10"
# XML Schema's own bound of an offset.
_LARGEST_OFFSET = timedelta(hours=14)


@cache
def zone_names() -> frozenset[str]:
    """The zones of the tz database that are places' or offsets', by name; not those that stand for whatever a machine
    is set to."""
    return frozenset(available_timezones() - {"localtime"})


def parse_moment(text: str) -> datetime:
    """An aware moment from ISO 8601 text; a plain date is its midnight in the site's zone.

    Accepts ``Z``, ``+02:00``, ``+0200`` and ``+02``, and fractions of up to nine digits (kept to the microsecond).
    Raises ValueError with the sentence for the caller.
    """
    found = _MOMENT.fullmatch(text)
    if not found:
        # An unescaped plus in a query arrives as a space.
        hint = "; in a query + is written %2B" if re.search(r"T[\d:.]+ \d\d", text) else ""
        raise ValueError(_SENTENCE + hint)
    try:
        moment = _assemble(found)
        # What no zone of ours can write back would fail later, in an answer.
        moment.astimezone(get_default_timezone())
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(_SENTENCE) from error


def parse_from(text: str) -> datetime:
    """The first moment that counts: a date means its midnight in the site's zone."""
    return parse_moment(text)


def parse_to(text: str) -> datetime:
    """The first moment that no longer counts (exclusive); a date means its midnight too, not the day's end."""
    return parse_moment(text)


def format_moment(moment: datetime) -> str:
    """ISO 8601 with milliseconds and colon offset in the site's zone: ``2025-02-10T23:55:00.190+01:00``."""
    return moment.astimezone(get_default_timezone()).isoformat(timespec="milliseconds")


def _assemble(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, fraction, zulu, sign, offset_hours, offset_minutes = found.groups()
    if hour is None:
        return datetime(int(year), int(month), int(day), tzinfo=get_default_timezone())
    zone = UTC if zulu else _offset(sign, int(offset_hours), int(offset_minutes or 0))
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, tzinfo=zone)


def _offset(sign: str, hours: int, minutes: int) -> timezone:
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _LARGEST_OFFSET:
        raise ValueError("offset out of range")
    return timezone(-offset if sign == "-" else offset)
