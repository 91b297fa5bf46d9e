"""What several pages show of a message."""

from django.utils.safestring import SafeString

from gateway.console import labels
from sending.admin import wording
from sending.models import Message
from sending.states import Status


def state(message: Message) -> SafeString:
    """Where it stands, coloured."""
    status = Status(message.status)
    return labels.label(wording.STATUSES[status], wording.STATUS_COLOURS[status])
