"""What may be done with jobs, whoever asks over whichever face: submit, trigger, set a status; and find."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from gateway.lookup import caller_of
from jobs import callbacks, queue, trees
from jobs.models import Job, Trigger
from jobs.params import LEGS, Pairs, check, keys, merged, parse
from jobs.registry import job_class as registered
from jobs.registry import job_classes
from jobs.states import BY_HAND, EventName, Failure, Status

# Names a job in a request: its number or its uuid.
JobId = int | UUID
MOST_IDS = 1000
_LONGEST_REASON = 1000


class ParentGone(Exception):
    """The job that a child was to be put under is no longer at work"""


def submit(
    *,
    caller: Caller,
    job_class: str,
    params: Pairs = (),
    parent: Job | None = None,
    trigger: Trigger | None = None,
    concurrency_key: str = "",
    reason: str = "",
    uuid: UUID | None = None,
) -> Job:
    """Take one job: its row and its CREATED event, or nothing. Raises 3002 for an unknown class, what
    ``jobs.params.parse`` and the class's ``check`` raise, and ParentGone when ``parent`` does not hold its claim.
    ``uuid`` where the caller knows the job by one of its own making: IntegrityError when there is such a job."""
    job = _row(caller, job_class, params, now=timezone.now())
    job.uuid = uuid or job.uuid
    job.trigger, job.parent = trigger, parent
    if parent is not None:
        job.root_id, job.parent_life = parent.root_id or parent.pk, parent.life
    job.concurrency_key = job.concurrency_key or concurrency_key
    with transaction.atomic():
        if parent is not None:
            held = Job.objects.claimed().filter(pk=parent.pk, claim=parent.claim, status=Status.RUNNING)
            if not queue.locked(held).values_list("id"):
                raise ParentGone
        job.save(force_insert=True)
        queue.note([job.pk], (EventName.CREATED,), at=job.created_at, reason=reason, actor=caller.actor)
        queue.wake([job.queue])
    return job


def submit_many(
    *, job_class: str, orders: Sequence[tuple[Caller, Pairs]], actor: str, is_waiting: bool = False
) -> list[Job]:
    """Take jobs of one class in a few statements, each for its caller with its parameters. Raises as ``submit``.

    With ``is_waiting`` their work is others' from the first moment: RUNNING at no worker, each waits for the one thing
    that the caller makes for it in the same transaction."""
    now = timezone.now()
    jobs = [_row(caller, job_class, pairs, now=now) for caller, pairs in orders]
    names = (EventName.CREATED, EventName.STARTED) if is_waiting else (EventName.CREATED,)
    for job in jobs if is_waiting else ():
        job.status, job.started_at, job.total, job.completed = Status.RUNNING, now, 1, 0
    with transaction.atomic():
        Job.objects.bulk_create(jobs)
        queue.note([job.pk for job in jobs], names, at=now, actor=actor)
        if not is_waiting:
            queue.wake({job.queue for job in jobs})
    return jobs


def _row(caller: Caller, job_class: str, params: Pairs, *, now: datetime) -> Job:
    kind = registered(job_class)
    if problems := list(callbacks.problems(params)):
        raise Refusal(problems)
    parsed = parse(kind.Params, params)
    kind.check(caller, parsed)
    return Job(
        job_class=kind.name,
        queue=kind.queue,
        params=[list(pair) for pair in params],
        client_id=caller.client_id,
        user_name=caller.user_name,
        concurrency_key=kind.concurrency_key(parsed),
        due_at=now,
        created_at=now,
        updated_at=now,
    )


def trigger_job(
    *,
    caller: Caller,
    name: str,
    leg_ids: Sequence[str] = (),
    params: Pairs = (),
    parent: Job | None = None,
    concurrency_key: str = "",
    reason: str = "",
) -> Job:
    """Run a defined trigger now (contract job_v1, "triggerJob"); raises 1001, 1002, 1004 and 3002 (404 unknown, 409
    disabled), and ParentGone as ``submit``. ``params`` override the trigger's own."""
    trigger, pairs = _resolved(caller, name, leg_ids, params)
    return submit(
        caller=caller,
        job_class=trigger.job_class,
        params=pairs,
        parent=parent,
        trigger=trigger,
        concurrency_key=concurrency_key,
        reason=reason,
    )


def check_trigger(*, caller: Caller, name: str, leg_ids: Sequence[str] = (), params: Pairs = ()) -> None:
    """Raise what ``trigger_job`` would raise now."""
    trigger, pairs = _resolved(caller, name, leg_ids, params)
    _row(caller, trigger.job_class, pairs, now=timezone.now())


def _resolved(
    caller: Caller, name: str, leg_ids: Sequence[str], params: Pairs
) -> tuple[Trigger, list[tuple[str, str]]]:
    """The trigger of that name, and the parameters that its job would have."""
    caller.require("jobs.run")
    if not name:
        raise refuse(Code.REQUIRED, "required", "name")
    check(params)
    trigger = Trigger.objects.visible_to(caller).filter(name=name).first() if "\0" not in name else None
    if trigger is None:
        raise refuse(Code.UNUSABLE_NAME, f"{name[:100]} is no trigger", "name")
    if not trigger.is_enabled:
        raise refuse(Code.UNUSABLE_NAME, f"the trigger {name} is disabled", "name", status=409)
    return trigger, _with_legs(trigger, leg_ids, merged([(key, value) for key, value in trigger.params], params))


def _with_legs(trigger: Trigger, leg_ids: Sequence[str], params: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters with the legs to run: those named, or all that the trigger has."""
    kind = registered(trigger.job_class)
    takes_legs = LEGS in keys(kind.Params)
    if kind.has_open_legs and not trigger.legs:
        return merged(params, [(LEGS, ",".join(leg_ids))]) if leg_ids else params
    if leg_ids and not (takes_legs and trigger.legs):
        raise refuse(Code.INVALID, f"the trigger {trigger.name} has no legs", "leg_ids")
    if unknown := [leg for leg in leg_ids if leg not in trigger.legs]:
        known = ", ".join(trigger.legs)
        raise refuse(Code.INVALID, f"{', '.join(unknown)}: must be among {known}", "leg_ids")
    wanted = [leg for leg in trigger.legs if not leg_ids or leg in leg_ids]
    return merged(params, [(LEGS, ",".join(wanted))]) if takes_legs and wanted else params


def set_status(*, caller: Caller, ids: Sequence[JobId], status: str, reason: str = "") -> list[Job]:
    """Bring jobs to a status by hand, all of them or none (contract job_v1, "setJobStatus"): the jobs as they are then,
    in the order of ``ids``. Raises 1001, 1002, 3000 and 3001.

    CANCELLED takes the whole tree below along; NEW runs a job again from its start; a runner still at work on a job
    that is closed stops at its next checkpoint. The status a job already has touches ``updated_at`` alone.
    """
    caller.require("jobs.run")
    to = _checked(ids, status, reason)
    with transaction.atomic():
        jobs = _locked(caller, ids)
        stuck = [job for job in jobs if job.status != to and job.status not in BY_HAND.get(to, frozenset())]
        if stuck:
            states = ", ".join(f"{job.pk} is {job.status}" for job in stuck)
            raise refuse(Code.STATE_CONFLICT, f"cannot become {to}: job {states}")
        now = timezone.now()
        Job.objects.filter(id__in=[job.pk for job in jobs if job.status == to]).update(updated_at=now)
        moving = [job.pk for job in jobs if job.status != to]
        _bring(moving, to, reason=reason, actor=caller.actor)
        # The clients and trees as they are now, in the order asked for.
        found = {job.pk: job for job in Job.objects.filter(id__in=[job.pk for job in jobs])}
    return [found[job.pk] for job in jobs]


def _checked(ids: Sequence[JobId], status: str, reason: str) -> Status:
    problems = []
    if not ids:
        problems.append(Problem(code=Code.REQUIRED, sentence="required", field=("ids",)))
    elif len(ids) > MOST_IDS:
        problems.append(Problem(code=Code.INVALID, sentence=f"must be at most {MOST_IDS} jobs", field=("ids",)))
    if not status:
        problems.append(Problem(code=Code.REQUIRED, sentence="required", field=("status",)))
    elif status not in set(Status):
        words = f"must be one of {', '.join(Status)}"
        problems.append(Problem(code=Code.INVALID, sentence=words, field=("status",)))
    if len(reason) > _LONGEST_REASON or not reason.isprintable():
        words = f"must be one line of at most {_LONGEST_REASON} printable characters"
        problems.append(Problem(code=Code.INVALID, sentence=words, field=("reason",)))
    if problems:
        raise Refusal(problems)
    return Status(status)


def _locked(caller: Caller, ids: Sequence[JobId]) -> list[Job]:
    """The jobs named, each once, locked in one order for all; raises 3000 with every one that is not there."""
    numbers = [number for number in ids if isinstance(number, int)]
    uuids = [uuid for uuid in ids if isinstance(uuid, UUID)]
    wanted = Job.objects.visible_to(caller).filter(Q(id__in=numbers) | Q(uuid__in=uuids))
    rows = list(queue.locked(wanted))
    found: dict[JobId, Job] = {job.pk: job for job in rows} | {job.uuid: job for job in rows}
    if missing := [str(name) for name in ids if name not in found]:
        raise not_found(f"job {', '.join(missing)}")
    return list(dict.fromkeys(found[name] for name in ids))


def _bring(job_ids: Sequence[int], to: Status, *, reason: str, actor: str) -> None:
    match to:
        case Status.CANCELLED:
            trees.cancel(job_ids, reason=reason, actor=actor)
        case Status.NEW:
            from_the_start: dict[str, Any] = {"cursor": None, "completed": None, "total": None}
            from_the_start |= {
                "attempts": 0,
                "vain_runs": 0,
                "started_at": None,
                "sending_at": None,
                "life": F("life") + 1,
            }
            goes_on = [name for name, kind in job_classes().items() if kind.goes_on]
            again = Job.objects.filter(id__in=job_ids)
            anew = again.exclude(job_class__in=goes_on)
            moved = queue.move(anew, to, reason=reason, actor=actor, due_at=timezone.now(), **from_the_start)
            if len(moved) < len(job_ids):
                further = again.filter(job_class__in=goes_on)
                queue.move(further, to, reason=reason, actor=actor, due_at=timezone.now(), attempts=0, vain_runs=0)
        case _:
            why = f"closed by hand: {reason}" if reason else "closed by hand"
            by_hand = Failure.CLOSED_BY_HAND
            queue.move(Job.objects.filter(id__in=job_ids), to, reason=why, actor=actor, failure=by_hand)


def find(caller: Caller, name: JobId) -> Job:
    """One job, if the caller may see it; what they may not see looks like what does not exist (3000)."""
    caller.require("jobs.read")
    wanted = Q(uuid=name) if isinstance(name, UUID) else Q(pk=name)
    job = Job.objects.visible_to(caller).filter(wanted).first()
    if job is None:
        raise not_found(f"job {name}")
    return job


def owner_of(job: Job) -> Caller:
    """In whose name a job's children are submitted and its letters sent."""
    return replace(caller_of(job.client), user_name=job.user_name) if job.client else Caller.house(job.user_name)
