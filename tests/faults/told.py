"""Sites that tell a receiver of jobs: registrations, ends of jobs, and what became of them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fakes.receiver import Receiver, Reply
from tests.faults.site import Site, site, wait_until

_REGISTER_AND_END = """
from gateway import wakeups
from gateway.caller import Caller
from gateway.lookup import caller_of
from gateway.models import ApiClient
from jobs import queue
from jobs import services as job_services
from jobs.models import Job
from notifications import services
for url in {urls}:
    services.register(caller=caller_of(ApiClient.objects.get()), wish=services.Wish(end_point=url))
for _ in range({count}):
    job_services.submit(caller=Caller.house("test"), job_class="tests.Nothing")
queue.claim(queue=queue.Queue.QUICK, worker="test", size={count})
queue.move(Job.objects.filter(status="RUNNING"), queue.Status.FINISHED)
wakeups.flush(3)
"""
_TABLES = ("attempt", "delivery", "event", "registration", "target")
# Nobody listens there.
NO_BROKER = "amqp://guest:guest@127.0.0.1:9//"


@contextmanager
def telling(folder: Path, receiver: Receiver, **environment: str) -> Iterator[Site]:
    """A site with beat and a worker, which may call the receiver."""
    known = {
        "HAMMY_JOB_CLASSES": "tests.jobs.classes",
        "HAMMY_OUTBOUND_NETWORKS": "127.0.0.0/8",
        "HAMMY_OUTBOUND_PORTS": str(receiver.port),
    }
    with site(folder, **known, **environment) as made:
        made.start_beat()
        made.start_worker(processes=1)
        yield made


def forget(running: Site, receiver: Receiver) -> None:
    """Nothing was ever told, and every answer is 204."""
    for table in _TABLES:
        running.change(f"DELETE FROM notifications_{table}")
    receiver.reply, receiver.replies = Reply(), {}
    receiver.heard.clear()
    receiver.most_at_once.clear()


def shell(running: Site, code: str, **environment: str) -> None:
    running.manage("shell", "--no-imports", "-c", code, **environment)


def end_jobs(
    running: Site, receiver: Receiver, *paths: str, count: int = 1, then: str = "", **environment: str
) -> None:
    """So many jobs come to their end together, of which the client wants to be told at these paths."""
    urls = [receiver.url(path) for path in paths]
    shell(running, _REGISTER_AND_END.format(urls=urls, count=count) + then, **environment)


def deliveries(running: Site) -> Counter[str]:
    """How many stand where."""
    return Counter(dict(running.query("SELECT status, count(*) FROM notifications_delivery GROUP BY status")))


def wait_delivered(running: Site, count: int, *, seconds: float = 60) -> None:
    try:
        wait_until(lambda: deliveries(running)["DELIVERED"] == count, seconds=seconds, what="all to be told")
    except AssertionError as error:
        columns = "id, claim, lease_until, held_until, failures, last_failure"
        rows = running.query(f"SELECT {columns} FROM notifications_target")
        raise AssertionError(f"{error}\n{deliveries(running)}\n{rows}\n{running.describe()}") from error


def attempts(running: Site) -> list[tuple[Any, ...]]:
    """(delivery, number, status) of each."""
    return running.query("SELECT delivery_id, number, status FROM notifications_attempt ORDER BY id")


def heard_ids(receiver: Receiver) -> Counter[str]:
    """How often each delivery was brought."""
    return Counter(one.headers["webhook-id"] for one in receiver.heard)
