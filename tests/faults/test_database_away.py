"""R7: PostgreSQL dies under load; nothing is half done, nothing goes out twice, and all take up work by themselves."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests

from tests.faults.services import Postgres, on_services
from tests.faults.site import Site, letter, site

pytestmark = [*on_services, pytest.mark.xdist_group("database_away"), pytest.mark.timeout(400)]
CLIENTS = 2
WAITING = 2000


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


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_r7_a_database_that_dies_under_load_costs_no_letter_and_repeats_none(
    running: Site, cluster: Postgres, times: int
) -> None:
    prefix = f"load{times}-"
    clients = [Client(running, f"{prefix}{number}-") for number in range(CLIENTS)]
    is_over = threading.Event()
    workers = [running.start_worker()]
    with ThreadPoolExecutor(CLIENTS) as pool, ExitStack() as opened:
        opened.callback(is_over.set)
        posting = [pool.submit(client.post_until, is_over) for client in clients]
        for number in range(times):
            running.submit(WAITING, prefix=f"{prefix}bulk{number}-")
            sent = running.statuses(prefix)["SENT"]
            while running.statuses(prefix)["SENT"] < sent + 100:
                time.sleep(0.05)
            cluster.stop()
            # Long enough that somebody asks while it is away.
            time.sleep(1)
            cluster.start()
        is_over.set()
        for one in posting:
            one.result(timeout=120)

    refusals = [answer for client in clients for answer in client.refusals]
    assert refusals
    assert {answer.status_code for answer in refusals} == {503}
    assert {answer.json()["meta"]["responseStatus"]["code"] for answer in refusals} == {9001}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refusals)

    statuses = running.wait_drained(prefix, seconds=180)
    letters = times * WAITING + sum(len(client.ids) for client in clients)
    assert statuses["SENT"] + statuses["UNCERTAIN"] == letters
    received = running.received()
    assert max(received.values()) == 1
    assert running.header_ids(prefix, status="SENT") <= set(received)
    # Both processes of the worker lived on and knew what they had done.
    assert statuses["UNCERTAIN"] <= 2 * times
    known = dict(running.query(f"SELECT request_id, id FROM sending_message WHERE request_id LIKE '{prefix}%'"))
    assert {name: known[name] for client in clients for name in client.ids} == {
        name: message_id for client in clients for name, message_id in client.ids.items()
    }
    assert running.query(
        "SELECT count(*) FROM sending_message WHERE NOT EXISTS "
        "(SELECT 1 FROM sending_messageevent WHERE message_id = sending_message.id AND name = sending_message.status)"
    ) == [(0,)]
    # Nobody was started anew.
    assert all(process.poll() is None for process in running.processes)
    for worker in workers:
        running.kill(worker)
