"""Let held messages go on."""

from sending import services
from sending.management.base import MessageCommand
from sending.states import Status


class Command(MessageCommand):
    help = "Let held messages go on."
    statuses = frozenset({Status.HELD})
    service = staticmethod(services.release)
    done = "released"
