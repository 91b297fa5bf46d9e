"""Schedules and refusals as callers of this contract read them (contract schedules_v4, "Errors")."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from django.http import HttpRequest, HttpResponse

from gateway import answers
from gateway.answers import JSON
from gateway.errors import Code, Problem, Refusal
from schedules.models import Schedule

PAGE_SIZE = 50
CODES = 28100, 28101, 28104, 28105, 28200, 28203
_INVALID, _CREDENTIALS, _GONE, _NOBODY, _INTERNAL, _LATER = CODES
_SENTENCES = {
    _CREDENTIALS: "Basic authentication failed.",
    _GONE: "Request schedule operation doesn't exist",
    _NOBODY: "The push task is invalid. There is no push target.",
    _LATER: "Execute action timeout, please try later again",
}
_DEFAULT_RETRY_AFTER = 5
_LONGEST_MESSAGE = 2000
# What has an HTTP status of its own; every other fault of the caller's is 400.
_OWN_STATUS = frozenset({403, 405, 411, 413, 429, 503})


def created(schedule: Schedule) -> dict[str, Any]:
    return {"schedule_id": str(schedule.uuid), "name": schedule.name}


def detail(schedule: Schedule) -> dict[str, Any]:
    """A schedule in the contract's order, its trigger and push as the client wrote them."""
    return {
        "schedule_id": str(schedule.uuid),
        "name": schedule.name,
        "enabled": schedule.is_enabled,
        "trigger": json.loads(schedule.trigger),
        "push": json.loads(schedule.push),
    }


def listed(schedules: Sequence[Schedule], *, total: int, page: int) -> dict[str, Any]:
    return {
        "total_count": total,
        "total_pages": ceil(total / PAGE_SIZE),
        "page": page,
        "schedules": [detail(schedule) for schedule in schedules],
    }


def message_ids(made: Sequence[str]) -> dict[str, Any]:
    """What was made so far, under both names that clients read."""
    return {"count": len(made), "msgids": list(made), "MsgIds": list(made)}


def shown(data: Mapping[str, Any]) -> HttpResponse:
    """A success, which is always 200."""
    return answers.answer(data, media_type=JSON)


def nothing() -> HttpResponse:
    """A success that has nothing to say."""
    response = HttpResponse(b"", content_type=JSON)
    response.headers["Content-Length"] = "0"
    response.headers["Cache-Control"] = "no-store"
    return response


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A refusal with the code of its first problem, and the sentences of all."""
    first = refusal.problems[0]
    code, status = _code(first)
    message = _SENTENCES.get(code) or "; ".join(problem.detail for problem in refusal.problems)
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
            return _GONE, HTTPStatus.NOT_FOUND
        case Code.NOT_FOUND if problem.field == ("to",):
            return _NOBODY, HTTPStatus.NOT_FOUND
        case Code.RATE_LIMITED | Code.UNAVAILABLE:
            return _LATER, problem.http_status
        case Code.INTERNAL:
            return _INTERNAL, HTTPStatus.INTERNAL_SERVER_ERROR
    return _INVALID, problem.http_status if problem.http_status in _OWN_STATUS else HTTPStatus.BAD_REQUEST
