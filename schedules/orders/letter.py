"""A letter at a time (contract schedules_v4, ``push.send``): a message of Send V2 as plain JSON, kept as it was written
and read again each time, so that it is what Send V2 would make of it then."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Refusal, refuse
from jobs.context import Context
from jobs.registry import Outcome, Waiting
from schedules.models import Firing
from schedules.orders.base import Order, below, made
from sending import queue, services
from sending.acceptance import examine
from sending.models import Message
from sending.send_v2 import request
from sending.send_v2.request import Reading
from sending.states import Status


class LetterOrder(Order):
    """Sends a letter."""

    name: ClassVar[str] = "send"

    def check(self, caller: Caller, push: Mapping[str, Any], *, is_repeated: bool) -> None:
        caller.require("send")
        try:
            reading = request.read(push[self.name], examine=partial(examine, caller))
            _check_caller(reading)
            try:
                examine(caller, reading.letter)
            except Refusal as refusal:
                raise reading.outward(refusal) from refusal
        except Refusal as refusal:
            raise below(refusal, self.name) from refusal
        if is_repeated and reading.letter.request_id:
            raise refuse(Code.EXCLUSIVE, "not with periodical: each firing is a letter of its own", "send", "requestId")

    def begin(self, context: Context[Any], firing: Firing, caller: Caller) -> Outcome:
        job_id = context.job.pk
        mine = Message.objects.filter(job_id=job_id)
        if context.job.life and mine.exists():
            # Run again by hand: what failed is tried anew.
            with transaction.atomic():
                reason = f"its job {job_id} runs again"
                failed = mine.filter(status=Status.FAILED)
                queue.move(
                    failed, Status.ACCEPTED, reason=reason, actor=caller.actor, due_at=timezone.now(), attempts=0
                )
                services.wake_channels(mine)
            return Waiting(reason="its message is on its way")
        reading = request.read(firing.order[self.name])
        # What the firing is to others it is to Send V2 too: brought again, it is taken once.
        letter = replace(reading.letter, delivery_id=f"schedule firing {firing.pk}")
        try:
            accepted = services.submit(caller=caller, letter=letter, job_id=job_id)
        except Refusal as refusal:
            raise reading.outward(refusal) from refusal
        made(firing, accepted.message_id)
        if accepted.is_repeat:
            context.log(f"taken before as message {accepted.message_id}")
        return Waiting(reason="its message is on its way")


def _check_caller(reading: Reading) -> None:
    """Who a scheduled letter is from is said by who makes the schedule, at its front door alone."""
    for _, path in (*reading.client_hash_keys, *reading.user_names):
        raise refuse(Code.EXCLUSIVE, "not in a schedule, which is its client's own", *path)
