"""Handing messages to a channel: claim a batch, and one by one render, hand over and record what came of it."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection
from django.utils import timezone

from gateway import metrics
from gateway.backoff import backoff
from sending import outcomes, printing, queue, running_as_job
from sending.channels import channel as kept_channel
from sending.channels.base import Channel, NotReady, Outcome, OutcomeKind, Parcel
from sending.leases import Lease, abandon, standing
from sending.models import Attachment, Lane, Message
from sending.outcomes import MOST_UNRECORDED, Told
from sending.parcels import attachments_of, ready
from sending.retrying import gave_up
from sending.states import Status
from sending.templating import TemplateError

_log = logging.getLogger(__name__)
# A claim is sized to about this many seconds of work, so that stopping is quick however slow the other side is.
_CLAIM_SECONDS = 0.5
_FIRST_CLAIM = 10
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

    def work(self) -> bool:
        """Hand over what is due for a few seconds; whether more may be waiting."""
        until = time.monotonic() + settings.HAMMY_WAKE_SECONDS
        while time.monotonic() < until:
            if self._lane_rests():
                return False
            lease = standing()
            # A lane that was not ready is tried with one message, not with a whole claim.
            wanted = 1 if self.lane_failures else int(_CLAIM_SECONDS / self.pace)
            size = max(1, min(settings.HAMMY_CLAIM_SIZE, wanted))
            batch = queue.claim(channel=self.channel_name, dispatcher=lease.dispatcher, size=size)
            if not batch:
                return False
            # Not before: the claim's commit is durable, and with it all outcomes before it. Until then the last ones
            # may be forgotten by a database that crashes, and the journal alone knows them.
            lease.journal.begin()
            if not self._work_off(batch, lease, until):
                return False
        return True

    def _lane_rests(self) -> bool:
        lane = Lane.objects.filter(channel=self.channel_name).first()
        self.lane_failures = lane.failures if lane else 0
        return bool(lane and lane.paused_until and lane.paused_until > timezone.now())

    def _work_off(self, batch: Sequence[Message], lease: Lease, until: float) -> bool:
        """The batch in its order; False when the lane is not ready or the claim was lost."""
        began = time.monotonic()
        done = 0
        reason = "claim given back: the worker failed"
        self.told, self.recorded, self.recorded_at = [], 0, began
        try:
            channel = kept_channel(self.channel_name)
            attachments = attachments_of(batch)
            run = printing.bind(batch, lease.dispatcher) if channel.is_gathering else ""
            running_as_job.claimed(batch)
            for message in batch:
                # Before the first is begun and between any two, nothing is in doubt: a good moment to stop.
                if done and time.monotonic() > until + _CLAIM_SECONDS:
                    reason = "claim given back: out of time"
                    return True
                if not lease.renew():
                    reason = "claim given back: the lease was lost"
                    return False
                # Counted as begun first: whatever ends this process now, recovery finds it in doubt, not given back.
                done += 1
                outcome = self._hand_over(channel, message, attachments.get(message.pk, []), run)
                if not self._note(message, outcome, lease):
                    reason = "claim given back: the connection to the database was lost"
                    return False
                if outcome.kind == OutcomeKind.LATER:
                    self._pause_lane(outcome.words)
                    reason = f"claim given back: {outcome.words}"
                    return False
                if self.lane_failures and outcome.kind != OutcomeKind.UNCERTAIN:
                    self._open_lane()
            return True
        finally:
            if done:
                self.pace = (time.monotonic() - began) / done
            self._record(lease)
            if done < len(batch):
                queue.give_back(batch[done:], lease.dispatcher, reason=reason)
            running_as_job.closed(
                (message.job_id, told.status) for message, told in zip(batch, self.told, strict=False) if told.closed_at
            )

    def _hand_over(self, channel: Channel, message: Message, attachments: Sequence[Attachment], batch: str) -> Outcome:
        """Build the parcel and hand it over; what goes wrong on our side is an outcome too, and blocks no other."""
        try:
            parcel = ready(message, attachments, channel, batch=batch)
        except TemplateError as error:
            return Outcome(kind=OutcomeKind.FAILED, words=f"template: {error}")
        except NotReady as error:
            return error.outcome
        except OSError as error:
            _log.exception("attachment not readable", extra={"message_id": message.pk})
            return Outcome(kind=OutcomeKind.RETRY, words=f"attachment not readable: {error.strerror or error}")
        except IntegrityError:
            # Another was first, or bytes of long ago were dropped just when they were wanted again: seen anew it is
            # plain.
            _log.exception("database refused", extra={"message_id": message.pk})
            return Outcome(kind=OutcomeKind.RETRY, words="not made ready: the database refused, see the log")
        except (OperationalError, InterfaceError):
            _log.exception("database away", extra={"message_id": message.pk})
            return Outcome(kind=OutcomeKind.RETRY, words="not made ready: the database could not be asked")
        except Exception:
            _log.exception("message not made ready", extra={"message_id": message.pk})
            return Outcome(kind=OutcomeKind.FAILED, words="not made ready: internal failure, see the log")
        try:
            with self.hand_over_seconds.time():
                outcome = channel.hand_over(parcel)
        except Exception:
            # Nobody knows how far it came; where twice is the same as once, that does no harm.
            _log.exception("hand-over broke", extra={"message_id": message.pk})
            kind = OutcomeKind.RETRY if channel.is_repeatable else OutcomeKind.UNCERTAIN
            outcome = Outcome(kind=kind, words="internal failure while handing over, see the log")
        return _remembered(outcome, parcel)

    def _note(self, message: Message, outcome: Outcome, lease: Lease) -> bool:
        """Keep an outcome in the journal, and now and then write what it holds to the tables. False when the claim is
        no longer ours."""
        told = _settled(message, outcome)
        self.told.append(told)
        is_kept = self._keep(told, lease)
        if message.due_at:
            self.queue_seconds.observe(max(0.0, (told.at - message.due_at).total_seconds()))
        is_time = time.monotonic() - self.recorded_at > _RECORD_SECONDS
        is_due = is_time or not is_kept or len(self.told) - self.recorded >= MOST_UNRECORDED
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


def _remembered(outcome: Outcome, parcel: Parcel) -> Outcome:
    """The outcome with what was found while the parcel was made ready; what goes out unsigned is said aloud."""
    if not parcel.facts:
        return outcome
    unsigned = parcel.facts.get("unsigned")
    words = "; ".join(filter(None, (outcome.words, f"unsigned: {unsigned}"))) if unsigned else outcome.words
    return replace(outcome, words=words, facts={**parcel.facts, **outcome.facts})


def _settled(message: Message, outcome: Outcome) -> Told:
    """What an outcome leads to, with its reason completed where no further try is made."""
    now = timezone.now()
    tried = message.attempts + 1
    status, reason, attempts, due_at = Status.SENT, outcome.words, tried, None
    if outcome.kind == OutcomeKind.LATER:
        # The lane's trouble is never the end of a message, however long it lasts. It is due after those that waited
        # with it, so that one which always draws a refusal does not keep them back.
        status, attempts, due_at = Status.ACCEPTED, message.attempts, now
    elif outcome.kind == OutcomeKind.RETRY:
        why = gave_up(attempts=tried, since=queue.first_tried_at(message), now=now)
        if why:
            status, reason = Status.FAILED, f"{why}: {outcome.words}"
        else:
            first, cap = settings.HAMMY_RETRY_FIRST_SECONDS, settings.HAMMY_RETRY_CAP_SECONDS
            status, due_at = Status.RETRY, queue.later(backoff(tried, first=first, cap=cap))
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
