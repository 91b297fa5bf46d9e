"""Withdraw messages that did not go out yet."""

from sending import services
from sending.management.base import MessageCommand
from sending.states import Status, sources


class Command(MessageCommand):
    help = "Withdraw messages that did not go out yet."
    statuses = sources(Status.CANCELLED)
    service = staticmethod(services.cancel)
    done = "cancelled"
