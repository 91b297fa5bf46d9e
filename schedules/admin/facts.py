"""What the console tells of one schedule."""

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from gateway.console import labels
from gateway.console.paging import CAP
from schedules import outlook
from schedules.admin import cells, wording
from schedules.models import Firing, Schedule
from schedules.orders import order_of
from schedules.states import Status
from sending.admin import bars
from sending.admin.letters import READ

_NEXT = 10
_LAST = 10
_MOST_ZONES = 6
# Of what is done so much is shown: of each text, and of all.
_LONGEST_TEXT = 2000
_SHOWN = 256 * 1024


def page(request: HttpRequest, schedule: Schedule) -> dict[str, Any]:
    """All that the page of a schedule shows of it."""
    may_list = request.user.has_perm("schedules.view_firing")
    last = Firing.objects.filter(schedule=schedule).defer("push").order_by("-id")[:_LAST] if may_list else []
    return {
        "schedule": schedule,
        "state": cells.status(schedule),
        "notices": _notices(schedule),
        "facts": [(name, value) for name, value in _facts(schedule) if value],
        "kind": wording.kind(schedule.kind),
        "told": order_of(schedule.order).told(schedule.order).items(),
        "reach": _reach(schedule),
        "next_times": [labels.moment(due.moment) for due in outlook.next_times(schedule, count=_NEXT)],
        "waves": [_wave(moment, zones) for moment, zones in outlook.next_waves(schedule)],
        "may_list": may_list,
        "firings": [_firing(firing) for firing in last],
        "all_url": f"{reverse('admin:schedules_firing_changelist')}?schedule={schedule.pk}",
        "zone": settings.TIME_ZONE,
    }


def _facts(schedule: Schedule) -> tuple[tuple[Any, Any], ...]:
    return (
        (_("Client"), schedule.client),
        (_("Times"), wording.times(schedule)),
        (_("Next firing"), _moment(schedule.due_at)),
        (pgettext("a schedule", "Created at"), _moment(schedule.created_at)),
        (_("Updated at"), _moment(schedule.updated_at)),
        (pgettext("a schedule", "Ended at"), _moment(schedule.ended_at)),
        (pgettext("a schedule", "Deleted at"), _moment(schedule.deleted_at)),
        (_("UUID"), schedule.uuid),
    )


def _reach(schedule: Schedule) -> str:
    """How many a push would tell now; "" for what tells nobody, or is over."""
    if schedule.due_at is None:
        return ""
    count = order_of(schedule.order).count(schedule.order, client_id=schedule.client_id, most=CAP + 1)
    if count is None:
        return ""
    return bars.number(count) if count <= CAP else f"> {bars.number(CAP)}"


def _notices(schedule: Schedule) -> list[str]:
    """Why its next time will not be, or has not been, fired."""
    if schedule.due_at is None:
        return []
    found = []
    if schedule.status is Status.PAUSED:
        found.append(_("It is paused: its times pass, and nothing is done."))
    if not schedule.client.is_active:
        found.append(_("Its client is not active: its times pass, and nothing is done."))
    if (timezone.now() - schedule.due_at).total_seconds() > outlook.OVERDUE_SECONDS:
        found.append(_("Its time has come, and nobody looked: do beat and a worker run?"))
    return found


def _wave(moment: datetime, zones: frozenset[str]) -> dict[str, Any]:
    names = sorted(zones)
    return {
        "at": labels.moment(moment),
        "shown": ", ".join(names[:_MOST_ZONES]),
        "more": max(0, len(names) - _MOST_ZONES),
        "all": ", ".join(names),
    }


def _firing(firing: Firing) -> dict[str, Any]:
    return {
        "slot": firing.slot,
        # Where it was not due at the same time for everybody.
        "due": labels.moment(firing.due_at) if firing.zones is not None else "",
        "clocks": cells.clocks(firing),
        "decision": cells.decision(firing),
        "reason": firing.reason,
        "job": cells.job(firing),
        "made": cells.made(firing),
        "messages": cells.messages(firing),
    }


def may_read(request: HttpRequest, schedule: Schedule) -> bool:
    """Whether this person may read all that the schedule does: of what letters say, who may read letters."""
    return not order_of(schedule.order).is_private or request.user.has_perm(READ)


def written(schedule: Schedule) -> str:
    """Its times and what it does as its client wrote them, long texts cut."""
    said = {"trigger": json.loads(schedule.trigger), "push": schedule.order}
    text = json.dumps(_shortened(said), ensure_ascii=False, indent=2)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value)})"
    return value


def _moment(value: datetime | None) -> str:
    return labels.moment(value) if value else ""
