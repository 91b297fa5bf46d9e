"""Brings derived states up to date every five minutes (contract job_v1, "Job classes")."""

from typing import ClassVar

from campaigns import lifecourse
from jobs.context import Context
from jobs.params import NoParams
from jobs.registry import JobClass, Outcome


class LifeCourseStatusUpdater(JobClass[NoParams]):
    """Closes campaigns that are over, withdraws letters that expired and reminds of those that somebody holds."""

    name: ClassVar[str] = lifecourse.JOB_CLASS
    is_resumable = True
    time_limit = 300.0

    def run(self, context: Context[NoParams]) -> Outcome:
        updated = lifecourse.update()
        context.log(
            f"closed campaigns: {updated.closed}, withdrawn letters: {updated.withdrawn}, "
            f"people reminded of held letters: {updated.reminded}"
        )
        return None
