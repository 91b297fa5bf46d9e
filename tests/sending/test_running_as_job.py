"""A letter that runs as a job: one row of each, and the job's story is its message's."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gateway.caller import Caller as House
from jobs import maintenance as job_maintenance
from jobs import queue as job_queue
from jobs import runner
from jobs import services as job_services
from jobs.models import Job
from jobs.states import Queue
from sending import maintenance, queue, running_as_job, services
from sending.channels.base import OutcomeKind
from sending.models import Dispatcher, Message
from sending.states import Status
from tests.factories import make_caller
from tests.sending.factories import ScriptedChannel, a_letter, an_attachment, an_outcome, event_names, make_uncertain
from tests.sending.send_v2_calls import BASE, JSON, LETTER, Caller, document, nothing_happened

# What follows a commit is part of what is tested.
pytestmark = pytest.mark.django_db(transaction=True)
Worker = Callable[..., ScriptedChannel]
HOUSE = House.house("operator")
JOB = {"key": "RUN_AS_JOB", "value": "true"}
CALLBACK = {"key": "DpfControlCallbackUrl", "value": "https://dpf.example.org/callback"}


def _begun(**overrides: Any) -> tuple[Message, Job]:
    accepted = services.submit(caller=make_caller(), letter=a_letter(runs_as_job=True, **overrides))
    job = Job.objects.get(uuid=accepted.job_uuid)
    message = Message.objects.get(pk=accepted.message_id)
    assert message.job_id == job.pk
    return message, job


def _story(job: Job) -> list[str]:
    return [event.name for event in job.events.order_by("id")]


def _many(count: int, *, parent_class: str = "tests.Careful") -> Job:
    """A job at work that has sent so many letters, and waits for them."""
    job_services.submit(caller=HOUSE, job_class=parent_class)
    _claim, (job,) = job_queue.claim(queue=Queue.QUICK, worker="here", size=1)
    services.submit_many(caller=make_caller(), letters=[a_letter() for _ in range(count)], job_id=job.pk)
    assert job_queue.wait_for_others([job], "its letters are on their way", {"total": count, "completed": None})
    return job


# ── how it is taken ─────────────────────────────────────────────────────────────────────────────
def test_the_answer_names_the_job_whose_parameters_are_the_sends() -> None:
    caller = Caller(rights=["send", "jobs.read"])
    response = caller.send(params=[CALLBACK, {"key": "SEND_AT", "value": "2099-01-01"}])
    assert response.status_code == 200
    ((key, value),) = [(param["key"], param["value"]) for param in response.json()["meta"]["params"]]
    job = Job.objects.get()
    assert (key, UUID(value)) == ("jobUuid", job.uuid)
    assert (job.job_class, job.client_id, job.params) == (
        "hu.dbx.hammy.processor.send.SendRequestJobRunner",
        caller.client.pk,
        [
            ["DpfControlCallbackUrl", "https://dpf.example.org/callback"],
            ["SEND_AT", "2098-12-31T23:00:00+00:00"],
        ],
    )
    read = Client().get(f"/hammy/json/job/v1/jobs/{value}", headers=caller.headers)
    attributes = read.json()["data"]["attributes"]
    assert (attributes["status"], attributes["total"], attributes["completed"]) == ("RUNNING", 1, 0)
    assert Message.objects.get().job_id == job.pk


def test_json_api_names_it_too() -> None:
    response = Caller().post("/v2/send", document(params=[JOB]), content_type="application/vnd.api+json")
    assert response.json()["meta"]["params"] == [{"key": "jobUuid", "value": str(Job.objects.get().uuid)}]


def test_a_repeat_names_the_same_job_and_begins_no_other() -> None:
    caller = Caller()
    answers = [caller.send(requestId="R-1", params=[JOB]).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert (Message.objects.count(), Job.objects.count()) == (1, 1)
    # Without the parameter it is another request.
    assert caller.send(requestId="R-1").json()["meta"]["responseStatus"]["code"] == 1005


def test_each_letter_of_a_batch_that_asks_has_a_job_of_its_own() -> None:
    caller = Caller()
    messages = [LETTER | {"params": [JOB], "requestId": "a"}, LETTER, LETTER | {"params": [CALLBACK]}, {"x": 1}]
    body = json.dumps({"messages": [*messages, messages[0]]})
    items = Client().post(f"{BASE}/v2/batches", body, content_type=JSON, headers=caller.headers).json()["messages"]
    first, second = (str(job.uuid) for job in Job.objects.order_by("id"))
    assert [item.get("params") for item in items] == [
        [{"key": "jobUuid", "value": first}],
        None,
        [{"key": "jobUuid", "value": second}],
        None,
        [{"key": "jobUuid", "value": first}],
    ]
    assert items[0]["messageId"] == items[4]["messageId"]
    assert Message.objects.filter(job_id__isnull=False).count() == 2


def test_a_letter_with_attachments_runs_as_a_job_too() -> None:
    message, job = _begun(attachments=(an_attachment(),))
    assert (message.attachments.count(), _story(job)) == (1, ["CREATED", "STARTED"])


def test_a_refused_letter_leaves_no_job() -> None:
    assert Caller().send(params=[JOB], recipientEmailAddress="nobody").status_code == 400
    assert nothing_happened()
    assert not Job.objects.exists()


def test_a_letter_that_a_job_sends_is_that_jobs() -> None:
    job_services.submit(caller=HOUSE, job_class="tests.Careful")
    job = Job.objects.get()
    (taken,) = services.submit_many(caller=make_caller(), letters=[a_letter(runs_as_job=True)], job_id=job.pk)
    assert (taken.job_uuid, Job.objects.count()) == ("", 1)  # type: ignore[union-attr]
    assert Message.objects.get().job_id == job.pk


def test_the_right_to_send_is_enough() -> None:
    assert Caller(rights=["send"]).send(params=[JOB]).status_code == 200


# ── how it ends ─────────────────────────────────────────────────────────────────────────────────
def test_the_job_is_sending_and_finished_with_its_message(worker: Worker) -> None:
    _message, job = _begun()
    assert (job.status, _story(job)) == ("RUNNING", ["CREATED", "STARTED"])
    worker()
    job.refresh_from_db()
    assert (job.status, job.total, job.completed, job.reason) == ("FINISHED", 1, 1, "")
    assert _story(job) == ["CREATED", "STARTED", "SENDING", "FINISHED"]


def test_while_its_message_is_retried_the_job_waits_and_is_sending_once(worker: Worker) -> None:
    _message, job = _begun()
    worker(an_outcome(OutcomeKind.RETRY))
    job.refresh_from_db()
    assert (job.status, job.completed) == ("RUNNING", 0)
    Message.objects.update(due_at=timezone.now())
    worker()
    assert _story(job) == ["CREATED", "STARTED", "SENDING", "FINISHED"]


@pytest.mark.parametrize("kind", [OutcomeKind.FAILED, OutcomeKind.UNCERTAIN])
def test_what_did_not_surely_go_out_fails_the_job_with_its_reason(worker: Worker, kind: OutcomeKind) -> None:
    message, job = _begun()
    worker(an_outcome(kind, "550 nobody here"))
    job.refresh_from_db()
    reason = f"message {message.pk} is {kind}: 550 nobody here"
    assert (job.status, job.reason, job.completed) == ("FAILED", reason, 0)
    assert _story(job) == ["CREATED", "STARTED", "SENDING", "FAILED"]


def test_a_message_withdrawn_by_its_client_fails_the_job() -> None:
    message, job = _begun()
    services.cancel(caller=HOUSE, message_ids=[message.pk], reason="wrong address")
    job.refresh_from_db()
    assert (job.status, job.reason) == ("FAILED", f"message {message.pk} is CANCELLED: wrong address")
    # Nothing of it was ever handed over.
    assert _story(job) == ["CREATED", "STARTED", "FAILED"]


def test_a_message_that_expires_fails_the_job() -> None:
    message, job = _begun(expires_at=timezone.now() + timedelta(hours=1))
    Message.objects.update(expires_at=timezone.now())
    maintenance.tick()
    job.refresh_from_db()
    assert (job.status, job.reason) == ("FAILED", f"message {message.pk} is CANCELLED: expired")


def test_cancelling_the_job_withdraws_the_message(worker: Worker) -> None:
    message, job = _begun(send_at=timezone.now() + timedelta(hours=1))
    job_services.set_status(caller=HOUSE, ids=[job.pk], status="CANCELLED", reason="not today")
    message.refresh_from_db()
    assert (message.status, message.reason) == ("CANCELLED", "its job was cancelled: not today")
    job.refresh_from_db()
    assert (job.status, _story(job)) == ("CANCELLED", ["CREATED", "STARTED", "CANCELLED"])
    assert worker().parcels == []


def test_a_job_run_again_tries_what_failed_and_nothing_else(worker: Worker) -> None:
    message, job = _begun()
    worker(an_outcome(OutcomeKind.FAILED, "550 full"))
    job_services.set_status(caller=HOUSE, ids=[job.pk], status="NEW")
    runner.work(Queue.QUICK)
    message.refresh_from_db()
    job.refresh_from_db()
    assert (message.status, message.attempts, job.status) == ("ACCEPTED", 0, "RUNNING")
    worker()
    job.refresh_from_db()
    assert (job.status, job.completed) == ("FINISHED", 1)
    assert _story(job) == [
        "CREATED", "STARTED", "SENDING", "FAILED", "RETRIED", "STARTED", "SENDING", "FINISHED",
    ]  # fmt: skip
    assert event_names(message) == ["ACCEPTED", "SENDING", "FAILED", "ACCEPTED", "SENDING", "SENT"]


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.UNCERTAIN])
def test_a_job_run_again_leaves_what_is_withdrawn_or_in_doubt(worker: Worker, status: Status) -> None:
    message, job = _begun()
    if status == Status.CANCELLED:
        job_services.set_status(caller=HOUSE, ids=[job.pk], status="CANCELLED")
    else:
        worker(an_outcome(OutcomeKind.UNCERTAIN, "lost"))
    job_services.set_status(caller=HOUSE, ids=[job.pk], status="NEW")
    runner.work(Queue.QUICK)
    job.refresh_from_db()
    assert (job.status, job.reason.partition(":")[0]) == ("FAILED", f"message {message.pk} is {status}")
    assert worker().parcels == []


def test_a_job_of_this_class_without_a_message_says_what_is_missing() -> None:
    job = job_services.submit(caller=HOUSE, job_class=running_as_job.JOB_CLASS, params=[("RUN_AS_JOB", "true")])
    runner.work(Queue.QUICK)
    job.refresh_from_db()
    assert (job.status, job.reason) == (
        "FAILED",
        "it has no message: only a letter that is sent makes such a job",
    )


def test_an_ended_job_stays_ended_whatever_becomes_of_its_message(worker: Worker) -> None:
    message, job = _begun()
    worker(an_outcome(OutcomeKind.FAILED, "550 full"))
    services.requeue(caller=HOUSE, message_ids=[message.pk], reason="r")
    worker()
    message.refresh_from_db()
    job.refresh_from_db()
    assert (message.status, job.status) == ("SENT", "FAILED")
    assert _story(job) == ["CREATED", "STARTED", "SENDING", "FAILED"]


# ── many messages of one job ────────────────────────────────────────────────────────────────────
def test_a_job_of_many_messages_counts_them_and_ends_with_the_last(worker: Worker) -> None:
    job = _many(30)
    Message.objects.filter(id__in=Message.objects.order_by("id").values("id")[10:]).update(
        due_at=timezone.now() + timedelta(hours=1)
    )
    worker()
    job.refresh_from_db()
    assert (job.status, job.total, job.completed) == ("RUNNING", 30, 10)
    Message.objects.filter(status="ACCEPTED").update(due_at=timezone.now())
    worker(an_outcome(OutcomeKind.FAILED), an_outcome(OutcomeKind.UNCERTAIN), an_outcome(OutcomeKind.FAILED))
    job.refresh_from_db()
    assert (job.status, job.completed) == ("FAILED", 27)
    assert job.reason == "3 of 30 messages did not go out: 2 FAILED, 1 UNCERTAIN"
    assert _story(job) == ["CREATED", "STARTED", "SENDING", "FAILED"]


def test_ending_many_jobs_that_end_alike_costs_as_much_as_ending_one() -> None:
    counts = []
    for number in (1, 7):
        jobs = [_many(3) for _ in range(number)]
        Message.objects.filter(closed_at=None).update(status="SENT", due_at=None, closed_at=timezone.now())
        with CaptureQueriesContext(connection) as context:
            job_queue.settle([job.pk for job in jobs])
        counts.append(len(context))
    assert counts[0] == counts[1]
    assert list(Job.objects.values_list("status", "total", "completed").distinct()) == [("FINISHED", 3, 3)]


def test_a_message_in_between_costs_one_look_for_its_job(django_assert_num_queries: Any) -> None:
    job = _many(3)
    with django_assert_num_queries(2):
        running_as_job.closed([(job.pk, Status.SENT), (job.pk, Status.FAILED), (None, Status.SENT)])
    job.refresh_from_db()
    assert (job.status, job.completed) == ("RUNNING", 1)
    with django_assert_num_queries(0):
        running_as_job.closed([(None, Status.SENT)])
        running_as_job.claimed([Message()])


def test_progress_never_passes_its_total() -> None:
    job = _many(2)
    running_as_job.closed([(job.pk, Status.SENT)] * 5)
    job.refresh_from_db()
    assert (job.status, job.completed) == ("RUNNING", 2)


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "FINISHED", "finished_at": timezone.now()},
        {"claim": UUID(int=1), "heartbeat_at": timezone.now()},
        {"total": None},
    ],
)
def test_progress_is_told_of_jobs_that_wait_and_have_a_total_alone(columns: dict[str, Any]) -> None:
    """A run counts for itself, and an end is an end."""
    job = _many(2)
    Job.objects.filter(pk=job.pk).update(**{"completed": 0, **columns})
    before = Job.objects.filter(pk=job.pk).values().get()
    job_queue.settle([job.pk], {job.pk: 1})
    assert Job.objects.filter(pk=job.pk).values().get() == before


def test_a_job_waits_for_children_and_messages_alike(worker: Worker) -> None:
    job_services.submit(caller=HOUSE, job_class="tests.Legs", params=[("legIds", "1"), ("CHILD", "tests.Careful")])
    _claim, (job,) = job_queue.claim(queue=Queue.QUICK, worker="here", size=1)
    child = job_services.submit(caller=HOUSE, job_class="tests.Careful", parent=job)
    services.submit_many(caller=make_caller(), letters=[a_letter()], job_id=job.pk)
    assert job_queue.wait_for_others([job], "", {})
    worker()
    job.refresh_from_db()
    assert job.status == "RUNNING"
    runner.work(Queue.QUICK)
    job.refresh_from_db()
    child.refresh_from_db()
    assert (job.status, job.total, job.completed, child.status) == ("FINISHED", 2, 2, "FINISHED")


# ── races, deaths and lost words ────────────────────────────────────────────────────────────────
def test_a_worker_that_died_before_it_told_is_made_up_for_by_the_tick() -> None:
    _message, job = _begun()
    # As a worker leaves it that is killed between recording and telling.
    Message.objects.update(status="SENT", due_at=None, closed_at=timezone.now())
    job_maintenance.tick()
    job.refresh_from_db()
    assert (job.status, job.completed) == ("FINISHED", 1)


def test_a_message_recovered_from_a_dead_worker_ends_its_job_with_the_next_tick() -> None:
    message, job = _begun()
    dispatcher = Dispatcher.objects.create(host="gone", pid=1, lease_until=timezone.now())
    queue.claim(channel="EMAIL", dispatcher=dispatcher, size=1)
    queue.recover(dispatcher, why="worker gone died")
    job.refresh_from_db()
    assert (job.status, job.reason) == ("FAILED", f"message {message.pk} is UNCERTAIN: worker gone died")


def test_two_last_messages_that_end_at_once_end_their_job_once() -> None:
    for _ in range(5):
        job = _many(2)
        start = Barrier(2)

        def end(message_id: int, start: Barrier = start) -> None:
            try:
                start.wait(timeout=10)
                queue.move(Message.objects.filter(pk=message_id), Status.CANCELLED, reason="r")
            finally:
                connections.close_all()

        ids = Message.objects.filter(job_id=job.pk).values_list("id", flat=True)
        threads = [Thread(target=end, args=(message_id,)) for message_id in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert _story(job) == ["CREATED", "STARTED", "FAILED"]


def test_it_settles_once_however_often_it_is_told(worker: Worker) -> None:
    _message, job = _begun()
    worker()
    for _ in range(3):
        running_as_job.closed([(job.pk, Status.SENT)])
        job_maintenance.tick()
    assert _story(job) == ["CREATED", "STARTED", "SENDING", "FINISHED"]


def test_waiting_jobs_are_looked_at_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_maintenance, "_WAITING", 2)
    jobs = [_begun()[1] for _ in range(5)]
    Message.objects.filter(job_id=jobs[4].pk).update(status="SENT", due_at=None, closed_at=timezone.now())
    found = []
    for _ in range(3):
        job_maintenance.settle_forgotten()
        found.append(Job.objects.get(pk=jobs[4].pk).status)
    assert found == ["RUNNING", "RUNNING", "FINISHED"]


def test_a_doubt_that_is_settled_before_the_others_end_counts_as_it_was_settled(worker: Worker) -> None:
    job = _many(2)
    Message.objects.filter(id=Message.objects.latest("id").pk).update(due_at=timezone.now() + timedelta(hours=1))
    worker(an_outcome(OutcomeKind.UNCERTAIN, "lost"))
    doubtful = Message.objects.get(status="UNCERTAIN")
    services.settle(caller=HOUSE, message_id=doubtful.pk, verdict="sent", reason="it arrived")
    Message.objects.filter(status="ACCEPTED").update(due_at=timezone.now())
    worker()
    job.refresh_from_db()
    assert (job.status, job.completed) == ("FINISHED", 2)


def test_a_letter_without_a_job_is_nobodys() -> None:
    message = make_uncertain()
    assert (message.job_id, Job.objects.count()) == (None, 0)
