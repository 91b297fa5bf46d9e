"""R7: PostgreSQL dies under load; nothing is half done, nothing goes out twice, and all take up work by themselves."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests

from tests.faults.services import Postgres, on_services
from tests.faults.site import Site, letter, site

pytestmark = [*on_services, pytest.mark.timeout(400)]
CLIENTS = 2
WAITING = 2000
PROCESSES = 2
CLAIM_SIZE = 100


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    with Postgres() as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, cluster: Postgres) -> Iterator[Site]:
    """A site on a database server of its own."""
    with site(tmp_path_factory.mktemp("database"), DATABASE_URL=f"{cluster.url}/postgres") as made:
        made.start_sink()
        made.start_web()
        made.start_beat()
        yield made


class Client:
    """Posts letters one after the other, and each again until it is answered with success."""

    def __init__(self, running: Site, name: str) -> None:
        self._running = running
        self._name = name
        self.ids: dict[str, int] = {}
        self.refusals: list[requests.Response] = []

    def post_until(self, is_over: threading.Event) -> None:
        while not is_over.is_set():
            request_id = f"{self._name}{len(self.ids)}"
            body = letter(request_id)
            while (answer := self._running.post("send", body, timeout=60)).status_code != 200:
                self.refusals.append(answer)
                time.sleep(0.1)
            self.ids[request_id] = answer.json()["messageId"]


def _restart(cluster: Postgres) -> None:
    cluster.stop()
    # Long enough that somebody asks while it is away.
    time.sleep(1)
    cluster.start()


@pytest.mark.parametrize("fall", [_restart, Postgres.crash], ids=["restart", "crash"])
@pytest.mark.parametrize("times", [1, pytest.param(20, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_r7_a_database_that_dies_under_load_costs_no_letter_and_repeats_none(
    running: Site, cluster: Postgres, times: int, fall: Callable[[Postgres], None]
) -> None:
    prefix = f"{fall.__name__}{times}-"
    clients = [Client(running, f"{prefix}{number}-") for number in range(CLIENTS)]
    is_over = threading.Event()
    worker = running.start_worker(processes=PROCESSES)
    programs = [process for process in running.processes if process.poll() is None]
    with ThreadPoolExecutor(CLIENTS) as pool, ExitStack() as opened:
        opened.callback(is_over.set)
        posting = [pool.submit(client.post_until, is_over) for client in clients]
        for number in range(times):
            messages = [letter(f"{prefix}bulk{number}-{index}") for index in range(WAITING)]
            # A crash is noticed a little later: the batch may still meet it.
            while running.post("batches", {"messages": messages}).status_code != 200:
                time.sleep(0.1)
            sent = running.statuses(prefix)["SENT"]
            while running.statuses(prefix)["SENT"] < sent + CLAIM_SIZE:
                time.sleep(0.05)
            fall(cluster)
        is_over.set()
        for one in posting:
            one.result(timeout=120)

    refusals = [answer for client in clients for answer in client.refusals]
    assert refusals or fall is Postgres.crash
    assert all(answer.status_code == 503 for answer in refusals)
    assert all(answer.json()["meta"]["responseStatus"]["code"] == 9001 for answer in refusals)
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refusals)

    statuses = running.wait_drained(prefix, seconds=180)
    letters = times * WAITING + sum(len(client.ids) for client in clients)
    assert statuses["SENT"] + statuses["UNCERTAIN"] == letters
    received = running.received()
    assert max(received.values()) == 1
    assert running.header_ids(prefix, status="SENT") <= set(received)
    # What was claimed when the database fell, at the most: both processes lived on and told what they had done.
    assert statuses["UNCERTAIN"] <= PROCESSES * CLAIM_SIZE * times
    known = dict(running.query(f"SELECT request_id, id FROM sending_message WHERE request_id LIKE '{prefix}%'"))
    assert {name: known[name] for client in clients for name in client.ids} == {
        name: message_id for client in clients for name, message_id in client.ids.items()
    }
    assert running.query(
        "SELECT count(*) FROM sending_message WHERE NOT EXISTS "
        "(SELECT 1 FROM sending_messageevent WHERE message_id = sending_message.id AND name = sending_message.status)"
    ) == [(0,)]
    # Nobody was started anew.
    assert [process for process in running.processes if process.poll() is None] == programs
    running.kill(worker)
