"""What the tests of the schedules' pages share."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from gateway.models import ApiClient
from schedules.models import Firing, Schedule
from tests.schedules.v4_calls import LETTER

SCHEDULES = "/admin/schedules/schedule/"
FIRINGS = "/admin/schedules/firing/"
JOBS = "/admin/jobs/job/"
MESSAGES = "/admin/sending/message/"
MONTH = f"{SCHEDULES}month/"


def page_of(schedule: Schedule) -> str:
    return f"{SCHEDULES}{schedule.pk}/change/"


def make_schedules(client: ApiClient, count: int = 1, *, due_at: datetime | None = None, **columns: Any) -> None:
    """So many schedules of letters as rows, due at a moment, tomorrow by default."""
    moment = due_at or timezone.now() + timedelta(days=1)
    push = json.dumps({"send": LETTER})
    slot = moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    values: dict[str, Any] = {
        "name": "renewal", "trigger": json.dumps({"single": {"time": slot}}), "times": {"time": slot}, "push": push,
        "size": len(push), "kind": "send", "due_at": moment,
    }  # fmt: skip
    Schedule.objects.bulk_create(Schedule(client=client, **(values | columns)) for _ in range(count))


def make_firing(schedule: Schedule, number: int = 1, **columns: Any) -> Firing:
    """One of a schedule's times that passed while it was paused, or whatever is given."""
    values = {"slot": f"2026-01-01 00:00:{number:02}", "due_at": timezone.now(), "decision": "PAUSED"}
    return Firing.objects.create(schedule=schedule, **(values | columns))


def operate(client: Client, verb: str, *schedules: Schedule, reason: str = "because", back: str = "") -> Any:
    """The confirmed operation on these schedules."""
    data = {"ids": [schedule.pk for schedule in schedules], "reason": reason, "back": back}
    return client.post(f"{SCHEDULES}operate/{verb}/", data)


def ids(response: Any) -> list[int]:
    """The rows of a list, in its order."""
    return [row.pk for row in response.context["cl"].result_list]


def offered(client: Client, schedule: Schedule) -> list[str]:
    """What a schedule's page offers to do, by title."""
    return [str(link["title"]) for link in client.get(page_of(schedule)).context["offered"]]
