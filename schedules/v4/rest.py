"""Schedules over REST: decode, call, encode (contract schedules_v4)."""

from django.http import HttpResponse
from rest_framework.request import Request

from schedules import services
from schedules.orders.push import read_push
from schedules.v4 import answer, request, schema
from sending import pushing
from sending.devices_v4.answer import nothing, shown
from sending.devices_v4.paging import read_page, rows_on
from sending.devices_v4.request import as_object
from sending.devices_v4.view import V4View, json_of


class _View(V4View):
    required_right = "schedules"


class SchedulesView(_View):
    """The caller's valid schedules, the oldest first; makes one."""

    @schema.operation("listSchedules", "List valid schedules", schema.LIST, parameters=schema.LIST_PARAMETERS)
    def get(self, http_request: Request) -> HttpResponse:
        page, _ = read_page(http_request.query_params)
        found = services.schedules(caller=self.caller)
        return shown(answer.listed(rows_on(page, found), total=found.count(), page=page))

    @schema.operation("createSchedule", "Make a schedule", schema.CREATED, request=schema.SCHEDULE)
    def post(self, http_request: Request) -> HttpResponse:
        wish, found = request.read_wish(json_of(http_request))
        return shown(answer.created(services.create(caller=self.caller, wish=wish, found=found)))


class ScheduleView(_View):
    """One schedule."""

    @schema.operation("showSchedule", "Read a schedule", schema.DETAIL)
    def get(self, http_request: Request, schedule_id: str) -> HttpResponse:
        return shown(answer.detail(services.find(caller=self.caller, uuid=request.read_id(schedule_id))))

    @schema.operation("updateSchedule", "Change a schedule", schema.DETAIL, request=schema.CHANGE)
    def put(self, http_request: Request, schedule_id: str) -> HttpResponse:
        uuid = request.read_id(schedule_id)
        wish, found = request.read_wish(json_of(http_request), schedule_id=uuid)
        return shown(answer.detail(services.update(caller=self.caller, uuid=uuid, wish=wish, found=found)))

    @schema.operation("deleteSchedule", "Delete a schedule", schema.NOTHING)
    def delete(self, http_request: Request, schedule_id: str) -> HttpResponse:
        services.delete(caller=self.caller, uuid=request.read_id(schedule_id))
        return nothing()


class MessageIdsView(_View):
    """What a schedule's firings made so far."""

    @schema.operation("listMessageIds", "Read what a schedule made", schema.MESSAGE_IDS)
    def get(self, http_request: Request, schedule_id: str) -> HttpResponse:
        schedule = services.find(caller=self.caller, uuid=request.read_id(schedule_id))
        return shown(answer.message_ids(services.made_by(schedule)))


class PushView(_View):
    """Pushes to browsers now."""

    required_right = "send"

    @schema.operation("push", "Push now", schema.PUSHED, request=schema.PUSH)
    def post(self, http_request: Request) -> HttpResponse:
        push = pushing.submit(caller=self.caller, order=read_push(as_object(json_of(http_request))))
        return shown({"request_id": push.request_id, "msg_id": str(push.pk)})
