"""Forgetting a person to whom schedules write letters, or whose browsers they tell (proof S36)."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q
from django.utils import timezone

from schedules.models import Firing, Schedule
from sending.forgetting_browsers import pseudonymous
from sending.persons import Person

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
    return len(ids) + _forget_audiences(person)


def _forget_audiences(person: Person) -> int:
    """Put another name into what pushes say of whom they tell; how many schedules. To others they go on."""
    schedules, firings = Schedule.objects.all(), Firing.objects.all()
    if person.client_id is not None:
        schedules = schedules.filter(client_id=person.client_id)
        firings = firings.filter(schedule__client_id=person.client_id)
    holding = _holding(person.aliases | person.told_as)
    for firing in firings.filter(holding).iterator():
        _rename(firing, person)
    return sum(_rename(schedule, person) for schedule in schedules.filter(holding).iterator())


def _rename(row: Schedule | Firing, person: Person) -> bool:
    order = row.order
    audience = order.get("to")
    if not isinstance(audience, dict) or (renamed := pseudonymous(audience, person)) == audience:
        return False
    row.push = json.dumps(order | {"to": renamed}, ensure_ascii=False, separators=(",", ":"))
    row.save(update_fields=["push"])
    return True


def _of(person: Person) -> Iterator[Schedule]:
    rows = Schedule.objects.filter(_holding((*person.spellings, person.partner_ref)))
    if person.client_id is not None:
        rows = rows.filter(client_id=person.client_id)
    for schedule in rows.iterator():
        if _is_to(schedule.order, person):
            yield schedule


def _holding(texts: Iterable[str]) -> Q:
    """Orders in which any of the texts stands."""
    wanted = Q(pk__in=[])
    for text in filter(None, texts):
        wanted |= Q(push__icontains=json.dumps(text, ensure_ascii=False)[1:-1])
    return wanted


def _is_to(order: dict[str, Any], person: Person) -> bool:
    letter = order.get("send")
    if not isinstance(letter, dict):
        return False
    # Names are taken in any spelling of Send V2: whatever holds the whole address names them.
    texts = [value for value in letter.values() if isinstance(value, str)]
    is_partner = bool(person.partner_ref) and person.partner_ref in texts
    return is_partner or any(person.is_named(part.strip()) for text in texts for part in text.split(";"))
