"""A target that is slow, dead or hostile delays none of the others and is never overrun."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from jobs.models import Job
from notifications import calling, delivery
from notifications.models import Attempt, Delivery, Registration, Target
from notifications.states import Status
from tests.fakes.receiver import Receiver, Reply
from tests.notifications.conftest import deliver, end

pytestmark = pytest.mark.django_db
Register = Callable[..., Registration]
Submit = Callable[..., Job]


def test_a_target_is_called_four_times_at_once_at_most(register: Register, submit: Submit, receiver: Receiver) -> None:
    # R35
    register()
    receiver.reply = Reply(wait=0.05)
    end(*[submit() for _ in range(12)])
    deliver()
    assert (len(receiver.heard), receiver.most_at_once["/hook"]) == (12, 4)


def test_the_first_failure_of_a_target_spares_it_the_rest_and_then_it_is_tried_with_one(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    # R35: closed, open, half-open, closed
    target = register().target
    receiver.reply = Reply(status=503)
    end(*[submit() for _ in range(12)])
    deliver()
    assert len(receiver.heard) <= 4
    tried = len(receiver.heard)
    Target.objects.update(held_until=None)
    deliver()
    assert len(receiver.heard) == tried + 1
    receiver.reply = Reply()
    Target.objects.update(held_until=None)
    Delivery.objects.pending().update(due_at=target.created_at)
    deliver()
    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.DELIVERED}


def test_a_slow_target_delays_none_of_the_others(
    register: Register, submit: Submit, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # R35
    monkeypatch.setattr(calling, "CALL_SECONDS", 1.0)
    register(path="/slow")
    for number in range(9):
        register(path=f"/{number}")
    receiver.replies["/slow"] = Reply(wait=30)
    end(submit())
    began = time.monotonic()
    deliver()
    assert time.monotonic() - began < 3
    others = Attempt.objects.exclude(delivery__url=receiver.url("/slow"))
    assert [attempt.seconds < 0.5 for attempt in others] == [True] * 9
    slow = Attempt.objects.get(delivery__url=receiver.url("/slow"))
    assert (slow.status, slow.failure) == (None, "no answer within 1 s")


def test_a_body_that_drips_does_not_hold_a_call(
    register: Register, submit: Submit, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # R32
    monkeypatch.setattr(calling, "CALL_SECONDS", 1.0)
    register()
    receiver.reply = Reply(status=200, body=b"x", pieces=100, pause=0.2)
    end(submit())
    began = time.monotonic()
    deliver()
    assert time.monotonic() - began < 3
    assert Delivery.objects.get().status == Status.DELIVERED


def test_a_name_that_leads_inside_when_it_is_called_is_refused_then(
    register: Register, submit: Submit, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    # S3: what was registered in peace is looked at anew at each call
    settings.HAMMY_OUTBOUND_NETWORKS = []
    registration = register(end_point=f"http://rebinding.example:{receiver.port}/hook")
    end(submit())

    def inside(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    deliver()
    registration.target.refresh_from_db()
    assert receiver.heard == []
    assert registration.target.last_failure == "leads to an address that may not be called"
    assert registration.target.last_status is None


def test_nobody_at_home_is_a_failure_like_another(register: Register, submit: Submit, receiver: Receiver) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    register(end_point=f"http://127.0.0.1:{receiver.port}/a")
    Delivery.objects.all().delete()
    Target.objects.update(address=f"http://127.0.0.1:{free}/a")
    end(submit())
    Delivery.objects.update(url=receiver.url("/a").replace(str(receiver.port), str(free)))
    deliver()
    assert Delivery.objects.get().reason.startswith("the port must be one of")


def test_a_call_that_breaks_us_is_a_failed_try_and_not_repeated_without_pause(
    register: Register, submit: Submit, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    register()
    end(submit())

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(calling.Client, "call", broken)
    deliver()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.reason) == (Status.PENDING, 1, "internal failure")


def test_callbacks_of_one_job_go_one_after_the_other(submit: Submit, receiver: Receiver) -> None:
    # R38
    receiver.reply = Reply(wait=0.05)
    job = submit(DpfControlCallbackUrl=receiver.url("/one"))
    other = submit(DpfControlCallbackUrl=receiver.url("/other"))
    end(job, other)
    one = Delivery.objects.get(url=receiver.url("/one"))
    for _ in range(3):
        Delivery.objects.create(
            event=one.event, target=one.target, payload="dpf", url=one.url, format="JSON", method="PUT"
        )
    deliver()
    assert receiver.most_at_once == {"/one": 1, "/other": 1}
    assert Target.objects.count() == 1


def test_a_registration_without_a_secret_is_told_nothing_unsigned(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    # R36
    registration = register()
    registration.client.credentials.all().delete()
    end(submit())
    deliver()
    assert receiver.heard == []
    assert Delivery.objects.get().reason == "its client has no secret that could sign it"


def test_a_courier_that_cannot_take_all_wakes_another(
    register: Register,
    submit: Submit,
    receiver: Receiver,
    wakes: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One that knows nothing yet of how much targets have.
    monkeypatch.setattr(delivery, "_couriers", [])
    for number in range(17):
        register(path=f"/{number}")
    end(submit())
    wakes.clear()
    deliver()
    assert wakes == [("notifications.tasks.deliver",)]
    assert len(receiver.heard) == 17
