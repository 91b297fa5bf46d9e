"""``python -m benchmarks.peers.beat_tasks.fill COUNT SECONDS``: so many tasks, each once, all due so long from now; the
moment at which they are."""

import sys
import time
from datetime import UTC, datetime

import django

django.setup()

from django_celery_beat.models import ClockedSchedule, PeriodicTask, PeriodicTasks  # noqa: E402

due = time.time() // 1 + float(sys.argv[2])
PeriodicTask.objects.all().delete()
clocked = ClockedSchedule.objects.create(clocked_time=datetime.fromtimestamp(due, UTC))
PeriodicTask.objects.bulk_create(
    [
        PeriodicTask(name=str(number), task="nothing", clocked=clocked, one_off=True)
        for number in range(int(sys.argv[1]))
    ],
    batch_size=2000,
)
PeriodicTasks.update_changed()
print(due)
