"""``… DAYS``: forget what ended so many days ago; how many jobs, in what time, and this process's most memory."""

import json
import resource
import sys
import time
from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402 - only a Django that is set up has models

from jobs import maintenance  # noqa: E402

began = time.perf_counter()
pruned = maintenance.prune(finished_before=timezone.now() - timedelta(days=float(sys.argv[1])))
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"pruned": pruned, "seconds": seconds, "peakBytes": peak}))
