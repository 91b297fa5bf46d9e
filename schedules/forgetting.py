"""Forgetting a person for whom schedules write letters (proof S36)."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.utils import timezone

from schedules.models import Firing, Schedule
from sending.forgetting import Person

_NOTHING = "{}"


def forget(person: Person) -> int:
    """Delete schedules that would write to them, and forget what those and their firings said; how many schedules. It
    reads every row there is."""
    ids = [schedule.pk for schedule in _of(person)]
    now = timezone.now()
    Firing.objects.filter(schedule__in=ids).update(push=_NOTHING)
    mine = Schedule.objects.filter(id__in=ids)
    mine.filter(ended_at=None).update(due_at=None, slot="", ended_at=now)
    mine.update(push=_NOTHING, size=len(_NOTHING), name=person.pseudonym, deleted_at=now, updated_at=now)
    return len(ids)


def _of(person: Person) -> Iterator[Schedule]:
    wanted = Q()
    for text in (*person.spellings, person.partner_ref):
        if text:
            wanted |= Q(push__icontains=json.dumps(text, ensure_ascii=False)[1:-1])
    rows = Schedule.objects.filter(wanted)
    if person.client_id is not None:
        rows = rows.filter(client_id=person.client_id)
    for schedule in rows.iterator():
        if _is_to(schedule.order, person):
            yield schedule


def _is_to(order: dict[str, Any], person: Person) -> bool:
    letter = order.get("send")
    if not isinstance(letter, dict):
        return False
    # Names are taken in any spelling of Send V2: whatever holds the whole address names them.
    texts = [value for value in letter.values() if isinstance(value, str)]
    is_partner = bool(person.partner_ref) and person.partner_ref in texts
    return is_partner or any(person.is_named(part.strip()) for text in texts for part in text.split(";"))
