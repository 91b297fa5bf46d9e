"""The rows of schedules."""

from schedules.models.firing import Firing
from schedules.models.schedule import Schedule

__all__ = ["Firing", "Schedule"]
