"""What people may do with deliveries and targets: again, since when, pause, resume, enable."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.errors import Code, Refusal
from jobs.models import Job
from notifications import services
from notifications.models import Attempt, Delivery, Registration, Target
from notifications.states import Status
from tests.fakes.receiver import Heard, Receiver, Reply
from tests.notifications.conftest import deliver, end

pytestmark = pytest.mark.django_db
Register = Callable[..., Registration]
Submit = Callable[..., Job]


def test_a_delivered_one_goes_again_with_the_same_id(register: Register, submit: Submit, receiver: Receiver) -> None:
    # R33
    register()
    end(submit())
    deliver()
    services.replay(delivery=Delivery.objects.get())
    services.replay(delivery=Delivery.objects.get())
    deliver()
    assert len({one.headers["webhook-id"] for one in receiver.heard}) == 1
    assert len(receiver.heard) == 2
    assert list(Attempt.objects.values_list("number", "is_by_hand")) == [(1, False), (2, True)]


def test_a_try_by_hand_comes_before_the_ladders_and_begins_a_new_round(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    # R33
    register()
    receiver.reply = Reply(status=500)
    end(submit())
    deliver()
    services.replay(delivery=Delivery.objects.get())
    deliver()
    delivery = Delivery.objects.get()
    assert (len(receiver.heard), delivery.failures, delivery.attempts) == (2, 1, 2)
    assert 4 <= (delivery.due_at - timezone.now()).total_seconds() + 1 <= 7


def test_a_replay_asked_for_while_it_is_being_called_goes_out_after_it(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    # R33
    register()
    end(submit())
    delivery = Delivery.objects.get()

    def ask(heard: Heard) -> Reply:
        receiver.reply = Reply()
        return Reply(status=500)

    receiver.reply = ask
    deliver()
    services.replay(delivery=delivery)
    deliver()
    delivery.refresh_from_db()
    assert (len(receiver.heard), delivery.status) == (2, Status.DELIVERED)


def test_replay_on_a_disabled_target_is_refused(register: Register, submit: Submit, receiver: Receiver) -> None:
    # R33
    register()
    receiver.reply = Reply(status=410)
    end(submit())
    deliver()
    with pytest.raises(Refusal) as refused:
        services.replay(delivery=Delivery.objects.get())
    assert refused.value.code == Code.STATE_CONFLICT
    assert Delivery.objects.get().status == Status.FAILED


def test_what_failed_since_a_moment_goes_again_or_all_of_it(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    one, other = register(path="/a").target, register(path="/b").target
    receiver.replies["/a"] = Reply(status=404)
    end(submit(), submit())
    deliver()
    Delivery.objects.filter(target=one).update(status=Status.FAILED, closed_at=timezone.now())
    since = timezone.now() - timedelta(minutes=1)
    assert services.replay_since(since=timezone.now()) == 0
    assert services.replay_since(since=since, target=other) == 0
    assert services.replay_since(since=since, target=other, only_failed=False) == 2
    assert services.replay_since(since=since) == 2
    receiver.replies.clear()
    deliver()
    assert [one.path for one in receiver.heard].count("/a") == 4
    assert [one.path for one in receiver.heard].count("/b") == 4
    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.DELIVERED}


def test_a_paused_target_waits_and_goes_on_where_it_was(register: Register, submit: Submit, receiver: Receiver) -> None:
    target = register().target
    assert services.pause(target=target, actor="anna")
    assert not services.pause(target=target, actor="bela")
    end(submit())
    deliver()
    target.refresh_from_db()
    assert (receiver.heard, target.paused_by) == ([], "anna")
    assert Delivery.objects.get().status == Status.PENDING
    assert services.resume(target=target)
    assert not services.resume(target=target)
    deliver()
    assert len(receiver.heard) == 1


def test_enabling_may_leave_what_was_missed(register: Register, submit: Submit, receiver: Receiver) -> None:
    # R34
    target = register().target
    Target.objects.update(disabled_at=timezone.now(), disabled_for="answered 410 Gone")
    end(submit())
    assert services.enable(target=target, replays_missed=False) == 0
    with pytest.raises(Refusal, match="is not disabled"):
        services.enable(target=target, replays_missed=True)
    end(submit())
    deliver()
    assert len(receiver.heard) == 1
    assert sorted(Delivery.objects.values_list("status", flat=True)) == [Status.DELIVERED, Status.MISSED]


def test_a_test_tells_of_a_job_that_never_was(register: Register, receiver: Receiver) -> None:
    registration = register(naming="UNDERSCORED")
    delivery = services.test(registration=registration)
    deliver()
    assert b"<job_id>00000000-0000-0000-0000-000000000000</job_id>" in receiver.bodies()[0]
    assert receiver.heard[0].headers["webhook-id"] == delivery.message_id
