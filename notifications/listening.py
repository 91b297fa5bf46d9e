"""What becomes of a job's news, in the transaction of the job's own move: a delivery for each who must know."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from gateway import wakeups
from gateway.models import ApiClient
from jobs import callbacks, undone
from jobs.models import Job
from jobs.queue import BegunToSend, Moved, fresh_uuid
from jobs.states import FINAL, Failure
from notifications import tracking
from notifications.models import Delivery, Event, Registration, Target
from notifications.models.target import TargetQuerySet
from notifications.states import OVERTAKEN, EventKind, Status, TargetKind

DELIVER_TASK = "notifications.tasks.deliver"
_DISABLED = "the target was disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A job as its news tell of it; ``url`` is where it is called back, "" nowhere."""

    id: int
    uuid: UUID
    client_id: int | None
    created_at: datetime
    url: str


def on_job_moved(fact: Moved | BegunToSend) -> None:
    """Listens to every fact of jobs (jobs.queue.listen). Costs two looks when nobody is to be told."""
    if isinstance(fact, BegunToSend):
        jobs = [job for job in _told(fact.job_ids) if job.url]
        if jobs:
            _call_back(_write(EventKind.JOB_SENDING, jobs, at=fact.at))
    elif fact.to in FINAL:
        jobs = _told(fact.job_ids)
        called = {job.id for job in jobs if job.url}
        if called:
            _drop_overtaken(called, fact.at)
        owners = _owners(fact.job_ids, {job.client_id for job in jobs if job.client_id is not None})
        if heard := [job for job in jobs if job.url or any(owner.may_see(job.client_id) for owner in owners)]:
            events = _write(
                EventKind.JOB_COMPLETED, heard, at=fact.at, status=fact.to, failure=fact.failure, reason=fact.reason
            )
            _notify([event for _, event in events], owners)
            _call_back([(job, event) for job, event in events if job.url])


def wake() -> None:
    """Tell the couriers to look, once all is committed."""
    transaction.on_commit(lambda: wakeups.wake(DELIVER_TASK))


def _told(job_ids: Sequence[int]) -> list[_Told]:
    rows = Job.objects.filter(id__in=job_ids).order_by("id")
    return [
        _Told(id=pk, uuid=uuid, client_id=client_id, created_at=created_at, url=callbacks.url_of(params))
        for pk, uuid, client_id, created_at, params in rows.values_list(
            "id", "uuid", "client_id", "created_at", "params"
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """A client with registrations that these jobs may concern."""

    id: int
    sees_all: bool

    def may_see(self, client_id: int | None) -> bool:
        return self.sees_all or self.id == client_id


def _owners(job_ids: Collection[int], client_ids: Collection[int]) -> list[_Owner]:
    concerned = Registration.objects.filter(Q(job_id=None) | Q(job_id__in=job_ids), client=OuterRef("pk"))
    # Whoever sees all is known for sure below.
    may_see = Q(pk__in=client_ids) | Q(rights__icontains="see_all")
    active = ApiClient.objects.filter(may_see, Exists(concerned), is_active=True).order_by("pk")
    return [
        _Owner(id=pk, sees_all="see_all" in rights)
        for pk, rights in active.values_list("pk", "rights")
        if "notifications" in rights
    ]


def _write(
    kind: EventKind,
    jobs: Sequence[_Told],
    *,
    at: datetime,
    status: str = "",
    failure: Failure | None = None,
    reason: str = "",
) -> list[tuple[_Told, Event]]:
    names = tracking.names((job.id, job.created_at) for job in jobs if job.url)
    is_end = kind is EventKind.JOB_COMPLETED
    left = undone.of_jobs([job.id for job in jobs]) if is_end else {}
    events = [
        Event(
            kind=kind, job_id=job.id, job_uuid=job.uuid, client_id=job.client_id, job_name=names.get(job.id, ""),
            status=status, failure=failure or "", reason=reason, created_at=at,
            undone=[one.as_list() for one in left.get(job.id, ())],
        )
        for job in jobs
    ]  # fmt: skip
    return list(zip(jobs, Event.objects.bulk_create(events), strict=True))


_FAN_OUT = """
INSERT INTO notifications_delivery
    (uuid, event_id, target_id, payload, url, format, naming, method, status, reason,
     failures, attempts, is_by_hand, due_at, created_at, closed_at)
SELECT {fresh}, event.id, target.id, 'job_completed', target.address,
    registration.format, registration.naming, registration.method,
    CASE WHEN target.disabled_at IS NULL THEN '{pending}' ELSE '{missed}' END,
    CASE WHEN target.disabled_at IS NULL THEN '' ELSE '{reason}' END,
    0, 0, {no}, event.created_at, event.created_at,
    CASE WHEN target.disabled_at IS NULL THEN NULL ELSE event.created_at END
FROM notifications_event AS event
JOIN notifications_registration AS registration
    ON (registration.job_id IS NULL OR registration.job_id = event.job_id)
JOIN notifications_target AS target ON target.id = registration.target_id
WHERE event.id IN ({events}) AND registration.client_id IN ({owners})
    AND (registration.client_id = event.client_id OR registration.client_id IN ({see_all}))
ORDER BY event.id, registration.id
"""


def _notify(events: Sequence[Event], owners: Sequence[_Owner]) -> None:
    """Made where the registrations lie: a thousand of them cost one round trip."""
    if not events or not owners:
        return
    is_postgresql = connection.vendor == "postgresql"
    event_ids, owner_ids = [event.pk for event in events], [owner.id for owner in owners]
    # An IN of nothing is no SQL; no client has this number.
    all_seeing = [owner.id for owner in owners if owner.sees_all] or [-1]
    statement = _FAN_OUT.format(
        fresh=fresh_uuid(),
        no="false" if is_postgresql else "0",
        pending=Status.PENDING,
        missed=Status.MISSED,
        reason=_DISABLED,
        events=_places(event_ids),
        owners=_places(owner_ids),
        see_all=_places(all_seeing),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*event_ids, *owner_ids, *all_seeing])
        if cursor.rowcount:
            wake()


def _places(values: Sequence[int]) -> str:
    return ", ".join(["%s"] * len(values))


def _call_back(told: Sequence[tuple[_Told, Event]]) -> None:
    if not told:
        return
    targets = _places_called({(job.client_id, _place(job.url)) for job, _ in told})
    Delivery.objects.bulk_create(
        Delivery(
            event=event, target_id=targets[job.client_id, _place(job.url)], payload="dpf", url=job.url, format="JSON",
            method="PUT", due_at=event.created_at, created_at=event.created_at,
        )
        for job, event in told
    )  # fmt: skip
    wake()


def _place(url: str) -> str:
    """What is up or down as one: scheme, host and port."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return f"{parts.scheme}://{parts.netloc}".lower()


def _places_called(wanted: Iterable[tuple[int | None, str]]) -> Mapping[tuple[int | None, str], int]:
    """The targets of these places, made where there are none yet."""
    pairs = sorted(wanted, key=str)
    fresh = [Target(kind=TargetKind.CALLBACK, client_id=client_id, address=place) for client_id, place in pairs]
    known = Target.objects.filter(
        Q(client_id__in=sorted({client_id for client_id, _ in pairs if client_id is not None})) | Q(client_id=None),
        kind=TargetKind.CALLBACK,
        address__in=sorted({place for _, place in pairs}),
    )
    found: dict[tuple[int | None, str], int] = _by_place(known)
    if missing := [target for target in fresh if (target.client_id, target.address) not in found]:
        Target.objects.bulk_create(missing, ignore_conflicts=True)
        found = _by_place(known)
    return found


def _by_place(targets: TargetQuerySet) -> dict[tuple[int | None, str], int]:
    rows = targets.values_list("id", "client_id", "address")
    return {(client_id, address): pk for pk, client_id, address in rows}


def _drop_overtaken(job_ids: Collection[int], at: datetime) -> None:
    """What was left of SENDING, or of the end of a life before, is told no more; one being told now ends as it ends."""
    told = Event.objects.filter(job_id__in=sorted(job_ids)).values("id")
    left = Delivery.objects.pending().filter(event__in=told, payload="dpf").order_by("id")
    # Locked first, in the order of recording: what was recorded meanwhile is then seen as it is.
    ids = list(left.select_for_update(no_key=True).values_list("id", flat=True))
    Delivery.objects.filter(id__in=ids).update(status=Status.DROPPED, reason=OVERTAKEN, closed_at=at)
