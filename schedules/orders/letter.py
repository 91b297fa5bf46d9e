"""A letter at a time (contract schedules_v4, ``push.send``): a message of Send V2 as plain JSON, kept as it was written
and read again each time, so that it is what Send V2 would make of it then."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from gateway.caller import Caller
from gateway.dates import format_moment
from gateway.errors import Code, Refusal, refuse
from gateway.lookup import caller_of
from jobs import queue as job_queue
from jobs.context import Context
from jobs.models import Job
from jobs.registry import Outcome, Waiting
from jobs.states import Status as JobStatus
from schedules.models import Firing
from schedules.orders.base import Order, below, made
from sending import queue, services
from sending.acceptance import examine
from sending.letter import Letter
from sending.models import Message
from sending.send_v2 import request
from sending.send_v2.request import Reading
from sending.services import Accepted
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

    def check_time(self, push: Mapping[str, Any], *, first_at: datetime) -> None:
        reading = request.read(push[self.name])
        expires_at = reading.letter.expires_at
        if expires_at and expires_at <= first_at:
            words = f"must be later than the schedule's next time, {format_moment(first_at)}"
            late = refuse(Code.INVALID, words, "params", "EXPIRES_AT")
            raise below(reading.outward(late), self.name)

    def told(self, push: Mapping[str, Any]) -> Mapping[str, str]:
        try:
            letter = request.read(push[self.name]).letter
        except Refusal as refusal:
            return {self.name: str(refusal)}
        values = {
            "messageType": letter.message_type,
            "channel": letter.channel,
            "recipientName": letter.recipient_name,
            "recipientEmailAddress": letter.recipient_email_address,
            "mailSubject": letter.mail_subject,
            "attachments": str(len(letter.attachments) or ""),
        }
        return {name: value for name, value in values.items() if value}

    def callback_url(self, push: Mapping[str, Any]) -> str:
        try:
            return request.read(push[self.name]).letter.callback_url
        except Refusal:
            # Its job will say why.
            return ""

    def is_made_at_once(self, firing: Firing) -> bool:
        # Attachments' bytes are kept elsewhere, which may take its time.
        letter = _letter(firing)
        return letter is not None and not letter.attachments

    def make_at_once(self, firings: Sequence[Firing]) -> None:
        by_client: dict[int, list[Firing]] = {}
        for firing in firings:
            by_client.setdefault(firing.schedule.client_id, []).append(firing)
        for _, alike in sorted(by_client.items()):
            # In one order for all, or two ticks with the same request ids could wait for each other.
            alike.sort(key=lambda firing: str(firing.order[self.name].get("requestId", "")))
            caller = caller_of(alike[0].schedule.client)
            letters = [letter for firing in alike if (letter := _letter(firing))]
            try:
                results = services.submit_many(caller=caller, letters=letters)
            except Refusal as refusal:
                results = [refusal for _ in letters]
            for firing, result in zip(alike, results, strict=True):
                _conclude(firing, result)

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
        letter = replace(reading.letter, delivery_id=_delivery_id(firing), job_id=job_id)
        try:
            accepted = services.submit(caller=caller, letter=letter)
        except Refusal as refusal:
            raise reading.outward(refusal) from refusal
        made(firing, accepted.message_id)
        if accepted.is_repeat:
            context.log(f"taken before as message {accepted.message_id}")
        return Waiting(reason="its message is on its way")


def _conclude(firing: Firing, result: Accepted | Refusal) -> None:
    """Keep what was made; end the job of a firing that made nothing of its own."""
    job = Job.objects.filter(pk__in=[firing.job_id])
    if isinstance(result, Refusal):
        reading = request.read(firing.order[LetterOrder.name])
        job_queue.move(job, JobStatus.FAILED, reason=str(reading.outward(result)), total=None, completed=None)
        return
    firing.made = str(result.message_id)
    if result.is_repeat:
        reason = f"taken before as message {result.message_id}"
        job_queue.move(job, JobStatus.FINISHED, reason=reason, total=None, completed=None)


def _letter(firing: Firing) -> Letter | None:
    """None for one that cannot be read any more: its job will say why."""
    try:
        letter = request.read(firing.order[LetterOrder.name]).letter
    except Refusal:
        return None
    return replace(letter, delivery_id=_delivery_id(firing), job_id=firing.job_id)


def _delivery_id(firing: Firing) -> str:
    """By which a firing's letter is taken once, however often it is brought."""
    return f"schedule {firing.schedule_id} {firing.slot} {firing.wave}"


def _check_caller(reading: Reading) -> None:
    """Who a scheduled letter is from is said by who makes the schedule, at its front door alone."""
    for _, path in (*reading.client_hash_keys, *reading.user_names):
        raise refuse(Code.EXCLUSIVE, "not in a schedule, which is its client's own", *path)
