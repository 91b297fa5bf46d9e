"""Handing messages to a channel: claim a batch, and one by one render, hand over and record what came of it."""

import logging
import random
import time
from collections.abc import Sequence
from contextlib import closing

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from gateway import metrics
from gateway.backoff import backoff
from jobs import queue as job_queue
from jobs.states import Queue
from sending import outcomes, queue, running_as_job, subscribing
from sending.channels import channel as kept_channel
from sending.channels.base import Outcome, OutcomeKind
from sending.handing import Claim, handed_over
from sending.leases import Lease, abandon, standing
from sending.models import Lane, Message
from sending.outcomes import MOST_UNRECORDED, Told
from sending.retrying import gave_up
from sending.states import Status

_log = logging.getLogger(__name__)
# A claim is sized to about this many seconds of work, so that stopping is quick however slow the other side is.
_CLAIM_SECONDS = 0.5
_FIRST_CLAIM = 10
# After which a wake-up gives way to jobs: they are short, and some make letters, while mails may come without end.
_TURN_SECONDS = 0.25
# Outcomes wait in the journal no longer than this.
_RECORD_SECONDS = 0.1
# How long a worker tries to write an outcome it knows while the database is away.
_RECORD_PATIENCE_SECONDS = 300.0


class Worker:
    """One process's work on one channel."""

    def __init__(self, channel_name: str) -> None:
        self.channel_name = channel_name
        self.pace = _CLAIM_SECONDS / _FIRST_CLAIM
        self.lane_failures = 0
        self.hand_over_seconds = metrics.HAND_OVER_SECONDS.labels(channel=channel_name)
        self.queue_seconds = metrics.QUEUE_SECONDS.labels(channel=channel_name)
        # All that is known of the present claim: a database that breaks may have forgotten what it was told.
        self.told: list[Told] = []
        self.recorded = 0
        self.recorded_at = 0.0
        self.most_unrecorded = MOST_UNRECORDED

    def work(self) -> bool:
        """Hand over what is due for a few seconds; whether more may be waiting."""
        began = time.monotonic()
        until = began + settings.HAMMY_WAKE_SECONDS
        while time.monotonic() < until:
            if self._lane_rests():
                return False
            lease = standing()
            # A lane that was not ready is tried with one message, not with a whole claim.
            wanted = 1 if self.lane_failures else int(_CLAIM_SECONDS / self.pace)
            size = max(1, min(settings.HAMMY_CLAIM_SIZE, max(wanted, self._at_once())))
            batch = queue.claim(channel=self.channel_name, dispatcher=lease.dispatcher, size=size)
            if not batch:
                return False
            # Not before: the claim's commit is durable, and with it all outcomes before it. Until then the last ones
            # may be forgotten by a database that crashes, and the journal alone knows them.
            lease.journal.begin()
            if not self._work_off(batch, lease, until):
                return False
            if time.monotonic() - began > _TURN_SECONDS and job_queue.has_due(Queue.QUICK):
                return True
        return True

    def _at_once(self) -> int:
        """So many at least are claimed as their channel hands over side by side: together they take as long as one."""
        return 1 if self.lane_failures else kept_channel(self.channel_name).most_at_once

    def _lane_rests(self) -> bool:
        lane = Lane.objects.filter(channel=self.channel_name).first()
        self.lane_failures = lane.failures if lane else 0
        return bool(lane and lane.paused_until and lane.paused_until > timezone.now())

    def _work_off(self, batch: Sequence[Message], lease: Lease, until: float) -> bool:
        """The batch in its order; False when the lane is not ready or the claim was lost."""
        claim = Claim(batch, lease, stop_at=until + _CLAIM_SECONDS)
        came: list[tuple[Message, Outcome]] = []
        self.told, self.recorded, self.recorded_at = [], 0, claim.began_at
        channel = kept_channel(self.channel_name)
        # As many as may be in doubt, at least.
        self.most_unrecorded = max(MOST_UNRECORDED, channel.most_at_once)
        try:
            running_as_job.claimed(batch)
            with closing(handed_over(channel, claim, timer=self.hand_over_seconds)) as results:
                for message, outcome in results:
                    came.append((message, outcome))
                    if not self._note(message, outcome, lease):
                        claim.why_stopped = "the connection to the database was lost"
                        return False
                    if outcome.kind == OutcomeKind.LATER:
                        self._pause_lane(outcome.words)
                        claim.why_stopped = outcome.words
                        return False
                    if self.lane_failures and outcome.kind not in (OutcomeKind.UNCERTAIN, OutcomeKind.THROTTLED):
                        self._open_lane()
            return claim.is_ours
        finally:
            if came:
                self.pace = (time.monotonic() - claim.began_at) / len(came)
            self._record(lease)
            if left := claim.left(channel, came):
                queue.give_back(left, lease.dispatcher, reason=f"claim given back: {claim.why_stopped}")
            subscribing.remove_gone({message: outcome.gone for message, outcome in came if outcome.gone})
            jobs = {message.pk: message.job_id for message in batch}
            running_as_job.closed((jobs[told.message_id], told.status) for told in self.told if told.closed_at)

    def _note(self, message: Message, outcome: Outcome, lease: Lease) -> bool:
        """Keep an outcome in the journal, and now and then write what it holds to the tables. False when the claim is
        no longer ours."""
        told = _settled(message, outcome)
        self.told.append(told)
        is_kept = self._keep(told, lease)
        if outcome.kind == OutcomeKind.THROTTLED:
            metrics.MESSAGES.labels(channel=self.channel_name, event="throttled").inc()
        if message.due_at:
            self.queue_seconds.observe(max(0.0, (told.at - message.due_at).total_seconds()))
        is_time = time.monotonic() - self.recorded_at > _RECORD_SECONDS
        is_due = is_time or not is_kept or len(self.told) - self.recorded >= self.most_unrecorded
        return self._record(lease) if is_due or outcome.kind == OutcomeKind.LATER else True

    def _keep(self, told: Told, lease: Lease) -> bool:
        try:
            lease.journal.write(told.line())
        except OSError:
            # A full disk must not stop letters: the tables are told at once instead.
            _log.exception("journal not written")
            return False
        return True

    def _record(self, lease: Lease) -> bool:
        """Write the outcomes that the tables do not know, waiting for a database that is away. False when the claim is
        no longer ours."""
        fresh = self.told[self.recorded :]
        if not fresh:
            return True
        patience = time.monotonic() + _RECORD_PATIENCE_SECONDS
        is_unbroken = True
        while True:
            try:
                is_ours = outcomes.record(fresh if is_unbroken else self.told, lease.dispatcher)
            except (OperationalError, InterfaceError):
                # The session's lock went with it, so the claim may be another's when the database is back.
                is_unbroken = False
                connection.close()
                if time.monotonic() > patience:
                    raise
                _log.warning("database away, outcomes kept", extra={"outcomes": len(fresh)}, exc_info=True)
                time.sleep(0.2)
            else:
                break
        self.recorded, self.recorded_at = len(self.told), time.monotonic()
        return is_ours and is_unbroken

    def _pause_lane(self, words: str) -> None:
        """Let the lane rest, longer each time."""
        self.lane_failures += 1
        seconds = backoff(
            self.lane_failures, first=settings.HAMMY_LANE_FIRST_SECONDS, cap=settings.HAMMY_LANE_CAP_SECONDS
        )
        until = queue.later(seconds)
        Lane.objects.update_or_create(
            channel=self.channel_name,
            defaults={"paused_until": until, "failures": self.lane_failures, "reason": words},
        )
        _log.warning("lane rests", extra={"channel": self.channel_name, "seconds": round(seconds), "reason": words})

    def _open_lane(self) -> None:
        self.lane_failures = 0
        Lane.objects.filter(channel=self.channel_name).update(paused_until=None, failures=0, reason="")


def _settled(message: Message, outcome: Outcome) -> Told:
    """What an outcome leads to, with its reason completed where no further try is made."""
    now = timezone.now()
    tried = message.attempts + 1
    status, reason, attempts, due_at = Status.SENT, outcome.words, tried, None
    if outcome.kind == OutcomeKind.LATER:
        # The lane's trouble is never the end of a message, however long it lasts. It is due after those that waited
        # with it, so that one which always draws a refusal does not keep them back.
        status, attempts, due_at = Status.ACCEPTED, message.attempts, now
    elif outcome.kind == OutcomeKind.THROTTLED:
        # Spread, so that what was throttled together does not come back together.
        spread = random.uniform(1, 1.2)  # noqa: S311 (no secret)
        status, attempts, due_at = Status.ACCEPTED, message.attempts, queue.later(outcome.after * spread)
    elif outcome.kind == OutcomeKind.RETRY:
        why = gave_up(attempts=tried, since=queue.first_tried_at(message), now=now)
        if why:
            status, reason = Status.FAILED, f"{why}: {outcome.words}"
        else:
            first, cap = settings.HAMMY_RETRY_FIRST_SECONDS, settings.HAMMY_RETRY_CAP_SECONDS
            status, due_at = Status.RETRY, queue.later(max(outcome.after, backoff(tried, first=first, cap=cap)))
    else:
        status = Status(outcome.kind.value)
    return Told(
        message_id=message.pk,
        channel=message.channel,
        status=status.value,
        reason=reason,
        at=now,
        tried=tried,
        attempts=attempts,
        due_at=due_at,
        recipients=dict(outcome.recipients) or None,
        facts=dict(outcome.facts) or None,
    )


_workers: dict[str, Worker] = {}


def work(channel_name: str) -> bool:
    """One wake-up of this process for one channel; whether to wake up again at once."""
    try:
        return _workers.setdefault(channel_name, Worker(channel_name)).work()
    except BaseException:
        # What is still claimed would wait as long as this process lives.
        abandon()
        raise
