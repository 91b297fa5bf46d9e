"""What became of a message, and withdrawing it (contract send_v2, "What became of it")."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KT
from django.http import HttpResponse
from rest_framework.request import Request

from gateway.caller import Caller
from gateway.dates import format_moment
from gateway.envelope import meta, resource
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from gateway.listing import LARGEST_ID, ListParameters
from gateway.rest import ApiView, read_json
from sending import services
from sending.models import Message, MessageEvent
from sending.send_v2 import answer, schema
from sending.states import Status

_SORTABLE = {"createdAt": "created_at", "updatedAt": "updated_at", "finishedAt": "closed_at", "status": "status"}
_TEXTS = {"requestId": ("request_id", 150), "batchId": ("batch_id", 100), "partnerRef": ("partner_ref", 100)}
_LONGEST_REASON = 1000


class MessagesView(ApiView):
    """The caller's messages, the newest first."""

    required_right = "send"

    @schema.operation("listMessages", "List messages", schema.MESSAGES, parameters=schema.LIST_PARAMETERS)
    def get(self, request: Request) -> HttpResponse:
        parameters = ListParameters(
            request.query_params, names=(*_TEXTS, "status", "channel", "createdAtFrom", "createdAtTo")
        )
        page = parameters.page(sortable=_SORTABLE)
        wanted: dict[str, Any] = {
            column: value
            for name, (column, longest) in _TEXTS.items()
            if (value := parameters.text(name, longest=longest))
        }
        statuses = [
            *parameters.many("status", allowed=list(Status)),
            *parameters.many("statuses", allowed=list(Status)),
        ]
        channels = [*parameters.many("channel"), *parameters.many("channels")]
        wanted |= {name: values for name, values in (("status__in", statuses), ("channel__in", channels)) if values}
        if created_from := parameters.moment_from("createdAtFrom"):
            wanted["created_at__gte"] = created_from
        if created_to := parameters.moment_to("createdAtTo"):
            wanted["created_at__lt"] = created_to
        parameters.check()
        messages = Message.objects.visible_to(self.caller).filter(**wanted)
        rows = _readable(messages).order_by(*page.order_by)[page.offset : page.offset + page.limit]
        return self.answer({"data": [_message(row) for row in rows], "meta": meta(total=messages.count())})


class MessageView(ApiView):
    """One message."""

    required_right = "send"

    @schema.operation("readMessage", "Read a message", schema.MESSAGE)
    def get(self, request: Request, message_id: str) -> HttpResponse:
        return self.answer({"data": _message(_find(self.caller, message_id)), "meta": meta()})


class EventsView(ApiView):
    """What happened to one message, in order."""

    required_right = "send"

    @schema.operation("readEvents", "Read a message's events", schema.EVENTS)
    def get(self, request: Request, message_id: str) -> HttpResponse:
        events = list(MessageEvent.objects.filter(message=_find(self.caller, message_id)).order_by("id"))
        return self.answer({"data": [_event(event) for event in events], "meta": meta(total=len(events))})


class CancelView(ApiView):
    """Withdraws a message that did not go out yet."""

    required_right = "send"

    @schema.operation("cancelMessage", "Cancel a message", schema.CANCELLED, request=schema.CANCEL)
    def post(self, request: Request, message_id: str) -> HttpResponse:
        has_body = request.META.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in request.META
        reason = _reason(read_json(request).data) if has_body else ""
        number = _number(message_id)
        services.cancel(caller=self.caller, message_ids=[number], reason=reason)
        return self.answer(answer.accepted_json_api(number))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= LARGEST_ID):
        raise not_found(f"message {text[:20]}")
    return int(text)


def _find(caller: Caller, message_id: str) -> Message:
    """The message, if the caller may see it; what they may not see looks like what does not exist."""
    number = _number(message_id)
    message = _readable(Message.objects.visible_to(caller)).filter(pk=number).first()
    if message is None:
        raise not_found(f"message {number}")
    return message


def _readable(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Without what the letter says, which may be large and is read by nobody here."""
    return (
        messages.select_related("template_version__template")
        .annotate(send_at=KT("content__send_at"), message_type=KT("content__message_type"))
        .defer(
            "content",
            "digest",
            "template_version__text",
            "template_version__html",
            "template_version__subject",
            "template_version__sample",
        )
    )


def _reason(data: object) -> str:
    """``{"reason"}`` of a command's body."""
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "the request must be a JSON object")
    found = [
        Problem(code=Code.UNKNOWN_FIELD, sentence="unknown field", field=(name,)) for name in data if name != "reason"
    ]
    reason = data.get("reason") or ""
    if not isinstance(reason, str) or len(reason) > _LONGEST_REASON or not reason.isprintable():
        sentence = f"must be one line of at most {_LONGEST_REASON} printable characters"
        found.append(Problem(code=Code.INVALID, sentence=sentence, field=("reason",)))
    if found:
        raise Refusal(found)
    return reason


def _message(message: Any) -> dict[str, Any]:
    version = message.template_version
    return resource(
        "messages",
        message.pk,
        {
            "status": message.status,
            "reason": message.reason or None,
            "heldFor": message.held_for or None,
            "channel": message.channel,
            "requestId": message.request_id or None,
            "batchId": message.batch_id or None,
            "partnerRef": message.partner_ref or None,
            "messageType": message.message_type,
            "messageTypeVersion": version.version if version else None,
            "recipientName": message.recipient_name,
            "recipientEmailAddress": message.recipient_email_address or None,
            "relatedMessageId": message.related_message_id,
            "campaignPartId": message.campaign_part_id,
            "attempts": message.attempts,
            "attachmentCount": message.attachment_count,
            "createdAt": format_moment(message.created_at),
            "updatedAt": format_moment(message.updated_at),
            "sendAt": _moment(datetime.fromisoformat(message.send_at) if message.send_at else None),
            "dueAt": _moment(message.due_at),
            "expiresAt": _moment(message.expires_at),
            "closedAt": _moment(message.closed_at),
            "openedAt": _moment(message.opened_at),
            "erasedAt": _moment(message.erased_at),
        },
    )


def _event(event: MessageEvent) -> dict[str, Any]:
    return resource(
        "messageEvents",
        event.pk,
        {
            "createdAt": format_moment(event.created_at),
            "eventName": event.name,
            "reason": event.reason or None,
            "actor": event.actor or None,
            "recipients": event.recipients,
            "facts": event.facts,
        },
    )


def _moment(moment: datetime | None) -> str | None:
    return format_moment(moment) if moment else None
