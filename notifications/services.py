"""What may be done with registrations, targets and deliveries, whoever asks over whichever face."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from gateway.outbound_rules import read_url
from jobs import queue, undone
from jobs.models import Job
from jobs.states import FINAL
from notifications.listening import wake
from notifications.models import Delivery, Event, Registration, Target
from notifications.models.delivery import DeliveryQuerySet
from notifications.models.registration import RegistrationQuerySet
from notifications.payloads.naming import Naming
from notifications.states import NO_JOB, EventKind, Status, TargetKind, sources

FORMATS = ("DEFAULT", "JSON", "XML")
METHODS = ("POST", "PUT")
_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How somebody wants to be told, as he spelt it."""

    end_point: str
    format: str = FORMATS[0]
    naming: str = Naming.UPPER
    method: str = METHODS[0]
    job_uuid: UUID | None = None


def register(*, caller: Caller, wish: Wish) -> Registration:
    """A registration of the caller's client (contract job_completed_notifications, "create"). For a job that has ended
    its delivery is made at once. Raises 2002, 1001, 1002 with every problem, and 3000 for a job that is not there or
    not the caller's to see."""
    caller.require("notifications")
    if problems := problems_of(wish):
        raise Refusal(problems)
    if caller.client_id is None:
        raise refuse(Code.FORBIDDEN, "only a client can be told of jobs")
    with transaction.atomic():
        job = _locked_job(caller, wish.job_uuid) if wish.job_uuid else None
        address = address_of(wish.end_point)
        target = Target.objects.create(kind=TargetKind.REGISTRATION, client_id=caller.client_id, address=address)
        registration = Registration.objects.create(
            client_id=caller.client_id, target=target, end_point=wish.end_point, format=wish.format, naming=wish.naming,
            method=wish.method, job_id=job.pk if job else None, job_uuid=job.uuid if job else None,
        )  # fmt: skip
        if job is not None and job.status in FINAL:
            _tell(registration, _end_of(job))
    return registration


def problems_of(wish: Wish) -> list[Problem]:
    """Everything that makes a wish unfit but its job, fields by its own names."""
    problems = []
    for name, value, known in (
        ("format", wish.format, FORMATS),
        ("naming", wish.naming, tuple(Naming)),
        ("method", wish.method, METHODS),
    ):
        if value not in known:
            words = f"must be one of {', '.join(known)}"
            problems.append(Problem(code=Code.INVALID, sentence=words, field=(name,)))
    try:
        if not wish.end_point:
            problems.append(Problem(code=Code.REQUIRED, sentence="required", field=("end_point",)))
        else:
            read_url(address_of(wish.end_point))
    except ValueError as error:
        problems.append(Problem(code=Code.INVALID, sentence=str(error), field=("end_point",)))
    return problems


def address_of(end_point: str) -> str:
    """What is to be called: without a scheme it is http."""
    return end_point if _SCHEME.match(end_point) else f"http://{end_point}"


def _locked_job(caller: Caller, uuid: UUID) -> Job:
    """Its end, should it come now, waits for the registration and then knows of it."""
    job = next(iter(queue.locked(Job.objects.visible_to(caller).filter(uuid=uuid))), None)
    if job is None:
        raise not_found(f"job {uuid}")
    return job


def _end_of(job: Job) -> Event:
    return Event.objects.create(
        kind=EventKind.JOB_COMPLETED, job_id=job.pk, job_uuid=job.uuid, client_id=job.client_id, status=job.status,
        reason=job.reason, undone=[one.as_list() for one in undone.of_jobs([job.pk])[job.pk]],
    )  # fmt: skip


def _tell(registration: Registration, event: Event) -> Delivery:
    delivery = Delivery.objects.create(
        event=event, target=registration.target, payload="job_completed", url=registration.target.address,
        format=registration.format, naming=registration.naming, method=registration.method,
    )  # fmt: skip
    wake()
    return delivery


def registrations(*, caller: Caller) -> RegistrationQuerySet:
    """Those the caller may see, with their targets and clients. Raises 2002."""
    caller.require("notifications")
    return Registration.objects.visible_to(caller).select_related("target", "client")


def find(*, caller: Caller, uuid: UUID) -> Registration:
    """One registration; another's looks like none (3000)."""
    registration = registrations(caller=caller).filter(uuid=uuid).first()
    if registration is None:
        raise not_found(f"registration {uuid}")
    return registration


def delete(*, caller: Caller, uuid: UUID) -> None:
    """Forget a registration; what it was still to be told is dropped, what it was told stays known. Raises 3000."""
    with transaction.atomic():
        registration = find(caller=caller, uuid=uuid)
        target = Target.objects.select_for_update(no_key=True).get(pk=registration.target_id)
        Registration.objects.filter(pk=registration.pk).delete()
        now = timezone.now()
        left = Delivery.objects.pending().filter(target=target.pk)
        left.update(status=Status.DROPPED, reason="the registration was deleted", closed_at=now)
        target.disabled_at, target.disabled_for = now, f"the registration was deleted by {caller.actor or 'the house'}"
        target.save(update_fields=["disabled_at", "disabled_for"])


def pause(*, target: Target, actor: str) -> bool:
    """Let nothing go there until it is resumed; what is to be told waits. False when it was paused already."""
    return bool(Target.objects.filter(pk=target.pk, paused_at=None).update(paused_at=timezone.now(), paused_by=actor))


def resume(*, target: Target) -> bool:
    """Go on where a pause began. False when it was not paused."""
    is_mine = Target.objects.filter(pk=target.pk, paused_at__isnull=False).update(paused_at=None, paused_by="")
    wake()
    return bool(is_mine)


def enable(*, target: Target, replays_missed: bool) -> int:
    """Open a disabled target again, its failures forgotten; how many missed deliveries go there again. Raises 3001 for
    one that is not disabled, or whose registration is gone."""
    with transaction.atomic():
        mine = Target.objects.filter(pk=target.pk, disabled_at__isnull=False, registration__isnull=False)
        if not mine.select_for_update(of=("self",), no_key=True).exists():
            raise refuse(Code.STATE_CONFLICT, "is not disabled, or its registration is gone")
        Target.objects.filter(pk=target.pk).update(
            disabled_at=None, disabled_for="", failures=0, failing_since=None, held_until=None
        )
        missed = Delivery.objects.filter(target=target.pk, status=Status.MISSED)
        return _replay(missed) if replays_missed else 0


def replay(*, delivery: Delivery) -> None:
    """Bring it once more, now, whatever came of it: a new round of tries, or the next try sooner. Raises 3001 where it
    cannot go any more."""
    with transaction.atomic():
        target = Target.objects.select_for_update(no_key=True).get(pk=delivery.target_id)
        if target.disabled_at is not None:
            raise refuse(Code.STATE_CONFLICT, "its target is disabled")
        if not _replay(Delivery.objects.filter(pk=delivery.pk)):
            raise refuse(Code.STATE_CONFLICT, "it was dropped, or its job has ended: nobody waits for it any more")
        # Somebody wants to see now whether it is back.
        Target.objects.filter(pk=target.pk).update(held_until=None)


def replay_since(
    *, since: datetime, target: Target | None = None, client_id: int | None = None, only_failed: bool = True
) -> int:
    """Bring again what was made since a moment: what failed or was missed, or all of it; how many. With ``target`` or
    ``client_id`` what went there alone. Disabled targets get none."""
    wanted = Delivery.objects.filter(created_at__gte=since, target__disabled_at=None)
    if target is not None:
        wanted = wanted.filter(target=target.pk)
    if client_id is not None:
        wanted = wanted.filter(target__client=client_id)
    if only_failed:
        wanted = wanted.filter(status__in=[Status.FAILED, Status.MISSED])
    with transaction.atomic():
        # As recording locks them.
        targets = Target.objects.filter(id__in=wanted.values("target")).order_by("id")
        ids = list(targets.select_for_update(no_key=True).values_list("id", flat=True))
        # Somebody wants to see now whether they are back.
        Target.objects.filter(id__in=ids).update(held_until=None)
        return _replay(wanted)


def _replay(deliveries: DeliveryQuerySet) -> int:
    """But for SENDING of a job that has ended: that is never told after the end."""
    now = timezone.now()
    ends = Event.objects.filter(
        kind=EventKind.JOB_COMPLETED, job_id=OuterRef("event__job_id"), id__gt=OuterRef("event_id")
    )
    is_overtaken = Q(event__kind=EventKind.JOB_SENDING) & Exists(ends)
    with transaction.atomic():
        again = deliveries.filter(Q(status=Status.PENDING) | Q(status__in=sorted(sources(Status.PENDING))))
        count = again.exclude(is_overtaken).update(
            status=Status.PENDING, failures=0, is_by_hand=True, due_at=now, closed_at=None
        )
        wake()
    return count


def test(*, registration: Registration) -> Delivery:
    """Send it a notification of a job that never was (its id is all zeros). Raises 3001 when it is disabled."""
    if registration.target.disabled_at is not None:
        raise refuse(Code.STATE_CONFLICT, "it is disabled")
    with transaction.atomic():
        event = Event.objects.create(
            kind=EventKind.TEST, job_uuid=NO_JOB, client_id=registration.client_id, status="FINISHED"
        )
        return _tell(registration, event)
