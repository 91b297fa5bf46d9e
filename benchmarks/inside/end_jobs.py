"""``… COUNT``: so many jobs come to their end at once; in how many seconds that settled."""

import json
import sys
import time

import django

django.setup()

from gateway import wakeups  # noqa: E402 - only a Django that is set up has models
from gateway.caller import Caller  # noqa: E402
from jobs import queue, services  # noqa: E402
from jobs.models import Job  # noqa: E402
from jobs.states import Status  # noqa: E402

count = int(sys.argv[1])
for _ in range(count):
    services.submit(caller=Caller.house("bench"), job_class="bench.Nothing")
_, jobs = queue.claim(queue=queue.Queue.QUICK, worker="bench", size=count)
began = time.monotonic()
ended = queue.move(Job.objects.filter(id__in=[job.pk for job in jobs]), Status.FINISHED)
seconds = time.monotonic() - began
wakeups.flush(10)
print(json.dumps({"ended": len(ended), "seconds": seconds}))
