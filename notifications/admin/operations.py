"""What an operator may do to targets, each as a value: how it is asked, when it is offered, which service does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from gateway.errors import Code, refuse
from notifications import services
from notifications.models import Target
from notifications.states import Health

OPERATE = "notifications.operate_target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``verb`` is its place in addresses and in the audit trail; ``run`` is given the target and who asks, and says
    what was done."""

    verb: str
    title: Any
    question: Any
    icon: str
    variant: str
    fits: Callable[[Target], bool]
    run: Callable[[Target, str], str]


def may_operate(request: HttpRequest) -> bool:
    """Whether this person may act on targets and deliveries."""
    return bool(request.user.has_perm(OPERATE))


def _pause(target: Target, actor: str) -> str:
    if not services.pause(target=target, actor=actor):
        raise refuse(Code.STATE_CONFLICT, "it is paused already")
    return gettext("Nothing is told there until it is resumed.")


def _resume(target: Target, actor: str) -> str:
    if not services.resume(target=target):
        raise refuse(Code.STATE_CONFLICT, "it is not paused")
    return gettext("It is told again, beginning with what waits.")


def _enable(target: Target, actor: str) -> str:
    services.enable(target=target, replays_missed=False)
    return gettext("It is told again.")


def _enable_and_tell(target: Target, actor: str) -> str:
    count = services.enable(target=target, replays_missed=True)
    words = ngettext(
        "It is told again, beginning with %(count)d delivery that it missed.",
        "It is told again, beginning with %(count)d deliveries that it missed.",
        count,
    )
    return words % {"count": count}


def _is_open(target: Target) -> bool:
    return target.health in (Health.WORKING, Health.FAILING)


def _can_be_enabled(target: Target) -> bool:
    return target.health is Health.DISABLED and getattr(target, "registration", None) is not None


_ALL = (
    Operation(
        verb="pause",
        title=_("Pause"),
        question=_("Nothing is told there until somebody resumes it; what is to be told waits."),
        icon="pause_circle",
        variant="default",
        fits=_is_open,
        run=_pause,
    ),
    Operation(
        verb="resume",
        title=_("Resume"),
        question=_("It is told again, beginning with what waits."),
        icon="play_circle",
        variant="primary",
        fits=lambda target: target.health is Health.PAUSED,
        run=_resume,
    ),
    Operation(
        verb="enable",
        title=_("Enable"),
        question=_("It is told again of what happens from now on; what it missed stays missed."),
        icon="check_circle",
        variant="primary",
        fits=_can_be_enabled,
        run=_enable,
    ),
    Operation(
        verb="enable-missed",
        title=_("Enable and catch up"),
        question=_("It is told again, beginning with all that it missed since it was disabled."),
        icon="history",
        variant="primary",
        fits=_can_be_enabled,
        run=_enable_and_tell,
    ),
)
OPERATIONS = {operation.verb: operation for operation in _ALL}
