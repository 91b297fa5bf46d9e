"""``python -m benchmarks.peers.bare_celery.fill COUNT``: queue so many tasks."""

import sys

from benchmarks.peers.bare_celery.app import app, nothing

with app.producer_pool.acquire(block=True) as producer:
    for _ in range(int(sys.argv[1])):
        nothing.apply_async(producer=producer)
