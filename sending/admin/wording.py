"""The console's words and colours for what the core calls by code."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sending.states import BatchStatus, BulkOutcome, Happening, HeldFor, Status, TemplateStatus, VersionStatus

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
# In the order in which they stand in a bar: what is over first.
BAR = (
    (Status.SENT, "success"),
    (Status.BOUNCED, "bounced"),
    (Status.FAILED, "danger"),
    (Status.UNCERTAIN, "doubt"),
    (Status.CANCELLED, "default"),
    (Status.SENDING, "primary"),
    (Status.RETRY, "warning"),
    (Status.ACCEPTED, "info"),
    (Status.HELD, "held"),
)
HAPPENINGS = {
    Happening.OPENED: pgettext_lazy("a message", "Opened"),
    Happening.REPORTED: _("Reported"),
    Happening.SOURCE_DELETED: _("Source deleted"),
    Happening.SOURCE_KEPT: _("Source kept"),
}
# What events are called: by a status, or by what happened beside.
EVENTS = {str(name): words for table in (STATUSES, HAPPENINGS) for name, words in table.items()}
EVENT_COLOURS = {
    **{status.value: colour for status, colour in STATUS_COLOURS.items()},
    Happening.OPENED.value: "success",
    Happening.REPORTED.value: "warning",
}
HELD_FOR = {
    HeldFor.TEMPLATE: _("its template is suspended"),
    HeldFor.TIME: _("its time has not come"),
    HeldFor.PERSON: _("somebody held it"),
    HeldFor.CHANNEL: _("its channel is not there yet"),
    HeldFor.PAUSE: _("its campaign is paused"),
}
BULK_OUTCOMES = {BulkOutcome.DONE: _("Done"), BulkOutcome.NOT_DONE: _("Not done")}
BULK_OUTCOME_COLOURS = {BulkOutcome.DONE: "success", BulkOutcome.NOT_DONE: "warning"}
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
# Words and colour together.
BATCH_STATUSES = {
    BatchStatus.OPEN: (_("Taking letters"), "info"),
    BatchStatus.CLOSING: (_("Closing"), "primary"),
    BatchStatus.CLOSED: (_("At the print house"), "success"),
}
BATCH_WITHOUT_MANIFEST = (_("Manifest not written"), "danger")
