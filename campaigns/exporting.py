"""A group's recipients as a file."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from campaigns.importing import safe_cell
from campaigns.models import Recipient, RecipientGroup

MEMBERS = {
    "name": "name",
    "emailAddress": "email_address",
    "postalAddress": "postal_address",
    "partnerRef": "partner_ref",
    "language": "language",
    "timeZone": "time_zone",
}
_PORTION = 1000


def pieces(group: RecipientGroup) -> Iterator[bytes]:
    """Its recipients in the order they came, many lines at a time, their properties in columns behind; no spreadsheet
    takes a cell for a formula. Read twice: the first time for the columns."""
    keys = _keys(group)
    yield _written([[*MEMBERS, *keys]])
    found = Recipient.objects.filter(group=group).order_by("id").values_list(*MEMBERS.values(), "properties")
    rows = found.iterator(chunk_size=_PORTION)
    while portion := list(islice(rows, _PORTION)):
        yield _written([*members, *(given.get(key, "") for key in keys)] for *members, given in portion)


def _keys(group: RecipientGroup) -> list[str]:
    with_any = Recipient.objects.filter(group=group).exclude(properties={}).order_by()
    found: set[str] = set()
    for properties in with_any.values_list("properties", flat=True).iterator(chunk_size=_PORTION):
        found.update(properties)
    return sorted(found)


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";").writerows([safe_cell(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode()
