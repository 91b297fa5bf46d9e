"""Wake-ups: each only says "look now"; the database knows what is due."""

from celery import shared_task

from gateway import wakeups
from schedules import firing, maintenance


@shared_task(name=firing.FIRE_TASK)
def fire() -> None:
    """Beat's look each second: fire what is due, then again while there is more."""
    if firing.work():
        wakeups.wake(firing.FIRE_TASK)


@shared_task(name="schedules.tasks.clean")
def clean() -> None:
    """Beat's cleaning, each hour."""
    maintenance.clean()
