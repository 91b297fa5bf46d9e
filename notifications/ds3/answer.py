"""Registrations, lists and refusals as callers of this contract read them, in XML or JSON."""

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

from gateway.answers import JSON, json_bytes
from gateway.errors import Code, Problem, Refusal
from gateway.failures import refusal_for
from gateway.logs import current_trace
from gateway.soap_writing import element
from notifications.ds3.credentials import Denied
from notifications.ds3.finding import Found
from notifications.ds3.request import JSON_SUFFIX
from notifications.models import Registration
from notifications.payloads.job_completed import zulu

XML = "text/xml"
_RETRY, _FALLBACK = "RetryWithAsynchronousWait", "BadRequest"
# Whatever is not named here is BadRequest's, with its own HTTP status.
_CODES = {
    Code.REQUIRED: "InvalidUri",
    Code.UNKNOWN_FIELD: "InvalidUri",
    Code.FORBIDDEN: "Forbidden",
    Code.NOT_FOUND: "NotFound",
    Code.RATE_LIMITED: _RETRY,
    Code.UNAVAILABLE: _RETRY,
    Code.INTERNAL: "InternalError",
}
# All that a caller may read in Code, but for those of credentials (gateway.credentials.aws_v2).
ERROR_CODES = frozenset({*_CODES.values(), _FALLBACK})
_DEFAULT_RETRY_AFTER = 5
_LONGEST_MESSAGE, _LONGEST_RESOURCE = 2000, 300
_log = logging.getLogger(__name__)


def registration(one: Registration) -> dict[str, Any]:
    """The members of one, in the contract's order; null where there is nothing yet."""
    target = one.target
    failure = f"disabled: {target.disabled_for}" if target.disabled_at else target.last_failure
    return {
        "CreationDate": zulu(one.created_at),
        "Format": one.format,
        "Id": str(one.uuid),
        "JobId": str(one.job_uuid) if one.job_uuid else None,
        "LastFailure": failure or None,
        "LastHttpResponseCode": target.last_status,
        "LastNotification": zulu(target.last_at) if target.last_at else None,
        "NamingConvention": one.naming,
        "NotificationEndPoint": one.end_point,
        "NotificationHttpMethod": one.method,
        "NumberOfFailuresSinceLastSuccess": target.failures,
        "UserId": str(one.client.uuid),
    }


def shown(request: HttpRequest, one: Registration, *, status: int = HTTPStatus.OK) -> HttpResponse:
    """A registration alone."""
    return _written(request, "Data", registration(one), status)


def listed(request: HttpRequest, found: Found) -> HttpResponse:
    """A page of them, and in the headers what lies beyond it."""
    members = {"JobCompletedNotificationRegistration": [registration(one) for one in found.rows]}
    response = _written(request, "Data", members, HTTPStatus.OK)
    response.headers["Page-Truncated"] = str(found.left)
    response.headers["Total-Result-Count"] = str(found.total)
    return response


def deleted() -> HttpResponse:
    """Nothing is left to be told."""
    response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"]
    return _marked(response)


def failed(request: HttpRequest, error: Exception) -> HttpResponse:
    """Whatever was raised, as the contract's document of an error."""
    if isinstance(error, Denied):
        return _error(request, error.fault, HTTPStatus.FORBIDDEN, str(error))
    return refused(request, refusal_for(error))


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A refusal with the code and the HTTP status of its first problem, and the sentences of all."""
    first = refusal.problems[0]
    code = _CODES.get(first.code, _FALLBACK)
    sentences = "; ".join(problem.detail for problem in refusal.problems)
    response = _error(request, code, _status(first), sentences)
    if code == _RETRY or refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after or _DEFAULT_RETRY_AFTER)
    return response


def _status(problem: Problem) -> int:
    # Who calls is never told by 401 here: no browser is to ask for a password.
    return HTTPStatus.FORBIDDEN if problem.http_status == HTTPStatus.UNAUTHORIZED else problem.http_status


def _error(request: HttpRequest, code: str, status: int, sentence: str) -> HttpResponse:
    # Clients of the original read a number here.
    number = secrets.randbits(53)
    _log.info("refused", extra={"code": code, "resource_id": number})
    members = {
        "Code": str(code),
        "HttpErrorCode": int(status),
        "Message": sentence[:_LONGEST_MESSAGE],
        "Resource": quote(request.path)[:_LONGEST_RESOURCE],
        "ResourceId": number,
    }
    return _written(request, "Error", members, status)


def _written(request: HttpRequest, root: str, members: Mapping[str, Any], status: int) -> HttpResponse:
    if wants_json(request):
        content, media_type = json_bytes({root: members}), JSON
    else:
        # ASCII alone is read alike whatever charset a reader takes text/xml to have.
        content, media_type = element(root, _without_null(members)).encode("ascii", "xmlcharrefreplace"), XML
    return _marked(HttpResponse(content, status=status, content_type=media_type))


def _marked(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    if (trace := current_trace.get()) is not None:
        # Clients of the original log it, and complain where it is missing.
        response.headers["x-amz-request-id"] = trace.request_id
    return response


def _without_null(members: Mapping[str, Any]) -> dict[str, Any]:
    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [_without_null(item) for item in value]
        return "" if value is None else value

    return {name: filled(value) for name, value in members.items()}


def wants_json(request: HttpRequest) -> bool:
    """Whether JSON is asked for: by the address's suffix ``.json``, or by Accept before any XML."""
    if request.path_info.rstrip("/").endswith(JSON_SUFFIX):
        return True
    ranked = sorted(_accepted(request.META.get("HTTP_ACCEPT", "")), key=lambda one: -one[1])
    found = [media_type for media_type, quality in ranked if quality > 0 and media_type.endswith(("json", "xml"))]
    return bool(found) and found[0].endswith("json")


def _accepted(header: str) -> list[tuple[str, float]]:
    """The media types of an Accept header in its order, each with its quality."""
    found = []
    for part in header.split(",")[:50]:
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        try:
            found.append((media_type, float(quality)))
        except ValueError:
            found.append((media_type, 1.0))
    return found
