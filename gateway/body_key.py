"""The client's key in the body of a request, for callers that send it nowhere else.

Contract send_v2, "sendMail: fields", and job_v1: clientHashKey stands in the header, the query or requestMeta.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from gateway.auth import CallerAuthentication
from gateway.body import JSON_API, read_json
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal

# A value that the body gives, and where it stands.
Placed = tuple[str, tuple[str | int, ...]]

# A stranger's body is read only so far; longer letters name their client in the header.
_LONGEST = 1024 * 1024


class BodyKeyAuthentication(CallerAuthentication):
    """As everywhere, and by the body's key where neither header nor query has one."""

    def authenticate(self, request: Request) -> tuple[str | None, Caller]:
        http_request = request._request
        if not http_request.META.get("HTTP_X_CLIENT_HASH_KEY") and "clientHashKey" not in http_request.GET:
            http_request.META["HTTP_X_CLIENT_HASH_KEY"] = _key_in(http_request)
        return super().authenticate(request)


def confirmed(
    caller: Caller, http_request: Request, *, client_hash_keys: Iterable[Placed], user_names: Iterable[Placed]
) -> Caller:
    """The caller, with the user the body names where nothing before it named one.

    Raises 2000 where the body says something else than the headers or the query.
    """
    key = http_request.META.get("HTTP_X_CLIENT_HASH_KEY") or http_request.GET.get("clientHashKey")
    problems = [
        Problem(code=Code.CLIENT, sentence="is not the client of this request", field=path)
        for value, path in client_hash_keys
        if value != key
    ]
    places = list(user_names)
    names = {value for value, _ in places}
    is_named = bool(http_request.META.get("HTTP_X_USER_NAME") or http_request.GET.get("userName"))
    may_name = not caller.user_name or (not is_named and "act_for_users" in caller.rights)
    if len(names) > 1 or (names and not may_name and names != {caller.user_name}):
        problems += [
            Problem(code=Code.CLIENT, sentence="is not the user of this request", field=path) for _, path in places
        ]
    if problems:
        raise Refusal(problems)
    return replace(caller, user_name=names.pop()) if names else caller


def _key_in(http_request: HttpRequest) -> str:
    length = http_request.META.get("CONTENT_LENGTH") or ""
    if not length.isdigit() or not 0 < int(length) <= _LONGEST:
        return ""
    try:
        body = read_json(http_request)
    except Refusal:
        return ""  # told once the client is known
    plain = _member(_member(body.data, "data"), "attributes") if body.media_type == JSON_API else body.data
    key = _member(_member(plain, "requestMeta"), "clientHashKey") or _member(plain, "clientHashKey")
    return key if isinstance(key, str) else ""


def _member(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None
