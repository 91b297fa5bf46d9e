"""Groups, reports and those left out as files of comma-separated values, a portion in memory at a time; no cell of them
is a formula to a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from campaigns import reporting
from campaigns.models import Campaign, Recipient, RecipientGroup, SkippedRecipient
from gateway.spreadsheets import MARK, safe_cell
from sending.states import Status

# Names that an import knows again (campaigns.columns).
_MEMBERS = {
    "name": "name",
    "email_address": "emailAddress",
    "postal_address": "postalAddress",
    "partner_ref": "partnerRef",
    "language": "language",
    "time_zone": "timeZone",
}
_PORTION = 1000


def group_lines(group: RecipientGroup) -> Iterator[bytes]:
    """The recipients of a group, with a column for each of their properties."""
    keys = _property_keys(group)

    def rows() -> Iterator[Sequence[object]]:
        yield [*_MEMBERS.values(), *keys]
        found = Recipient.objects.filter(group=group).order_by("id").values_list(*_MEMBERS, "properties")
        for *members, properties in found.iterator(chunk_size=_PORTION):
            yield [*members, *(properties.get(key, "") for key in keys)]

    return _file(rows())


REPORT_HEADS = (
    "leg", "title", "group", "template", "channel", "runs", "recipients", "leftOut", "suppressed", "messages",
    *(status.value for status in Status), "opened",
)  # fmt: skip
LEFT_OUT_HEADS = ("leg", "job", "recipient", "name", "emailAddress", "reason")


def report_lines(campaign: Campaign, heads: Sequence[str] = REPORT_HEADS) -> Iterator[bytes]:
    """A line for each leg of a campaign, with what became of its letters; below ``heads`` in the order of
    REPORT_HEADS."""
    return _file(_report_rows(campaign, heads))


def _report_rows(campaign: Campaign, heads: Sequence[str]) -> Iterator[Sequence[object]]:
    yield heads
    for report in reporting.reports(campaign):
        part = report.part
        yield [
            part.pk, part.title, part.group.name, part.message_type, part.channel, len(report.runs),
            report.recipients, report.skipped, report.suppressed, report.made,
            *(report.statuses.get(status, 0) for status in Status), report.opened,
        ]  # fmt: skip


def left_out_lines(campaign: Campaign, heads: Sequence[str] = LEFT_OUT_HEADS) -> Iterator[bytes]:
    """Whom a campaign's runs left out, and why; of a recipient who is gone since, the number alone. ``heads`` in the
    order of LEFT_OUT_HEADS."""

    def rows() -> Iterator[Sequence[object]]:
        yield heads
        chosen = reporting.left_out(campaign)
        for portion in _portions(chosen.select_related("run").order_by("id").iterator(chunk_size=_PORTION)):
            people = Recipient.objects.in_bulk([skipped.recipient_id for skipped in portion])
            for skipped in portion:
                person = people.get(skipped.recipient_id)
                name, address = (person.name, person.email_address) if person else ("", "")
                run = skipped.run
                yield [run.part_id, run.job_id, skipped.recipient_id, name, address, skipped.reason]

    return _file(rows())


def _property_keys(group: RecipientGroup) -> list[str]:
    """The keys that its recipients have, in order: what is kept as JSON has none of its own."""
    keys: set[str] = set()
    rows = Recipient.objects.filter(group=group).exclude(properties={}).order_by("id")
    for properties in rows.values_list("properties", flat=True).iterator(chunk_size=_PORTION):
        keys.update(properties)
    return sorted(keys)


def _portions(items: Iterator[SkippedRecipient]) -> Iterator[list[SkippedRecipient]]:
    portion: list[SkippedRecipient] = []
    for item in items:
        portion.append(item)
        if len(portion) == _PORTION:
            yield portion
            portion = []
    if portion:
        yield portion


def _file(rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """In pieces of many lines each."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";")
    yield MARK
    for number, row in enumerate(rows, start=1):
        writer.writerow([safe_cell(str(cell)) for cell in row])
        if number % _PORTION == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
