"""Does one thing to all messages that match a filter."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from pydantic import AfterValidator, BeforeValidator, Field

from gateway.caller import Caller
from gateway.errors import Code, Refusal, refuse
from jobs import services as job_services
from jobs.context import Context
from jobs.params import JobParams
from jobs.registry import Again, JobClass, Outcome
from sending import choosing, in_bulk
from sending.choosing import Filter
from sending.models import Message
from sending.models.message import MessageQuerySet
from sending.states import BulkOutcome, Operation

_PORTION = 500
# So many are looked for at once: where no index knows the filter, looking for a portion reads as many rows.
_WINDOW = 10 * _PORTION
# After a portion the job rests as long as that took, but never longer: half of the database is the workers'.
_LONGEST_REST = 0.5


def _operation(text: object) -> object:
    if text not in set(Operation):
        raise ValueError(f"must be one of {', '.join(Operation)}")
    return text


def _filter(text: object) -> Filter:
    try:
        given = json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise ValueError('must be JSON as {"status": ["FAILED"], "batchId": "november"}') from error
    try:
        return choosing.read(given)
    except Refusal as refusal:
        raise ValueError(str(refusal)) from refusal


def _reason(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be one line")
    return text


class BulkParams(JobParams):
    operation: Annotated[Operation, BeforeValidator(_operation), Field(alias=in_bulk.OPERATION)]
    wanted: Annotated[Filter, BeforeValidator(_filter), Field(alias=in_bulk.FILTER)]
    reason: Annotated[str, AfterValidator(_reason), Field(alias=in_bulk.REASON, max_length=in_bulk.LONGEST_REASON)]
    expected: Annotated[int | None, Field(alias=in_bulk.EXPECTED, ge=0)] = None


class MessagesInBulk(JobClass[BulkParams]):
    """Works its way up by the messages' numbers, to the highest there is when it begins, each message at most once
    whatever dies; what becomes of each is kept beside. Run again after it was stopped, it does nothing a second time.

    Quick, for people wait for letters to be stopped; after a few seconds it lets others run and goes on behind them.
    """

    name: ClassVar[str] = in_bulk.JOB_CLASS
    Params = BulkParams
    is_resumable = True
    time_limit = 600.0
    outputs = (in_bulk.UP_TO, in_bulk.DONE, in_bulk.NOT_DONE)

    def check(self, caller: Caller, params: BulkParams) -> None:
        try:
            choosing.check_channels(caller, params.wanted)
        except Refusal as refusal:
            raise refuse(Code.INVALID, str(refusal), "params", in_bulk.FILTER) from refusal

    def run(self, context: Context[BulkParams]) -> Outcome:
        caller = job_services.owner_of(context.job)
        caller.require("send")
        matching = choosing.chosen(caller, context.params.wanted).filter(id__lte=_up_to(context))
        if context.cursor is None:
            _look(context, matching)
        until = time.monotonic() + settings.HAMMY_WAKE_SECONDS
        for ids in _portions(matching, context.cursor["after"] if context.cursor else 0):
            began = time.monotonic()
            _work_off(context, caller, matching, ids)
            if time.monotonic() > until:
                return Again(seconds=0, reason="many messages match")
            time.sleep(min(time.monotonic() - began, _LONGEST_REST))
        _tell(context)
        return None


def _up_to(context: Context[Any]) -> int:
    """The last message that is the job's business. Kept with it: should it be run again, what came since, its own
    resends above all, is still none."""
    kept = dict(context.job.params).get(in_bulk.UP_TO)
    if kept is not None:
        return int(kept)
    highest = Message.objects.aggregate(highest=Max("id"))["highest"] or 0
    context.set_output(in_bulk.UP_TO, str(highest))
    return int(highest)


def _look(context: Context[BulkParams], matching: MessageQuerySet) -> None:
    count = matching.count()
    expected = context.params.expected
    if expected is not None and expected != count:
        context.log(f"{count} messages match; {expected} did when it was asked for")
    context.progress(0, count)


def _portions(matching: MessageQuerySet, after: int) -> Iterator[Sequence[int]]:
    ordered = matching.order_by("id").values_list("id", flat=True)
    while ids := list(ordered.filter(id__gt=after)[:_WINDOW]):
        for start in range(0, len(ids), _PORTION):
            yield ids[start : start + _PORTION]
        after = ids[-1]


def _work_off(context: Context[BulkParams], caller: Caller, matching: MessageQuerySet, ids: Sequence[int]) -> None:
    params = context.params
    passed = (context.cursor["passed"] if context.cursor else 0) + len(ids)
    with transaction.atomic():
        in_bulk.work_off(
            caller=caller,
            job=context.job,
            operation=params.operation,
            matching=matching,
            ids=ids,
            reason=params.reason,
        )
        context.progress(passed)
        context.checkpoint(cursor={"after": ids[-1], "passed": passed})


def _tell(context: Context[BulkParams]) -> None:
    """What it came to. What matched at first and did not any more when its turn came counts as passed."""
    outcomes = in_bulk.told(context.job)
    context.set_output(in_bulk.DONE, str(outcomes[BulkOutcome.DONE]))
    context.set_output(in_bulk.NOT_DONE, str(outcomes[BulkOutcome.NOT_DONE]))
    context.log(", ".join(f"{name}: {outcomes[name]}" for name in BulkOutcome))
    total = context.columns["total"] or 0
    passed = context.cursor["passed"] if context.cursor else 0
    if passed < total:
        context.log(f"{total - passed} messages did not match any more when their turn came")
    context.progress(total)
