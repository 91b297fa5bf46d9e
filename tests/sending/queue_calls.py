"""Messages of a queue as a client would send them, and what the Send V2 door answers, with no broker near."""

import json
from typing import Any

from lxml import etree

from gateway.amqp.delivery import Answer, Delivery
from sending.models import Message
from sending.send_v2 import amqp
from tests.factories import make_client
from tests.sending.send_v2_calls import LETTER

JSON, JSON_API, XML = "application/json", "application/vnd.api+json", "application/xml"


class QueueCaller:
    """A client with the right to send, over a queue."""

    def __init__(self, **overrides: Any) -> None:
        self.client, self.keys = make_client(**{"rights": ["send"]} | overrides)
        self.headers = {"X-Client-Hash-Key": self.keys.client_hash_key, "X-Method-Name": "Send_V2_Send"}

    def delivery(self, body: Any = None, *, headers: Any = None, tag: int = 1, **properties: Any) -> Delivery:
        """A message: LETTER as JSON unless something else is said; a header or property that is None is left out."""
        if body is None or isinstance(body, dict):
            body = json.dumps(LETTER | (body or {}))
        given = {"content_type": JSON, "message_id": "m-1", "reply_to": "replies"} | properties
        kept = {name: value for name, value in (self.headers | (headers or {})).items() if value is not None}
        return Delivery(
            tag=tag,
            body=body.encode() if isinstance(body, str) else body,
            properties={name: value for name, value in given.items() if value is not None},
            headers=kept,
        )

    def ask(self, body: Any = None, **options: Any) -> Answer:
        """What one message is answered."""
        (answer,) = amqp.answers([self.delivery(body, **options)])
        return answer

    def sent(self, body: Any = None, **options: Any) -> Message:
        """A letter that was taken, as its row."""
        answer = self.ask(body, **options)
        assert answer.refusal == "", answer
        return Message.objects.get(pk=json.loads(answer.body)["messageId"])


def status(answer: Answer) -> tuple[int, list[str]]:
    """Code and sentences of an answer in any form."""
    if answer.media_type == XML:
        root = etree.fromstring(answer.body)
        code = int(root.findtext("status/code") or "-1")
        return code, [str(element.text) for element in root.iterfind("status/messages/message")]
    found = json.loads(answer.body)["meta"]["responseStatus"]
    return found["code"], found["messages"]
