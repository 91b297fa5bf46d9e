"""A trigger's job at a time (contract schedules_v4, ``push.job``): a request of Job V1, kept as it was written."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction

from gateway.caller import Caller
from gateway.errors import Code, Refusal, refuse
from jobs import services
from jobs.context import Context
from jobs.job_v1 import request
from jobs.registry import Outcome, Waiting
from schedules.models import Firing
from schedules.orders.base import Order, below, made

_MEMBERS = ("jobName", "legIds", "params")


class TriggerOrder(Order):
    """Runs a trigger, as a job below the firing's."""

    name: ClassVar[str] = "job"

    def check(self, caller: Caller, push: Mapping[str, Any], *, is_repeated: bool) -> None:
        caller.require("jobs.run")
        given = push[self.name]
        try:
            if not isinstance(given, dict):
                raise refuse(Code.INVALID, "must be an object")
            for member in given:
                if member not in _MEMBERS:
                    raise refuse(Code.UNKNOWN_FIELD, f"unknown field; known are {', '.join(_MEMBERS)}", member[:100])
            asked = request.read_trigger(given)
            with request.outward(given):
                services.check_trigger(caller=caller, name=asked.job_name, leg_ids=asked.leg_ids, params=asked.pairs)
        except Refusal as refusal:
            raise below(refusal, self.name) from refusal

    def begin(self, context: Context[Any], firing: Firing, caller: Caller) -> Outcome:
        if context.cursor is None:
            asked = request.read_trigger(firing.order[self.name])
            with transaction.atomic():
                child = context.trigger_child(name=asked.job_name, leg_ids=asked.leg_ids, params=asked.pairs)
                context.checkpoint(cursor=child.pk)
                made(firing, child.pk)
        return Waiting(reason="its trigger's job goes on")
