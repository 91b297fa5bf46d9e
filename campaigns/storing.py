"""Many new recipients into their table at once: by COPY where the database has it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection
from pydantic_core import to_json

from campaigns.models import Recipient
from campaigns.recipient_rules import Person

_COLUMNS = (
    "group_id", "name", "email_address", "postal_address", "partner_ref", "language", "time_zone", "properties",
    "identity", "created_at", "updated_at",
)  # fmt: skip
_COPY = f"COPY campaigns_recipient ({', '.join(_COLUMNS)}) FROM STDIN"


def insert(people: Iterable[Person], *, group_id: int, at: datetime) -> int:
    """Store recipients of a group, each as it is taken from ``people``, in the caller's transaction; how many."""
    if connection.vendor != "postgresql":
        rows = [Recipient(group_id=group_id, created_at=at, updated_at=at, **columns(person)) for person in people]
        return len(Recipient.objects.bulk_create(rows))
    moment = at.isoformat()
    with connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            # The database works on those that were written while the next are read.
            for person in people:
                properties = to_json(person.properties).decode() if person.properties else "{}"
                copy.write_row((
                    group_id, person.name, person.email_address, person.postal_address, person.partner_ref,
                    person.language, person.time_zone, properties, person.identity, moment, moment,
                ))  # fmt: skip
        return int(cursor.rowcount)


def commit_later() -> None:
    """Let the transaction at hand be on the disk a little later, whole or not at all; for what is done again where it
    was lost."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")


def columns(person: Person) -> dict[str, Any]:
    """A recipient by the columns of its own."""
    return {
        "name": person.name,
        "email_address": person.email_address,
        "postal_address": person.postal_address,
        "partner_ref": person.partner_ref,
        "language": person.language,
        "time_zone": person.time_zone,
        "properties": dict(person.properties),
        "identity": person.identity,
    }
