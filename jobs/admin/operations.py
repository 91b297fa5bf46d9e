"""What an operator may do to jobs, each as a value: how it is asked, when it is offered, which status it brings."""

from collections.abc import Sequence
from functools import partial

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from gateway.caller import Caller
from gateway.console.operating import Operation
from jobs import services
from jobs.models import Job
from jobs.states import BY_HAND, Status


def _bring(status: Status, caller: Caller, jobs: Sequence[Job], reason: str) -> int:
    return len(services.set_status(caller=caller, ids=[job.pk for job in jobs], status=status, reason=reason))


_ALL = (
    Operation(
        verb="cancel",
        title=pgettext_lazy("a job", "Cancel"),
        question=_("These jobs and all that is open below them end. One at work stops at its next checkpoint."),
        done=ngettext_lazy("%(count)d job cancelled.", "%(count)d jobs cancelled.", "count"),
        icon="block",
        variant="danger",
        statuses=BY_HAND[Status.CANCELLED],
        run=partial(_bring, Status.CANCELLED),
    ),
    Operation(
        verb="again",
        title=_("Run again"),
        question=_("These jobs run once more, from their start and with the same parameters."),
        done=ngettext_lazy("%(count)d job will run again.", "%(count)d jobs will run again.", "count"),
        icon="replay",
        variant="primary",
        statuses=BY_HAND[Status.NEW],
        run=partial(_bring, Status.NEW),
    ),
    Operation(
        verb="finish",
        title=_("Close as finished"),
        question=_("These jobs count as done, because it is known that they are. A runner still at work is stopped."),
        done=ngettext_lazy("%(count)d job closed as finished.", "%(count)d jobs closed as finished.", "count"),
        icon="check_circle",
        variant="default",
        statuses=BY_HAND[Status.FINISHED],
        run=partial(_bring, Status.FINISHED),
    ),
    Operation(
        verb="fail",
        title=_("Close as failed"),
        question=_("These jobs count as failed. A runner still at work is stopped."),
        done=ngettext_lazy("%(count)d job closed as failed.", "%(count)d jobs closed as failed.", "count"),
        icon="cancel",
        variant="default",
        statuses=BY_HAND[Status.FAILED],
        run=partial(_bring, Status.FAILED),
    ),
)
OPERATIONS = {operation.verb: operation for operation in _ALL}
