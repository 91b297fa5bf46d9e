"""What the tests of sending's pages share."""

from typing import Any

from django.test import Client

from sending.models import Message

MESSAGES = "/admin/sending/message/"
UNCERTAIN = "/admin/sending/uncertainmessage/"


def operate(client: Client, verb: str, *messages: Message, reason: str = "because", back: str = "") -> Any:
    """The confirmed operation on these messages."""
    data = {"ids": [message.pk for message in messages], "reason": reason, "back": back}
    return client.post(f"{MESSAGES}operate/{verb}/", data)
