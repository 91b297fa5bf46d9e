"""Whatever goes wrong, as the catalogue says it: no other exception reaches a caller."""

import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views import defaults
from rest_framework import exceptions

from gateway.answers import refusal_answer
from gateway.errors import Code, Problem, Refusal, refuse

_log = logging.getLogger(__name__)
_UNAVAILABLE_RETRY_AFTER = 5
Teller = Callable[[HttpRequest, Refusal], HttpResponse]


def _in_json(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    return refusal_answer(refusal)


_tellers: dict[str, Teller] = {"/hammy/": _in_json}


def tell_below(prefix: str, teller: Teller) -> None:
    """Have what goes wrong outside of any view told in the shape of the contract that lives below an address."""
    _tellers[prefix] = teller


def refusal_for(error: Exception) -> Refusal:
    """The refusal that tells the caller about ``error``; what nobody foresaw is logged under a reference id."""
    match error:
        case Refusal():
            return error
        case exceptions.APIException():
            return _of_rest_framework(error)
        case Http404():
            return refuse(Code.NOT_FOUND, "not found")
        case PermissionDenied():
            return refuse(Code.FORBIDDEN, "not allowed")
        case RequestDataTooBig():
            return refuse(Code.INVALID, "the body is too large", status=413)
        case SuspiciousOperation():
            return refuse(Code.MALFORMED, "the request is not acceptable")
        case OperationalError() | InterfaceError():
            _log.error("the database cannot be used", exc_info=error)
            return Refusal(
                Problem(code=Code.UNAVAILABLE, sentence="temporarily unavailable, try again later"),
                retry_after=_UNAVAILABLE_RETRY_AFTER,
            )
        case _:
            return _unforeseen(error)


def not_found_page(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler404 of the roof."""
    if (tell := _teller(request)) is None:
        return defaults.page_not_found(request, exception)
    return tell(request, refuse(Code.NOT_FOUND, "there is nothing at this address"))


def bad_request_page(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler400 of the roof."""
    if (tell := _teller(request)) is None:
        return defaults.bad_request(request, exception)
    return tell(request, refusal_for(exception))


def forbidden_page(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler403 of the roof."""
    if (tell := _teller(request)) is None:
        return defaults.permission_denied(request, exception)
    return tell(request, refuse(Code.FORBIDDEN, "not allowed"))


def server_error_page(request: HttpRequest) -> HttpResponse:
    """handler500 of the roof; Django has logged the traceback under the same request id."""
    if (tell := _teller(request)) is None:
        return defaults.server_error(request)
    return tell(request, _internal(_reference()))


def _teller(request: HttpRequest) -> Teller | None:
    return next((teller for prefix, teller in _tellers.items() if request.path.startswith(prefix)), None)


def _of_rest_framework(error: exceptions.APIException) -> Refusal:
    match error:
        case exceptions.ValidationError():
            return Refusal(list(_of_validation(error.detail)))
        case exceptions.NotFound():
            return refuse(Code.NOT_FOUND, "not found")
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return refuse(Code.CLIENT, "the client could not be recognised")
        case exceptions.PermissionDenied():
            return refuse(Code.FORBIDDEN, "not allowed")
        case exceptions.Throttled():
            refusal = refuse(Code.RATE_LIMITED, "too many requests, try again later")
            refusal.retry_after = round(getattr(error, "wait", None) or 60)
            return refusal
        case exceptions.MethodNotAllowed():
            return refuse(Code.MALFORMED, "this address does not take that method", status=error.status_code)
        case _ if error.status_code < 500:
            return refuse(Code.MALFORMED, str(error.detail), status=error.status_code)
        case _:
            return _unforeseen(error)


def _of_validation(detail: Any, path: tuple[str | int, ...] = ()) -> Iterator[Problem]:
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _of_validation(value, path if key == "non_field_errors" else (*path, key))
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            yield from _of_validation(value, (*path, index) if isinstance(value, dict) else path)
    else:
        code = Code.REQUIRED if getattr(detail, "code", "") == "required" else Code.INVALID
        yield Problem(code=code, sentence=str(detail), field=path)


def _unforeseen(error: Exception) -> Refusal:
    reference = _reference()
    _log.error("internal failure %s", reference, exc_info=error)
    return _internal(reference)


def _internal(reference: str) -> Refusal:
    return refuse(Code.INTERNAL, f"internal failure, reference {reference}")


def _reference() -> str:
    return uuid4().hex[:12]
