"""R33–R35: notifiers die, stop and run beside each other; whoever must know is told, and no target is overrun."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.fakes.receiver import Receiver, Reply
from tests.faults import told
from tests.faults.site import Site, wait_until

pytestmark = pytest.mark.timeout(120)
_HANGS = 60.0
_RACE = """
import random
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from gateway.caller import Caller
from gateway.lookup import caller_of
from gateway.models import ApiClient
from jobs import queue
from jobs import services as job_services
from jobs.models import Job
from notifications import services
caller = caller_of(ApiClient.objects.get())
jobs = [job_services.submit(caller=caller, job_class="tests.Nothing") for _ in range(50)]
queue.claim(queue=queue.Queue.QUICK, worker="test", size=50)
def end(job):
    queue.move(Job.objects.filter(pk=job.pk), queue.Status.FINISHED)
def register(job):
    services.register(caller=caller, wish=services.Wish(end_point="{url}", job_uuid=job.uuid))
def run(act):
    try:
        act[0](act[1])
    finally:
        connection.close()
acts = [(act, job) for job in jobs for act in random.sample([end, register], 2)]
with ThreadPoolExecutor(8) as pool:
    list(pool.map(run, acts))
"""


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Receiver]]:
    with Receiver() as receiver, told.telling(tmp_path_factory.mktemp("notifiers"), receiver) as running:
        yield running, receiver


@pytest.fixture
def receiver(everything: tuple[Site, Receiver]) -> Receiver:
    return everything[1]


@pytest.fixture
def running(everything: tuple[Site, Receiver]) -> Iterator[Site]:
    """Each test starts the notifiers it maltreats."""
    site, receiver = everything
    told.forget(site, receiver)
    others = len(site.processes)
    yield site
    for process in site.processes[others:]:
        site.kill(process)


def test_what_a_killed_notifier_had_told_and_not_written_down_is_told_again_with_the_same_id(
    running: Site, receiver: Receiver
) -> None:
    # R33
    receiver.reply = Reply(wait=6.0)
    notifier = running.start_notifier()
    told.end_jobs(running, receiver, "/a")
    wait_until(lambda: receiver.heard, seconds=60, what="a call")
    running.kill(notifier)
    assert told.attempts(running) == []
    receiver.reply = Reply()
    # Its lease is over.
    running.change("UPDATE notifications_target SET lease_until = created_at")
    running.start_notifier()
    told.wait_delivered(running, 1)
    assert list(told.heard_ids(receiver).values()) == [2]
    assert len({one.body for one in receiver.heard}) == 1
    assert [(number, status) for _, number, status in told.attempts(running)] == [(1, 204)]


def test_a_notifier_that_is_stopped_writes_down_what_the_calls_on_their_way_come_to(
    running: Site, receiver: Receiver
) -> None:
    # R4
    receiver.replies["/slow"] = Reply(wait=4)
    told.end_jobs(running, receiver, "/slow", count=6)
    notifier = running.start_notifier(processes=1)
    wait_until(lambda: len(receiver.heard) == 4, seconds=60, what="four calls")
    notifier.terminate()
    assert notifier.wait(20) == 0
    assert told.deliveries(running) == {"DELIVERED": 4, "PENDING": 2}
    assert running.query("SELECT count(*) FROM notifications_target WHERE claim IS NOT NULL") == [(0,)]
    receiver.replies["/slow"] = Reply()
    running.start_notifier(processes=1)
    told.wait_delivered(running, 6)
    assert set(told.heard_ids(receiver).values()) == {1}


def test_r35_a_target_that_hangs_delays_none_and_four_processes_call_it_four_times_at_once_at_most(
    running: Site, receiver: Receiver
) -> None:
    receiver.replies["/dead"] = Reply(wait=_HANGS)
    receiver.replies["/slow"] = Reply(wait=0.2)
    others = [f"/{number}" for number in range(20)]
    notifiers = [running.start_notifier(), running.start_notifier()]
    told.end_jobs(running, receiver, "/dead", "/slow", *others, count=40)
    told.wait_delivered(running, 21 * 40, seconds=14)
    wait_until(lambda: receiver.most_at_once["/dead"] == 4, seconds=10, what="four calls that hang")
    assert receiver.most_at_once["/slow"] == 4
    called = Counter(one.path for one in receiver.heard)
    assert called == {"/dead": 4, "/slow": 40, **dict.fromkeys(others, 40)}
    assert set(told.heard_ids(receiver).values()) == {1}
    assert [one.poll() for one in notifiers] == [None, None]


def test_a_job_that_is_forgotten_is_told_nevertheless_and_without_a_wake_up(running: Site, receiver: Receiver) -> None:
    # R5: beat finds it.
    told.end_jobs(running, receiver, "/a", count=3, then="Job.objects.all().delete()", BROKER_URL=told.NO_BROKER)
    running.start_notifier(processes=1)
    told.wait_delivered(running, 3)
    assert list(told.heard_ids(receiver).values()) == [1, 1, 1]


def test_a_registration_that_meets_the_end_of_its_job_is_told_once(running: Site, receiver: Receiver) -> None:
    # R19
    told.shell(running, _RACE.format(url=receiver.url("/race")))
    running.start_notifier()
    told.wait_delivered(running, 50)
    told_of = "SELECT uuid FROM jobs_job WHERE id IN (SELECT job_id FROM notifications_registration)"
    (uuids,) = zip(*running.query(told_of), strict=True)
    bodies = b"".join(one.body for one in receiver.heard).decode().replace("-", "")
    assert [bodies.count(str(uuid).replace("-", "")) for uuid in uuids] == [1] * 50
