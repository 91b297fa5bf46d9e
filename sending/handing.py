"""The messages of a claim made ready and handed over, each with what came of it."""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial

from django.db import IntegrityError, InterfaceError, OperationalError
from prometheus_client import Histogram

from sending import printing
from sending.channels.base import Channel, NotReady, Outcome, OutcomeKind, Parcel
from sending.leases import Lease
from sending.models import Message
from sending.parcels import attachments_of, push_parcel, ready
from sending.telling import web_pushes
from sending.templating import TemplateError

_log = logging.getLogger(__name__)


class Claim:
    """A batch of messages that are ours, to be worked off in their order until ``stop_at`` (monotonic clock)."""

    def __init__(self, batch: Sequence[Message], lease: Lease, *, stop_at: float) -> None:
        self.batch, self.lease, self.stop_at = batch, lease, stop_at
        self.began_at = time.monotonic()
        self.begun = 0
        self.is_ours = True
        self.why_stopped = "the worker failed"

    def messages(self) -> Iterator[Message]:
        """One after the other, as long as there is time and the lease holds."""
        for message in self.batch:
            # Before the first is begun and between any two, nothing is in doubt: a good moment to stop.
            if self.begun and time.monotonic() > self.stop_at:
                self.why_stopped = "out of time"
                return
            if not self.lease.renew():
                self.is_ours, self.why_stopped = False, "the lease was lost"
                return
            # Counted as begun first: whatever ends this process now, recovery finds it in doubt, not given back.
            self.begun += 1
            yield message

    def left(self, channel: Channel, came: Collection[tuple[Message, Outcome]]) -> Sequence[Message]:
        """What may be given back: what was not begun, or, where many are handed over side by side and twice is as
        once, what came to nothing."""
        if channel.most_at_once == 1:
            return self.batch[self.begun :]
        known = {message.pk for message, _ in came}
        return [message for message in self.batch if message.pk not in known]


def handed_over(channel: Channel, claim: Claim, *, timer: Histogram) -> Generator[tuple[Message, Outcome]]:
    """What came of the messages of a claim, as it comes: one by one in their order, or side by side where the channel
    can. What goes wrong on our side comes to something too, and blocks no other."""
    attachments = attachments_of(claim.batch)
    pushes = web_pushes(claim.batch)
    run = printing.bind(claim.batch, claim.lease.dispatcher) if channel.is_gathering else ""

    def made(message: Message) -> Parcel | Outcome:
        if message.is_push:
            return _made(message, partial(push_parcel, message, pushes.get(message.pk)))
        return _made(message, partial(ready, message, attachments.get(message.pk, []), channel, batch=run))

    if channel.most_at_once > 1:
        yield from _side_by_side(channel, claim, made, timer)
        return
    for message in claim.messages():
        parcel = made(message)
        yield message, parcel if isinstance(parcel, Outcome) else _handed_over(channel, parcel, timer)


def _side_by_side(
    channel: Channel, claim: Claim, made: Callable[[Message], Parcel | Outcome], timer: Histogram
) -> Generator[tuple[Message, Outcome]]:
    messages = {message.pk: message for message in claim.batch}
    unready: deque[tuple[Message, Outcome]] = deque()
    begun_at: dict[int, float] = {}

    def parcels() -> Iterator[Parcel]:
        for message in claim.messages():
            parcel = made(message)
            if isinstance(parcel, Parcel):
                begun_at[message.pk] = time.monotonic()
                yield parcel
            else:
                unready.append((message, parcel))

    for parcel, outcome in channel.hand_over_all(parcels()):
        timer.observe(time.monotonic() - begun_at.pop(parcel.message_id))
        yield messages[parcel.message_id], outcome
        while unready:
            yield unready.popleft()
    yield from unready


def _made(message: Message, make: Callable[[], Parcel]) -> Parcel | Outcome:
    """The parcel, or what it comes to that there is none."""
    try:
        return make()
    except TemplateError as error:
        return Outcome(kind=OutcomeKind.FAILED, words=f"template: {error}")
    except NotReady as error:
        return error.outcome
    except OSError as error:
        _log.exception("attachment not readable", extra={"message_id": message.pk})
        return Outcome(kind=OutcomeKind.RETRY, words=f"attachment not readable: {error.strerror or error}")
    except IntegrityError:
        # Another was first, or bytes of long ago were dropped just when they were wanted again: seen anew it is plain.
        _log.exception("database refused", extra={"message_id": message.pk})
        return Outcome(kind=OutcomeKind.RETRY, words="not made ready: the database refused, see the log")
    except (OperationalError, InterfaceError):
        _log.exception("database away", extra={"message_id": message.pk})
        return Outcome(kind=OutcomeKind.RETRY, words="not made ready: the database could not be asked")
    except Exception:
        _log.exception("message not made ready", extra={"message_id": message.pk})
        return Outcome(kind=OutcomeKind.FAILED, words="not made ready: internal failure, see the log")


def _handed_over(channel: Channel, parcel: Parcel, timer: Histogram) -> Outcome:
    try:
        with timer.time():
            outcome = channel.hand_over(parcel)
    except Exception:
        # Nobody knows how far it came; where twice is the same as once, that does no harm.
        _log.exception("hand-over broke", extra={"message_id": parcel.message_id})
        kind = OutcomeKind.RETRY if channel.is_repeatable else OutcomeKind.UNCERTAIN
        outcome = Outcome(kind=kind, words="internal failure while handing over, see the log")
    return _remembered(outcome, parcel)


def _remembered(outcome: Outcome, parcel: Parcel) -> Outcome:
    """The outcome with what was found while the parcel was made ready; what goes out unsigned is said aloud."""
    if not parcel.facts:
        return outcome
    unsigned = parcel.facts.get("unsigned")
    words = "; ".join(filter(None, (outcome.words, f"unsigned: {unsigned}"))) if unsigned else outcome.words
    return replace(outcome, words=words, facts={**parcel.facts, **outcome.facts})
