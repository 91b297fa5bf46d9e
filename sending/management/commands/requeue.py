"""Try failed messages anew."""

from sending import services
from sending.management.base import MessageCommand
from sending.states import Status


class Command(MessageCommand):
    help = "Try failed messages anew."
    statuses = frozenset({Status.FAILED})
    service = staticmethod(services.requeue)
    done = "requeued"
