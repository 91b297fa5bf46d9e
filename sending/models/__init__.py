"""Tables of the sending floor, a file for each resource."""

from sending.models.attachment import ArchivedPart, Attachment, Blob, SourceDeletion
from sending.models.bulk import BulkResult
from sending.models.dispatcher import Dispatcher, Lane
from sending.models.dms_document import DmsDocument, DmsFiling, DmsTerm
from sending.models.message import Message, MessageEvent
from sending.models.printing import PrintBatch, PrintItem
from sending.models.push import Push, Subscription, SubscriptionTag
from sending.models.suppression import Suppression
from sending.models.template import Template, TemplateVersion
from sending.models.uncertain import UncertainMessage
from sending.models.vapid_key import VapidKey
from sending.models.withdrawal import Withdrawal

__all__ = [
    "ArchivedPart",
    "Attachment",
    "Blob",
    "BulkResult",
    "Dispatcher",
    "DmsDocument",
    "DmsFiling",
    "DmsTerm",
    "Lane",
    "Message",
    "MessageEvent",
    "PrintBatch",
    "PrintItem",
    "Push",
    "SourceDeletion",
    "Subscription",
    "SubscriptionTag",
    "Suppression",
    "Template",
    "TemplateVersion",
    "UncertainMessage",
    "VapidKey",
    "Withdrawal",
]
