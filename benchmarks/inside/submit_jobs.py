"""``… COUNT JOB_CLASS SECONDS``: submit so many jobs, each so long after the last; from each id to its moment."""

import json
import random
import sys
import time

import django

django.setup()

from gateway import wakeups  # noqa: E402 - only a Django that is set up has models
from gateway.caller import Caller  # noqa: E402
from jobs import services  # noqa: E402

count, job_class, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
moments = {}
# In no step with anything else that happens at regular times.
chance = random.Random(count)
for _ in range(count):
    if seconds:
        time.sleep(seconds * chance.uniform(0.5, 1.5))
    asked = time.monotonic()
    moments[services.submit(caller=Caller.house("bench"), job_class=job_class).pk] = asked
wakeups.flush(10)
print(json.dumps(moments))
