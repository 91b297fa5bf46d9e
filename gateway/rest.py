"""What every REST view of every door stands on."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from gateway import answers, body, envelope
from gateway.caller import Caller
from gateway.errors import Problem
from gateway.failures import refusal_for
from gateway.renderers import AcceptIgnored, JsonApiRenderer, PlainJsonRenderer

__all__ = [
    "JSON",
    "JSON_API",
    "AcceptIgnored",
    "ApiView",
    "JsonApiRenderer",
    "JsonBody",
    "PlainJsonRenderer",
    "exception_handler",
    "read_json",
]

JSON = answers.JSON
JSON_API = answers.JSON_API
JsonBody = body.JsonBody


class ApiView(APIView):
    """A view for authenticated callers.

    ``required_right`` is the right its caller must hold ("" = any client), ``right_by_method`` where some methods need
    another. ``answer_type`` is the media type of its answers, refusals included; a view that answers as it was asked
    sets it on itself.
    """

    required_right: ClassVar[str]
    right_by_method: ClassVar[Mapping[str, str]] = {}
    answer_type = JSON_API
    # Without OPTIONS, which would describe our docstrings to strangers.
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        made = super().initialize_request(request, *args, **kwargs)
        # For REST framework's own parsers, and it holds the request that holds it: a body of megabytes would stay until
        # the collector comes round, which may be hundreds of requests later.
        made.parser_context.clear()
        return made

    @property
    def caller(self) -> Caller:
        return cast(Caller, self.request.auth)

    def answer(self, data: Any, *, status: int = 200) -> HttpResponse:
        """A JSON answer, past the renderers: they would look for a format that nobody negotiates."""
        return answers.answer(data, status=status, media_type=self.answer_type)

    def pointer_of(self, problem: Problem) -> str:
        """Where in the caller's document a problem's field stands (RFC 6901)."""
        return envelope.pointer(problem)


def read_json(request: Request, *, media_types: tuple[str, ...] = (JSON, JSON_API)) -> JsonBody:
    """The request's body, decoded strictly; raises 1000 and 1002 (gateway.body says when)."""
    return body.read_json(request._request, media_types=media_types)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Every exception of every view as the contract's failure (hammy_common, "Envelope and errors")."""
    view = context.get("view")
    refusal = refusal_for(error)
    if isinstance(view, ApiView):
        response = answers.refusal_answer(refusal, media_type=view.answer_type, pointer_of=view.pointer_of)
    else:
        response = answers.refusal_answer(refusal)
    if isinstance(error, MethodNotAllowed) and view is not None:
        response.headers["Allow"] = ", ".join(view.allowed_methods)
    return response
