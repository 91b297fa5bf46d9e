"""Message statistics (contract job_v1, "Job classes"): counted per day, type and status, and told by letter."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.template.loader import render_to_string
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from sending import ranges
from sending.letter import Letter
from sending.models import Message, TemplateVersion

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
    """The newest day first. ``total`` counts all messages; ``is_cut``: there were more than MOST_ROWS rows."""

    since: date
    until: date
    rows: Sequence[Row]
    total: int
    is_cut: bool


def gather(*, now: datetime | None = None) -> Report:
    """Messages of the last DAYS days of the site's calendar, today included.

    One statement, over the part of the table that its primary key finds (sending.ranges): it asks for no index that
    every accepted letter would have to pay for.
    """
    zone = timezone.get_default_timezone()
    today = timezone.localdate(now, zone)
    since = today - timedelta(days=DAYS - 1)
    midnight = datetime(since.year, since.month, since.day, tzinfo=zone)
    found = (
        ranges.between(Message.objects.all(), midnight, None)
        .annotate(day=TruncDate("created_at", tzinfo=zone))
        .values_list("day", "template_version_id", "status")
        .annotate(count=Count("id"))
        .order_by()
    )
    # Names and order are given here: in the statement they would have every message sorted instead of its counts.
    names = dict(TemplateVersion.objects.values_list("id", "template__name"))
    counts: Counter[tuple[date, str, str]] = Counter()
    for day, version_id, status, count in found.iterator():
        counts[day, names.get(version_id, ""), status] += count
    newest_first = sorted(counts, key=lambda key: (-key[0].toordinal(), *key[1:]))
    rows = [Row(day=key[0], type=key[1], status=key[2], count=counts[key]) for key in newest_first[:MOST_ROWS]]
    return Report(since=since, until=today, rows=rows, total=counts.total(), is_cut=len(counts) > MOST_ROWS)


def letters(report: Report, *, request_id: str) -> list[Letter]:
    """The report for each of HAMMY_REPORT_RECIPIENTS, in the site's language; ``request_id`` names it."""
    with translation.override(settings.LANGUAGE_CODE):
        first, last = (formats.date_format(day, "SHORT_DATE_FORMAT") for day in (report.since, report.until))
        subject = _("Message statistics from %(first)s to %(last)s") % {"first": first, "last": last}
        lines = [_("Messages: %(count)d.") % {"count": report.total}]
        if report.is_cut:
            lines.append(_("Only the newest %(count)d rows are shown.") % {"count": MOST_ROWS})
        titles = [_("Day"), _("Type"), _("Status"), _("Number")]
        rows = [[f"{row.day:%Y-%m-%d}", row.type or "–", row.status, str(row.count)] for row in report.rows]
        words = {"subject": subject, "lines": lines, "titles": titles, "rows": rows}
        html = render_to_string("letters/message_statistics.html", {**words, "language": settings.LANGUAGE_CODE})
        table = ["", *_table([titles, *rows])] if rows else []
        text = "\n".join([*lines, *table]) + "\n"
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
