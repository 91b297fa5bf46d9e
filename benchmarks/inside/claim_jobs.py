"""``… COUNT SIZE``: claim so many jobs in batches of that size, then end them all; jobs per second of either."""

import json
import sys
import time

import django

django.setup()

from django.db import connection  # noqa: E402 - only a Django that is set up has models

from jobs import queue  # noqa: E402
from jobs.models import Job  # noqa: E402
from jobs.states import Queue, Status  # noqa: E402

# Due long before all others, so that only these are claimed.
_FILL = """
INSERT INTO jobs_job (
    uuid, job_class, queue, status, reason, params, user_name, concurrency_key, life, parent_life, attempts, worker,
    due_at, created_at, updated_at
)
SELECT gen_random_uuid(), 'bench.Nothing', 'quick', 'NEW', '', '[]', '', '', 0, 0, 0, '', now() - interval '5 years',
       now(), now()
FROM generate_series(1, %s)
"""

count, size = int(sys.argv[1]), int(sys.argv[2])
with connection.cursor() as cursor:
    cursor.execute(_FILL, [count])
    cursor.execute("VACUUM ANALYZE jobs_job")

began = time.perf_counter()
claims = [queue.claim(queue=Queue.QUICK, worker="bench:1", size=size) for _ in range(count // size)]
claimed = time.perf_counter()
moved = 0
for token, jobs in claims:
    mine = Job.objects.filter(id__in=[job.pk for job in jobs])
    moved += len(queue.move(mine, Status.FINISHED, actor="bench:1", claim=token))
ended = time.perf_counter()
print(
    json.dumps(
        {
            "claimed": sum(len(jobs) for _, jobs in claims),
            "moved": moved,
            "claimRate": count / (claimed - began),
            "moveRate": count / (ended - claimed),
        }
    )
)
