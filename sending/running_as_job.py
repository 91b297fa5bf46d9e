"""Letters that run as jobs (contract send_v2, "params"): such a job is its message, told as jobs are told."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Count, Exists, OuterRef

from gateway.caller import Caller
from jobs import queue as job_queue
from jobs import services as job_services
from jobs.awaited import Awaited, Tally
from jobs.callbacks import CALLBACK_URL
from jobs.models import Job
from jobs.params import Pairs
from sending.letter import Letter
from sending.models import Message
from sending.states import Status

JOB_CLASS = "hu.dbx.hammy.processor.send.SendRequestJobRunner"
RUN_AS_JOB = "RUN_AS_JOB"


class Messages(Awaited):
    """What a job has sent and did not come to its end yet."""

    def open(self) -> Exists:
        # By the very condition of the index of open messages.
        return Exists(Message.objects.filter(job_id=OuterRef("pk"), job_id__isnull=False, closed_at=None))

    def tallies(self, job_ids: Collection[int]) -> Mapping[int, Tally]:
        """Counted in the index; only a job's single message is looked at for its reason."""
        counts: dict[int, Counter[str]] = {}
        sent = Message.objects.filter(job_id__in=job_ids, job_id__isnull=False).order_by()
        for job_id, status, count in sent.values_list("job_id", "status").annotate(count=Count("id")):
            counts.setdefault(job_id, Counter())[status] = count
        return {job_id: _tally(found, job_id) for job_id, found in counts.items()}


def _tally(counts: Counter[str], job_id: int) -> Tally:
    count = counts.total()
    failed = count - counts[Status.SENT]
    words = ""
    if failed and count == 1:
        pk, status, reason = Message.objects.values_list("id", "status", "reason").get(job_id=job_id)
        words = f"message {pk} is {status}" + (f": {reason}" if reason else "")
    elif failed:
        others = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if name != Status.SENT)
        words = f"{failed} of {count} messages did not go out: {others}"
    return Tally(count=count, failed=failed, words=words)


def begin(caller: Caller, letters: Sequence[Letter]) -> list[Job]:
    """A job for each of the letters, whose message is stored in the same transaction."""
    orders = [(caller, _params(letter)) for letter in letters]
    return job_services.submit_many(job_class=JOB_CLASS, orders=orders, actor=caller.actor, is_waiting=True)


def _params(letter: Letter) -> Pairs:
    given = {
        CALLBACK_URL: letter.callback_url,
        RUN_AS_JOB: "" if letter.callback_url else "true",
        "SEND_AT": letter.send_at.isoformat() if letter.send_at else "",
        "EXPIRES_AT": letter.expires_at.isoformat() if letter.expires_at else "",
    }
    return [(key, value) for key, value in given.items() if value]


def uuid_of(message: Message) -> str:
    """The job that a message ran as; "" when it is forgotten."""
    uuid = Job.objects.filter(pk__in=[message.job_id]).values_list("uuid", flat=True).first()
    return str(uuid) if uuid else ""


def claimed(messages: Iterable[Message]) -> None:
    """A worker is about to hand these over: their jobs are sending. Costs nothing where none has a job."""
    if job_ids := {message.job_id for message in messages if message.job_id}:
        job_queue.begin_sending(job_ids)


def closed(statuses: Iterable[tuple[int | None, str]]) -> None:
    """Messages came to these statuses, each given with its job, and all is committed: jobs that waited for nothing else
    end. Costs nothing where none has a job."""
    done: Counter[int] = Counter()
    for job_id, status in statuses:
        if job_id:
            done[job_id] += status == Status.SENT
    if done:
        job_queue.settle(done, {job_id: count for job_id, count in done.items() if count})


def closed_when_committed(job_ids: Collection[int | None], status: Status) -> None:
    """The same within a transaction, for messages that all came to one closed status. What breaks there is logged, for
    the move itself is done, and the tick finds the jobs."""
    if any(job_ids):
        transaction.on_commit(lambda: closed((job_id, status) for job_id in job_ids), robust=True)
