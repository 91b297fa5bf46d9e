"""``python -m benchmarks.peers.procrastinate_queue.fill COUNT``: queue so many jobs."""

import asyncio
import sys

from benchmarks.peers.procrastinate_queue.app import app, nothing

_CHUNK = 1000


async def fill(count: int) -> None:
    """Queue ``count`` jobs, by the thousand."""
    async with app.open_async():
        for start in range(0, count, _CHUNK):
            await nothing.batch_defer_async(*({} for _ in range(min(_CHUNK, count - start))))


asyncio.run(fill(int(sys.argv[1])))
