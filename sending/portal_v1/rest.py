"""What a portal asks of inboxes: list, read, fetch attachments, mark as opened."""

from django.http import FileResponse, HttpResponse
from rest_framework.request import Request

from gateway.envelope import meta
from gateway.errors import Code, Problem, not_found
from gateway.listing import LARGEST_ID, ListParameters
from gateway.rest import ApiView
from sending import inbox
from sending.portal_v1 import answer, schema

_SORTABLE = {"sentAt": "closed_at", "createdAt": "created_at"}
_PARTNER, _ADDRESS = "partnerRef", "recipientEmailAddress"


class MessagesView(ApiView):
    """One inbox, the newest first."""

    required_right = "portal"

    @schema.operation("listInbox", "List an inbox", schema.MESSAGES, parameters=schema.LIST_PARAMETERS)
    def get(self, request: Request) -> HttpResponse:
        parameters = ListParameters(request.query_params, names=(_PARTNER, _ADDRESS, "unread"))
        page = parameters.page(sortable=_SORTABLE, default="-sentAt")
        partner_ref = parameters.text(_PARTNER, longest=100)
        address = parameters.text(_ADDRESS, longest=100)
        is_unread = parameters.flag("unread")
        _check_whose(parameters, partner_ref, address)
        parameters.check()
        found = inbox.messages(caller=self.caller, partner_ref=partner_ref, address=address, is_unread=is_unread)
        rows = inbox.without_words(found).order_by(*page.order_by)[page.offset : page.offset + page.limit]
        listed = list(rows)
        subjects = inbox.subjects(listed)
        data = [answer.listed(message, subjects.get(message.pk)) for message in listed]
        return self.answer({"data": data, "meta": meta(total=found.count())})


class MessageView(ApiView):
    """One message with what it says."""

    required_right = "portal"

    @schema.operation("readInboxMessage", "Read a message", schema.MESSAGE)
    def get(self, request: Request, message_id: str) -> HttpResponse:
        message = inbox.find(caller=self.caller, message_id=_number(message_id))
        return self.answer({"data": answer.read(message, inbox.words(message)), "meta": meta()})


class AttachmentsView(ApiView):
    """What came with a message, in the order given."""

    required_right = "portal"

    @schema.operation("listInboxAttachments", "List a message's attachments", schema.ATTACHMENTS)
    def get(self, request: Request, message_id: str) -> HttpResponse:
        found = inbox.attachments(inbox.find(caller=self.caller, message_id=_number(message_id)))
        return self.answer({"data": [answer.attachment(one) for one in found], "meta": meta(total=len(found))})


class AttachmentView(ApiView):
    """The bytes of one attachment."""

    required_right = "portal"

    @schema.operation("readInboxAttachment", "Read an attachment's bytes", schema.FILE)
    def get(self, request: Request, message_id: str, number: str) -> FileResponse:
        message = inbox.find(caller=self.caller, message_id=_number(message_id))
        return answer.file(*inbox.opened(message, _number(number, "attachment")))


class OpenView(ApiView):
    """Marks a message as opened."""

    required_right = "portal"

    @schema.operation("openInboxMessage", "Mark a message as opened", schema.MESSAGE_LISTED, request=None)
    def post(self, request: Request, message_id: str) -> HttpResponse:
        message = inbox.open_message(caller=self.caller, message_id=_number(message_id))
        return self.answer({"data": answer.listed(message, inbox.subjects([message])[message.pk]), "meta": meta()})


def _check_whose(parameters: ListParameters, partner_ref: str, address: str) -> None:
    """An inbox is one partner's or one address's."""
    told = {problem.field for problem in parameters.problems}
    if (_PARTNER,) in told or (_ADDRESS,) in told:
        return
    if partner_ref and address:
        sentence = f"not together with {_ADDRESS}"
        parameters.problems.append(Problem(code=Code.EXCLUSIVE, sentence=sentence, field=(_PARTNER,), parameter=True))
    elif not partner_ref and not address:
        sentence = f"required, unless {_ADDRESS} is given"
        parameters.problems.append(Problem(code=Code.REQUIRED, sentence=sentence, field=(_PARTNER,), parameter=True))


def _number(text: str, what: str = "message") -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= LARGEST_ID):
        raise not_found(f"{what} {text[:20]}")
    return int(text)
