"""Pushes: one thing said to many browsers, each once (contract schedules_v4, ``push``)."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from gateway import metrics, wakeups
from gateway.caller import Caller
from gateway.errors import Code, refuse
from jobs import services as job_services
from jobs.callbacks import CALLBACK_URL
from jobs.context import Context
from jobs.models import Job
from sending import storing
from sending.audiences import Audience
from sending.channels.web_push import WebPushChannel
from sending.letter import digest_of
from sending.models import Message, Push, Subscription
from sending.states import Status
from sending.taking import DISPATCH_TASK

CHANNEL = WebPushChannel.name
JOB_CLASS = "hu.dbx.hammy.processor.push.PushRequestJobRunner"
DAY = 86400
LONGEST_TIME_TO_LIVE = 15 * DAY
# Of each kind of name by which an audience is given.
MOST_NAMES = 1000
LONGEST_NAME = 255
Urgency = Literal["very-low", "low", "normal", "high"]
_CHUNK = 1000
# What is only for who is online is told no longer after it was taken, however much is to be told before.
_STALE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOrder:
    """What is to be told to whom: ``content`` as browsers get it, ``time_to_live`` in seconds (0 = only while they are
    online), ``callback_url`` for the job's callbacks."""

    content: Mapping[str, Any]
    audience: Audience = field(default_factory=Audience)
    request_id: str = ""
    time_to_live: int
    callback_url: str = ""


def reaches_anybody(*, client_id: int, audience: Audience, zones: Collection[str] | None = None) -> bool:
    """Whether there is anyone to be told."""
    return audience.reached(client_id=client_id, zones=zones).exists()


def submit(*, caller: Caller, order: PushOrder) -> Push:
    """Take a push, once: the same under the same request id, where the client's are unique, is answered with the first.
    Its job tells each of its audience. Raises 3000 when that is nobody, 1005 for another push under a used request id.
    """
    caller.require("send")
    if caller.client_id is None:
        raise ValueError("a push belongs to a client")
    key = order.request_id if order.request_id and caller.request_id_unique else None
    if first := _first(caller.client_id, key, order):
        return first
    if not reaches_anybody(client_id=caller.client_id, audience=order.audience):
        raise refuse(Code.NOT_FOUND, "there is no push target", "to")
    try:
        with transaction.atomic():
            job = job_services.submit(caller=caller, job_class=JOB_CLASS, params=_params(order))
            return _keep(caller.client_id, order, job=job, occasion="", key=key)
    except IntegrityError:
        # Somebody else's transaction was first.
        if first := _first(caller.client_id, key, order):
            return first
        raise


def _first(client_id: int, key: str | None, order: PushOrder) -> Push | None:
    first = Push.objects.filter(client_id=client_id, idempotency_key=key).first() if key is not None else None
    if first is not None and first.digest != _digest(order):
        sentence = f"already used for push {first.pk} with different content; use a new request id"
        raise refuse(Code.DUPLICATE_REQUEST, sentence, "request_id")
    return first


def _digest(order: PushOrder) -> str:
    return digest_of({
        "content": order.content, "audience": order.audience.as_json(), "time_to_live": order.time_to_live
    }).hex()  # fmt: skip


def begin(
    *, context: Context[Any], order: PushOrder, occasion: str, zones: Collection[str] | None = None
) -> Push | None:
    """A push that a job makes, told by a job below it; None when it reaches nobody. Of pushes with one ``occasion`` a
    subscription gets the first that reaches it. Inside a transaction."""
    client_id = context.job.client_id
    if client_id is None:
        raise ValueError("a push belongs to a client")
    if not reaches_anybody(client_id=client_id, audience=order.audience, zones=zones):
        return None
    job = context.start_child(JOB_CLASS, _params(order))
    return _keep(client_id, order, job=job, occasion=occasion, zones=zones)


def _params(order: PushOrder) -> list[tuple[str, str]]:
    return [(CALLBACK_URL, order.callback_url)] if order.callback_url else []


def _keep(
    client_id: int,
    order: PushOrder,
    *,
    job: Job,
    occasion: str,
    key: str | None = None,
    zones: Collection[str] | None = None,
) -> Push:
    push = Push.objects.create(
        client_id=client_id,
        request_id=order.request_id or uuid4().hex,
        idempotency_key=key,
        digest=_digest(order) if key is not None else "",
        content=dict(order.content),
        audience=order.audience.as_json(),
        zones=None if zones is None else sorted(zones),
        occasion=occasion,
        time_to_live=order.time_to_live,
        job_id=job.pk,
    )
    if not occasion:
        push.occasion = f"push {push.pk}"
        push.save(update_fields=["occasion"])
    return push


def expand(context: Context[Any], push: Push) -> bool:
    """Messages for the subscriptions that a push reaches, in portions, for a few seconds; whether those were all. The
    next run goes on behind the last subscription told, also when this one dies."""
    reached = Audience.of(push.audience).reached(client_id=push.client_id, zones=push.zones).order_by("id")
    cursor: dict[str, int] = context.cursor or {"after": 0, "told": 0}
    until = time.monotonic() + settings.HAMMY_WAKE_SECONDS
    # The clock is looked at behind a portion: on however busy a machine a run gets on.
    while True:
        portion = list(reached.filter(id__gt=cursor["after"])[:_CHUNK])
        if not portion:
            return True
        with transaction.atomic():
            told = _tell(push, portion, job=context.job)
            cursor = {"after": portion[-1].pk, "told": cursor["told"] + told}
            context.progress(0, cursor["told"])
            context.checkpoint(cursor=cursor)
        if time.monotonic() >= until:
            return False


def prune(*, before: datetime) -> int:
    """Forget pushes of before a moment whose messages are forgotten; how many."""
    messages = Message.objects.filter(job_id=OuterRef("job_id"), job_id__isnull=False)
    open_jobs = Job.objects.open().filter(pk=OuterRef("job_id"))
    old = Push.objects.filter(~Exists(messages), ~Exists(open_jobs), created_at__lt=before)
    return old.delete()[1].get("sending.Push", 0)


def _tell(push: Push, portion: Sequence[Subscription], *, job: Job) -> int:
    """The messages of a portion, but for who was told on this occasion before; how many."""
    now = timezone.now()
    rows = {push.key_for(one.pk): _row(push, one, job=job, now=now) for one in portion}
    known = Message.objects.filter(client_id=push.client_id, idempotency_key__in=list(rows))
    told = set(known.values_list("idempotency_key", flat=True))
    rows = {key: row for key, row in rows.items() if key not in told}
    if rows:
        storing.insert(list(rows.values()), actor=job_services.owner_of(job).actor)
        metrics.MESSAGES.labels(channel=CHANNEL, event="accepted").inc(len(rows))
        transaction.on_commit(lambda: wakeups.wake(DISPATCH_TASK, CHANNEL))
    return len(rows)


def _row(push: Push, subscription: Subscription, *, job: Job, now: datetime) -> dict[str, Any]:
    """A message by column (sending.acceptance.to_row): what it says is kept once, with its push."""
    content = {"push_id": push.pk, "subscription_id": subscription.pk}
    lives = timedelta(seconds=push.time_to_live)
    return {
        "client_id": push.client_id,
        "user_name": job.user_name,
        "request_id": push.request_id[:150],
        "idempotency_key": push.key_for(subscription.pk),
        "uuid": uuid4(),
        "digest": digest_of(content),
        "channel": CHANNEL,
        "status": Status.ACCEPTED,
        "recipient_name": (subscription.alias or subscription.registration_id)[:100],
        "job_id": job.pk,
        "content": content,
        "created_at": now,
        "updated_at": now,
        "due_at": now,
        "expires_at": now + (lives or _STALE),
    }
