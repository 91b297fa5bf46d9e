"""Many new recipients into their table at once: by COPY where the database has it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.models import Recipient
from campaigns.recipient_rules import Person

_COLUMNS = (
    "group_id", "name", "email_address", "postal_address", "partner_ref", "language", "time_zone", "properties",
    "identity", "created_at", "updated_at",
)  # fmt: skip
_COPY = f"COPY campaigns_recipient ({', '.join(_COLUMNS)}) FROM STDIN"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def insert(people: Sequence[Person], *, group_id: int, at: datetime) -> None:
    """Store recipients of a group; in the caller's transaction."""
    if connection.vendor != "postgresql":
        Recipient.objects.bulk_create(
            [Recipient(group_id=group_id, created_at=at, updated_at=at, **columns(person)) for person in people]
        )
        return
    moment = at.isoformat()
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for person in people:
            properties = _JSON.encode(person.properties) if person.properties else "{}"
            copy.write_row((
                group_id, person.name, person.email_address, person.postal_address, person.partner_ref,
                person.language, person.time_zone, properties, person.identity, moment, moment,
            ))  # fmt: skip


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
