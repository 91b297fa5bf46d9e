"""The console's words and colours for what campaigns call by code."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.columns import IGNORED, PROPERTY
from campaigns.states import CampaignStatus, Duplicates
from sending.states import Status

STATUSES = {
    CampaignStatus.DRAFT: _("Draft"),
    CampaignStatus.RUNNING: pgettext_lazy("a campaign", "Being sent"),
    CampaignStatus.PAUSED: pgettext_lazy("a campaign", "Paused"),
    CampaignStatus.CLOSED: pgettext_lazy("a campaign", "Closed"),
}
# unfold's names of label colours.
STATUS_COLOURS = {
    CampaignStatus.DRAFT: "default",
    CampaignStatus.RUNNING: "primary",
    CampaignStatus.PAUSED: "warning",
    CampaignStatus.CLOSED: "success",
}
DUPLICATES = {
    Duplicates.ALLOW: _("Allow: every good line becomes a recipient."),
    Duplicates.SKIP: _("Skip: who is in the group already stays as he is."),
    Duplicates.UPDATE: _("Update: who is in the group already becomes what the file says."),
}
MEANINGS = {
    "name": _("name"),
    "email_address": _("e-mail"),
    "postal_address": _("postal address"),
    "partner_ref": _("partner"),
    "language": _("language"),
    "time_zone": _("time zone"),
    PROPERTY: _("a property of its name"),
    IGNORED: _("left out"),
}
SEPARATORS = {
    ";": _("semicolon"),
    ",": _("comma"),
    "\t": _("tab"),
    "|": _("vertical bar"),
}
# In the order in which they stand in a leg's bar: what is over first.
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
