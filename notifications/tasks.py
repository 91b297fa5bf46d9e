"""Wake-ups: each only says "look now"; the database knows what there is to do."""

from celery import shared_task

from notifications import delivery, listening, maintenance


# Acknowledged early: while targets are slow a courier goes on for long, and a broker that waits for a word takes the
# worker for dead. What dies with it is due again when its lease is over.
@shared_task(name=listening.DELIVER_TASK, acks_late=False)
def deliver() -> None:
    """Bring what is due."""
    delivery.work()


@shared_task(name="notifications.tasks.tick")
def tick() -> None:
    """Beat's look-around, each second."""
    maintenance.tick()


@shared_task(name="notifications.tasks.clean")
def clean() -> None:
    """Beat's cleaning, each hour."""
    maintenance.clean()
