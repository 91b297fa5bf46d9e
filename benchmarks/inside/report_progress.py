"""``… STEPS WORK SECONDS``: run a loop of so many steps of so much work that reports each, and the same that does not,
in turn for so long, as a job with its pulse; the seconds of each."""

import json
import sys
import time

import django

django.setup()

from gateway.caller import Caller  # noqa: E402 - only a Django that is set up has models
from jobs import pulse as heart  # noqa: E402
from jobs import queue, services  # noqa: E402
from jobs.context import Context  # noqa: E402
from jobs.params import NoParams  # noqa: E402
from jobs.registry import job_class  # noqa: E402
from jobs.states import Queue  # noqa: E402


def silent(steps: int, work: int) -> float:
    """The loop alone."""
    began = time.perf_counter()
    for _ in range(steps):
        sum(range(work))
    return time.perf_counter() - began


def telling(steps: int, work: int, context: Context[NoParams], done: int) -> float:
    """The loop with a report of each step."""
    total = 1_000_000_000
    began = time.perf_counter()
    for step in range(done, done + steps):
        sum(range(work))
        context.progress(step, total)
    return time.perf_counter() - began


steps, work, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
services.submit(caller=Caller.house("bench"), job_class="bench.Nothing")
token, (job,) = queue.claim(queue=Queue.QUICK, worker="bench:1", size=1)
context: Context[NoParams] = Context(job, token, NoParams())
heart.pulse.take(token, [job.pk])
heart.pulse.watch(context, job_class(job.job_class))
until = time.monotonic() + seconds
samples: list[tuple[float, float]] = []
while time.monotonic() < until:
    # Which of them is first must not matter.
    if len(samples) % 2:
        told = telling(steps, work, context, len(samples) * steps)
        samples.append((told, silent(steps, work)))
    else:
        alone = silent(steps, work)
        samples.append((telling(steps, work, context, len(samples) * steps), alone))
job.refresh_from_db()
if not job.completed:
    raise SystemExit("nothing of the progress was kept")
print(json.dumps({"telling": [told for told, _ in samples], "silent": [alone for _, alone in samples]}))
