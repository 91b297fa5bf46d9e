"""Views that only tests call, mounted beside the real login."""

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework import exceptions

from gateway.errors import Code, Problem, Refusal
from gateway.rest import ApiView, read_json

handler400 = "gateway.failures.bad_request_page"
handler403 = "gateway.failures.forbidden_page"
handler404 = "gateway.failures.not_found_page"
handler500 = "gateway.failures.server_error_page"

ERRORS: dict[str, Any] = {
    "http404": Http404("secret detail"),
    "forbidden": PermissionDenied(),
    "suspicious": SuspiciousOperation("secret detail"),
    "operational": OperationalError("could not connect to db.internal"),
    "interface": InterfaceError("connection already closed"),
    "parse": exceptions.ParseError("cannot parse"),
    "throttled": exceptions.Throttled(wait=7),
    "validation": exceptions.ValidationError({"name": [exceptions.ErrorDetail("needed", code="required")]}),
    "unforeseen": RuntimeError("password=hunter2"),
    "many": Refusal(
        [
            Problem(code=Code.REQUIRED, sentence="required", field=("attachments", 0, "fileName")),
            Problem(code=Code.INVALID, sentence="must be between 1 and 1000", field=("limit",), parameter=True),
        ]
    ),
}


class EchoView(ApiView):
    required_right = "send"

    def get(self, request: Any) -> HttpResponse:
        return self.answer({"client": self.caller.client_name, "user": self.caller.user_name})

    def post(self, request: Any) -> HttpResponse:
        body = read_json(request)
        return self.answer({"data": body.data, "mediaType": body.media_type})


class FailingView(ApiView):
    required_right = ""

    def get(self, request: Any, name: str) -> HttpResponse:
        raise ERRORS[name]


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("outside of any view class")


urlpatterns = [
    path("hammy/json/auth/v1/", include("gateway.urls")),
    path("hammy/echo", EchoView.as_view()),
    path("hammy/fail/<str:name>", FailingView.as_view()),
    path("hammy/broken", broken),
]
