"""Message statistics (contract job_v1, "Job classes"): counted per day, type and status, and told by letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, F
from django.db.models.functions import TruncDate
from django.template.loader import render_to_string
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from sending import ranges
from sending.letter import Letter
from sending.models import Message

DAYS = 30
# A letter that people read; a site with more kinds of letters than this has other means.
MOST_ROWS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """So many messages accepted on one day, of one type ("" = with words of their own), are in one status."""

    day: date
    type: str
    status: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The newest day first. ``is_cut``: there were more than MOST_ROWS rows."""

    since: date
    until: date
    rows: Sequence[Row]
    is_cut: bool


def gather(*, now: datetime | None = None) -> Report:
    """Messages of the last DAYS days of the site's calendar, today included.

    One statement, over the part of the table that its primary key finds (sending.ranges): it asks for no index that
    every accepted letter would have to pay for.
    """
    today = timezone.localdate(now)
    since = today - timedelta(days=DAYS - 1)
    midnight = datetime(since.year, since.month, since.day, tzinfo=timezone.get_default_timezone())
    counted = (
        ranges.between(Message.objects.all(), midnight, None)
        .annotate(day=TruncDate("created_at", tzinfo=timezone.get_default_timezone()))
        .values_list("day", "template_version__template__name", "status")
        .annotate(count=Count("id"))
        .order_by("-day", F("template_version__template__name").asc(nulls_first=True), "status")
    )
    found = list(counted[: MOST_ROWS + 1])
    rows = [Row(day=day, type=name or "", status=status, count=count) for day, name, status, count in found[:MOST_ROWS]]
    return Report(since=since, until=today, rows=rows, is_cut=len(found) > MOST_ROWS)


def letters(report: Report, *, request_id: str) -> list[Letter]:
    """The report for each of HAMMY_REPORT_RECIPIENTS, in the site's language; ``request_id`` names it."""
    with translation.override(settings.LANGUAGE_CODE):
        first, last = (formats.date_format(day, "SHORT_DATE_FORMAT") for day in (report.since, report.until))
        subject = _("Message statistics from %(first)s to %(last)s") % {"first": first, "last": last}
        lines = [_("Messages: %(count)d.") % {"count": sum(row.count for row in report.rows)}]
        if report.is_cut:
            lines.append(_("Only the newest %(count)d rows are shown and counted.") % {"count": MOST_ROWS})
        titles = [_("Day"), _("Type"), _("Status"), _("Number")]
        rows = [[f"{row.day:%Y-%m-%d}", row.type or "–", row.status, str(row.count)] for row in report.rows]
        words = {"subject": subject, "lines": lines, "titles": titles, "rows": rows}
        html = render_to_string("letters/message_statistics.html", {**words, "language": settings.LANGUAGE_CODE})
        text = "\n".join([*lines, "", *_table([titles, *rows])]) + "\n"
    return [
        Letter(
            request_id=f"{request_id}-{number}",
            recipient_name=address,
            recipient_email_address=address,
            mail_subject=subject,
            mail_body=text,
            mail_html_body=html,
        )
        for number, address in enumerate(settings.HAMMY_REPORT_RECIPIENTS, 1)
    ]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns for a reader without HTML, numbers to the right."""
    *left, right = (max(len(row[index]) for row in rows) for index in range(len(rows[0])))
    return ["  ".join([*map(str.ljust, row[:-1], left), row[-1].rjust(right)]) for row in rows]
