"""What the tests of firings share: schedules whose time has come, a clock to set, and who is told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from schedules import firing
from schedules.models import Firing, Schedule
from sending import dispatch, leases
from sending.channels.base import Outcome, Parcel
from sending.models import Message
from tests.jobs.conftest import work as work_off
from tests.sending.factories import ScriptedChannel

Clock = Callable[[str | datetime], datetime]


def due(schedule: Schedule, *, late: float = 0) -> Schedule:
    """The same schedule, its time come ``late`` seconds ago."""
    moment = timezone.now().replace(microsecond=0) - timedelta(seconds=late)
    slot = moment.astimezone(schedule.plan.site).replace(tzinfo=None)
    text = slot.strftime("%Y-%m-%d %H:%M:%S")
    Schedule.objects.filter(pk=schedule.pk).update(
        times={"time": text}, slot=text, due_at=moment, planned_at=moment - timedelta(days=1)
    )
    schedule.refresh_from_db()
    return schedule


def tomorrow() -> datetime:
    return datetime.now() + timedelta(days=1)


def clock_of(monkeypatch: Any) -> Clock:
    """``clock("2026-06-01T06:00Z")`` sets what time it is."""

    def set_to(moment: str | datetime) -> datetime:
        now = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        monkeypatch.setattr(timezone, "now", lambda: now)
        return now

    return set_to


def daily(start: str, end: str, clock: str = "09:00:00", **fields: Any) -> dict[str, Any]:
    """A trigger for each day."""
    values = {"start": start, "end": end, "time": clock, "time_unit": "day", "frequency": 1, "zone_type": 1}
    return {"periodical": values | fields}


def once(time: str, zone_type: int = 1) -> dict[str, Any]:
    """A trigger for one time."""
    return {"single": {"time": time, "zone_type": zone_type}}


def tick() -> None:
    """Beat's look, as often as it asks for, and the jobs that come of it."""
    while firing.work():
        continue
    work_off()


def decided() -> list[tuple[str, str]]:
    """What was decided about which slots, in order."""
    return [(one.slot, one.decision) for one in Firing.objects.order_by("id")]


def told() -> list[str]:
    """Who has a message, in the order in which they were made."""
    return list(Message.objects.order_by("id").values_list("recipient_name", flat=True))


def hand_over(monkeypatch: Any, *script: Outcome | Callable[[Parcel], Outcome]) -> ScriptedChannel:
    """A worker hands over what is due by e-mail, over a channel that plays these outcomes, then SENT."""
    monkeypatch.setattr(leases, "_own", None)
    channel = ScriptedChannel(*script)
    monkeypatch.setattr(dispatch, "kept_channel", lambda name: channel)
    dispatch.Worker("EMAIL").work()
    return channel
