"""Taking back the messages of cancelled jobs (contract job_v1, "setJobStatus")."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q

from jobs import states as job_states
from jobs.models import Job
from jobs.queue import BegunToSend, Moved
from sending import queue
from sending.models import Message, Withdrawal
from sending.models.message import MessageQuerySet
from sending.states import Status, sources

# In the transaction that cancels the job, which must be quick; the rest is the next ticks'.
_AT_ONCE = 500
_BATCH = 1000
_PORTIONS = 20


def on_job_moved(moved: Moved | BegunToSend) -> None:
    """Listens to every move of jobs (jobs.queue.listen): withdraws what a cancelled one has sent and did not go out,
    the first of it at once, and notes those with more."""
    if isinstance(moved, BegunToSend):
        return
    if moved.to is job_states.Status.CANCELLED:
        reason = f"its job was cancelled: {moved.reason}" if moved.reason else "its job was cancelled"
        take_back(moved.job_ids, reason=reason, actor=moved.actor)
    elif moved.to is job_states.Status.NEW:
        # It runs again: only what it sent before is withdrawn.
        Withdrawal.objects.filter(job_id__in=moved.job_ids, before=None).update(before=moved.at)


def take_back(job_ids: Collection[int], *, reason: str, actor: str) -> None:
    """Withdraw what these jobs have sent and did not go out, and let nothing more of it go out from now on; inside a
    transaction."""
    _withdraw(_open().filter(job_id__in=job_ids), reason=reason, actor=actor, size=_AT_ONCE)
    # What is being sent now may come back to wait, and a run that has not heard yet may send more.
    left = Job.objects.filter(Q(claim__isnull=False) | Exists(_open().filter(job_id=OuterRef("pk"))), id__in=job_ids)
    Withdrawal.objects.bulk_create(
        [Withdrawal(job_id=pk, reason=reason, actor=actor) for pk in left.values_list("id", flat=True)],
        update_conflicts=True,
        unique_fields=["job_id"],
        update_fields=["reason", "actor", "before"],
    )


def go_on() -> int:
    """What is left of all withdrawals, some portions at a time; how many messages."""
    count, portions = 0, _PORTIONS
    for withdrawal in Withdrawal.objects.order_by("job_id"):
        left = _open().filter(job_id=withdrawal.job_id)
        if withdrawal.before is not None:
            left = left.filter(created_at__lte=withdrawal.before)
        while portions and (moved := _withdraw(left, reason=withdrawal.reason, actor=withdrawal.actor, size=_BATCH)):
            count, portions = count + moved, portions - 1
        if not portions:
            break
        if not left.exists() and not Job.objects.claimed().filter(pk=withdrawal.job_id).exists():
            Withdrawal.objects.filter(pk=withdrawal.pk, before=withdrawal.before).delete()
    return count


def _open() -> MessageQuerySet:
    return Message.objects.filter(job_id__isnull=False, closed_at=None)


def _withdraw(messages: MessageQuerySet, *, reason: str, actor: str, size: int) -> int:
    chosen = messages.filter(status__in=sorted(sources(Status.CANCELLED)))
    ids = list(chosen.order_by("job_id", "id").values_list("id", flat=True)[:size])
    return len(queue.move(Message.objects.filter(id__in=ids), Status.CANCELLED, reason=reason, actor=actor))
