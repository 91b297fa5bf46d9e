"""A group's recipients as a file."""

from collections.abc import Iterator

from campaigns.importing import line_of
from campaigns.models import Recipient, RecipientGroup
from campaigns.recipients import exported

MEMBERS = {
    "name": "name",
    "emailAddress": "email_address",
    "postalAddress": "postal_address",
    "partnerRef": "partner_ref",
    "language": "language",
    "timeZone": "time_zone",
}
_PORTION = 2000


def lines(group: RecipientGroup) -> Iterator[bytes]:
    """Its recipients in the order they came, their properties in columns behind; no spreadsheet takes a cell for a
    formula. Read twice: the first time for the columns."""
    keys = _keys(group)
    yield line_of([*MEMBERS, *keys])
    for recipient in exported(group):
        members = [getattr(recipient, member) for member in MEMBERS.values()]
        yield line_of([*members, *(recipient.properties.get(key, "") for key in keys)])


def _keys(group: RecipientGroup) -> list[str]:
    with_any = Recipient.objects.filter(group=group).exclude(properties={}).order_by()
    found: dict[str, None] = {}
    for properties in with_any.values_list("properties", flat=True).iterator(chunk_size=_PORTION):
        found |= dict.fromkeys(properties)
    return sorted(found)
