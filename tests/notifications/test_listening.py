"""Who is told of what: written in the transaction of the job's own move, or not at all."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Refusal
from gateway.models import ApiClient
from jobs import queue, services
from jobs.models import Job
from jobs.states import Status as JobStatus
from notifications import listening, maintenance, tracking
from notifications import services as notification_services
from notifications.models import Delivery, Event, JobName, Registration, Target
from notifications.services import Wish
from notifications.states import Status
from sending.models import Message
from tests import factories
from tests.fakes.receiver import Receiver
from tests.notifications.conftest import deliver, end, start

pytestmark = pytest.mark.django_db
Register = Callable[..., Registration]
Submit = Callable[..., Job]


class Undo(Exception):
    """The transaction is to be undone."""


def test_a_move_that_is_undone_tells_nobody(
    register: Register, submit: Submit, wakes: list[tuple[str, ...]], django_capture_on_commit_callbacks: Any
) -> None:
    register()
    job = submit()
    with pytest.raises(Undo), transaction.atomic():
        end(job)
        assert Delivery.objects.count() == 1
        raise Undo
    assert not Delivery.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        end(job)
    assert (listening.DELIVER_TASK,) in wakes
    assert Delivery.objects.count() == 1


def test_nobody_to_tell_costs_two_looks(submit: Submit, django_assert_num_queries: Any) -> None:
    job = submit()
    fact = queue.Moved(job_ids=[job.pk], job_classes=frozenset(), to=JobStatus.FINISHED, at=timezone.now())
    with django_assert_num_queries(2):
        listening.on_job_moved(fact)
    assert not Event.objects.exists()


def test_a_thousand_registrations_cost_no_more_statements_than_one(
    caller: Caller, register: Register, submit: Submit, django_assert_max_num_queries: Any
) -> None:
    register()
    targets = Target.objects.bulk_create(
        Target(kind="registration", client_id=caller.client_id, address=f"https://r{n}.example/") for n in range(1000)
    )
    Registration.objects.bulk_create(
        Registration(
            client_id=caller.client_id, target=target, end_point=target.address, format="DEFAULT",
            naming="CONSTANT", method="POST",
        )
        for target in targets
    )  # fmt: skip
    fact = queue.Moved(job_ids=[submit().pk], job_classes=frozenset(), to=JobStatus.FINISHED, at=timezone.now())
    with django_assert_max_num_queries(5):
        listening.on_job_moved(fact)
    assert Delivery.objects.count() == 1001
    assert Delivery.objects.values("uuid").distinct().count() == 1001
    assert Event.objects.count() == 1


def test_a_job_of_the_house_is_told_to_who_sees_all_alone(register: Register, receiver: Receiver) -> None:
    register(path="/client")
    register(path="/auditor", owner=factories.make_caller(rights=["notifications", "see_all"]))
    end(services.submit(caller=Caller.house("anna"), job_class="tests.Nothing"))
    deliver()
    assert [one.path for one in receiver.heard] == ["/auditor"]


def test_a_client_that_is_no_longer_active_is_not_told(register: Register, submit: Submit, caller: Caller) -> None:
    register()
    ApiClient.objects.filter(pk=caller.client_id).update(is_active=False)
    end(submit())
    assert not Delivery.objects.exists()


def test_what_a_client_may_not_know_any_more_is_not_told(
    register: Register, submit: Submit, receiver: Receiver, caller: Caller
) -> None:
    # S30: between the job's end and the call
    auditor = factories.make_caller(rights=["notifications", "see_all"])
    register(path="/auditor", owner=auditor)
    register(path="/own")
    end(submit())
    ApiClient.objects.filter(pk=auditor.client_id).update(rights=["notifications"])
    ApiClient.objects.filter(pk=caller.client_id).update(is_active=False)
    deliver()
    assert receiver.heard == []
    said = list(Delivery.objects.order_by("id").values_list("status", "reason"))
    assert said == [(Status.MISSED, "its client may not know of the job any more"), (Status.PENDING, "")]
    ApiClient.objects.filter(pk=caller.client_id).update(is_active=True)
    deliver()
    assert [one.path for one in receiver.heard] == ["/own"]


def test_a_client_without_the_right_to_notifications_is_not_told(
    register: Register, submit: Submit, caller: Caller
) -> None:
    register()
    ApiClient.objects.filter(pk=caller.client_id).update(rights=["send"])
    end(submit())
    assert not Delivery.objects.exists()


def test_a_job_that_runs_again_is_told_at_each_of_its_ends(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    register(format="JSON")
    job = submit()
    end(job, to=JobStatus.FAILED)
    services.set_status(caller=Caller.house("anna"), ids=[job.pk], status="NEW")
    Job.objects.filter(pk=job.pk).update(claim=None, heartbeat_at=None)
    end(job)
    deliver()
    assert len(receiver.bodies()) == 2
    assert len({one.headers["webhook-id"] for one in receiver.heard}) == 2


@pytest.mark.parametrize(
    ("wish", "field", "words"),
    [
        ({"end_point": ""}, "end_point", "required"),
        ({"end_point": "http://10.0.0.1/"}, "end_point", "leads to an address that may not be called"),
        ({"end_point": "10.0.0.1"}, "end_point", "leads to an address that may not be called"),
        ({"end_point": "http://[::ffff:127.0.0.1]/"}, "end_point", "leads to an address that may not be called"),
        ({"end_point": "http://0x7f.1/"}, "end_point", "the host is an address in an unusual spelling"),
        ({"end_point": "gopher://a.example"}, "end_point", "must be a URL as https://host/path"),
        ({"end_point": "http://a:b@a.example"}, "end_point", "must not hold a user or password"),
        ({"end_point": "http://a.example:25"}, "end_point", "the port must be one of 80, 443, 8080, 8443"),
        ({"format": "YAML"}, "format", "must be one of DEFAULT, JSON, XML"),
        ({"method": "GET"}, "method", "must be one of POST, PUT"),
    ],
)
def test_what_cannot_be_registered_says_why_and_leaves_nothing(
    caller: Caller, wish: dict[str, str], field: str, words: str
) -> None:
    # S1, S2, S5
    with pytest.raises(Refusal) as refused:
        notification_services.register(caller=caller, wish=Wish(**{"end_point": "https://a.example"} | wish))
    (problem,) = refused.value.problems
    assert (problem.field, problem.sentence) == ((field,), words)
    assert not Target.objects.exists()


def test_another_clients_job_looks_like_none(stranger: Caller, submit: Submit) -> None:
    # S30
    job = submit()
    with pytest.raises(Refusal, match=f"job {job.uuid} not found"):
        notification_services.register(caller=stranger, wish=Wish(end_point="https://a.example", job_uuid=job.uuid))
    assert not Target.objects.exists()


def test_what_a_deleted_registration_was_to_be_told_is_dropped(
    register: Register, submit: Submit, receiver: Receiver, caller: Caller
) -> None:
    # R33
    registration = register()
    end(submit())
    notification_services.delete(caller=caller, uuid=registration.uuid)
    deliver()
    delivery = Delivery.objects.get()
    assert (receiver.heard, delivery.status, delivery.reason) == ([], Status.DROPPED, "the registration was deleted")
    with pytest.raises(Refusal, match="its target is disabled"):
        notification_services.replay(delivery=delivery)
    end(submit())
    assert Delivery.objects.count() == 1


def test_a_job_deleted_in_between_is_still_told_and_takes_its_registration_along(
    register: Register, submit: Submit, receiver: Receiver, caller: Caller
) -> None:
    job = submit()
    register(job_uuid=job.uuid)
    end(job)
    Job.objects.filter(pk=job.pk).delete()
    assert maintenance.forget_bound() == 0
    assert list(notification_services.registrations(caller=caller)) == []
    deliver()
    assert str(job.uuid).encode() in receiver.bodies()[0]
    assert maintenance.forget_bound() == 1
    assert not Registration.objects.exists()


def test_names_of_jobs_are_their_moment_and_number_and_never_twice() -> None:
    at = datetime(2026, 10, 25, 0, 30, 0, tzinfo=UTC)
    # The hour that the end of summer time repeats.
    again = datetime(2026, 10, 25, 1, 30, 0, tzinfo=UTC)
    first = tracking.names([(12_345, at), (22_345, at), (7, again)])
    assert first == {12_345: "202610250230002345", 22_345: "202610250230002346", 7: "202610250230000007"}
    assert tracking.names([(10_007, at), (7, again)]) == {10_007: "202610250230000008", 7: "202610250230000007"}
    assert JobName.objects.count() == 4
    assert (tracking.job_of("202610250230000007"), tracking.job_of("202610250230009999")) == (7, None)


def test_what_a_job_did_not_send_is_told_in_order_and_named_by_its_request(
    register: Register, caller: Caller, receiver: Receiver, failed_letters: Callable[..., Job]
) -> None:
    register(format="JSON")
    job = failed_letters(("req-1", "FAILED"), ("", "CANCELLED"), ("req-3", "SENT"))
    start(job)
    queue.move(Job.objects.filter(pk=job.pk), JobStatus.FINISHED)
    deliver()
    said = json.loads(receiver.bodies()[0])["Notification"]["Event"]
    assert said["CancelOccurred"] is True
    assert [one["Name"] for one in said["ObjectsNotPersisted"]] == ["req-1", str(job.pk * 1000 + 1)]
    one = said["ObjectsNotPersisted"][0]
    assert list(one) == ["Id", "Latest", "Length", "Name", "Offset", "VersionId"]
    assert (one["Id"], one["Latest"], one["Length"], one["Offset"]) == (one["VersionId"], True, 5, 0)


def test_what_a_job_left_undone_stays_as_it_was_at_its_end(
    register: Register, receiver: Receiver, failed_letters: Callable[..., Job]
) -> None:
    register(path="/a")
    register(path="/b")
    job = failed_letters(("req-1", "FAILED"))
    end(job)
    Message.objects.all().delete()
    deliver()
    assert receiver.bodies("/a") == receiver.bodies("/b")
    assert b'Name="req-1"' in receiver.bodies("/a")[0]


def test_a_job_that_begins_to_send_and_asked_for_no_callback_costs_one_look(
    submit: Submit, django_assert_num_queries: Any
) -> None:
    job = submit()
    with django_assert_num_queries(1):
        listening.on_job_moved(queue.BegunToSend(job_ids=[job.pk], at=timezone.now()))
    assert not Event.objects.exists()
