"""The console's words and colours for what campaigns call by code."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.columns import IGNORED, PROPERTY
from campaigns.states import CampaignStatus, Duplicates
from sending.admin.wording import STATUSES as MESSAGE_STATUSES

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
_HEADS = {
    "leg": _("Leg"),
    "title": _("Title"),
    "group": _("Recipient group"),
    "template": _("Template"),
    "channel": _("Channel"),
    "runs": _("Runs"),
    "recipients": _("Recipients"),
    "leftOut": _("Left out"),
    "suppressed": pgettext_lazy("letters", "Suppressed"),
    "messages": _("Letters"),
    "opened": pgettext_lazy("letters", "Opened"),
    "job": _("Job"),
    "recipient": _("Recipient"),
    "name": _("Name"),
    "emailAddress": _("E-mail"),
    "reason": _("Reason"),
} | dict(MESSAGE_STATUSES)
SEPARATORS = {
    ";": _("semicolon"),
    ",": _("comma"),
    "\t": _("tab"),
    "|": _("vertical bar"),
}


def heads(codes: Sequence[str]) -> list[str]:
    """The columns of a file to be saved, in the reader's tongue; now, for it is written later."""
    return [str(_HEADS[code]) for code in codes]
