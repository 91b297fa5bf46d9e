"""Operations on all messages that match: each at most once, each told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Refusal
from jobs import queue as job_queue
from jobs import runner
from jobs import services as job_services
from jobs.context import Stopped, Why
from jobs.models import Job
from jobs.states import Queue
from sending import choosing, in_bulk, maintenance, suppressing
from sending.channels.base import OutcomeKind
from sending.job_classes import messages_in_bulk
from sending.models import BulkResult, Message, MessageEvent
from sending.states import CLOSED, Operation
from tests.factories import make_caller
from tests.sending.factories import an_attachment, an_outcome, event_names, make_template, make_uncertain, submitted

HOUSE = Caller.house("anna")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages_in_bulk, "_LONGEST_REST", 0.0)


@pytest.fixture
def by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of two messages, four looked for at once."""
    monkeypatch.setattr(messages_in_bulk, "_PORTION", 2)
    monkeypatch.setattr(messages_in_bulk, "_WINDOW", 4)


def in_status(status: str, caller: Caller | None = None, *, columns: Any = None, **overrides: Any) -> Message:
    message = submitted(caller, **overrides)
    values = {"status": status, "closed_at": timezone.now(), "due_at": None} if status in CLOSED else {"status": status}
    Message.objects.filter(pk=message.pk).update(**values, **(columns or {}))
    message.refresh_from_db()
    return message


def begun(operation: str, caller: Caller = HOUSE, *, expected: int | None = None, **wanted: Any) -> Job:
    return in_bulk.begin(
        caller=caller,
        operation=Operation(operation),
        wanted=choosing.read(wanted),
        reason="wrong price",
        expected=expected,
    )


def ended(job: Job) -> Job:
    while any(runner.work(name) for name in Queue):
        continue
    job.refresh_from_db()
    return job


def done(operation: str, caller: Caller = HOUSE, **options: Any) -> Job:
    return ended(begun(operation, caller, **options))


def told(job: Job) -> list[tuple[int, str, str]]:
    rows = BulkResult.objects.filter(job_id=job.pk).order_by("message_id")
    return list(rows.values_list("message_id", "outcome", "reason"))


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        ("CANCEL", "ACCEPTED", "CANCELLED"),
        ("HOLD", "ACCEPTED", "HELD"),
        ("RELEASE", "HELD", "ACCEPTED"),
        ("REQUEUE", "FAILED", "ACCEPTED"),
    ],
)
def test_what_matches_is_moved_with_the_reason_and_told(operation: str, before: str, after: str) -> None:
    caller = make_caller()
    first, second = (in_status(before, caller, batch_id="november") for _ in range(2))
    other = in_status(before, caller, batch_id="december")

    job = done(operation, batchId="november")

    assert (job.status, job.reason, job.total, job.completed) == ("FINISHED", "", 2, 2)
    assert told(job) == [(first.pk, "DONE", ""), (second.pk, "DONE", "")]
    assert dict(job.params) | {"UP_TO_MESSAGE": ""} == {
        "OPERATION": operation,
        "FILTER": '{"batchId":"november"}',
        "REASON": "wrong price",
        "UP_TO_MESSAGE": "",
        "DONE": "2",
        "NOT_DONE": "0",
    }
    for message in (first, second):
        event = MessageEvent.objects.filter(message=message).latest("id")
        assert (event.name, event.reason, event.actor) == (after, "wrong price", "anna")
    other.refresh_from_db()
    assert other.status == before


def test_a_resend_makes_a_new_message_of_each_for_its_own_client() -> None:
    one, two = make_caller(), make_caller()
    sent = in_status("SENT", one, batch_id="b", mail_body="First", attachments=(an_attachment(),))
    failed = in_status("FAILED", two, batch_id="b")

    job = done("RESEND", batchId="b")

    assert (job.status, job.total, job.completed) == ("FINISHED", 2, 2)
    made = Message.objects.filter(related_message_id__isnull=False).order_by("id")
    assert [(new.related_message_id, new.client_id, new.status, new.reason, new.job_id) for new in made] == [
        (sent.pk, one.client_id, "ACCEPTED", "wrong price", None),
        (failed.pk, two.client_id, "ACCEPTED", "wrong price", None),
    ]
    assert made[0].content["mail_body"] == "First"
    assert made[0].attachments.count() == 1
    new_ids = BulkResult.objects.order_by("message_id").values_list("new_message_id", flat=True)
    assert list(new_ids) == [new.pk for new in made]
    assert [event_names(new) for new in made] == [["ACCEPTED"], ["ACCEPTED"]]


def test_a_resend_is_as_one_by_one_when_contents_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sending.resending._MOST_TOGETHER", 1)
    for number in range(3):
        in_status("SENT", batch_id="b", mail_body=f"text {number}")

    done("RESEND", batchId="b")

    again = Message.objects.filter(related_message_id__isnull=False).order_by("id")
    assert [new.content["mail_body"] for new in again] == ["text 0", "text 1", "text 2"]


def test_what_cannot_be_done_is_told_and_keeps_back_nothing_else() -> None:
    messages = {name: in_status(name, batch_id="b") for name in ("SENT", "FAILED", "HELD", "RETRY", "ACCEPTED")}

    job = done("REQUEUE", batchId="b")

    assert (job.status, job.total, job.completed) == ("FINISHED", 5, 5)
    assert told(job) == [
        (messages["SENT"].pk, "NOT_DONE", "it is SENT"),
        (messages["FAILED"].pk, "DONE", ""),
        (messages["HELD"].pk, "NOT_DONE", "it is HELD"),
        (messages["RETRY"].pk, "NOT_DONE", "it is RETRY"),
        (messages["ACCEPTED"].pk, "NOT_DONE", "it is ACCEPTED"),
    ]
    assert (dict(job.params)["DONE"], dict(job.params)["NOT_DONE"]) == ("1", "4")


def test_one_in_doubt_is_decided_about_first() -> None:
    doubtful = make_uncertain()

    job = done("RESEND", ids=[doubtful.pk])

    assert told(job) == [(doubtful.pk, "NOT_DONE", "it is in doubt whether it went out: that must be decided first")]
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("operation", "status", "columns", "reason"),
    [
        ("REQUEUE", "FAILED", {"erased_at": timezone.now()}, "what it said is erased"),
        ("RESEND", "SENT", {"erased_at": timezone.now()}, "what it said is erased"),
        ("RESEND", "SENT", {"channel": "PIGEON"}, "there is no channel PIGEON"),
        ("RELEASE", "HELD", {"channel": "PIGEON", "held_for": "CHANNEL"}, "there is no channel PIGEON"),
        ("RELEASE", "HELD", {"held_for": "PAUSE"}, "its campaign is paused: it goes on with that"),
        ("RESEND", "SENT", {"attachment_count": 1}, "its content is no longer kept"),
        ("RESEND", "SENT", {"content": {}}, "its content is no longer kept"),
    ],
)
def test_what_cannot_go_out_is_left_out_with_a_reason(
    operation: str, status: str, columns: dict[str, Any], reason: str
) -> None:
    message, good = in_status(status, columns=columns), in_status(status)

    job = done(operation, ids=[message.pk, good.pk])

    assert told(job) == [(message.pk, "NOT_DONE", reason), (good.pk, "DONE", "")]
    message.refresh_from_db()
    assert message.status == status


def test_what_is_withdrawn_needs_no_channel() -> None:
    message = in_status("HELD", columns={"channel": "PIGEON", "held_for": "CHANNEL"})

    job = done("CANCEL", ids=[message.pk])

    assert told(job) == [(message.pk, "DONE", "")]


def test_what_is_being_sent_just_now_is_told_and_left(worker: Callable[..., Any]) -> None:
    message = submitted()
    job = begun("CANCEL", ids=[message.pk])

    def during(parcel: Any) -> Any:
        ended(job)
        return an_outcome(OutcomeKind.SENT)

    worker(during)

    assert told(job) == [(message.pk, "NOT_DONE", "it is being sent just now")]
    message.refresh_from_db()
    assert message.status == "SENT"


# ── what dies, stops or comes again ─────────────────────────────────────────────────────────────
def _breaking(function: Callable[..., Any], error: Exception, *, call: int) -> Callable[..., Any]:
    """``function``, which breaks after one of its calls has done its work."""
    calls: list[int] = []

    def wrapped(**options: Any) -> Any:
        result = function(**options)
        calls.append(1)
        if len(calls) == call:
            raise error
        return result

    return wrapped


@pytest.mark.parametrize("operation", ["RESEND", "REQUEUE"])
@pytest.mark.usefixtures("by_two")
def test_a_run_that_is_gone_on_with_does_nothing_twice(
    operation: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [in_status("FAILED", batch_id="b") for _ in range(7)]
    broken = _breaking(in_bulk.work_off, Stopped(Why.SHUTTING_DOWN), call=2)
    monkeypatch.setattr(in_bulk, "work_off", broken)
    job = begun(operation, batchId="b")
    settings.HAMMY_WAKE_SECONDS = 0.0001
    runner.work(Queue.QUICK)
    runner.work(Queue.QUICK)
    job.refresh_from_db()
    assert (job.status, job.total, job.completed) == ("NEW", 7, 2)
    assert job.cursor == {"after": messages[1].pk, "passed": 2}
    assert len(told(job)) == 2
    # Meanwhile one of them failed again, and another came.
    Message.objects.filter(pk=messages[0].pk).update(status="FAILED", closed_at=timezone.now(), due_at=None)
    late = in_status("FAILED", batch_id="b")

    job = ended(job)

    assert (job.status, job.total, job.completed) == ("FINISHED", 7, 7)
    assert told(job) == [(message.pk, "DONE", "") for message in messages]
    assert event_names(late) == ["ACCEPTED"]
    made = Message.objects.filter(related_message_id__isnull=False).values_list("related_message_id", flat=True)
    if operation == "RESEND":
        assert sorted(made) == [message.pk for message in messages]
    else:
        assert [event_names(message) for message in messages] == [["ACCEPTED", "ACCEPTED"]] * 7
        assert list(made) == []


def _before_portion(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], Any]) -> None:
    """Have ``act`` happen right before a portion is worked off; the first is 1."""
    original = messages_in_bulk._work_off
    portions: list[int] = []

    def wrapped(*arguments: Any) -> None:
        portions.append(1)
        if len(portions) == number:
            act()
        original(*arguments)

    monkeypatch.setattr(messages_in_bulk, "_work_off", wrapped)


@pytest.mark.usefixtures("by_two")
def test_a_worker_that_was_taken_for_dead_keeps_nothing_of_its_portion(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [in_status("SENT", batch_id="b") for _ in range(5)]
    job = begun("RESEND", batchId="b")
    mine = Job.objects.filter(pk=job.pk)
    seen: list[tuple[int, int]] = []
    _before_portion(monkeypatch, 2, lambda: mine.update(status="NEW", **job_queue.LET_GO))
    _before_portion(monkeypatch, 3, lambda: seen.append((BulkResult.objects.count(), Message.objects.count())))

    job = ended(job)

    # The second portion was done in vain once: when it came to it again, no more than the first was there.
    assert seen == [(2, 7)]
    assert job.status == "FINISHED"
    made = Message.objects.filter(related_message_id__isnull=False).values_list("related_message_id", flat=True)
    assert sorted(made) == [message.pk for message in messages]


@pytest.mark.usefixtures("by_two")
def test_a_cancelled_job_stops_between_portions_and_may_be_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    good, waiting, *others = in_status("SENT", batch_id="b"), submitted(batch_id="b"), in_status("SENT", batch_id="b")
    job = begun("RESEND", batchId="b")
    cancelled = {"caller": HOUSE, "ids": [job.pk], "status": "CANCELLED"}
    _before_portion(monkeypatch, 2, lambda: job_services.set_status(**cancelled))

    job = ended(job)

    assert (job.status, told(job)) == (
        "CANCELLED",
        [(good.pk, "DONE", ""), (waiting.pk, "NOT_DONE", "it is ACCEPTED")],
    )
    # The first resend is closed by now, and in the batch too; what waited has gone out.
    Message.objects.exclude(pk=good.pk).update(status="SENT", closed_at=timezone.now(), due_at=None)
    job_services.set_status(caller=HOUSE, ids=[job.pk], status="NEW")
    job = ended(job)

    wanted = [good.pk, waiting.pk, *(other.pk for other in others)]
    assert (job.status, told(job)) == ("FINISHED", [(pk, "DONE", "") for pk in wanted])
    made = Message.objects.filter(related_message_id__isnull=False).order_by("id")
    assert list(made.values_list("related_message_id", flat=True)) == wanted
    assert (dict(job.params)["DONE"], dict(job.params)["NOT_DONE"]) == ("3", "0")


@pytest.mark.usefixtures("by_two")
def test_it_lets_others_run_after_a_while_and_counts_right(settings: Any) -> None:
    for _ in range(7):
        submitted(batch_id="b")
    job = begun("CANCEL", batchId="b")
    seen: dict[tuple[int | None, int | None], int] = {}
    settings.HAMMY_WAKE_SECONDS = 0.0001
    while job.status != "FINISHED":
        runner.work(Queue.QUICK)
        job.refresh_from_db()
        seen[job.completed, job.total] = job.attempts
    assert [counts for counts in seen if counts != (None, None)] == [(2, 7), (4, 7), (6, 7), (7, 7)]
    # An attempt is spent on the last run alone.
    assert seen[2, 7] == seen[6, 7] == 0


def test_what_does_not_match_any_more_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    gone, stays = submitted(batch_id="b"), submitted(batch_id="b")
    original = in_bulk.work_off

    def later(**options: Any) -> None:
        Message.objects.filter(pk=gone.pk).update(status="SENT", closed_at=timezone.now(), due_at=None)
        original(**options)

    monkeypatch.setattr(in_bulk, "work_off", later)
    job = done("CANCEL", batchId="b", status="ACCEPTED", expected=3)

    assert (job.status, job.total, job.completed) == ("FINISHED", 2, 2)
    assert told(job) == [(stays.pk, "DONE", "")]
    lines = list(job.log_lines.order_by("id").values_list("text", flat=True))
    assert lines == ["2 messages match; 3 did when it was asked for", "DONE: 1, NOT_DONE: 0"]


def test_a_suppressed_recipients_resend_is_cancelled_and_told() -> None:
    message = in_status("SENT")
    suppressing.suppress(caller=HOUSE, address="elek@example.com", reason="asked")

    job = done("RESEND", ids=[message.pk])

    new = Message.objects.get(related_message_id=message.pk)
    assert (new.status, told(job)) == ("CANCELLED", [(message.pk, "DONE", new.reason)])
    assert new.reason.startswith("the recipient is suppressed")


def test_a_template_that_is_disabled_refuses_its_messages_alone() -> None:
    caller = make_caller()
    template = make_template(text="Hi.", subject="Hi").template
    message = in_status("SENT", caller, message_type=template.name, mail_subject="", mail_body="")
    other = in_status("SENT", caller)
    template.status = "DISABLED"
    template.save()

    job = done("RESEND", ids=[message.pk, other.pk])

    assert told(job) == [(message.pk, "NOT_DONE", "message_type: the template is disabled"), (other.pk, "DONE", "")]


# ── whose ───────────────────────────────────────────────────────────────────────────────────────
def test_s30_a_client_reaches_its_own_messages_alone(caller: Caller, stranger: Caller) -> None:
    own, foreign = submitted(caller, batch_id="b"), submitted(stranger, batch_id="b")

    job = done("CANCEL", caller, ids=[own.pk, foreign.pk])

    assert (job.client_id, job.total, told(job)) == (caller.client_id, 1, [(own.pk, "DONE", "")])
    foreign.refresh_from_db()
    assert foreign.status == "ACCEPTED"
    assert in_bulk.count(caller=caller, operation=Operation.CANCEL, wanted=choosing.read({"batchId": "b"})).count == 1


def test_who_may_not_send_begins_nothing(caller: Caller) -> None:
    unfit = make_caller(rights=["jobs.run", "jobs.read"])
    with pytest.raises(Refusal) as refused:
        begun("CANCEL", unfit, batchId="b")
    assert refused.value.code == Code.FORBIDDEN
    params = [("OPERATION", "CANCEL"), ("FILTER", '{"batchId":"b"}'), ("REASON", "x")]
    job = ended(job_services.submit(caller=unfit, job_class=in_bulk.JOB_CLASS, params=params))
    assert (job.status, job.reason) == ("FAILED", "the client lacks the right send")


def test_the_same_request_is_the_same_job(caller: Caller, stranger: Caller) -> None:
    wanted = choosing.read({"batchId": "b"})

    def asked(by: Caller = caller, reason: str = "once") -> Job:
        return in_bulk.begin(
            caller=by, operation=Operation.RESEND, wanted=wanted, reason=reason, request_id="november-again"
        )

    first = asked()
    assert asked().pk == first.pk
    ended(first)
    assert asked().pk == first.pk
    assert asked(stranger).pk != first.pk
    with pytest.raises(Refusal) as refused:
        asked(reason="another")
    assert refused.value.code == Code.DUPLICATE_REQUEST
    assert Job.objects.count() == 2


def test_reasons_and_counts_are_checked(caller: Caller) -> None:
    with pytest.raises(Refusal) as refused:
        in_bulk.begin(
            caller=caller, operation=Operation.HOLD, wanted=choosing.read({"ids": [1]}), reason=" ", expected=-1
        )
    assert [problem.detail for problem in refused.value.problems] == [
        "reason: required",
        "expected: must not be below 0",
    ]
    assert not Job.objects.exists()


# ── what stays and what it costs ────────────────────────────────────────────────────────────────
def test_results_are_forgotten_with_their_job() -> None:
    job = done("CANCEL", ids=[submitted().pk])
    kept = done("CANCEL", ids=[submitted().pk])
    Job.objects.filter(pk=job.pk).delete()

    maintenance.clean()

    assert list(BulkResult.objects.values_list("job_id", flat=True)) == [kept.pk]


# With savepoints; of the messages of one client.
_MOVES = {"postgresql": 9, "sqlite": 9}
_RESENDS = {"postgresql": 11, "sqlite": 12}


@pytest.mark.parametrize(("operation", "figures"), [("CANCEL", _MOVES), ("RESEND", _RESENDS)])
def test_a_portion_costs_the_same_for_one_message_or_many(operation: str, figures: dict[str, int]) -> None:
    counts, caller = [], make_caller()
    for number in (1, 1, 50):
        before = [in_status("SENT" if operation == "RESEND" else "HELD", caller) for _ in range(number)]
        wanted = choosing.read({"ids": [message.pk for message in before]})
        job = begun(operation, ids=[message.pk for message in before])
        matching = choosing.chosen(HOUSE, wanted)
        with transaction.atomic(), CaptureQueriesContext(connection) as context:
            in_bulk.work_off(
                caller=HOUSE, job=job, operation=Operation(operation), matching=matching,
                ids=[message.pk for message in before], reason="r",
            )  # fmt: skip
        counts.append(len(context))
    assert counts[1:] == [figures[connection.vendor]] * 2
