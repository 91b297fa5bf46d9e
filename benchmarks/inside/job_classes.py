"""The job classes that are measured with; HAMMY_JOB_CLASSES of a measured site names this module."""

import os
import time
from typing import ClassVar

from django.conf import settings

from benchmarks.stored_jobs import STARTS
from jobs.context import Context
from jobs.params import NoParams
from jobs.registry import JobClass, Outcome


class Nothing(JobClass[NoParams]):
    """Done at once, and may be done again."""

    name: ClassVar[str] = "bench.Nothing"
    is_resumable = True

    def run(self, context: Context[NoParams]) -> Outcome:
        return None


class Careful(JobClass[NoParams]):
    """Done at once, and never twice: such jobs are claimed one by one."""

    name: ClassVar[str] = "bench.Careful"

    def run(self, context: Context[NoParams]) -> Outcome:
        return None


class Noting(JobClass[NoParams]):
    """Writes down when it was started: a line with its job's id and a moment of the monotonic clock."""

    name: ClassVar[str] = "bench.Noting"

    def run(self, context: Context[NoParams]) -> Outcome:
        line = f"{context.job.pk} {time.monotonic()}\n"
        file = os.open(settings.VAR_DIR / STARTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)
        return None
