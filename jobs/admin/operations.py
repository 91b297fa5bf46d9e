"""What an operator may do to jobs, each as a value: how it is asked, when it is offered, which status it brings."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from jobs.states import BY_HAND, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``verb`` is its place in addresses and in the audit trail; ``done`` is a plural form over ``count``."""

    verb: str
    title: Any
    question: Any
    done: Any
    icon: str
    variant: str
    target: Status

    @property
    def statuses(self) -> frozenset[Status]:
        """From where it is offered."""
        return BY_HAND[self.target]


_ALL = (
    Operation(
        verb="cancel",
        title=pgettext_lazy("a job", "Cancel"),
        question=_("These jobs and all that is open below them end. One at work stops at its next checkpoint."),
        done=ngettext_lazy("%(count)d job cancelled.", "%(count)d jobs cancelled.", "count"),
        icon="block",
        variant="danger",
        target=Status.CANCELLED,
    ),
    Operation(
        verb="again",
        title=_("Run again"),
        question=_("These jobs run once more, from their start and with the same parameters."),
        done=ngettext_lazy("%(count)d job will run again.", "%(count)d jobs will run again.", "count"),
        icon="replay",
        variant="primary",
        target=Status.NEW,
    ),
    Operation(
        verb="finish",
        title=_("Close as finished"),
        question=_("These jobs count as done, because it is known that they are. A runner still at work is stopped."),
        done=ngettext_lazy("%(count)d job closed as finished.", "%(count)d jobs closed as finished.", "count"),
        icon="check_circle",
        variant="default",
        target=Status.FINISHED,
    ),
    Operation(
        verb="fail",
        title=_("Close as failed"),
        question=_("These jobs count as failed. A runner still at work is stopped."),
        done=ngettext_lazy("%(count)d job closed as failed.", "%(count)d jobs closed as failed.", "count"),
        icon="cancel",
        variant="default",
        target=Status.FAILED,
    ),
)
OPERATIONS = {operation.verb: operation for operation in _ALL}
