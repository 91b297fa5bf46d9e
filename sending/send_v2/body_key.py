"""The client's key in the body of a request, for callers that send it nowhere else.

Contract send_v2, "sendMail: fields": clientHashKey stands in the header, the query or requestMeta.
"""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from gateway.auth import CallerAuthentication
from gateway.body import JSON_API, read_json
from gateway.caller import Caller
from gateway.errors import Refusal

# A stranger's body is read only so far; longer letters name their client in the header.
_LONGEST = 1024 * 1024


class BodyKeyAuthentication(CallerAuthentication):
    """As everywhere, and by the body's key where neither header nor query has one."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        http_request = request._request
        if not http_request.META.get("HTTP_X_CLIENT_HASH_KEY") and "clientHashKey" not in http_request.GET:
            http_request.META["HTTP_X_CLIENT_HASH_KEY"] = _key_in(http_request)
        return super().authenticate(request)


def _key_in(http_request: HttpRequest) -> str:
    length = http_request.META.get("CONTENT_LENGTH") or ""
    if not length.isdigit() or not 0 < int(length) <= _LONGEST:
        return ""
    try:
        body = read_json(http_request)
    except Refusal:
        return ""  # told once the client is known
    letter = _member(_member(body.data, "data"), "attributes") if body.media_type == JSON_API else body.data
    key = _member(_member(letter, "requestMeta"), "clientHashKey") or _member(letter, "clientHashKey")
    return key if isinstance(key, str) else ""


def _member(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None
