"""Registrations over REST: decode, call, encode (contract job_completed_notifications)."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from gateway.body import read_body
from gateway.rest import ApiView
from notifications import services
from notifications.ds3 import answer, finding, request, schema
from notifications.ds3.credentials import SignatureOrHeaders


class _View(ApiView):
    authentication_classes = [SignatureOrHeaders]
    required_right = "notifications"

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], HttpResponse]:
        return self._failed

    def _failed(self, error: Exception, context: Mapping[str, Any]) -> HttpResponse:
        response = answer.failed(self.request._request, error)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(self.allowed_methods)
        return response


class RegistrationsView(_View):
    """The caller's registrations, the oldest first; makes one."""

    @schema.operation("listRegistrations", "List registrations", schema.LIST, parameters=schema.LIST_PARAMETERS)
    def get(self, http_request: Request) -> HttpResponse:
        asked = request.read_list(_query(http_request))
        return answer.listed(http_request._request, finding.find(self.caller, asked))

    @schema.operation("register", "Have jobs' ends told", schema.MADE, parameters=schema.CREATE_PARAMETERS)
    def post(self, http_request: Request) -> HttpResponse:
        # All is said in the query; a body is taken in and means nothing.
        read_body(http_request._request)
        wish = request.read_create(_query(http_request))
        made = services.register(caller=self.caller, wish=wish)
        return answer.shown(http_request._request, made, status=HTTPStatus.CREATED)


class RegistrationView(_View):
    """One registration."""

    @schema.operation("showRegistration", "Read a registration", schema.ONE)
    def get(self, http_request: Request, registration_id: str) -> HttpResponse:
        request.read_nothing(_query(http_request))
        found = services.find(caller=self.caller, uuid=request.read_id(registration_id))
        return answer.shown(http_request._request, found)

    @schema.operation("deleteRegistration", "Delete a registration", schema.NOTHING)
    def delete(self, http_request: Request, registration_id: str) -> HttpResponse:
        request.read_nothing(_query(http_request))
        services.delete(caller=self.caller, uuid=request.read_id(registration_id))
        return answer.deleted()


def _query(http_request: Request) -> str:
    return str(http_request._request.META.get("QUERY_STRING", ""))
