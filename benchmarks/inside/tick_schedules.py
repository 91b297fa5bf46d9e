"""``… COUNT``: look so many times for schedules that are due, as beat's tick does; milliseconds of each."""

import json
import sys
import time

import django

django.setup()

from schedules import firing  # noqa: E402 - only a Django that is set up has models

samples = []
firing.work()
for _ in range(int(sys.argv[1])):
    began = time.perf_counter()
    more = firing.work()
    samples.append(1000 * (time.perf_counter() - began))
    if more:
        raise SystemExit("something is due")
print(json.dumps(samples))
