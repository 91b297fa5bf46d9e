"""Tables of the sending floor, a file for each resource."""

from sending.models.attachment import Attachment, Blob
from sending.models.dispatcher import Dispatcher, Lane
from sending.models.message import Message, MessageEvent
from sending.models.suppression import Suppression
from sending.models.template import Template, TemplateVersion
from sending.models.uncertain import UncertainMessage
from sending.models.withdrawal import Withdrawal

__all__ = [
    "Attachment",
    "Blob",
    "Dispatcher",
    "Lane",
    "Message",
    "MessageEvent",
    "Suppression",
    "Template",
    "TemplateVersion",
    "UncertainMessage",
    "Withdrawal",
]
