"""Operations on all messages that match a filter: counted first, then done by a job, portion by portion, each message
on its own; what became of each is kept."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import IntegrityError, transaction
from django.db.models import Count

from gateway import spreadsheets
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from jobs import services as job_services
from jobs.models import Job
from sending import choosing, resending, services
from sending.channels import channels
from sending.choosing import Filter
from sending.models import BulkResult, Message
from sending.models.message import MessageQuerySet
from sending.states import CLOSED, BulkOutcome, HeldFor, Operation, Status

JOB_CLASS = "hu.dbx.hammy.processor.message.BulkMessageJobRunner"
OPERATION, FILTER, REASON, EXPECTED = "OPERATION", "FILTER", "REASON", "EXPECTED"
UP_TO, DONE, NOT_DONE = "UP_TO_MESSAGE", "DONE", "NOT_DONE"
LONGEST_REASON = 1000
_PORTION = 1000
# The filters that may name a person.
_WORDS = frozenset({"partnerRef", "search", "requestId", "batchId"})

# What a message is like, by status, for the operation to be able to do anything to it.
STATUSES: Mapping[Operation, frozenset[Status]] = {
    Operation.CANCEL: frozenset({Status.ACCEPTED, Status.HELD, Status.RETRY}),
    Operation.HOLD: frozenset({Status.ACCEPTED}),
    Operation.RELEASE: frozenset({Status.HELD}),
    Operation.REQUEUE: frozenset({Status.FAILED}),
    # Of one in doubt it is decided first whether it went out.
    Operation.RESEND: CLOSED - {Status.UNCERTAIN},
}
_ON_THEIR_WAY = frozenset({Operation.RELEASE, Operation.REQUEUE, Operation.RESEND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What matches a filter: how many messages in each status, and how many of them are in one that the operation
    takes. What else keeps one back is told with its result."""

    operation: Operation
    statuses: Mapping[str, int]

    @property
    def count(self) -> int:
        return sum(self.statuses.values())

    @property
    def eligible(self) -> int:
        return sum(self.statuses.get(status, 0) for status in STATUSES[self.operation])


def count(*, caller: Caller, operation: Operation, wanted: Filter) -> Found:
    """What the job would come to, without doing anything. Where no index knows the filter it reads every row."""
    caller.require("send")
    choosing.check_channels(caller, wanted)
    rows = choosing.chosen(caller, wanted).order_by().values_list("status").annotate(count=Count("id"))
    return Found(operation=operation, statuses=dict(rows.order_by("status")))


def begin(
    *,
    caller: Caller,
    operation: Operation,
    wanted: Filter,
    reason: str,
    expected: int | None = None,
    request_id: str = "",
) -> Job:
    """Begin the job that does it; raises 1001, 1002. ``expected``: how many messages the caller was told would match.

    The same under the same ``request_id`` is the same job, as long as that is kept; another operation under it is 1005.
    """
    caller.require("send")
    problems = list(_problems(reason, expected))
    if problems:
        raise Refusal(problems)
    choosing.check_channels(caller, wanted)
    choosing.chosen(caller, wanted)
    params = [(OPERATION, str(operation)), (FILTER, wanted.as_json()), (REASON, reason)]
    if expected is not None:
        params.append((EXPECTED, str(expected)))
    if not request_id or not caller.request_id_unique:
        return job_services.submit(caller=caller, job_class=JOB_CLASS, params=params)
    uuid = uuid5(NAMESPACE_URL, f"hammy:bulk:{caller.client_id}:{request_id}")
    try:
        with transaction.atomic():
            return job_services.submit(caller=caller, job_class=JOB_CLASS, params=params, uuid=uuid)
    except IntegrityError:
        first = Job.objects.filter(uuid=uuid).first()
        if first is None:
            raise
    if [pair for pair in first.params if pair[0] in dict(params)] != [list(pair) for pair in params]:
        words = f"already used for job {first.uuid}, which does something else; use a new request id"
        raise refuse(Code.DUPLICATE_REQUEST, words, "request_id")
    return first


def _problems(reason: str, expected: int | None) -> Iterator[Problem]:
    if not reason.strip():
        yield Problem(code=Code.REQUIRED, sentence="required", field=("reason",))
    elif len(reason) > LONGEST_REASON or not reason.isprintable():
        words = f"must be one line of at most {LONGEST_REASON} printable characters"
        yield Problem(code=Code.INVALID, sentence=words, field=("reason",))
    if expected is not None and expected < 0:
        yield Problem(code=Code.INVALID, sentence="must not be below 0", field=("expected",))


def find(caller: Caller, uuid: UUID) -> Job:
    """The job of an operation, if the caller may see it; raises 3000."""
    caller.require("send")
    job = Job.objects.visible_to(caller).filter(uuid=uuid, job_class=JOB_CLASS).first()
    if job is None:
        raise not_found(f"operation {uuid}")
    return job


def work_off(
    *, caller: Caller, job: Job, operation: Operation, matching: MessageQuerySet, ids: Sequence[int], reason: str
) -> None:
    """Do it to those of these messages that still match, and keep what became of each; in the caller's transaction.
    What an earlier life of the job has done is not done again."""
    done = _done_before(job, ids) if job.life else set()
    rows = {row.pk: row for row in _locked(matching, [pk for pk in ids if pk not in done])}
    words = {pk: why for pk, row in rows.items() if (why := why_not(operation, row))}
    able = [pk for pk in rows if pk not in words]
    results = _do(job, caller, operation, able, reason) if able else []
    # A worker has it, and its row must not be waited for.
    left = [pk for pk in ids if pk not in rows and pk not in done]
    busy = matching.filter(id__in=left, status=Status.SENDING).values_list("id", flat=True) if left else ()
    words |= dict.fromkeys(busy, "it is being sent just now")
    results += [_not_done(job, pk, why) for pk, why in words.items()]
    BulkResult.objects.bulk_create(
        sorted(results, key=lambda result: result.message_id),
        update_conflicts=True,
        unique_fields=["job_id", "message_id"],
        update_fields=["outcome", "reason", "new_message_id"],
    )


def _done_before(job: Job, ids: Sequence[int]) -> set[int]:
    done = BulkResult.objects.filter(job_id=job.pk, message_id__in=ids, outcome=BulkOutcome.DONE)
    return set(done.values_list("message_id", flat=True))


def _locked(matching: MessageQuerySet, ids: Sequence[int]) -> Sequence[Message]:
    """Those that match and that no worker has, so that nothing happens to them meanwhile."""
    rows = matching.filter(id__in=ids).exclude(status=Status.SENDING).order_by("id")
    return list(rows.select_for_update(of=("self",)).only("id", "status", "channel", "held_for", "erased_at"))


def why_not(operation: Operation, message: Message) -> str:
    """What keeps the operation from a message, in a sentence; "" where nothing does."""
    if message.status not in STATUSES[operation]:
        if message.status == Status.UNCERTAIN:
            return "it is in doubt whether it went out: that must be decided first"
        return f"it is {message.status}"
    if operation in _ON_THEIR_WAY and message.erased_at:
        return "what it said is erased"
    if operation in _ON_THEIR_WAY and message.channel not in channels():
        return f"there is no channel {message.channel}"
    if operation == Operation.RELEASE and message.held_for == HeldFor.PAUSE:
        return "its campaign is paused: it goes on with that"
    return ""


def _do(job: Job, caller: Caller, operation: Operation, ids: Sequence[int], reason: str) -> list[BulkResult]:
    """Do it to those that nothing keeps it from, as far as anybody can tell without trying."""
    if operation != Operation.RESEND:
        moved = services.move_each(caller=caller, message_ids=ids, operation=operation, reason=reason)
        lost = sorted(set(ids) - set(moved))
        return [*(_done(job, pk) for pk in moved), *(_not_done(job, pk, "it could not be moved") for pk in lost)]
    resent = resending.resend_each(caller=caller, message_ids=ids, reason=reason)
    return [
        _not_done(job, pk, one.words) if one.message_id is None else _done(job, pk, one.words, one.message_id)
        for pk, one in resent.items()
    ]


def _done(job: Job, message_id: int, words: str = "", new_message_id: int | None = None) -> BulkResult:
    return BulkResult(
        job_id=job.pk,
        message_id=message_id,
        outcome=BulkOutcome.DONE,
        reason=words,
        new_message_id=new_message_id,
    )


def _not_done(job: Job, message_id: int, words: str) -> BulkResult:
    return BulkResult(job_id=job.pk, message_id=message_id, outcome=BulkOutcome.NOT_DONE, reason=words)


def told(job: Job) -> Counter[str]:
    """How many messages came to each outcome."""
    rows = BulkResult.objects.filter(job_id=job.pk).order_by().values_list("outcome")
    return Counter(dict(rows.annotate(count=Count("id"))))


def results(job: Job) -> Iterator[BulkResult]:
    """What became of each message, in the order of their numbers; a portion at a time in memory."""
    after = 0
    mine = BulkResult.objects.filter(job_id=job.pk).order_by("message_id")
    while portion := list(mine.filter(message_id__gt=after)[:_PORTION]):
        yield from portion
        after = portion[-1].message_id


def results_as_csv(job: Job) -> Iterator[bytes]:
    """The same as a table for spreadsheets, a line at a time."""
    yield spreadsheets.line(["messageId", "outcome", "reason", "newMessageId"])
    for row in results(job):
        yield spreadsheets.line([str(row.message_id), row.outcome, row.reason, str(row.new_message_id or "")])


def forget(cleaned: Callable[[str], str], *, client_id: int | None) -> None:
    """Put what ``cleaned`` makes of them in the place of words that jobs of operations were given, of one client's or,
    with None, of all."""
    jobs = Job.objects.filter(job_class=JOB_CLASS).order_by("id")
    jobs = jobs if client_id is None else jobs.filter(client_id=client_id)
    for pk, params in jobs.values_list("id", "params").iterator(chunk_size=_PORTION):
        better = [[key, _without(key, value, cleaned)] for key, value in params]
        if better != params:
            Job.objects.filter(pk=pk).update(params=better)


def _without(key: str, value: str, cleaned: Callable[[str], str]) -> str:
    if key == REASON:
        return cleaned(value)
    if key != FILTER:
        return value
    said = {name: cleaned(text) if name in _WORDS else text for name, text in json.loads(value).items()}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def sweep() -> int:
    """Forget the results of jobs that are forgotten; how many."""
    total = 0
    for job_id in _job_ids():
        if not Job.objects.filter(pk=job_id).exists():
            total += BulkResult.objects.filter(job_id=job_id).delete()[0]
    return total


def _job_ids() -> Iterator[int]:
    """The jobs that have results, each found by a look into the index."""
    after = 0
    ids = BulkResult.objects.order_by("job_id").values_list("job_id", flat=True)
    while (found := ids.filter(job_id__gt=after).first()) is not None:
        yield found
        after = found
