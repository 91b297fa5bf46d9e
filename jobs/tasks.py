"""Celery's way in: thin wrappers, since a task only says "look now"; the database knows what there is to do."""

from celery import shared_task

from gateway import wakeups
from jobs import maintenance, queue, recurring, runner


# Acknowledged early, unlike other wake-ups: a job may run for hours, and a broker that waits so long for a word takes
# the worker for dead. What dies with its worker is found by its heartbeat.
@shared_task(name=queue.RUN_TASK, acks_late=False)
def run(name: str) -> None:
    """Run what is due on one queue, for a few seconds, then again while there is more."""
    if runner.work(name):
        wakeups.wake(queue.RUN_TASK, name)


@shared_task(name=recurring.FIRE_TASK)
def fire(trigger_id: str) -> None:
    """What Beat sends when a trigger's time has come, by its own reckoning; ours decides."""
    recurring.fire(trigger_id)


@shared_task(name="jobs.tasks.tick")
def tick() -> None:
    """Beat's look-around, each second."""
    maintenance.tick()


@shared_task(name="jobs.tasks.clean")
def clean() -> None:
    """Beat's cleaning, each hour."""
    maintenance.clean()
