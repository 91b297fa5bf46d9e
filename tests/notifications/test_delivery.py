"""What is told of a job's end, to whom, and what becomes of it when they do not listen."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from gateway import clients
from gateway.caller import Caller
from gateway.models import ApiClient
from jobs import queue
from jobs.models import Job
from jobs.states import Failure
from jobs.states import Status as JobStatus
from notifications import ladder, services
from notifications.models import Attempt, Delivery, Registration, Target
from notifications.states import Status
from tests import factories
from tests.fakes.receiver import Receiver, Reply
from tests.notifications.conftest import deliver, end

pytestmark = pytest.mark.django_db
Register = Callable[..., Registration]
Submit = Callable[..., Job]


def _due_now() -> None:
    """Time passes until the next try of everything."""
    Delivery.objects.pending().update(due_at=timezone.now())
    Target.objects.update(held_until=None)


def test_a_finished_job_is_told_once_with_its_signature(
    register: Register, submit: Submit, receiver: Receiver, caller: Caller
) -> None:
    register(path="/a")
    job = submit()
    end(job)
    deliver()
    deliver()
    (heard,) = receiver.heard
    assert (heard.method, heard.headers["content-type"]) == ("POST", "application/xml")
    assert f"<JobId>{job.uuid}</JobId>".encode() in heard.body
    assert caller.client_id is not None
    (secret,) = clients.webhook_secrets(client_id=caller.client_id)
    assert Webhook(secret).verify(heard.body, heard.headers, json_parse=False) is None
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == (Status.DELIVERED, 1)
    assert heard.headers["webhook-id"] == delivery.message_id
    assert list(Attempt.objects.values_list("number", "status", "failure", "next_at")) == [(1, 204, "", None)]


def test_during_a_rotation_both_secrets_sign_and_an_expired_one_no_more(
    register: Register, submit: Submit, receiver: Receiver, caller: Caller
) -> None:
    # R36
    assert caller.client_id is not None
    register()
    (old,) = clients.webhook_secrets(client_id=caller.client_id)
    new = clients.rotate_client(name=caller.client_name, overlap_hours=1).webhook_secret
    end(submit())
    deliver()
    for secret in (old, new):
        Webhook(secret).verify(receiver.heard[0].body, receiver.heard[0].headers, json_parse=False)
    client = ApiClient.objects.get(pk=caller.client_id)
    client.credentials.filter(expires_at__isnull=False).update(expires_at=timezone.now())
    end(submit())
    deliver()
    assert len(receiver.heard[1].headers["webhook-signature"].split()) == 1


def test_a_stranger_is_not_told_and_who_sees_all_is(
    register: Register, submit: Submit, receiver: Receiver, stranger: Caller
) -> None:
    register(path="/stranger", owner=stranger)
    register(path="/auditor", owner=factories.make_caller(rights=["notifications", "see_all"]))
    end(submit())
    deliver()
    assert [one.path for one in receiver.heard] == ["/auditor"]


def test_a_registration_of_one_job_hears_of_that_job_alone(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    one, other = submit(), submit()
    register(job_uuid=one.uuid)
    end(one, other)
    deliver()
    assert len(receiver.heard) == 1
    assert str(one.uuid).encode() in receiver.heard[0].body


def test_a_job_that_has_ended_is_told_at_once(register: Register, submit: Submit, receiver: Receiver) -> None:
    job = submit()
    end(job, to=JobStatus.CANCELLED)
    register(job_uuid=job.uuid, format="JSON")
    deliver()
    (body,) = receiver.bodies()
    assert json.loads(body)["Notification"]["Event"]["CancelOccurred"] is True


def test_who_does_not_listen_is_told_again_with_the_same_id_and_body(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    # R33, R37
    registration = register()
    receiver.reply = Reply(status=500, body=b"no\0t now")
    end(submit())
    deliver()
    delivery = Delivery.objects.get()
    attempt = Attempt.objects.get()
    assert (delivery.status, delivery.reason) == (Status.PENDING, "answered 500")
    assert 4 <= (delivery.due_at - attempt.began_at).total_seconds() <= 7
    assert (attempt.status, attempt.answer, attempt.next_at) == (500, "not now", delivery.due_at)
    registration.target.refresh_from_db()
    target = registration.target
    assert (target.failures, target.last_status, target.last_failure) == (1, 500, "answered 500")
    deliver()
    assert len(receiver.heard) == 1
    receiver.reply = Reply()
    _due_now()
    deliver()
    first, second = receiver.heard
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    target.refresh_from_db()
    assert (target.failures, target.failing_since, target.held_until) == (0, None, None)
    assert Delivery.objects.get().status == Status.DELIVERED


def test_the_ladder_ends_after_ten_tries(register: Register, submit: Submit, receiver: Receiver) -> None:
    register()
    receiver.reply = Reply(status=404)
    end(submit())
    for _ in range(12):
        deliver()
        _due_now()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, len(receiver.heard)) == (Status.FAILED, 10, 10)
    assert list(Attempt.objects.values_list("number", flat=True)) == list(range(1, 11))


@pytest.mark.parametrize(("step", "seconds"), [*enumerate(ladder.STEPS, start=1)])
def test_each_step_of_the_ladder_is_spread_by_a_fifth(step: int, seconds: int) -> None:
    waits = [ladder.next_wait(step) or 0 for _ in range(200)]
    assert seconds * 0.8 <= min(waits) < seconds * 0.9
    assert seconds * 1.1 < max(waits) <= seconds * 1.2


def test_after_the_last_step_there_is_none() -> None:
    assert sum(ladder.STEPS) / 3600 == pytest.approx(75.6, abs=0.1)
    assert ladder.next_wait(len(ladder.STEPS) + 1) is None


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (503, "120", 120), (429, " 7 ", 7), (429, "999999999999999", 86_400), (503, "soon", 0), (503, "-5", 0),
        (429, "Sun, 29 Nov 2026 12:01:00 GMT", 60), (429, "Sun, 29 Nov 2026 11:00:00 GMT", 0), (500, "120", 0),
        (None, "120", 0), (429, "Sun, 99 Nov 2026", 0),
    ],
)  # fmt: skip
def test_retry_after_is_honoured_within_limits(status: int | None, header: str, seconds: float) -> None:
    now = timezone.datetime.fromisoformat("2026-11-29T12:00:00+00:00")
    assert ladder.retry_after(status, header, now=now) == seconds


def test_a_busy_target_is_left_alone_as_long_as_it_asks(register: Register, submit: Submit, receiver: Receiver) -> None:
    # R32
    target = register().target
    receiver.reply = Reply(status=503, headers={"Retry-After": "600"})
    end(submit())
    deliver()
    target.refresh_from_db()
    assert target.held_until is not None
    assert target.held_until - timezone.now() > timedelta(seconds=590)
    end(submit())
    deliver()
    assert len(receiver.heard) == 1


def test_gone_disables_at_once_and_what_comes_later_is_missed(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    # R32, R34
    registration = register()
    receiver.reply = Reply(status=410)
    end(submit())
    deliver()
    end(submit())
    deliver()
    registration.target.refresh_from_db()
    assert registration.target.disabled_for == "answered 410 Gone"
    assert list(Delivery.objects.order_by("id").values_list("status", flat=True)) == [Status.FAILED, Status.MISSED]
    receiver.reply = Reply()
    assert services.enable(target=registration.target, replays_missed=True) == 1
    deliver()
    assert len(receiver.heard) == 2
    assert Delivery.objects.filter(status=Status.DELIVERED).count() == 1


def test_days_of_failure_disable_and_a_sporadic_one_does_not(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    # R34
    target = register().target
    receiver.reply = Reply(status=500)
    end(submit(), submit())
    deliver()
    target.refresh_from_db()
    assert target.disabled_at is None
    Target.objects.update(failing_since=timezone.now() - timedelta(days=5, seconds=1))
    _due_now()
    deliver()
    target.refresh_from_db()
    assert target.disabled_for == "every call failed for 5 days; the last: answered 500"
    assert set(Delivery.objects.values_list("status", flat=True)) <= {Status.PENDING, Status.MISSED}
    assert not Delivery.objects.due(timezone.now()).exists()


def test_a_redirect_is_a_failure_and_not_followed(register: Register, submit: Submit, receiver: Receiver) -> None:
    # R32, S4
    register(path="/a")
    receiver.reply = Reply(status=307, headers={"Location": "http://169.254.169.254/latest"})
    end(submit())
    deliver()
    assert [one.path for one in receiver.heard] == ["/a"]
    assert Delivery.objects.get().reason == "answered 307"


def test_of_a_gigabyte_of_answer_four_kilobytes_are_kept(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    # R32
    register()
    receiver.reply = Reply(status=200, body=b"x" * 65_536, pieces=16_384)
    end(submit())
    deliver()
    assert Delivery.objects.get().status == Status.DELIVERED
    assert Attempt.objects.get().answer == "x" * 4096


def test_a_job_tells_its_own_address_when_it_sends_and_when_it_ends(
    submit: Submit, receiver: Receiver, settings: Any
) -> None:
    # R37
    settings.HAMMY_PUBLIC_URL = "https://hammy.example"
    job = submit(dpf_control_callback_url=receiver.url("/ourjobno/1"))
    queue.claim(queue=queue.Queue.QUICK, worker="w", size=1)
    queue.begin_sending([job.pk])
    deliver()
    queue.move(Job.objects.filter(pk=job.pk), JobStatus.FAILED, reason="no paper", failure=Failure.JOB)
    deliver()
    name = f"{timezone.localtime(job.created_at):%Y%m%d%H%M%S}{job.pk % 10_000:04}"
    same = {"jobId": str(job.pk), "jobIdFs": name}
    tracker = {"dpfTrackerUrl": f"https://hammy.example/track?job={name}"}
    assert [json.loads(body) for body in receiver.bodies("/ourjobno/1")] == [
        same | {"jobState": "SENDING", "exitStatus": None, "errorReason": None} | tracker,
        same | {"jobState": "ERROR", "exitStatus": "ERR_JOB", "errorReason": "no paper"} | tracker,
    ]
    assert [one.method for one in receiver.heard] == ["PUT", "PUT"]


def test_what_is_left_of_sending_is_dropped_at_the_end(submit: Submit, receiver: Receiver) -> None:
    # R38
    receiver.reply = Reply(status=500)
    job = submit(DpfControlCallbackUrl=receiver.url())
    queue.claim(queue=queue.Queue.QUICK, worker="w", size=1)
    queue.begin_sending([job.pk])
    deliver()
    receiver.reply = Reply()
    queue.move(Job.objects.filter(pk=job.pk), JobStatus.FINISHED)
    _due_now()
    deliver()
    assert [json.loads(body)["jobState"] for body in receiver.bodies()] == ["SENDING", "FINISHED"]
    assert list(Delivery.objects.order_by("id").values_list("status", flat=True)) == [
        Status.DROPPED,
        Status.DELIVERED,
    ]
