"""One page of registrations (contract job_completed_notifications, "Paging")."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from gateway.caller import Caller
from gateway.errors import not_found
from notifications import services
from notifications.ds3.request import MARKER, Listed
from notifications.models import Registration


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page, how many stand behind it, and how many there are in all."""

    rows: Sequence[Registration]
    left: int
    total: int


def find(caller: Caller, asked: Listed) -> Found:
    """The page, the oldest first. Raises 2002, and 3000 for a marker that is not in the list."""
    every = services.registrations(caller=caller).order_by("created_at", "id")
    if asked.user_id is not None:
        every = every.filter(client__uuid=asked.user_id)
    total = every.count()
    rest, offset, count = every, asked.offset, total
    if asked.marker is not None:
        place = every.filter(uuid=asked.marker).values_list("created_at", "id").first()
        if place is None:
            raise not_found(f"{MARKER} {asked.marker}")
        rest = every.filter(Q(created_at__gt=place[0]) | Q(created_at=place[0], id__gt=place[1]))
        count = rest.count()
    elif asked.is_last:
        offset = max(0, total - 1) // asked.length * asked.length
    rows = list(rest[offset : offset + asked.length])
    return Found(rows=rows, left=max(0, count - offset - len(rows)), total=total)
