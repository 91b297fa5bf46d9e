"""The console's words and colours for what the core calls by code."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from sending.bouncing import NOTED
from sending.states import HeldFor, Status, TemplateStatus, VersionStatus

STATUSES = {
    Status.ACCEPTED: _("Waiting"),
    Status.HELD: _("Held"),
    Status.SENDING: _("Being sent"),
    Status.RETRY: _("To be retried"),
    Status.SENT: _("Sent"),
    Status.FAILED: _("Failed"),
    Status.CANCELLED: _("Cancelled"),
    Status.UNCERTAIN: _("In doubt"),
    Status.BOUNCED: _("Bounced"),
}
# unfold's names of label colours.
STATUS_COLOURS = {
    Status.ACCEPTED: "info",
    Status.HELD: "warning",
    Status.SENDING: "primary",
    Status.RETRY: "warning",
    Status.SENT: "success",
    Status.FAILED: "danger",
    Status.CANCELLED: "default",
    Status.UNCERTAIN: "danger",
    Status.BOUNCED: "danger",
}
# What happens to a message: mostly that it comes to a status.
EVENTS: dict[str, Any] = {NOTED: _("Reported")} | {status.value: words for status, words in STATUSES.items()}
EVENT_COLOURS: dict[str, str] = {NOTED: "warning"} | {status.value: colour for status, colour in STATUS_COLOURS.items()}
HELD_FOR = {
    HeldFor.TEMPLATE: _("its template is suspended"),
    HeldFor.TIME: _("its time has not come"),
    HeldFor.PERSON: _("somebody held it"),
}
TEMPLATE_STATUSES = {
    TemplateStatus.ENABLED: _("Enabled"),
    TemplateStatus.SUSPENDED: _("Suspended"),
    TemplateStatus.DISABLED: _("Disabled"),
    TemplateStatus.ARCHIVED: _("Archived"),
}
TEMPLATE_COLOURS = {
    TemplateStatus.ENABLED: "success",
    TemplateStatus.SUSPENDED: "warning",
    TemplateStatus.DISABLED: "danger",
    TemplateStatus.ARCHIVED: "default",
}
VERSION_STATUSES = {
    VersionStatus.DRAFT: _("Draft"),
    VersionStatus.ENABLED: _("Enabled"),
    VersionStatus.RETIRED: _("Retired"),
}
VERSION_COLOURS = {
    VersionStatus.DRAFT: "info",
    VersionStatus.ENABLED: "success",
    VersionStatus.RETIRED: "default",
}
