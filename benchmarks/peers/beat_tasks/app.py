"""The app with a task that only notes the moment at which it ran."""

import os
import struct
import time

from celery import Celery

app = Celery("timed", broker=os.environ["BROKER_URL"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
    # As often as ours looks.
    beat_max_loop_interval=1,
)
_moments = os.open(os.environ["MOMENTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@app.task(name="nothing")
def nothing() -> None:
    """Done at once."""
    os.write(_moments, struct.pack("d", time.time()))
