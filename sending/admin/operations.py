"""What an operator may do to messages, each as a value: how it is asked, when it is offered, which service does it."""

from collections.abc import Callable, Sequence
from functools import partial

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from gateway.caller import Caller
from gateway.console.operating import Operation
from sending import services
from sending.models import Message
from sending.resending import resend
from sending.states import CLOSED, Status


def _settle(verdict: str, caller: Caller, messages: Sequence[Message], reason: str) -> int:
    for message in messages:
        services.settle(caller=caller, message_id=message.pk, verdict=verdict, reason=reason)
    return len(messages)


def _serve(service: Callable[..., int], caller: Caller, messages: Sequence[Message], reason: str) -> int:
    return service(caller=caller, message_ids=[message.pk for message in messages], reason=reason)


def _resend(caller: Caller, messages: Sequence[Message], reason: str) -> int:
    return len(resend(caller=caller, message_ids=[message.pk for message in messages], reason=reason))


_IN_DOUBT = frozenset({Status.UNCERTAIN})
_ALL = (
    Operation(
        verb="cancel",
        title=pgettext_lazy("a message", "Cancel"),
        question=_("These messages will not go out. This cannot be undone."),
        done=ngettext_lazy("%(count)d message cancelled.", "%(count)d messages cancelled.", "count"),
        icon="block",
        variant="danger",
        statuses=frozenset({Status.ACCEPTED, Status.HELD, Status.RETRY}),
        run=partial(_serve, services.cancel),
    ),
    Operation(
        verb="hold",
        title=_("Hold"),
        question=_("These messages wait until somebody releases them."),
        done=ngettext_lazy("%(count)d message held.", "%(count)d messages held.", "count"),
        icon="pause_circle",
        variant="default",
        statuses=frozenset({Status.ACCEPTED}),
        run=partial(_serve, services.hold),
    ),
    Operation(
        verb="release",
        title=_("Release"),
        question=_("These messages go out now, whatever they were held for."),
        done=ngettext_lazy("%(count)d message released.", "%(count)d messages released.", "count"),
        icon="play_circle",
        variant="primary",
        statuses=frozenset({Status.HELD}),
        run=partial(_serve, services.release),
    ),
    Operation(
        verb="requeue",
        title=_("Requeue"),
        question=_("These failed messages are tried anew, with a fresh count of attempts."),
        done=ngettext_lazy("%(count)d message requeued.", "%(count)d messages requeued.", "count"),
        icon="replay",
        variant="primary",
        statuses=frozenset({Status.FAILED}),
        run=partial(_serve, services.requeue),
    ),
    Operation(
        verb="resend",
        title=_("Resend"),
        question=_("Each of these messages goes out once more, as a new message with the same content."),
        done=ngettext_lazy("%(count)d message sent once more.", "%(count)d messages sent once more.", "count"),
        icon="reply_all",
        variant="default",
        # Of one in doubt it is decided first whether it went out.
        statuses=CLOSED - _IN_DOUBT,
        run=_resend,
    ),
    Operation(
        verb="was-sent",
        title=_("It was sent"),
        question=_("These messages count as sent, because it is known that they arrived."),
        done=ngettext_lazy("%(count)d message settled as sent.", "%(count)d messages settled as sent.", "count"),
        icon="check_circle",
        variant="default",
        statuses=_IN_DOUBT,
        run=partial(_settle, "sent"),
    ),
    Operation(
        verb="send-again",
        title=_("Send again"),
        question=_("These messages go out again. A recipient who has one already gets it twice."),
        done=ngettext_lazy("%(count)d message will be sent again.", "%(count)d messages will be sent again.", "count"),
        icon="forward_to_inbox",
        variant="default",
        statuses=_IN_DOUBT,
        run=partial(_settle, "send_again"),
    ),
    Operation(
        verb="give-up",
        title=_("Give up"),
        question=_("These messages count as failed and are not sent again by themselves."),
        done=ngettext_lazy("%(count)d message given up.", "%(count)d messages given up.", "count"),
        icon="cancel",
        variant="default",
        statuses=_IN_DOUBT,
        run=partial(_settle, "give_up"),
    ),
)
OPERATIONS = {operation.verb: operation for operation in _ALL}
SETTLING = tuple(operation for operation in _ALL if operation.statuses == _IN_DOUBT)
MOVING = tuple(operation for operation in _ALL if operation.statuses != _IN_DOUBT)
# Not to be done with what is no letter.
OF_LETTERS = frozenset({"resend"})
