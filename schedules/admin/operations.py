"""What an operator may do to schedules, each as a value: how it is asked, when it is offered, which service does it."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from gateway.caller import Caller
from gateway.console.operating import Operation
from gateway.errors import Code, refuse
from schedules import services
from schedules.models import Schedule
from schedules.states import Status

OPERATE = "schedules.operate_schedule"
_VALID = frozenset({Status.ACTIVE, Status.PAUSED})
_ACTIVE, _PAUSED = frozenset({Status.ACTIVE}), frozenset({Status.PAUSED})


def _set_enabled(is_enabled: bool, *, caller: Caller, uuid: UUID) -> None:
    services.set_enabled(caller=caller, uuid=uuid, is_enabled=is_enabled)


def _each(
    service: Callable[..., object],
    statuses: Collection[Status],
    caller: Caller,
    schedules: Sequence[Schedule],
    reason: str,
) -> int:
    """Have the service do it to each of these, which must all stand as it is offered for."""
    for schedule in schedules:
        if schedule.status not in statuses:
            raise refuse(Code.STATE_CONFLICT, f"{schedule.name} is {schedule.status}")
        service(caller=caller, uuid=schedule.uuid)
    return len(schedules)


_ALL = (
    Operation(
        verb="fire",
        title=pgettext_lazy("a schedule", "Fire now"),
        question=_("What is done at their times is done now, beside them: the times stay as they are."),
        done=ngettext_lazy("%(count)d schedule fired.", "%(count)d schedules fired.", "count"),
        icon="bolt",
        variant="primary",
        statuses=_VALID,
        run=partial(_each, services.fire, _VALID),
    ),
    Operation(
        verb="pause",
        title=pgettext_lazy("a schedule", "Pause"),
        question=_("Their times pass, and nothing is done, until somebody enables them."),
        done=ngettext_lazy("%(count)d schedule paused.", "%(count)d schedules paused.", "count"),
        icon="pause_circle",
        variant="default",
        statuses=_ACTIVE,
        run=partial(_each, partial(_set_enabled, False), _ACTIVE),
    ),
    Operation(
        verb="enable",
        title=pgettext_lazy("a schedule", "Enable"),
        question=_("They go on with the times that are still to come; what passed stays undone."),
        done=ngettext_lazy("%(count)d schedule enabled.", "%(count)d schedules enabled.", "count"),
        icon="play_circle",
        variant="primary",
        statuses=_PAUSED,
        run=partial(_each, partial(_set_enabled, True), _PAUSED),
    ),
    Operation(
        verb="delete",
        title=pgettext_lazy("a schedule", "Delete"),
        question=_("They end, and their client sees them no more. What was fired goes on. This cannot be undone."),
        done=ngettext_lazy("%(count)d schedule deleted.", "%(count)d schedules deleted.", "count"),
        icon="delete",
        variant="danger",
        statuses=_VALID,
        run=partial(_each, services.delete, _VALID),
    ),
)
OPERATIONS = {operation.verb: operation for operation in _ALL}
