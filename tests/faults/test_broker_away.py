"""R5, R6, R8: the broker is stopped, killed and cut off; letters are taken all the same and go out when it is back."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.faults.services import Line, RabbitMq, Redis, Service, on_services
from tests.faults.site import Site, letter, site, wait_until

pytestmark = [*on_services, pytest.mark.timeout(400)]
POSTED_EACH = 15


class Away:
    """A site whose own broker is reached over a line of its own, with all its programs running."""

    def __init__(self, running: Site, broker: Service, line: Line) -> None:
        self.running = running
        self.broker = broker
        self.line = line


@contextmanager
def _away(factory: pytest.TempPathFactory, make: Callable[[], RabbitMq | Redis]) -> Iterator[Away]:
    with ExitStack() as opened:
        broker = opened.enter_context(make())
        line = opened.enter_context(Line(broker.port))
        url = broker.url.replace(f":{broker.port}", f":{line.port}")
        running = opened.enter_context(site(factory.mktemp("broker"), BROKER_URL=url))
        running.start_sink()
        running.start_web()
        running.start_worker(processes=1)
        running.start_beat()
        running.send("first")
        running.wait_drained("first", seconds=120)
        yield Away(running, broker, line)


@pytest.fixture(scope="module", params=[RabbitMq, Redis], ids=["rabbitmq", "redis"])
def away(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    with _away(tmp_path_factory, request.param) as made:
        yield made


def _posting(running: Site, prefix: str, count: int) -> None:
    """Letters one by one; each is taken."""
    for number in range(count):
        # It is the answer that counts: a client waits this long.
        answer = running.post("send", letter(f"{prefix}{number}"), timeout=15)
        assert answer.status_code == 200, answer.text


def _everything_arrives_once(running: Site, prefix: str, count: int) -> None:
    assert running.wait_drained(prefix, seconds=120) == {"SENT": count}
    received = running.received()
    assert running.header_ids(prefix, status="SENT") <= set(received)
    assert max(received.values()) == 1


def test_r5_letters_are_taken_while_the_broker_is_away_and_go_out_when_it_is_back(away: Away) -> None:
    running = away.running
    pids = [process.pid for process in running.processes]
    _posting(running, "before", POSTED_EACH)
    away.broker.stop()
    _posting(running, "without", POSTED_EACH)
    away.broker.start()
    _posting(running, "after", POSTED_EACH)
    for prefix in ("before", "without", "after"):
        _everything_arrives_once(running, prefix, POSTED_EACH)
    # Nobody was started anew.
    assert [process.pid for process in running.processes if process.poll() is None] == pids


def test_r6_a_broker_killed_right_after_wake_ups_were_published_loses_no_letter(away: Away) -> None:
    running = away.running
    _posting(running, "killed", POSTED_EACH)
    away.broker.kill()
    away.broker.start()
    _everything_arrives_once(running, "killed", POSTED_EACH)
    assert all(process.poll() is None for process in running.processes)


def test_r8_a_connection_cut_five_times_in_two_seconds_is_taken_up_again(away: Away) -> None:
    running = away.running
    # After an earlier test's broker was killed they may still be on their way back.
    wait_until(lambda: away.line.is_used, seconds=60, what="somebody to be connected")
    cut = 0
    for number in range(5):
        _posting(running, f"cut{number}-", 2)
        cut += away.line.cut()
        time.sleep(0.4)
    assert cut > 0
    _everything_arrives_once(running, "cut", 10)
    # Consumption goes on by itself: what comes later goes out too.
    _posting(running, "later", 3)
    _everything_arrives_once(running, "later", 3)
    assert all(process.poll() is None for process in running.processes)
