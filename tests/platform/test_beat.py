"""Beat goes on whatever its clock does."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from hammy_project import beat
from hammy_project.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scheduler() -> Iterator[Any]:
    """Beat's, which keeps nothing when the tests are over."""
    made = beat.Scheduler(app=app, lazy=False)
    yield made
    made._finalize.cancel()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Beat sends, in order."""
    names: list[str] = []
    monkeypatch.setattr(
        beat.Scheduler, "apply_async", lambda self, entry, **more: names.append(entry.name) and self.reserve(entry)
    )
    return names


def test_after_the_clock_was_set_back_everything_goes_on(scheduler: Any, sent: list[str]) -> None:
    ticks = {name for name in app.conf.beat_schedule if name.endswith(": tick")}
    # As an hour ahead left it: all ran then, and what comes next is set down for then.
    scheduler.tick()
    scheduler._heap = [event._replace(time=event.time + 3600) for event in scheduler._heap]
    for event in scheduler._heap:
        event.entry.last_run_at = event.entry.model.last_run_at = timezone.now() + timedelta(hours=1)
    scheduler._seen_at = time.time() + 3600
    sent.clear()

    until = time.monotonic() + 10
    while not ticks <= set(sent) and time.monotonic() < until:
        scheduler.tick()
        time.sleep(0.02)

    assert ticks <= set(sent)


def test_an_entry_of_the_future_is_taken_to_have_run_now(scheduler: Any) -> None:
    task = PeriodicTask.objects.get(name="schedules: tick")
    task.last_run_at = timezone.now() + timedelta(hours=1)

    entry = beat.Entry(task, app=scheduler.app)

    assert entry.is_due().next < 2
