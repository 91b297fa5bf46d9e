"""What every view below ``/v4/`` stands on."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from gateway.auth import BasicAuthentication
from gateway.body import check_encoding, decode_json, read_body
from gateway.failures import refusal_for
from gateway.rest import ApiView
from sending.devices_v4 import answer


class V4View(ApiView):
    """For servers, by Basic; refusals as the contract has them, with a resource's own ``sentences``."""

    authentication_classes = [BasicAuthentication]
    sentences: ClassVar[Mapping[int, str]] = {}

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], HttpResponse]:
        return self._failed

    def _failed(self, error: Exception, context: Mapping[str, Any]) -> HttpResponse:
        response = answer.refused(self.request._request, refusal_for(error), self.sentences)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(self.allowed_methods)
        return response


def json_of(http_request: Request, *, most: int | None = None) -> Any:
    """The body as JSON, whatever media type and charset it says it has; raises 1002 (413) for more than ``most`` bytes,
    before they are read."""
    check_encoding(http_request._request)
    return decode_json(read_body(http_request._request, most=most))
