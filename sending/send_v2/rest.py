"""``POST …/send``: decode, call, encode (contract send_v2, "Faces", REST)."""

from collections.abc import Callable, Mapping
from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request

from gateway import body_key, multipart
from gateway.body import media_type_of
from gateway.body_key import BodyKeyAuthentication
from gateway.caller import Caller
from gateway.incoming import Incoming, StoredBytes
from gateway.rest import JSON, JSON_API, ApiView, JsonBody, read_json
from sending.acceptance import examine
from sending.send_v2 import answer, request, schema, uploads
from sending.send_v2.json_api import Document
from sending.send_v2.request import Reading


class SendView(ApiView):
    """Takes one letter, as plain JSON or as JSON:API, and answers in kind; or with uploads, as multipart, which is
    answered as JSON:API. At v1/send too."""

    authentication_classes = [BodyKeyAuthentication]
    required_right = "send"

    @schema.operation("send", "Send one letter", schema.SENT, request=schema.SEND)
    def post(self, http_request: Request) -> HttpResponse:
        if multipart.is_multipart(http_request._request):
            with Incoming() as incoming:
                upload = uploads.receive(http_request._request, incoming, caller=self.caller)
                return self._submit(upload.read(self._read), http_request)
        is_json_api = media_type_of(http_request._request) == JSON_API
        self.answer_type = JSON_API if is_json_api else JSON
        return self._submit(self._read(read_json(http_request)), http_request)

    def _read(self, body: JsonBody, parts: Mapping[str, StoredBytes] | None = None) -> Reading:
        read: Callable[..., Reading] = partial(request.read, body.data)
        if body.media_type == JSON_API:
            document = Document(body.data)
            self.pointer_of = document.pointer  # type: ignore[method-assign]
            read = document.read
        return read(examine=partial(examine, self.caller), parts=parts)

    def _submit(self, reading: Reading, http_request: Request) -> HttpResponse:
        accepted = reading.submit(confirmed(self.caller, reading, http_request))
        encode = answer.accepted_json_api if self.answer_type == JSON_API else answer.accepted
        return self.answer(encode(accepted.message_id, answer.params(accepted)))


def confirmed(caller: Caller, reading: Reading, http_request: Request) -> Caller:
    """The caller as the letter names it too."""
    return body_key.confirmed(
        caller, http_request, client_hash_keys=reading.client_hash_keys, user_names=reading.user_names
    )
