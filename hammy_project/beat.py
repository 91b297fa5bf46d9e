"""Beat's scheduler, that a clock which is set back does not silence."""

import logging
import time
from datetime import datetime
from typing import Any

from celery.schedules import schedstate
from celery.utils.time import maybe_make_aware
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

_log = logging.getLogger(__name__)
# Clocks that are kept right are moved by less, and often.
_STEP_SECONDS = 1.0


class Entry(ModelEntry):
    """One that is last said to have run in the future has run now."""

    def is_due(self) -> schedstate:
        now: datetime = maybe_make_aware(self._default_now())
        last: datetime = self.model.last_run_at
        if maybe_make_aware(last) > now:
            self.last_run_at = self.model.last_run_at = now
        return super().is_due()


class Scheduler(DatabaseScheduler):
    """Celery's order of what is to come is by the clock: after a step back whatever runs first would stay first until
    the clock has caught up, and all else would wait."""

    Entry = Entry

    def __init__(self, *args: Any, **options: Any) -> None:
        self._seen_at = time.time()
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> Any:
        now = time.time()
        if now < self._seen_at - _STEP_SECONDS:
            _log.warning("the clock was set back", extra={"seconds": round(self._seen_at - now, 1)})
            self._heap = None
        self._seen_at = now
        return super().tick(*args, **options)
