"""Letters that archive, and what tests of archives have in common."""

from typing import Any

import pytest

from gateway.caller import Caller
from gateway.errors import Refusal
from sending import services
from sending.letter import LetterAttachment
from sending.models import Message, MessageEvent
from tests.sending.factories import a_letter, an_attachment
from tests.sending.send_v2_calls import nothing_happened

CONTENT = b"%PDF-1.4 minta"


class Died(BaseException):
    """As a kill would: nothing after it is done."""


def archiving_to(target: str = "DMS", **values: Any) -> LetterAttachment:
    return an_attachment(CONTENT, archiving_expected=True, archive_target=target, **values)


def from_fs(ref: str = "test.pdf", **values: Any) -> LetterAttachment:
    return LetterAttachment(file_name="minta.pdf", source="FS", source_ref=ref, **values)


def an_archiving(*attachments: LetterAttachment, **values: Any) -> dict[str, Any]:
    """What makes a letter one of the channel ARCHIVE."""
    given = {"channel": "ARCHIVE", "recipient_email_address": "", "mail_subject": "", "mail_body": ""}
    return given | {"attachments": attachments} | values


def submit(caller: Caller, **values: Any) -> Message:
    return Message.objects.get(pk=services.submit(caller=caller, letter=a_letter(**values)).message_id)


def refused(caller: Caller, **values: Any) -> list[tuple[int, str]]:
    with pytest.raises(Refusal) as caught:
        services.submit(caller=caller, letter=a_letter(**values))
    assert nothing_happened()
    return [(int(problem.code), problem.detail) for problem in caught.value.problems]


def last_event(message: Message) -> MessageEvent:
    event = MessageEvent.objects.filter(message=message).order_by("id").last()
    assert event is not None
    return event
