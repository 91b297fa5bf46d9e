"""What goes wrong with one delivery holds up no other, and nothing that somebody asked for meanwhile is forgotten."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Refusal
from gateway.outbound import Answer
from jobs import queue, services
from jobs.models import Job
from jobs.states import Status as JobStatus
from notifications import calling, claiming, delivery, maintenance, recording
from notifications import services as notification_services
from notifications.calling import Called
from notifications.claiming import Parcel
from notifications.models import Attempt, Delivery, Event, JobName, Registration, Target
from notifications.states import EventKind, Status
from sending.models import Message
from sending.undone import messages
from tests.fakes.receiver import Receiver, Reply
from tests.notifications.conftest import deliver, end, start

pytestmark = pytest.mark.django_db
Register = Callable[..., Registration]
Submit = Callable[..., Job]


def _failed(parcel: Parcel, status: int = 500) -> Called:
    return Called(parcel=parcel, began_at=timezone.now(), answer=Answer(status=status, seconds=0.1))


def _states(receiver: Receiver) -> list[bytes]:
    return [body.split(b'"jobState": "')[1].split(b'"')[0] for body in receiver.bodies("/cb")]


def test_a_replay_during_a_call_that_fails_stands(register: Register, submit: Submit) -> None:
    # R33
    register()
    end(submit())
    Delivery.objects.update(failures=9, attempts=9)
    (one,) = claiming.claim(healthy=1, failing=0)
    notification_services.replay(delivery=Delivery.objects.get())
    recording.record([_failed(one.parcels[0])])
    found = Delivery.objects.get()
    assert (found.status, found.failures, found.attempts, found.is_by_hand) == (Status.PENDING, 0, 10, True)
    assert found.due_at <= timezone.now()


def test_what_was_in_hand_when_its_target_was_disabled_is_missed(register: Register, submit: Submit) -> None:
    # R34
    register()
    for _ in range(3):
        end(submit())
    (one,) = claiming.claim(healthy=1, failing=0)
    recording.record([_failed(one.parcels[0]), _failed(one.parcels[1], 410)])
    statuses = list(Delivery.objects.order_by("id").values_list("status", flat=True))
    assert statuses == [Status.MISSED, Status.FAILED, Status.MISSED]


def test_what_was_made_while_its_target_was_disabled_is_missed_in_the_end(register: Register, submit: Submit) -> None:
    register()
    end(submit())
    Target.objects.update(disabled_at=timezone.now())
    assert maintenance.miss_disabled() == 0
    Target.objects.update(disabled_at=timezone.now() - timedelta(hours=1))
    assert maintenance.miss_disabled() == 1
    assert Delivery.objects.get().status == Status.MISSED


def test_sending_is_not_replayed_after_the_end(receiver: Receiver, submit: Submit) -> None:
    job = submit(DpfControlCallbackUrl=receiver.url("/cb"))
    start(job)
    queue.begin_sending([job.pk])
    deliver()
    queue.move(Job.objects.filter(pk=job.pk), JobStatus.FINISHED)
    deliver()
    since = timezone.now() - timedelta(hours=1)
    assert notification_services.replay_since(since=since, only_failed=False) == 1
    with pytest.raises(Refusal, match="its job has ended"):
        notification_services.replay(delivery=Delivery.objects.get(event__kind=EventKind.JOB_SENDING))
    deliver()
    assert _states(receiver) == [b"SENDING", b"FINISHED", b"FINISHED"]


def test_the_end_of_a_life_before_is_not_told_after_the_last(receiver: Receiver, submit: Submit) -> None:
    # R38
    receiver.replies["/cb"] = Reply(status=400)
    job = submit(DpfControlCallbackUrl=receiver.url("/cb"))
    end(job, to=JobStatus.FAILED)
    deliver()
    services.set_status(caller=Caller.house("anna"), ids=[job.pk], status="NEW")
    Job.objects.filter(pk=job.pk).update(claim=None, heartbeat_at=None)
    receiver.replies["/cb"] = Reply()
    end(job)
    Delivery.objects.pending().update(due_at=timezone.now())
    deliver()
    assert _states(receiver) == [b"ERROR", b"FINISHED"]


def test_a_second_with_more_jobs_than_names_keeps_no_job_from_ending(submit: Submit, receiver: Receiver) -> None:
    job = submit(DpfControlCallbackUrl=receiver.url("/cb"))
    stamp = f"{timezone.localtime(job.created_at):%Y%m%d%H%M%S}"
    JobName.objects.bulk_create(JobName(job_id=10**9 + n, name=f"{stamp}{n:04}") for n in range(10_000))
    end(job)
    later = f"{timezone.localtime(job.created_at + timedelta(seconds=1)):%Y%m%d%H%M%S}"
    assert JobName.objects.get(job_id=job.pk).name == f"{later}{job.pk % 10_000:04}"


def test_a_secret_that_cannot_sign_is_a_failed_try(settings: Any, receiver: Receiver) -> None:
    settings.HAMMY_WEBHOOK_SECRET = "whsec_notbase64!"
    params = [("DpfControlCallbackUrl", receiver.url("/cb"))]
    end(services.submit(caller=Caller.house("anna"), job_class="tests.Nothing", params=params))
    deliver()
    assert Attempt.objects.get().failure == "internal failure"
    assert receiver.heard == []


def test_a_body_that_cannot_be_made_is_a_failed_try_and_holds_up_no_other(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    register(path="/good")
    bad = register(path="/bad")
    end(submit())
    Delivery.objects.filter(target=bad.target).update(payload="unknown")
    deliver()
    assert [one.path for one in receiver.heard] == ["/good"]
    assert Attempt.objects.get(status=None).failure == "its payload cannot be made"
    assert Delivery.objects.get(target=bad.target).due_at > timezone.now()


def test_an_outcome_that_cannot_be_written_holds_up_no_other(
    register: Register, submit: Submit, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(path="/good")
    bad = register(path="/bad")
    end(submit())
    real = recording._try

    def broken(outcome: Any) -> Attempt:
        if outcome.called.parcel.target_id == bad.target_id:
            raise DataError
        return real(outcome)

    monkeypatch.setattr(recording, "_try", broken)
    deliver()
    assert sorted(one.path for one in receiver.heard) == ["/bad", "/good"]
    assert list(Delivery.objects.order_by("id").values_list("status", flat=True)) == [Status.DELIVERED, Status.PENDING]
    # Nothing goes there before its lease is over.
    assert Target.objects.order_by("id").values_list("lease_until", flat=True)[0] is None
    assert not delivery.is_due()


def test_names_that_nobody_answers_delay_nobody(
    register: Register, submit: Submit, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, is_over = socket.getaddrinfo, threading.Event()

    def slow(host: Any, *args: Any, **how: Any) -> Any:
        if str(host).endswith(".example"):
            is_over.wait(20)
            raise socket.gaierror
        return real(host, *args, **how)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    for number in range(40):
        register(end_point=f"http://slow{number}.example:{receiver.port}/")
    register(end_point=receiver.url("/good", host="localhost"))
    end(submit())
    receiver.replies["/good"] = lambda _: (is_over.set(), Reply())[1]
    deliver()
    assert Attempt.objects.get(status=204).seconds < 10
    assert calling._MOST_NAMES >= delivery._MOST_FAILING + delivery._MOST_HEALTHY


def test_a_claim_that_took_long_calls_nobody_beyond_its_lease(
    register: Register, submit: Submit, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    register()
    end(submit())
    rounds = claiming.claim(healthy=1, failing=0)
    monkeypatch.setattr(delivery, "is_due", lambda: True)
    late = [replace(one, claimed_at=one.claimed_at - 45) for one in rounds]
    monkeypatch.setattr(claiming, "claim", lambda **_: [late.pop()] if late else [])
    deliver()
    assert receiver.heard == []
    assert Delivery.objects.get().status == Status.PENDING


def test_bytes_of_what_was_not_sent_are_counted_where_they_lie(failed_letters: Callable[..., Job]) -> None:
    job = failed_letters(("a", "FAILED"), ("b", "FAILED"))
    Message.objects.filter(request_id="a").update(content={"mail_body": "grüße"})
    Message.objects.filter(request_id="b").update(content={})
    assert [(one.name, one.length) for one in messages([job.pk], 10)[job.pk]] == [("a", 7), ("b", 0)]


def test_events_nobody_waits_for_are_forgotten_in_portions() -> None:
    long_ago = timezone.now() - timedelta(days=100)
    Event.objects.bulk_create(Event(kind=EventKind.TEST, created_at=long_ago) for _ in range(5))
    maintenance.prune(closed_before=timezone.now(), size=2)
    assert not Event.objects.exists()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_sending_delivered_while_its_job_ends_stays_delivered(receiver: Receiver, submit: Submit) -> None:
    job = submit(DpfControlCallbackUrl=receiver.url("/cb"))
    start(job)
    queue.begin_sending([job.pk])

    def finish() -> None:
        try:
            queue.move(Job.objects.filter(pk=job.pk), JobStatus.FINISHED)
        finally:
            connection.close()

    ending = threading.Thread(target=finish)
    with transaction.atomic():
        Delivery.objects.update(status=Status.DELIVERED, closed_at=timezone.now())
        ending.start()
        time.sleep(1)
        assert ending.is_alive()
    ending.join(10)
    assert Delivery.objects.get(event__kind=EventKind.JOB_SENDING).status == Status.DELIVERED
