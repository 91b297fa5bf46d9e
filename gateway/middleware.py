"""What wraps every request: its id, one line in the log, one observation."""

import logging
import re
from collections.abc import Callable
from os import urandom
from time import perf_counter

from django.http import HttpRequest, HttpResponseBase

from gateway.logs import Trace, current_trace
from gateway.metrics import REQUEST_SECONDS

_SANE = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = logging.getLogger("hammy.access")


class RequestIdMiddleware:
    """Takes the caller's X-Request-Id when it is sane, makes one otherwise, and answers with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        trace = Trace(request_id=given if _SANE.fullmatch(given) else urandom(16).hex())
        token = current_trace.set(trace)
        started = perf_counter()
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = trace.request_id
            _record(request, response, perf_counter() - started, trace)
            return response
        finally:
            current_trace.reset(token)


def _record(request: HttpRequest, response: HttpResponseBase, seconds: float, trace: Trace) -> None:
    # The route's pattern, never the address: a caller must not be able to make new metrics or put secrets in logs.
    match = request.resolver_match
    route = match.route if match else "unmatched"
    method = request.method if request.method in _METHODS else "other"
    REQUEST_SECONDS.labels(route, method, response.status_code).observe(seconds)
    _log.info(
        "request",
        extra={
            "is_clean": True,
            "method": method,
            "route": route,
            "status": response.status_code,
            "milliseconds": round(seconds * 1000, 2),
            "user": trace.user,
        },
    )
