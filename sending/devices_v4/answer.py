"""Devices and refusals as callers of ``/v4`` read them (contract schedules_v4, "Errors")."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from gateway import answers
from gateway.answers import JSON
from gateway.dates import format_moment
from gateway.errors import Code, Problem, Refusal
from sending.devices_v4.paging import numbers
from sending.models import Subscription, VapidKey

CODES = 28100, 28101, 28104, 28105, 28200, 28203
_INVALID, _CREDENTIALS, GONE, _NOBODY, _INTERNAL, _LATER = CODES
_SENTENCES = {
    _CREDENTIALS: "Basic authentication failed.",
    GONE: "Request schedule operation doesn't exist",
    _NOBODY: "The push task is invalid. There is no push target.",
    _LATER: "Execute action timeout, please try later again",
}
_DEFAULT_RETRY_AFTER = 5
_LONGEST_MESSAGE = 2000
# What has an HTTP status of its own; every other fault of the caller's is 400.
_OWN_STATUS = frozenset({403, 405, 411, 413, 429, 503})


def registered(subscription: Subscription) -> dict[str, Any]:
    return {"registration_id": subscription.registration_id}


def key(vapid_key: VapidKey) -> dict[str, Any]:
    return {"public_key": vapid_key.public_key}


def detail(subscription: Subscription, tags: Sequence[str]) -> dict[str, Any]:
    """A device, without what would let others push to it."""
    return {
        "registration_id": subscription.registration_id,
        "alias": subscription.alias,
        "tags": list(tags),
        "time_zone": subscription.time_zone,
        "language": subscription.language,
        "push_service": urlsplit(subscription.endpoint).hostname or "",
        "created_at": format_moment(subscription.created_at),
        "last_seen_at": format_moment(subscription.last_seen_at),
    }


def listed(
    subscriptions: Sequence[Subscription], tags: Mapping[int, Sequence[str]], *, total: int, page: int
) -> dict[str, Any]:
    return {
        **numbers(total=total, page=page),
        "devices": [detail(one, tags.get(one.pk, ())) for one in subscriptions],
    }


def shown(data: Mapping[str, Any]) -> HttpResponse:
    """A success, which is always 200."""
    return answers.answer(data, media_type=JSON)


def nothing() -> HttpResponse:
    """A success that has nothing to say."""
    response = HttpResponse(b"", content_type=JSON)
    response.headers["Content-Length"] = "0"
    response.headers["Cache-Control"] = "no-store"
    return response


def refused(request: HttpRequest, refusal: Refusal, sentences: Mapping[int, str] | None = None) -> HttpResponse:
    """A refusal with the code of its first problem, and the sentences of all. ``sentences`` are a resource's own;
    an empty one stands for what the refusal says itself."""
    first = refusal.problems[0]
    code, status = _code(first)
    known = {**_SENTENCES, **(sentences or {})}
    message = known.get(code) or "; ".join(problem.detail for problem in refusal.problems)
    if code == _INTERNAL:
        message = f"Server Internal error. {message}"
    response = answers.answer(
        {"error": {"code": code, "message": message[:_LONGEST_MESSAGE]}}, status=status, media_type=JSON
    )
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="hammy", charset="UTF-8"'
    if code == _LATER:
        response.headers["Retry-After"] = str(refusal.retry_after or _DEFAULT_RETRY_AFTER)
    return response


def _code(problem: Problem) -> tuple[int, int]:
    match problem.code:
        case Code.CLIENT | Code.TOKEN:
            return _CREDENTIALS, HTTPStatus.UNAUTHORIZED
        case Code.NOT_FOUND if not problem.field:
            return GONE, HTTPStatus.NOT_FOUND
        case Code.NOT_FOUND if problem.field == ("to",):
            return _NOBODY, HTTPStatus.NOT_FOUND
        case Code.RATE_LIMITED | Code.UNAVAILABLE:
            return _LATER, problem.http_status
        case Code.INTERNAL:
            return _INTERNAL, HTTPStatus.INTERNAL_SERVER_ERROR
    return _INVALID, problem.http_status if problem.http_status in _OWN_STATUS else HTTPStatus.BAD_REQUEST
