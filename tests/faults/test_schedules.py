"""R5, R7, R23: workers, Beat, broker and database die in a burst of schedules; each makes its one letter."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.services import Postgres, RabbitMq, Redis, Service, on_services
from tests.faults.site import Site, site, wait_until

pytestmark = pytest.mark.timeout(400)
QUICKLY = {"HAMMY_JOB_HEARTBEAT_SECONDS": "0.3", "HAMMY_JOB_LOST_SECONDS": "2", "HAMMY_WAKE_SECONDS": "1"}
_STORE = """
import json
from base64 import b64encode
from datetime import timedelta
from django.utils import timezone
from gateway.models import ApiClient
from schedules.models import Schedule
from sending.models import Subscription
client = ApiClient.objects.get()
now = timezone.now().replace(microsecond=0)
due = now + timedelta(seconds={seconds})
slot = due.astimezone(timezone.get_default_timezone()).strftime("%Y-%m-%d %H:%M:%S")
letter = {{"recipientName": "Teszt Elek", "recipientEmailAddress": "elek@example.com",
          "mailSubject": "Teszt", "mailBody": "Szoveg"}}
inline = [{{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}}]
with_file = letter | {{"attachments": [
    {{"fileName": "a.txt", "content": b64encode(b"a").decode(), "properties": inline}}]}}
push = {{"to": "all", "body": {{"platform": "web", "notification": {{"alert": "Hello"}}}}}}
Subscription.objects.get_or_create(client=client, registration_id="one")
kinds = [{{"send": letter}}] * 8 + [{{"send": with_file}}, push]
Schedule.objects.bulk_create([
    Schedule(client=client, name=str(number), trigger="{{}}", times={{"time": slot}}, slot=slot, due_at=due, size=100,
             planned_at=now - timedelta(days=1), push=json.dumps(kinds[number % 10]))
    for number in range({count})
], batch_size=2000)
"""


def store(running: Site, count: int, *, seconds: float = 1) -> None:
    """Schedules of all kinds that are due together: of ten, eight letters, one with an attachment, one push."""
    running.manage("shell", "--no-imports", "-c", _STORE.format(count=count, seconds=seconds))


def _one(running: Site, statement: str) -> int:
    return int(running.query(statement)[0][0])


def _is_burst_at(running: Site, count: int) -> Callable[[], bool]:
    return lambda: _one(running, "SELECT count(*) FROM schedules_firing") >= count


def wait_fired(running: Site, count: int, *, seconds: float) -> None:
    """Until each has its firing, and each firing its message."""

    def is_over() -> bool:
        return (
            _one(running, "SELECT count(*) FROM schedules_schedule WHERE due_at IS NOT NULL") == 0
            and _one(running, "SELECT count(*) FROM jobs_job WHERE status = 'NEW' OR claim IS NOT NULL") == 0
            and _one(running, "SELECT count(*) FROM sending_message") >= count
        )

    try:
        wait_until(is_over, seconds=seconds, what="every schedule to have its message")
    except AssertionError as error:
        jobs = running.query("SELECT status, job_class, reason, count(*) FROM jobs_job GROUP BY 1, 2, 3")
        counts = [_one(running, f"SELECT count(*) FROM {name}") for name in ("schedules_firing", "sending_message")]
        raise AssertionError(f"{error}\n{counts}\n{jobs}\n{running.describe()}") from error
    assert running.query("SELECT decision, count(*) FROM schedules_firing GROUP BY decision") == [("FIRED", count)]
    assert _one(running, "SELECT count(DISTINCT schedule_id) FROM schedules_firing") == count
    assert _one(running, "SELECT count(DISTINCT job_id) FROM schedules_firing") == count
    assert _one(running, "SELECT count(*) FROM schedules_firing WHERE made = ''") == 0
    # One letter or push each, and nothing that nobody ordered.
    assert _one(running, "SELECT count(*) FROM sending_message") == count
    assert _one(running, "SELECT count(*) FROM sending_push") == count // 10
    assert _one(running, "SELECT count(*) FROM schedules_schedule WHERE ended_at IS NULL") == 0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path, **QUICKLY) as made:
        yield made


def test_r23_two_beats_at_once_fire_each_once(running: Site) -> None:
    running.start_beat()
    running.start_beat()
    running.start_worker()
    store(running, 1000)
    wait_fired(running, 1000, seconds=90)


def _under_fire(running: Site, count: int, kills: int) -> None:
    """Pool children, whole workers and Beat are killed while a burst is fired."""
    beat = running.start_beat()
    workers = [running.start_worker(), running.start_worker()]
    for worker in workers:
        running.wait_for_pool(worker)
    store(running, count, seconds=2)
    wait_until(_is_burst_at(running, 1), seconds=60, what="the burst to begin")
    for number in range(kills):
        time.sleep(random.uniform(0.05, 0.5))
        if number % 4 == 3:
            running.kill(workers.pop(0))
            workers.append(running.start_worker())
        elif number % 4 == 1:
            running.kill(beat)
            beat = running.start_beat()
        else:
            workers = [workers[1], running.kill_child(workers[0])]
    wait_fired(running, count, seconds=120 + count / 50)


def test_r23_kills_in_a_burst_lose_no_schedule_and_fire_none_twice(running: Site) -> None:
    _under_fire(running, 3000, 8)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_r23_a_hundred_kills_in_a_long_burst_lose_no_schedule_and_fire_none_twice(running: Site) -> None:
    _under_fire(running, 50_000, 100)


def _stop(cluster: Service) -> None:
    cluster.stop()


def _kill(cluster: Service) -> None:
    cluster.kill()


class TestServicesAway:
    """What the site leans on is gone in the middle of a burst."""

    pytestmark = on_services

    @pytest.mark.parametrize("make", [RabbitMq, Redis], ids=["rabbitmq", "redis"])
    def test_r5_a_broker_that_is_away_delays_and_loses_none(
        self, make: Callable[[], RabbitMq | Redis], tmp_path: Path
    ) -> None:
        with make() as broker, site(tmp_path, BROKER_URL=broker.url, **QUICKLY) as running:
            running.start_beat()
            running.start_worker()
            store(running, 1000, seconds=3)
            wait_until(_is_burst_at(running, 1), seconds=60, what="the burst to begin")
            broker.kill()
            time.sleep(1)
            broker.start()
            wait_fired(running, 1000, seconds=240)

    @pytest.mark.parametrize("fall", [_stop, _kill])
    def test_r7_a_database_that_falls_while_a_tick_goes_on_loses_none(
        self, fall: Callable[[Service], None], tmp_path: Path
    ) -> None:
        with Postgres() as cluster, site(tmp_path, DATABASE_URL=f"{cluster.url}/postgres", **QUICKLY) as running:
            running.start_beat()
            running.start_worker()
            store(running, 1000, seconds=3)
            wait_until(_is_burst_at(running, 1), seconds=60, what="the burst to begin")
            fall(cluster)
            cluster.start()
            wait_fired(running, 1000, seconds=240)
