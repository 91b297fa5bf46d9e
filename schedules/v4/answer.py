"""Schedules as callers of this contract read them, and what refusals say of them (contract schedules_v4)."""

import json
from collections.abc import Sequence
from typing import Any

from schedules.models import Schedule
from sending.devices_v4.paging import numbers


def created(schedule: Schedule) -> dict[str, Any]:
    return {"schedule_id": str(schedule.uuid), "name": schedule.name}


def detail(schedule: Schedule) -> dict[str, Any]:
    """A schedule in the contract's order, its trigger and push as the client wrote them."""
    return {
        "schedule_id": str(schedule.uuid),
        "name": schedule.name,
        "enabled": schedule.is_enabled,
        "trigger": json.loads(schedule.trigger),
        "push": json.loads(schedule.push),
    }


def listed(schedules: Sequence[Schedule], *, total: int, page: int) -> dict[str, Any]:
    return {
        **numbers(total=total, page=page),
        "schedules": [detail(schedule) for schedule in schedules],
    }


def message_ids(made: Sequence[str]) -> dict[str, Any]:
    """What was made so far, under both names that clients read."""
    return {"count": len(made), "msgids": list(made), "MsgIds": list(made)}
