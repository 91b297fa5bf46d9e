"""Schedules over REST: decode, call, encode (contract schedules_v4)."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from gateway.auth import CallerAuthentication
from gateway.body import check_encoding, decode_json, read_body
from gateway.caller import Caller
from gateway.credentials.basic import caller_by_basic
from gateway.failures import refusal_for
from gateway.logs import note_caller
from gateway.remote import remote_address
from gateway.rest import ApiView
from schedules import services
from schedules.orders.push import read_push
from schedules.v4 import answer, request, schema
from sending import pushing


class Basic(CallerAuthentication):
    """``request.auth`` becomes the Caller; anything less is a Refusal (2000, 2002, 2003)."""

    def authenticate(self, http_request: Request) -> tuple[None, Caller]:
        sent = http_request._request
        caller = caller_by_basic(
            authorization=sent.META.get("HTTP_AUTHORIZATION", ""), address=remote_address(sent)
        )  # fmt: skip
        note_caller(caller)
        return None, caller


class _View(ApiView):
    authentication_classes = [Basic]
    required_right = "schedules"

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], HttpResponse]:
        return self._failed

    def _failed(self, error: Exception, context: Mapping[str, Any]) -> HttpResponse:
        response = answer.refused(self.request._request, refusal_for(error))
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(self.allowed_methods)
        return response


class SchedulesView(_View):
    """The caller's valid schedules, the oldest first; makes one."""

    @schema.operation("listSchedules", "List valid schedules", schema.LIST, parameters=schema.LIST_PARAMETERS)
    def get(self, http_request: Request) -> HttpResponse:
        page = request.read_page(http_request.query_params)
        found = services.schedules(caller=self.caller)
        start = (page - 1) * answer.PAGE_SIZE
        rows = list(found[start : start + answer.PAGE_SIZE])
        return answer.shown(answer.listed(rows, total=found.count(), page=page))

    @schema.operation("createSchedule", "Make a schedule", schema.CREATED, request=schema.SCHEDULE)
    def post(self, http_request: Request) -> HttpResponse:
        wish, found = request.read_wish(_json(http_request))
        return answer.shown(answer.created(services.create(caller=self.caller, wish=wish, found=found)))


class ScheduleView(_View):
    """One schedule."""

    @schema.operation("showSchedule", "Read a schedule", schema.DETAIL)
    def get(self, http_request: Request, schedule_id: str) -> HttpResponse:
        return answer.shown(answer.detail(services.find(caller=self.caller, uuid=request.read_id(schedule_id))))

    @schema.operation("updateSchedule", "Change a schedule", schema.DETAIL, request=schema.CHANGE)
    def put(self, http_request: Request, schedule_id: str) -> HttpResponse:
        uuid = request.read_id(schedule_id)
        wish, found = request.read_wish(_json(http_request), schedule_id=uuid)
        return answer.shown(answer.detail(services.update(caller=self.caller, uuid=uuid, wish=wish, found=found)))

    @schema.operation("deleteSchedule", "Delete a schedule", schema.NOTHING)
    def delete(self, http_request: Request, schedule_id: str) -> HttpResponse:
        services.delete(caller=self.caller, uuid=request.read_id(schedule_id))
        return answer.nothing()


class MessageIdsView(_View):
    """What a schedule's firings made so far."""

    @schema.operation("listMessageIds", "Read what a schedule made", schema.MESSAGE_IDS)
    def get(self, http_request: Request, schedule_id: str) -> HttpResponse:
        schedule = services.find(caller=self.caller, uuid=request.read_id(schedule_id))
        return answer.shown(answer.message_ids(services.made_by(schedule)))


class PushView(_View):
    """Pushes to browsers now."""

    required_right = "send"

    @schema.operation("push", "Push now", schema.PUSHED, request=schema.PUSH)
    def post(self, http_request: Request) -> HttpResponse:
        push = pushing.submit(caller=self.caller, order=read_push(request.as_object(_json(http_request))))
        return answer.shown({"request_id": push.request_id, "msg_id": str(push.pk)})


def _json(http_request: Request) -> Any:
    """The body as JSON, whatever media type and charset it says it has."""
    check_encoding(http_request._request)
    return decode_json(read_body(http_request._request))
