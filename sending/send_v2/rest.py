"""``POST …/send``: decode, call, encode (contract send_v2, "Faces", REST)."""

from collections.abc import Callable
from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from gateway import body_key
from gateway.body import media_type_of
from gateway.body_key import BodyKeyAuthentication
from gateway.caller import Caller
from gateway.rest import JSON, JSON_API, ApiView, read_json
from sending.acceptance import examine
from sending.send_v2 import answer, request, schema
from sending.send_v2.json_api import Document
from sending.send_v2.request import Reading


class SendView(ApiView):
    """Takes one letter, as plain JSON or as JSON:API, and answers in kind; at v1/send too."""

    authentication_classes = [BodyKeyAuthentication]
    required_right = "send"

    @schema.operation("send", "Send one letter", schema.SENT, request=schema.SEND)
    def post(self, http_request: Request) -> HttpResponse:
        is_json_api = media_type_of(http_request._request) == JSON_API
        self.answer_type = JSON_API if is_json_api else JSON
        body = read_json(http_request)
        read: Callable[..., Reading] = partial(request.read, body.data)
        if is_json_api:
            document = Document(body.data)
            self.pointer_of = document.pointer  # type: ignore[method-assign]
            read = document.read
        reading = read(examine=partial(examine, self.caller))
        caller = confirmed(self.caller, reading, http_request)
        encode = answer.accepted_json_api if is_json_api else answer.accepted
        accepted = reading.submit(caller)
        return self.answer(encode(accepted.message_id, answer.params(accepted)))


def confirmed(caller: Caller, reading: Reading, http_request: Request) -> Caller:
    """The caller as the letter names it too."""
    return body_key.confirmed(
        caller, http_request, client_hash_keys=reading.client_hash_keys, user_names=reading.user_names
    )
