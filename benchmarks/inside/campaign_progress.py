"""``… COUNT``: a campaign to so many recipients, made and sent by this process alone; the share of its
processor time, in percent, in which its progress was kept, and where that was wrong."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import django

django.setup()

from benchmarks.inside.campaigns import HOUSE, a_campaign  # noqa: E402 - only a Django that is set up has models
from campaigns import running, services  # noqa: E402
from jobs import queue, runner  # noqa: E402
from jobs.context import Context  # noqa: E402
from jobs.models import Job  # noqa: E402
from jobs.states import Queue  # noqa: E402
from sending import dispatch  # noqa: E402
from sending.models import Message  # noqa: E402

# By what is being done, the innermost last.
spent: Counter[str] = Counter()
doing = ["the work"]
since = time.process_time()


def _turn() -> None:
    global since  # noqa: PLW0603 - one script, one clock
    now = time.process_time()
    spent[doing[-1]] += now - since
    since = now


def _timed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        _turn()
        doing.append(name)
        try:
            return function(*arguments, **named)
        finally:
            _turn()
            doing.pop()

    return timed


# With a letter's outcome, and with each portion that is made.
queue.settle = _timed(queue.settle, "progress")
queue.begin_sending = _timed(queue.begin_sending, "progress")
Context.checkpoint = _timed(Context.checkpoint, "progress")  # type: ignore[method-assign]
# The ends of jobs are none, and would be there without.
queue.settle_locked = _timed(queue.settle_locked, "ends")
count, flaws = int(sys.argv[1]), []
services.start(caller=HOUSE, uuid=a_campaign(count))
_turn()
spent.clear()
sent_before = Message.objects.filter(status="SENT").count()
while Message.objects.filter(status="SENT").count() < sent_before + count:
    runner.work(Queue.QUICK)
    dispatch.work("EMAIL")
    told = Job.objects.filter(job_class=running.LEG_CLASS).latest("id")
    sent = Message.objects.filter(job_id=told.pk, status="SENT").count()
    if (told.completed, told.total) != (sent, count):
        flaws.append(f"told {told.completed} of {told.total}, sent {sent} of {count}")
_turn()
print(json.dumps({"share": 100 * spent["progress"] / spent.total(), "flaws": flaws}))
