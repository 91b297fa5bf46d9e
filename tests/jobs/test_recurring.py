"""Triggers that start by themselves: each time once, however many look, whatever was missed or overlaps."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from gateway.errors import Refusal
from jobs import maintenance, queue, recurring
from jobs.models import Job, Recurrence, Trigger, TriggerFiring
from jobs.states import Decision, Missed, Overlap, Queue, Status
from tests.jobs.conftest import reread, story

pytestmark = pytest.mark.django_db(transaction=True)
_NOON = datetime(2025, 6, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """``clock(moment)`` sets what time it is."""

    def turn(moment: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: moment)

    turn(_NOON)
    return turn


@pytest.fixture
def hourly(trigger: Callable[..., Trigger], clock: Any) -> Callable[..., Recurrence]:
    """``hourly(overlap=…)``: a trigger that starts at each full hour, planned at noon."""

    def make(name: str = "Nothing", **options: Any) -> Recurrence:
        crontab = CrontabSchedule.objects.create(minute="0", timezone="UTC")
        return recurring.schedule(trigger=trigger(name), crontab=crontab, **options)

    return make


def _firings() -> list[tuple[str, str]]:
    return [(f"{firing.slot:%H:%M}", firing.decision) for firing in TriggerFiring.objects.order_by("slot")]


def _hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_a_trigger_starts_when_its_time_comes_and_not_before(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    assert recurrence.next_slot_at == _NOON + _hours(1)
    clock(_NOON + _hours(0.99))
    maintenance.tick()
    assert _firings() == []
    clock(_NOON + _hours(1) + timedelta(milliseconds=400))
    maintenance.tick()
    maintenance.tick()
    assert _firings() == [("13:00", Decision.STARTED)]
    (job,) = Job.objects.all()
    assert (job.trigger_id, job.client_id, job.user_name) == (recurrence.trigger_id, None, "beat")
    assert TriggerFiring.objects.get().job == job
    recurrence.refresh_from_db()
    assert recurrence.next_slot_at == _NOON + _hours(2)


def test_r23_many_who_look_at_once_start_it_once(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    clock(_NOON + _hours(1))
    barrier = threading.Barrier(4)
    errors: list[Exception] = []

    def look() -> None:
        try:
            barrier.wait()
            recurring.fire(str(recurrence.trigger_id))
            recurring.fire_due()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (errors, Job.objects.count(), _firings()) == ([], 1, [("13:00", Decision.STARTED)])


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        (Missed.SKIP, [("15:00", Decision.MISSED)]),
        (Missed.ONCE, [("14:00", Decision.MISSED), ("15:00", Decision.STARTED)]),
        (Missed.ALL, [("13:00", Decision.STARTED), ("14:00", Decision.STARTED), ("15:00", Decision.STARTED)]),
    ],
)
def test_r24_what_was_missed_while_all_was_down_is_made_up_for_as_the_trigger_says(
    hourly: Any, clock: Any, missed: Missed, expected: Any
) -> None:
    recurrence = hourly(missed=missed, overlap=Overlap.ALLOW)
    clock(_NOON + _hours(3.5))
    maintenance.tick()
    assert _firings() == expected
    recurrence.refresh_from_db()
    assert recurrence.next_slot_at == _NOON + _hours(4)


@pytest.mark.parametrize(("missed", "jobs"), [(Missed.SKIP, 60), (Missed.ONCE, 1), (Missed.ALL, 100)])
def test_a_week_of_missed_seconds_is_passed_over_at_once(
    trigger: Callable[..., Trigger], clock: Any, missed: Missed, jobs: int
) -> None:
    interval = IntervalSchedule.objects.create(every=1, period="seconds")
    recurring.schedule(trigger=trigger("Nothing"), interval=interval, overlap=Overlap.ALLOW, missed=missed)
    later = _NOON + timedelta(days=7, milliseconds=1)
    clock(later)
    maintenance.tick()
    assert Job.objects.count() == jobs
    (recurrence,) = Recurrence.objects.all()
    expected = _NOON + timedelta(seconds=101) if missed == Missed.ALL else later + timedelta(milliseconds=999)
    assert recurrence.next_slot_at == expected


@pytest.mark.parametrize(
    ("overlap", "decision", "first", "jobs"),
    [
        (Overlap.SKIP, Decision.SKIPPED, Status.RUNNING, 1),
        (Overlap.QUEUE, Decision.STARTED, Status.RUNNING, 2),
        (Overlap.ALLOW, Decision.STARTED, Status.RUNNING, 2),
        (Overlap.REPLACE, Decision.STARTED, Status.CANCELLED, 2),
    ],
)
def test_r26_what_overlaps_is_skipped_queued_allowed_or_replaced(
    hourly: Any, clock: Any, overlap: Overlap, decision: Decision, first: Status, jobs: int
) -> None:
    hourly("Careful", overlap=overlap)
    clock(_NOON + _hours(1))
    maintenance.tick()
    claim, (running,) = queue.claim(queue=Queue.QUICK, worker="me", size=1)
    clock(_NOON + _hours(2))
    maintenance.tick()
    assert _firings()[1] == ("14:00", decision)
    assert (reread(running).status, Job.objects.count()) == (first, jobs)
    # Only where it is allowed does the second run beside the first.
    beside = len(queue.claim(queue=Queue.QUICK, worker="you", size=1)[1])
    assert beside == (1 if overlap == Overlap.ALLOW else 0)
    if overlap in (Overlap.QUEUE, Overlap.REPLACE):
        queue.move(Job.objects.filter(pk=running.pk), Status.FINISHED, claim=claim)
        queue.let_go(claim)
        (second,) = queue.claim(queue=Queue.QUICK, worker="you", size=1)[1]
        assert story(second) == ["CREATED", "STARTED"]


def test_r24_a_late_look_in_the_doubled_hour_makes_up_for_every_quarter(
    trigger: Callable[..., Trigger], clock: Any
) -> None:
    before = datetime(2025, 10, 26, 0, 20, tzinfo=UTC)
    clock(before)
    crontab = CrontabSchedule.objects.create(minute="*/15", timezone="Europe/Budapest")
    recurring.schedule(trigger=trigger("Nothing"), crontab=crontab, overlap=Overlap.ALLOW, missed=Missed.ALL)
    for minutes in (30, 110):
        clock(before + timedelta(minutes=minutes))
        maintenance.tick()
    quarters = ["00:30", "00:45", "01:00", "01:15", "01:30", "01:45", "02:00"]
    assert _firings() == [(quarter, Decision.STARTED) for quarter in quarters]


def test_a_clock_that_is_behind_starts_nothing_again(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    clock(_NOON + _hours(1))
    maintenance.tick()
    # Another host, where it is not one yet, changes the times.
    clock(_NOON + _hours(0.99))
    CrontabSchedule.objects.update(minute="0,30")
    maintenance.tick()
    clock(_NOON + _hours(1.505))
    maintenance.tick()
    assert _firings() == [("13:00", Decision.STARTED), ("13:30", Decision.SKIPPED)]
    recurrence.refresh_from_db()
    assert recurrence.next_slot_at == _NOON + _hours(2)


def test_a_time_that_was_decided_is_not_decided_again(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    TriggerFiring.objects.create(trigger=recurrence.trigger, slot=_NOON + _hours(1), decision=Decision.SKIPPED)
    clock(_NOON + _hours(1))
    maintenance.tick()
    assert (Job.objects.count(), _firings()) == (0, [("13:00", Decision.SKIPPED)])


def test_one_trigger_that_breaks_keeps_no_other_from_its_time(
    hourly: Any, clock: Any, monkeypatch: Any, caplog: Any
) -> None:
    hourly("Careful")
    hourly("Nothing")
    real = recurring._start

    def start(recurrence: Recurrence, slot: datetime) -> None:
        if recurrence.trigger.name == "Careful":
            raise ZeroDivisionError
        real(recurrence, slot)

    monkeypatch.setattr(recurring, "_start", start)
    clock(_NOON + _hours(1))
    maintenance.tick()
    assert list(Job.objects.values_list("job_class", flat=True)) == ["tests.Nothing"]
    assert "trigger not started" in caplog.text


def test_changing_the_policies_alone_keeps_what_is_still_to_be_made_up_for(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    clock(_NOON + _hours(1.5))
    crontab = recurrence.periodic_task.crontab
    recurring.schedule(trigger=recurrence.trigger, crontab=crontab, missed=Missed.ALL)
    maintenance.tick()
    assert _firings() == [("13:00", Decision.STARTED)]


def test_a_disabled_trigger_passes_its_times_by(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    Trigger.objects.update(is_enabled=False)
    clock(_NOON + _hours(5))
    maintenance.tick()
    Trigger.objects.update(is_enabled=True)
    maintenance.tick()
    recurrence.refresh_from_db()
    assert (Job.objects.count(), _firings(), recurrence.next_slot_at) == (0, [], _NOON + _hours(6))


def test_a_trigger_whose_job_is_refused_says_so_and_goes_on(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    Trigger.objects.update(job_class="tests.Count")
    clock(_NOON + _hours(1))
    maintenance.tick()
    (firing,) = TriggerFiring.objects.all()
    assert (firing.decision, firing.reason, firing.job) == (Decision.REFUSED, "params.STEPS: required", None)
    recurrence.refresh_from_db()
    assert recurrence.next_slot_at == _NOON + _hours(2)


def test_r25_times_changed_in_beats_own_rows_count_from_the_change(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    CrontabSchedule.objects.update(minute="30", timezone="Asia/Kolkata")
    clock(_NOON + _hours(1))
    maintenance.tick()
    recurrence.refresh_from_db()
    # 13:00 was no longer meant; half past in Kolkata is the full hour in UTC.
    assert (_firings(), recurrence.next_slot_at) == ([], _NOON + _hours(2))
    PeriodicTask.objects.filter(pk=recurrence.periodic_task_id).update(enabled=False)
    maintenance.tick()
    recurrence.refresh_from_db()
    assert recurrence.next_slot_at is None


def test_times_that_nobody_can_follow_stand_still_until_mended(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    PeriodicTask.objects.filter(pk=recurrence.periodic_task_id).update(crontab=None)
    maintenance.tick()
    recurrence.refresh_from_db()
    assert (recurrence.next_slot_at, recurrence.times) == (None, "must be a crontab or an interval")
    assert recurring.preview(recurrence) == []


def test_what_is_to_happen_once_happens_once(hourly: Any, clock: Any) -> None:
    recurrence = hourly()
    PeriodicTask.objects.filter(pk=recurrence.periodic_task_id).update(one_off=True)
    for hour in (1, 2):
        clock(_NOON + _hours(hour))
        maintenance.tick()
    assert _firings() == [("13:00", Decision.STARTED)]
    assert PeriodicTask.objects.get(pk=recurrence.periodic_task_id).enabled is False


def test_the_preview_is_the_next_ten_times(hourly: Any) -> None:
    assert recurring.preview(hourly()) == [_NOON + _hours(hour) for hour in range(1, 11)]


def test_a_schedule_is_changed_in_place_and_taken_away(hourly: Any) -> None:
    recurrence = hourly()
    interval = IntervalSchedule.objects.create(every=10, period="minutes")
    changed = recurring.schedule(trigger=recurrence.trigger, interval=interval, overlap=Overlap.QUEUE)
    assert (changed.pk, changed.periodic_task_id) == (recurrence.pk, recurrence.periodic_task_id)
    assert changed.next_slot_at == _NOON + timedelta(minutes=10)
    ours = PeriodicTask.objects.filter(task="jobs.tasks.fire")
    assert ours.count() == 1
    recurring.unschedule(trigger=recurrence.trigger)
    assert (Recurrence.objects.count(), ours.count()) == (0, 0)


def test_a_schedule_without_times_or_with_dates_that_never_come_is_refused(
    trigger: Callable[..., Trigger], clock: Any
) -> None:
    made = trigger("Nothing")
    never = CrontabSchedule.objects.create(minute="0", hour="0", day_of_month="31", month_of_year="2")
    with pytest.raises(Refusal, match="times: .*never occurs"):
        recurring.schedule(trigger=made, crontab=never)
    with pytest.raises(Refusal, match="times: must be either a crontab or an interval"):
        recurring.schedule(trigger=made)
    assert (Recurrence.objects.count(), PeriodicTask.objects.filter(task="jobs.tasks.fire").count()) == (0, 0)
