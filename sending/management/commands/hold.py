"""Keep waiting messages back until somebody releases them."""

from sending import services
from sending.management.base import MessageCommand
from sending.states import Status, sources


class Command(MessageCommand):
    help = "Keep waiting messages back until somebody releases them."
    statuses = sources(Status.HELD)
    service = staticmethod(services.hold)
    done = "held"
