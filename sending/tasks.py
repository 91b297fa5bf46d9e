"""Wake-ups: each only says "look now"; the database knows what there is to do."""

from celery import shared_task

from gateway import wakeups
from sending import dispatch as dispatching
from sending import maintenance, services


@shared_task(name=services.DISPATCH_TASK)
def dispatch(channel: str) -> None:
    """Hand over what is due on one channel, for a few seconds, then again while there is more."""
    if dispatching.work(channel):
        wakeups.wake(services.DISPATCH_TASK, channel)


@shared_task(name="sending.tasks.tick")
def tick() -> None:
    """Beat's look-around, each second."""
    maintenance.tick()


@shared_task(name="sending.tasks.clean")
def clean() -> None:
    """Beat's cleaning, each hour."""
    maintenance.clean()
