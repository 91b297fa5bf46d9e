"""What is stuck: letters in doubt, letters and jobs overdue, workers that vanished, lanes that rest."""

from collections.abc import Iterator

from django.db.models import Count
from django.utils import timezone

from hammy_project import vital_signs
from hammy_project.doctor.findings import Finding, failure, ok, warning
from sending.channels import channels
from sending.models import Dispatcher, Lane, Message
from sending.states import DUE, HeldFor, Status

_WARNING_SECONDS = 60.0
_FAILURE_SECONDS = 900.0


def stuck() -> Iterator[Finding]:
    """All that waits for longer than it should."""
    found = [*_findings(), *_jobs()]
    yield from found or [ok("queue", "nothing is stuck")]


def held() -> Iterator[Finding]:
    """Messages that were made before there was a way out for them, and wait for it."""
    waiting = Message.objects.filter(status=Status.HELD, held_for=HeldFor.CHANNEL).order_by()
    counts = dict(waiting.values_list("channel").annotate(count=Count("id")))
    for channel, count in sorted(counts.items()):
        if channel in channels():
            yield ok(f"{channel} HELD", f"{count} messages waited for this channel: they go out within the hour")
        else:
            yield warning(f"{channel} HELD", f"{count} messages wait for this channel, which is not there")


def ticks() -> Iterator[Finding]:
    """Whether beat, broker and a worker are there together: each second something is looked after."""
    seconds = vital_signs.tick_seconds()
    if seconds is None:
        yield warning("ticks", "beat has never been heard: start it, and a worker")
    elif seconds >= _WARNING_SECONDS:
        yield warning("ticks", f"beat was last heard {seconds:.0f} s ago: does it run, and a worker?")
    else:
        yield ok("ticks", "beat is heard each second")


def _findings() -> Iterator[Finding]:
    for item in vital_signs.waiting():
        subject = f"{item.channel} {item.status}"
        words = f"{item.count} messages, the oldest for {item.seconds:.0f} s"
        if item.status == Status.UNCERTAIN:
            yield warning(subject, f"{item.count} messages may or may not have gone out: settle them in the console")
        elif item.status in DUE and item.seconds >= _FAILURE_SECONDS:
            yield failure(subject, f"{words}: no worker takes them")
        elif item.status in DUE and item.seconds >= _WARNING_SECONDS:
            yield warning(subject, words)
    now = timezone.now()
    # An idle worker lets its lease run out; only a claim must not outlive it.
    for dispatcher in Dispatcher.objects.filter(lease_until__lt=now, messages__isnull=False).distinct():
        yield warning(f"worker {dispatcher}", "its lease is over, and nobody freed its claim: does beat run?")
    for lane in Lane.objects.filter(paused_until__gt=now):
        seconds = (lane.paused_until - now).total_seconds() if lane.paused_until else 0
        yield warning(f"lane {lane}", f"rests for {seconds:.0f} s more: {lane.reason}")


def _jobs() -> Iterator[Finding]:
    for item in vital_signs.jobs():
        subject = f"{item.queue} jobs"
        words = f"{item.waiting} jobs wait, the oldest for {item.seconds:.0f} s"
        if item.seconds >= _FAILURE_SECONDS and not item.claimed:
            yield failure(subject, f"{words}: no worker takes them")
        elif item.seconds >= _WARNING_SECONDS:
            yield warning(subject, f"{words}: {item.claimed} are at work" if item.claimed else words)
        if item.silent:
            yield warning(subject, f"{item.silent} had no heartbeat for long, and nobody rescued them: does beat run?")
