"""The sending floor's job classes: what each does, once, however often its run is interrupted."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Refusal
from jobs import runner
from jobs import services as job_services
from jobs.context import Stopped, Why
from jobs.models import Job, JobEvent, Trigger
from jobs.registry import job_classes
from jobs.states import Queue
from sending import editorial, error_queues, services, statistics
from sending.error_queues import ERROR_QUEUES
from sending.job_classes import queue_item_synchronizer, suspend_request_handler
from sending.letter import Property
from sending.models import Message, MessageEvent
from sending.states import Status
from tests.factories import make_caller
from tests.sending.factories import event_names, make_template, submitted

SYNCHRONIZER = "hu.dbx.chaingun.processor.queue.QueueItemSynchronizerJobRunner"
SUSPEND = "hu.dbx.hammy.processor.suspend.SuspendRequestHandlerJobRunner"
STATISTICS = "hu.dbx.hammy.processor.statistics.StatisticsSendingHandlerJobRunner"
HOUSE = Caller.house("operator")
# Runners need rows that are committed.
runs = pytest.mark.django_db(transaction=True)


def _done(job_class: str, params: Sequence[tuple[str, str]] = (), *, caller: Caller = HOUSE) -> Job:
    """The job, after all that is due was run."""
    return _ended(job_services.submit(caller=caller, job_class=job_class, params=params))


def _ended(job: Job) -> Job:
    for name in Queue:
        runner.work(name)
    job.refresh_from_db()
    return job


def _failed(caller: Caller, *, ago: float, **overrides: Any) -> Message:
    message = submitted(caller, **overrides)
    moment = timezone.now() - timedelta(seconds=ago)
    Message.objects.filter(pk=message.pk).update(status=Status.FAILED, closed_at=moment, due_at=None, attempts=12)
    return message


def _limit(*, ago: float = 0) -> str:
    return (timezone.now() - timedelta(seconds=ago)).isoformat()


def _once(function: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """``function``, which breaks after its second call has done its work."""
    calls: list[int] = []

    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        calls.append(1)
        if len(calls) == 2:
            raise error
        return result

    return wrapped


# ── queue synchronizer ──────────────────────────────────────────────────────────────────────────
@runs
def test_failed_mails_from_before_the_moment_are_tried_anew_and_counted() -> None:
    caller = make_caller()
    old, young = _failed(caller, ago=3600), _failed(caller, ago=10)
    waiting = submitted(caller)
    job = _done(SYNCHRONIZER, [("QUEUE_NAME", "outgoingMailQueueError"), ("LIMIT_DATE", _limit(ago=60))])
    assert (job.status, job.total, job.completed) == ("FINISHED", 1, 1)
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.status, old.attempts, old.closed_at) == ("ACCEPTED", 0, None)
    assert (young.status, young.attempts) == ("FAILED", 12)
    event = MessageEvent.objects.filter(message=old).latest("id")
    assert (event.name, event.reason, event.actor) == (
        "ACCEPTED",
        f"job {job.pk}: outgoingMailQueueError",
        "operator",
    )
    assert event_names(waiting) == ["ACCEPTED"]


@runs
def test_a_run_that_is_gone_on_with_puts_nothing_back_twice(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make_caller()
    messages = [_failed(caller, ago=60) for _ in range(5)]
    monkeypatch.setattr(queue_item_synchronizer, "_PORTION", 2)
    mail = ERROR_QUEUES["outgoingMailQueueError"]
    # The worker is stopped in the middle of its second portion: that portion is not put back, the first one is.
    broken = _once(mail.put_back, Stopped(Why.SHUTTING_DOWN))
    monkeypatch.setattr(mail, "put_back", broken)
    params = [("QUEUE_NAME", "outgoingMailQueueError"), ("LIMIT_DATE", _limit())]
    job = job_services.submit(caller=HOUSE, job_class=SYNCHRONIZER, params=params)
    settings.HAMMY_WAKE_SECONDS = 0.001
    runner.work(Queue.LONG)
    job.refresh_from_db()
    assert (job.status, job.cursor, job.completed) == ("NEW", [messages[1].pk, 2], 2)
    # Meanwhile one of them went out to fail again, and another message failed for the first time.
    Message.objects.filter(pk=messages[0].pk).update(status=Status.FAILED, closed_at=timezone.now(), due_at=None)
    late = _failed(caller, ago=0)
    job = _ended(job)
    assert (job.status, job.total, job.completed) == ("FINISHED", 5, 5)
    assert [event_names(message) for message in messages] == [["ACCEPTED", "ACCEPTED"]] * 5
    assert event_names(late) == ["ACCEPTED"]
    assert Message.objects.get(pk=messages[0].pk).status == "FAILED"


@runs
@pytest.mark.parametrize("name", [name for name in ERROR_QUEUES if name != "outgoingMailQueueError"])
def test_an_error_queue_with_nothing_in_it_is_done_at_once(name: str) -> None:
    message = _failed(make_caller(), ago=60)
    job = _done(SYNCHRONIZER, [("QUEUE_NAME", name), ("LIMIT_DATE", "2099-01-01")])
    assert (job.status, job.total, job.completed) == ("FINISHED", 0, 0)
    assert event_names(message) == ["ACCEPTED"]


@pytest.mark.django_db
def test_an_unknown_error_queue_is_refused_and_the_five_are_named() -> None:
    with pytest.raises(Refusal) as refused:
        params = [("QUEUE_NAME", "mailQueueError"), ("LIMIT_DATE", "tomorrow")]
        job_services.submit(caller=HOUSE, job_class=SYNCHRONIZER, params=params)
    assert refused.value.code == Code.INVALID
    first, second = (problem.detail for problem in refused.value.problems)
    assert first == (
        "params.QUEUE_NAME: must be one of outgoingMailQueueError, archiveQueueError, attachmentGetterQueueError, "
        "mailRequestQueueError, returnPathQueueError"
    )
    assert second.startswith("params.LIMIT_DATE: must be a moment")
    with pytest.raises(Refusal) as refused:
        job_services.submit(caller=HOUSE, job_class=SYNCHRONIZER)
    assert [problem.detail for problem in refused.value.problems] == [
        "params.QUEUE_NAME: required",
        "params.LIMIT_DATE: required",
    ]
    assert not Job.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-08T08:20:20+02", datetime(2024, 5, 8, 6, 20, 20, tzinfo=UTC)),
        ("2024-05-08T08:20:20.5Z", datetime(2024, 5, 8, 8, 20, 20, 500000, tzinfo=UTC)),
        ("2024-05-08", datetime(2024, 5, 7, 22, tzinfo=UTC)),
    ],
)
def test_a_limit_is_read_in_any_spelling_and_kept_as_it_was_given(text: str, moment: datetime) -> None:
    params = [("QUEUE_NAME", "outgoingMailQueueError"), ("LIMIT_DATE", text)]
    job = job_services.submit(caller=HOUSE, job_class=SYNCHRONIZER, params=params)
    assert Job.objects.get(pk=job.pk).params == [list(pair) for pair in params]
    model = job_classes()[SYNCHRONIZER].Params.model_validate(dict(params))
    assert model.model_dump()["limit_date"] == moment


@runs
def test_a_clients_job_puts_back_what_the_client_may_see() -> None:
    own, other, seeing = make_caller(), make_caller(), make_caller(rights=["jobs.run", "see_all"])
    mine, strange = _failed(own, ago=60), _failed(other, ago=60)
    params = [("QUEUE_NAME", "outgoingMailQueueError"), ("LIMIT_DATE", "2099-01-01")]
    assert _done(SYNCHRONIZER, params, caller=own).total == 1
    assert (event_names(mine), event_names(strange)) == (["ACCEPTED", "ACCEPTED"], ["ACCEPTED"])
    assert _done(SYNCHRONIZER, params, caller=seeing).completed == 1
    assert event_names(strange) == ["ACCEPTED", "ACCEPTED"]


@pytest.mark.django_db
def test_what_somebody_else_requeued_in_between_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make_caller()
    messages = [_failed(caller, ago=60) for _ in range(2)]
    real = error_queues.queue.move

    def late(*arguments: Any, **options: Any) -> list[int]:
        services.requeue(caller=HOUSE, message_ids=[messages[0].pk], reason="by hand")
        return real(*arguments, **options)

    monkeypatch.setattr(
        error_queues.queue, "move", lambda *a, **o: real(*a, **o) if o["reason"] == "by hand" else late(*a, **o)
    )
    put_back = ERROR_QUEUES["outgoingMailQueueError"].put_back
    found = put_back(caller=HOUSE, before=timezone.now(), after=0, size=9, reason="job 1")
    assert found == (messages[1].pk, 1)
    assert MessageEvent.objects.filter(message=messages[0], name="ACCEPTED").latest("id").reason == "by hand"


# ── suspend request handler ─────────────────────────────────────────────────────────────────────
def _typed(caller: Caller, **overrides: Any) -> Message:
    words = {"message_type": "TEST.MAIL", "mail_subject": "", "mail_body": ""}
    return submitted(caller, properties=(Property(key="AZON", value="1"),), **words, **overrides)


@runs
def test_an_enabled_template_lets_its_letters_go_in_portions_each_at_its_time(
    wakes: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspend_request_handler, "_PORTION", 2)
    version = make_template()
    caller = make_caller()
    send_at = timezone.now() + timedelta(hours=1)
    waiting = [_typed(caller) for _ in range(5)]
    timed, by_hand = _typed(caller, send_at=send_at), _typed(caller)
    services.hold(caller=HOUSE, message_ids=[by_hand.pk], reason="kézzel")
    editorial.suspend_template(caller=HOUSE, template_id=version.template_id, reason="hibás")
    job = editorial.enable_template(caller=HOUSE, template_id=version.template_id, reason="javítva")
    assert job is not None
    wakes.clear()
    job = _ended(job)
    assert (job.status, job.total, job.completed) == ("FINISHED", 6, 6)
    by_hand.refresh_from_db()
    timed.refresh_from_db()
    assert (by_hand.status, by_hand.held_for) == ("HELD", "PERSON")
    assert (timed.status, timed.due_at, timed.held_for) == ("ACCEPTED", send_at, "")
    assert Message.objects.due("EMAIL", timezone.now()).count() == 5
    event = MessageEvent.objects.filter(message=waiting[0]).latest("id")
    assert (event.name, event.reason, event.actor) == ("ACCEPTED", "javítva", "operator")
    assert set(wakes) == {("sending.tasks.dispatch", "EMAIL")}


@runs
@pytest.mark.parametrize("status", ["SUSPENDED", "DISABLED", "ARCHIVED"])
def test_letters_of_a_template_that_is_not_enabled_stay_held(status: str) -> None:
    version = make_template()
    held = _typed(make_caller())
    editorial.suspend_template(caller=HOUSE, template_id=version.template_id, reason="r")
    type(version.template).objects.update(status=status)
    job = _done(SUSPEND, [("templates.suspended_to_enabled", "TEST.MAIL")])
    assert (job.status, job.reason) == ("FAILED", f"the template TEST.MAIL is {status}: its letters stay held")
    assert event_names(held) == ["ACCEPTED", "HELD"]


@runs
def test_a_template_nobody_knows_fails_the_job() -> None:
    job = _done(SUSPEND, [("templates.suspended_to_enabled", "NINCS")])
    assert (job.status, job.reason) == ("FAILED", "there is no template NINCS")


@runs
def test_a_template_suspended_again_meanwhile_keeps_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspend_request_handler, "_PORTION", 2)
    version = make_template()
    caller = make_caller()
    for _ in range(3):
        _typed(caller)
    editorial.suspend_template(caller=HOUSE, template_id=version.template_id, reason="r")
    job = editorial.enable_template(caller=HOUSE, template_id=version.template_id, reason="r")
    assert job is not None
    real = editorial.release_held

    def then_suspended(template: Any, message_ids: list[int], **options: Any) -> int:
        count = real(template, message_ids, **options)
        type(template).objects.filter(pk=template.pk).update(status="SUSPENDED" if count else "ENABLED")
        return count

    monkeypatch.setattr(editorial, "release_held", then_suspended)
    job = _ended(job)
    assert (job.status, job.completed, job.total) == ("FAILED", 2, 3)
    assert job.reason == "the template TEST.MAIL is SUSPENDED: its letters stay held"
    assert Message.objects.filter(status=Status.HELD).count() == 1


# ── statistics ──────────────────────────────────────────────────────────────────────────────────
@runs
def test_the_statistics_are_mailed_to_each_recipient_and_name_their_job(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.HAMMY_REPORT_RECIPIENTS = ["a@example.com", "b@example.com"]
    make_template()
    caller = make_caller()
    first, _second, _third = _typed(caller), submitted(caller), submitted(caller)
    Message.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(days=1))
    job = _done(STATISTICS)
    assert (job.status, job.total, job.completed) == ("FINISHED", 2, 2)
    letters = list(Message.objects.filter(client=None).order_by("id"))
    assert [(one.recipient_email_address, one.request_id, one.job_id) for one in letters] == [
        ("a@example.com", f"statistics-{job.uuid}-1", job.pk),
        ("b@example.com", f"statistics-{job.uuid}-2", job.pk),
    ]
    today, yesterday = timezone.localdate(), timezone.localdate() - timedelta(days=1)
    text, html = letters[0].content["mail_body"], letters[0].content["mail_html_body"]
    assert text.splitlines()[:2] == ["Messages: 3.", ""]
    assert [line.split() for line in text.splitlines()[2:]] == [
        ["Day", "Type", "Status", "Number"],
        [f"{today}", "–", "ACCEPTED", "2"],
        [f"{yesterday}", "TEST.MAIL", "ACCEPTED", "1"],
    ]
    assert "TEST.MAIL" in html


@runs
def test_without_recipients_the_statistics_fail_and_say_so(settings: Any) -> None:
    settings.HAMMY_REPORT_RECIPIENTS = []
    job = _done(STATISTICS)
    assert (job.status, job.reason) == (
        "FAILED",
        "HAMMY_REPORT_RECIPIENTS is not set: nobody is there to get the statistics",
    )
    assert not Message.objects.exists()


@runs
def test_statistics_that_were_sent_are_not_sent_by_the_run_that_goes_on(settings: Any) -> None:
    settings.HAMMY_REPORT_RECIPIENTS = ["a@example.com"]
    job = job_services.submit(caller=HOUSE, job_class=STATISTICS)
    Job.objects.filter(pk=job.pk).update(cursor=1)
    assert _ended(job).status == "FINISHED"
    assert not Message.objects.exists()


@runs
def test_a_recipient_that_cannot_be_written_to_refuses_the_whole_report(settings: Any) -> None:
    settings.HAMMY_REPORT_RECIPIENTS = ["a@example.com", "nobody"]
    job = _done(STATISTICS)
    assert job.status == "FAILED"
    assert "recipient_email_address" in job.reason
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_statistics_count_by_days_of_the_site_and_merge_a_templates_versions(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = make_caller()
    make_template()
    before_midnight, _versions = _typed(caller), make_template()
    after_midnight, other_version, too_old = _typed(caller), _typed(caller, message_type_version=1), _typed(caller)
    for message, moment in (
        (before_midnight, datetime(2026, 3, 1, 22, 59, tzinfo=UTC)),
        (after_midnight, datetime(2026, 3, 1, 23, 0, tzinfo=UTC)),
        (other_version, datetime(2026, 3, 2, 12, 0, tzinfo=UTC)),
        (too_old, datetime(2026, 2, 1, 22, 59, tzinfo=UTC)),
    ):
        Message.objects.filter(pk=message.pk).update(created_at=moment)
    now = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
    report = statistics.gather(now=now)
    assert (report.since, report.until, report.total, report.is_cut) == (date(2026, 2, 2), date(2026, 3, 3), 3, False)
    assert [(row.day, row.type, row.status, row.count) for row in report.rows] == [
        (date(2026, 3, 2), "TEST.MAIL", "ACCEPTED", 2),
        (date(2026, 3, 1), "TEST.MAIL", "ACCEPTED", 1),
    ]
    monkeypatch.setattr(statistics, "MOST_ROWS", 1)
    settings.HAMMY_REPORT_RECIPIENTS, settings.LANGUAGE_CODE = ["a@example.com"], "hu"
    cut = statistics.gather(now=now)
    assert (len(cut.rows), cut.total, cut.is_cut) == (1, 3, True)
    (letter,) = statistics.letters(cut, request_id="statistics")
    assert letter.mail_subject == "Üzenetstatisztika: 2026.02.02. – 2026.03.03."
    assert letter.mail_body.splitlines() == [
        "Üzenetek: 3.",
        "Csak a legújabb 1 sor látszik.",
        "",
        "Nap         Típus      Állapot   Darab",
        "2026-03-02  TEST.MAIL  ACCEPTED      2",
    ]
    assert "<td" in letter.mail_html_body


# ── triggers of a fresh site ────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_a_fresh_site_has_a_trigger_for_each_and_keeps_what_somebody_made_of_it() -> None:
    migration = import_module("sending.migrations.0006_triggers")
    Trigger.objects.all().delete()
    editor = SimpleNamespace(connection=connection)
    migration.create(apps, editor)
    names = {"queueItemSynchronizer": SYNCHRONIZER, "suspendRequestHandler": SUSPEND, "statisticsSending": STATISTICS}
    assert dict(Trigger.objects.values_list("name", "job_class")) == names
    assert set(Trigger.objects.values_list("is_enabled", "recurrence")) == {(True, None)}
    Trigger.objects.filter(name="statisticsSending").update(description="ours")
    migration.create(apps, editor)
    assert Trigger.objects.get(name="statisticsSending").description == "ours"
    assert Trigger.objects.count() == 3


@runs
def test_a_trigger_runs_with_the_parameters_that_are_given() -> None:
    Trigger.objects.get_or_create(name="queueItemSynchronizer", defaults={"job_class": SYNCHRONIZER})
    params = [("QUEUE_NAME", "returnPathQueueError"), ("LIMIT_DATE", "2024-05-08T08:20:20+02")]
    job = _ended(job_services.trigger_job(caller=HOUSE, name="queueItemSynchronizer", params=params))
    assert (job.status, job.params) == ("FINISHED", [list(pair) for pair in params])
    assert list(JobEvent.objects.filter(job=job).order_by("id").values_list("name", flat=True)) == [
        "CREATED",
        "STARTED",
        "FINISHED",
    ]
