"""Jobs and their events, triggers and their times."""

from jobs.models.job import Job, JobEvent, JobLogLine
from jobs.models.trigger import Recurrence, Trigger, TriggerFiring

__all__ = ["Job", "JobEvent", "JobLogLine", "Recurrence", "Trigger", "TriggerFiring"]
