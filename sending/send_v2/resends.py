"""``POST …/resend``: closed messages once more (contract send_v2, "Resend"), as plain JSON or as JSON:API."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from gateway import body_key
from gateway.body import media_type_of
from gateway.body_key import BodyKeyAuthentication
from gateway.envelope import pointer
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.rest import JSON, JSON_API, ApiView, read_json
from sending.send_v2 import answer, problems, resend_request, schema

TYPES = ("resendRequests", "resendRequest")
_DOCUMENT = frozenset({"data", "meta", "links", "jsonapi"})
_RESOURCE = frozenset({"type", "id", "attributes", "meta", "links"})


class ResendView(ApiView):
    """Sends messages again, all of them or none, and answers in kind."""

    authentication_classes = [BodyKeyAuthentication]
    required_right = "send"

    @schema.operation("resend", "Send messages again", schema.SENT, request=schema.RESEND)
    def post(self, http_request: Request) -> HttpResponse:
        is_json_api = media_type_of(http_request._request) == JSON_API
        self.answer_type = JSON_API if is_json_api else JSON
        data = read_json(http_request).data
        if is_json_api:
            data = attributes_of(data)
            self.pointer_of = pointer_of  # type: ignore[method-assign]
        asked = resend_request.read(data)
        caller = body_key.confirmed(
            self.caller, http_request, client_hash_keys=asked.client_hash_keys, user_names=asked.user_names
        )
        encode = answer.accepted_json_api if is_json_api else answer.accepted
        return self.answer(encode(*answer.resent(asked.submit(caller))))


def attributes_of(document: Any, types: Sequence[str] = TYPES) -> dict[str, Any]:
    """What a JSON:API document asks for; its ``data.id`` means nothing. Raises Refusal with all that is wrong with its
    build."""
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "must be one resource object", "data")
    found = [
        Problem(code=Code.UNKNOWN_FIELD, sentence="unknown member", field=(*path, problems.printable(name)))
        for members, known, path in ((document, _DOCUMENT, ()), (data, _RESOURCE, ("data",)))
        for name in members
        if name not in known
    ]
    if data.get("type") not in types:
        found.append(Problem(code=Code.INVALID, sentence=f"must be {types[0]}", field=("data", "type")))
    attributes = data.get("attributes") or {}
    if not isinstance(attributes, dict):
        found.append(Problem(code=Code.INVALID, sentence="must be an object", field=("data", "attributes")))
    if found:
        raise Refusal(found[: problems.MOST_REPORTED])
    return attributes


def pointer_of(problem: Problem) -> str:
    """Where in the document a problem of its attributes lies (RFC 6901)."""
    return pointer(Problem(code=problem.code, sentence=problem.sentence, field=("data", "attributes", *problem.field)))
