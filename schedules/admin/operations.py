"""What an operator may do to schedules, each as a value: how it is asked, when it is offered, which service does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from gateway.caller import Caller
from schedules import services
from schedules.models import Schedule
from schedules.states import Status

OPERATE = "schedules.operate_schedule"
_VALID = frozenset({Status.ACTIVE, Status.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``verb`` is its place in addresses and in the audit trail; ``done`` is a plural form over ``count``."""

    verb: str
    title: Any
    question: Any
    done: Any
    icon: str
    variant: str
    # From where it is offered.
    statuses: frozenset[Status]
    run: Callable[[Caller, Schedule], object]


def may_operate(request: HttpRequest) -> bool:
    """Whether this person may act on schedules."""
    return bool(request.user.has_perm(OPERATE))


def _pause(caller: Caller, schedule: Schedule) -> object:
    return services.set_enabled(caller=caller, uuid=schedule.uuid, is_enabled=False)


def _enable(caller: Caller, schedule: Schedule) -> object:
    return services.set_enabled(caller=caller, uuid=schedule.uuid, is_enabled=True)


def _fire(caller: Caller, schedule: Schedule) -> object:
    return services.fire(caller=caller, uuid=schedule.uuid)


def _delete(caller: Caller, schedule: Schedule) -> None:
    services.delete(caller=caller, uuid=schedule.uuid)


_ALL = (
    Operation(
        verb="fire",
        title=pgettext_lazy("a schedule", "Fire now"),
        question=_("What is done at their times is done now, beside them: the times stay as they are."),
        done=ngettext_lazy("%(count)d schedule fired.", "%(count)d schedules fired.", "count"),
        icon="bolt",
        variant="primary",
        statuses=_VALID,
        run=_fire,
    ),
    Operation(
        verb="pause",
        title=pgettext_lazy("a schedule", "Pause"),
        question=_("Their times pass, and nothing is done, until somebody enables them."),
        done=ngettext_lazy("%(count)d schedule paused.", "%(count)d schedules paused.", "count"),
        icon="pause_circle",
        variant="default",
        statuses=frozenset({Status.ACTIVE}),
        run=_pause,
    ),
    Operation(
        verb="enable",
        title=pgettext_lazy("a schedule", "Enable"),
        question=_("They go on with the times that are still to come; what passed stays undone."),
        done=ngettext_lazy("%(count)d schedule enabled.", "%(count)d schedules enabled.", "count"),
        icon="play_circle",
        variant="primary",
        statuses=frozenset({Status.PAUSED}),
        run=_enable,
    ),
    Operation(
        verb="delete",
        title=pgettext_lazy("a schedule", "Delete"),
        question=_("They end, and their client sees them no more. What was fired goes on. This cannot be undone."),
        done=ngettext_lazy("%(count)d schedule deleted.", "%(count)d schedules deleted.", "count"),
        icon="delete",
        variant="danger",
        statuses=_VALID,
        run=_delete,
    ),
)
OPERATIONS = {operation.verb: operation for operation in _ALL}
