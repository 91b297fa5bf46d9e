"""What people may do about a resting lane."""

from django.db import transaction

from gateway import wakeups
from gateway.errors import not_found
from sending.models import Lane
from sending.services import DISPATCH_TASK


def try_now(*, channel: str) -> None:
    """End a lane's rest: its workers try at once, and if the other side is still not ready it rests again, longer."""
    with transaction.atomic():
        if not Lane.objects.filter(pk=channel).update(paused_until=None):
            raise not_found(f"lane {channel}")
        transaction.on_commit(lambda: wakeups.wake(DISPATCH_TASK, channel))
