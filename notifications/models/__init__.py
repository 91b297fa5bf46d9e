"""The tables of the floor of notifications."""

from notifications.models.delivery import Attempt, Delivery
from notifications.models.event import Event, JobName
from notifications.models.registration import Registration
from notifications.models.target import Target

__all__ = ["Attempt", "Delivery", "Event", "JobName", "Registration", "Target"]
