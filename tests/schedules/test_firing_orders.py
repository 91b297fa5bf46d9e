"""What a firing orders: kept as it was then, made once, told and withdrawn as jobs are."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.dates import format_moment
from gateway.errors import Refusal
from jobs import queue as job_queue
from jobs import services as job_services
from jobs.models import Job, Trigger
from jobs.states import Status as JobStatus
from notifications import services as notification_services
from notifications.services import Wish
from schedules import firing, services
from schedules.models import Firing, Schedule
from sending import services as message_services
from sending.channels.base import Outcome, OutcomeKind, Parcel
from sending.models import Message, Push, Subscription, Template
from sending.states import TemplateStatus
from tests.fakes.receiver import Receiver
from tests.jobs.conftest import reread, story
from tests.jobs.conftest import work as work_off
from tests.notifications.conftest import deliver
from tests.schedules.running import due, hand_over, tick, tomorrow
from tests.schedules.v4_calls import LETTER, PUSH, V4
from tests.sending.archives import CONTENT
from tests.sending.factories import an_outcome, make_template
from tests.sending.send_v2_calls import keep_files_in

# What follows a commit is part of what is tested.
pytestmark = pytest.mark.django_db(transaction=True)
TEMPLATED = {"messageType": "RENEWAL", "recipientName": "Jane Doe", "recipientEmailAddress": "jane@example.com"}
TO_ALL = PUSH | {"to": "all"}


@pytest.fixture
def api() -> V4:
    return V4()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver that we may call."""
    with Receiver() as one:
        settings.HAMMY_OUTBOUND_NETWORKS = ["127.0.0.0/8"]
        settings.HAMMY_OUTBOUND_PORTS = [*settings.HAMMY_OUTBOUND_PORTS, one.port]
        yield one


@pytest.fixture
def make(api: V4) -> Callable[..., Schedule]:
    """``make({"send": …})``: a schedule whose time has come."""

    def made(push: Any, **overrides: Any) -> Schedule:
        return due(api.create(tomorrow(), push=push, **overrides))

    return made


def job_of(firing_of: Firing | None = None) -> Job:
    """The job that a firing is."""
    return Job.objects.get(pk=(firing_of or Firing.objects.get()).job_id)


def run_again(api: V4, job: Job) -> None:
    job_services.set_status(caller=api.caller, ids=[job.pk], status="NEW", reason="again")
    work_off()


def enclosing(properties: dict[str, str], **members: Any) -> dict[str, Any]:
    pairs = [{"key": key, "value": value} for key, value in properties.items()]
    return {"send": LETTER | {"attachments": [{"fileName": "terms.txt", "properties": pairs} | members]}}


INLINE = enclosing({"ATTACHMENT_SOURCE": "INLINE"}, content=b64encode(b"terms").decode())


# ── as it was ordered ───────────────────────────────────────────────────────────────────────────
def test_a_change_after_the_decision_changes_nothing_of_what_was_decided(api: V4, make: Any) -> None:
    Subscription.objects.create(client=api.client, registration_id="r")
    schedule = make(TO_ALL)
    Schedule.objects.filter(pk=schedule.pk).update(
        times={"start": "2026-01-01 00:00:00", "end": "2036-01-01 00:00:00", "clock": schedule.times["time"][11:],
               "unit": "day", "frequency": 1, "points": []}
    )  # fmt: skip
    assert firing.work() is False
    changed = {"to": "all", "body": {"platform": "web", "notification": {"alert": "changed"}}}
    assert api.call("PUT", f"/v4/schedules/{schedule.uuid}", {"push": changed}).status_code == 200
    work_off()
    assert Push.objects.get().content == {"notification": PUSH["body"]["notification"]}


def test_deleting_after_the_decision_leaves_it(api: V4, make: Any) -> None:
    schedule = make(INLINE)
    Schedule.objects.filter(pk=schedule.pk).update(
        times={"start": "2026-01-01 00:00:00", "end": "2036-01-01 00:00:00", "clock": schedule.times["time"][11:],
               "unit": "day", "frequency": 1, "points": []}
    )  # fmt: skip
    assert firing.work() is False
    assert api.call("DELETE", f"/v4/schedules/{schedule.uuid}").status_code == 200
    work_off()
    assert (Message.objects.count(), job_of().status) == (1, JobStatus.RUNNING)


def test_fired_by_hand_it_keeps_its_times_and_makes_one_of_a_second(api: V4, monkeypatch: Any) -> None:
    schedule = api.create(tomorrow())
    before = schedule.due_at
    first = services.fire(caller=api.caller, uuid=schedule.uuid)
    again = services.fire(caller=api.caller, uuid=schedule.uuid)
    work_off()
    schedule.refresh_from_db()
    assert (schedule.due_at, schedule.status) == (before, "ACTIVE")
    assert Message.objects.count() == (1 if first.slot == again.slot else 2)
    assert (first.wave, first.actor, first.decision) == ("by hand", api.caller.actor, "FIRED")


def test_a_deleted_one_is_not_fired_by_hand(api: V4) -> None:
    schedule = api.create(tomorrow())
    services.delete(caller=api.caller, uuid=schedule.uuid)
    with pytest.raises(Refusal):
        services.fire(caller=api.caller, uuid=schedule.uuid)
    assert (Firing.objects.count(), Job.objects.count(), Message.objects.count()) == (0, 0, 0)


# ── letters that need a job of their own ────────────────────────────────────────────────────────
def test_a_letter_with_attachments_is_made_by_its_own_job(make: Any) -> None:
    make(INLINE)
    assert firing.work() is False
    assert (job_of().job_class, Message.objects.count()) == (firing.JOB_CLASS, 0)
    work_off()
    message = Message.objects.get()
    assert (message.job_id, message.attachments.count(), job_of().status) == (job_of().pk, 1, JobStatus.RUNNING)
    assert Firing.objects.get().made == str(message.pk)


def test_files_of_others_are_read_when_it_is_time(settings: Any, tmp_path: Path, make: Any) -> None:
    keep_files_in(tmp_path / "files", settings)
    settings.HAMMY_EXTERNAL_ROOT = tmp_path
    (tmp_path / "terms.txt").write_bytes(b"those of today")
    make(enclosing({"ATTACHMENT_SOURCE": "FS", "RELATIVE_FILE_PATH": "terms.txt"}))
    (tmp_path / "terms.txt").write_bytes(CONTENT)
    tick()
    (attachment,) = Message.objects.get().attachments.all()
    assert (attachment.blob.size, job_of().job_class) == (len(CONTENT), firing.JOB_CLASS)


def test_a_file_that_is_not_there_fails_the_job_which_run_again_makes_the_letter(
    api: V4, settings: Any, tmp_path: Path, make: Any
) -> None:
    keep_files_in(tmp_path / "files", settings)
    settings.HAMMY_EXTERNAL_ROOT = tmp_path
    (tmp_path / "terms.txt").write_bytes(CONTENT)
    make(enclosing({"ATTACHMENT_SOURCE": "FS", "RELATIVE_FILE_PATH": "terms.txt"}))
    (tmp_path / "terms.txt").unlink()
    tick()
    assert (job_of().status, Message.objects.count()) == (JobStatus.FAILED, 0)
    assert job_of().reason == "attachments[0].properties[1].value: RELATIVE_FILE_PATH names nothing that is there"
    assert Firing.objects.get().made == ""
    (tmp_path / "terms.txt").write_bytes(CONTENT)
    run_again(api, job_of())
    assert (job_of().status, Message.objects.count()) == (JobStatus.RUNNING, 1)


# ── again by hand ───────────────────────────────────────────────────────────────────────────────
def test_run_again_once_its_template_is_mended_it_is_sent_once(api: V4, make: Any) -> None:
    template = make_template("RENEWAL", text="It is renewed.").template
    make({"send": TEMPLATED})
    Template.objects.filter(pk=template.pk).update(status=TemplateStatus.DISABLED)
    tick()
    assert (job_of().status, Message.objects.count()) == (JobStatus.FAILED, 0)
    Template.objects.filter(pk=template.pk).update(status=TemplateStatus.ENABLED)
    run_again(api, job_of())
    assert (job_of().status, Message.objects.count()) == (JobStatus.RUNNING, 1)


@pytest.mark.parametrize("push", [{"send": LETTER}, INLINE], ids=["at once", "by its own job"])
def test_a_failed_letter_is_tried_anew_when_its_job_runs_again(api: V4, make: Any, push: Any, monkeypatch: Any) -> None:
    make(push)
    tick()
    hand_over(monkeypatch, an_outcome(OutcomeKind.FAILED, "550 no such user"))
    message = Message.objects.get()
    assert (job_of().status, message.status) == (JobStatus.FAILED, "FAILED")
    run_again(api, job_of())
    message.refresh_from_db()
    assert (message.status, message.attempts, job_of().status) == ("ACCEPTED", 0, JobStatus.RUNNING)
    hand_over(monkeypatch)
    message.refresh_from_db()
    assert (message.status, job_of().status, Message.objects.count()) == ("SENT", JobStatus.FINISHED, 1)


def test_a_request_id_that_was_taken_before_makes_no_second_letter(api: V4, make: Any) -> None:
    letter = LETTER | {"requestId": "r-1"}
    make({"send": letter})
    tick()
    make({"send": letter}, name="again")
    tick()
    first, second = Firing.objects.order_by("id")
    assert Message.objects.count() == 1
    assert first.made == second.made == str(Message.objects.get().pk)
    assert (job_of(second).status, job_of(second).reason) == (
        JobStatus.FINISHED,
        f"taken before as message {first.made}",
    )


def test_a_request_id_that_was_taken_for_something_else_fails_the_job(api: V4, make: Any) -> None:
    make({"send": LETTER | {"requestId": "r-1"}})
    tick()
    make({"send": LETTER | {"requestId": "r-1", "mailSubject": "Another"}})
    tick()
    second = Firing.objects.order_by("-id")[0]
    assert (job_of(second).status, second.made, Message.objects.count()) == (JobStatus.FAILED, "", 1)
    assert job_of(second).reason.startswith("requestId: already used for message")


def test_a_right_that_was_taken_away_fails_the_job_and_sends_nothing(api: V4, make: Any) -> None:
    make({"send": LETTER})
    api.client.rights = ["schedules"]
    api.client.save()
    tick()
    assert (job_of().status, Message.objects.count()) == (JobStatus.FAILED, 0)


def test_a_job_that_died_before_it_was_written_makes_its_letter_once(api: V4, make: Any) -> None:
    make(INLINE)
    assert firing.work() is False
    work_off()
    # As if the worker had died between the letter and the end of its run, and another had rescued the job.
    Job.objects.filter(pk=job_of().pk).update(status=JobStatus.NEW, **job_queue.LET_GO)
    work_off()
    assert (Message.objects.count(), job_of().status, story(job_of()).count("STARTED")) == (1, JobStatus.RUNNING, 2)


def test_cancelling_its_job_withdraws_its_letter(api: V4, make: Any) -> None:
    for push in ({"send": LETTER}, INLINE):
        make(push)
        tick()
    for job in Job.objects.order_by("id"):
        job_services.set_status(caller=api.caller, ids=[job.pk], status="CANCELLED", reason="not needed")
    assert list(Message.objects.values_list("status", flat=True)) == ["CANCELLED", "CANCELLED"]
    assert set(Job.objects.values_list("status", flat=True)) == {JobStatus.CANCELLED}


def test_cancelled_before_it_runs_it_makes_nothing(api: V4, make: Any) -> None:
    make(INLINE)
    assert firing.work() is False
    job_services.set_status(caller=api.caller, ids=[job_of().pk], status="CANCELLED")
    work_off()
    assert (Message.objects.count(), Firing.objects.get().made) == (0, "")


# ── as a job ────────────────────────────────────────────────────────────────────────────────────
def test_a_firing_has_a_jobs_events_parameters_and_relatives(api: V4, make: Any) -> None:
    Trigger.objects.create(name="count", job_class="tests.Nothing", params=[])
    schedule = make({"job": {"jobName": "count"}})
    tick()
    job = job_of()
    (child,) = job.children.all()
    assert story(job) == ["CREATED", "STARTED", "FINISHED"]
    assert job.events.order_by("id")[0].actor == "schedules"
    assert job.params == [["SCHEDULE_ID", str(schedule.uuid)], ["DUE_AT", format_moment(schedule.due_at)]]
    assert (child.trigger.name, child.root_id, child.client_id, job.client_id) == (  # type: ignore[union-attr]
        "count", job.pk, api.client.pk, api.client.pk,
    )  # fmt: skip
    assert (job.total, job.completed) == (1, 1)


def test_a_trigger_that_fails_fails_the_firing(api: V4, make: Any) -> None:
    Trigger.objects.create(name="fail", job_class="tests.Fail", params=[])
    make({"job": {"jobName": "fail"}})
    tick()
    assert (job_of().status, job_of().reason) == (JobStatus.FAILED, "1 of 1 child jobs did not finish")


def test_a_job_of_that_class_which_no_time_made_fires_nothing(api: V4) -> None:
    job = job_services.submit(
        caller=api.caller, job_class=firing.JOB_CLASS, params=[("SCHEDULE_ID", "x"), ("DUE_AT", "2026-06-01")]
    )
    work_off()
    assert (reread(job).status, reread(job).reason) == (
        JobStatus.FAILED,
        "it fires nothing: only a schedule's time makes such a job",
    )


def _delivering(parcel: Parcel) -> Outcome:
    """While the letter is being handed over, who is to be told that it is, is."""
    deliver()
    return an_outcome(OutcomeKind.SENT)


@pytest.mark.parametrize(
    ("kind", "states"),
    [("letter", ["SENDING", "FINISHED"]), ("enclosing", ["SENDING", "FINISHED"]), ("job", ["FINISHED"]),
     ("push", ["ERROR"])],
)  # fmt: skip
def test_who_asks_for_callbacks_is_called_once_for_each_state(
    api: V4, make: Any, receiver: Receiver, monkeypatch: Any, kind: str, states: list[str]
) -> None:
    Trigger.objects.create(name="count", job_class="tests.Nothing", params=[])
    params = [{"key": "DpfControlCallbackUrl", "value": receiver.url()}]
    Subscription.objects.create(client=api.client, registration_id="r")
    body = {**PUSH["body"], "options": {"DpfControlCallbackUrl": receiver.url()}}
    make({
        "letter": {"send": LETTER | {"params": params}},
        "enclosing": {"send": INLINE["send"] | {"params": params}},
        "job": {"job": {"jobName": "count", "params": params}},
        "push": {"to": "all", "body": body},
    }[kind])  # fmt: skip
    tick()
    deliver()
    if kind == "push":
        # There is no channel that could send it.
        message_services.cancel(caller=api.caller, message_ids=[Message.objects.get().pk], reason="no channel")
    hand_over(monkeypatch, _delivering)
    deliver()
    told = [json.loads(body) for body in receiver.bodies()]
    assert [one["jobState"] for one in told] == states
    named = {int(one["jobId"]) for one in told}
    assert len(named) == 1
    called = Job.objects.get(pk=named.pop())
    assert called.pk == job_of().pk or called.parent_id == job_of().pk


def test_who_is_registered_hears_of_a_firings_end(api: V4, make: Any, receiver: Receiver, monkeypatch: Any) -> None:
    api.client.rights = [*api.client.rights, "notifications"]
    api.client.save()
    notification_services.register(caller=api.caller, wish=Wish(end_point=receiver.url("/hook")))
    make({"send": LETTER})
    tick()
    hand_over(monkeypatch)
    deliver()
    assert job_of().job_class == firing.JOB_CLASS
    assert len(receiver.bodies("/hook")) == 1
