"""R2, R3, R4: workers die, hang and stop at any moment; no letter is lost, none goes out twice, few are in doubt."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.fakes.smtp import Answer, ScriptedServer, Slowly
from tests.faults.site import Site, children_of, site, wait_until

pytestmark = pytest.mark.timeout(300)
# Fewer waiting letters than this and a kill might hit an idle worker.
PLENTY = 400


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with web server and mail sink; each test starts the workers it maltreats."""
    with site(tmp_path_factory.mktemp("workers")) as made:
        made.start_sink("--delay", "0.002")
        made.start_web()
        yield made


@pytest.fixture(autouse=True)
def no_worker_stays(running: Site) -> Iterator[None]:
    """Web server and sink stay, all that a test started goes."""
    kept = list(running.processes)
    yield
    for process in running.processes:
        if process not in kept:
            running.kill(process)


def _drain_under_fire(running: Site, kills: int, prefix: str) -> None:
    """Kill pool children, and each fifth time a whole worker, while two beats wake and letters drain."""
    running.start_beat()
    running.start_beat()
    worker, spare = running.start_worker(), running.start_worker()
    letters = killed = 0
    for number in range(kills):
        if running.statuses(prefix)["ACCEPTED"] < PLENTY:
            letters += len(set(running.submit(2 * PLENTY, prefix=f"{prefix}{number}-")))
        if number % 5 == 4:
            running.kill(worker)
            killed += 2
            # Its successor starts while the other one is shot at.
            worker, spare = spare, running.start_worker()
        else:
            worker = running.kill_child(worker, within=0.5)
            killed += 1
    statuses = running.wait_drained(prefix, seconds=120 + letters / 50)
    received = running.received()
    assert letters >= 2 * PLENTY
    assert statuses["SENT"] + statuses["UNCERTAIN"] == letters
    assert max(received.values()) == 1
    assert statuses["UNCERTAIN"] <= killed
    assert running.header_ids(prefix, status="SENT") <= set(received)


def test_r2_twenty_kills_lose_nothing_and_repeat_nothing(running: Site) -> None:
    _drain_under_fire(running, 20, "twenty-")


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_r2_a_hundred_kills_lose_nothing_and_repeat_nothing(running: Site) -> None:
    _drain_under_fire(running, 100, "hundred-")


def _kill_whole_pool(running: Site, worker: subprocess.Popen[bytes]) -> None:
    killed = running.wait_for_pool(worker)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not set(killed) & set(children_of(worker)), seconds=60, what="the dead to be buried")


def test_r3_a_pool_that_is_killed_whole_is_made_anew_and_goes_on(running: Site) -> None:
    running.start_beat()
    worker = running.start_worker()
    running.wait_for(running.send("whole-ready"), "SENT")
    # Waiting for work, about to be given some, at work.
    for pause in (1.0, 0.0, 0.3):
        prefix = f"whole{pause}-"
        letters = running.submit(50, prefix=f"{prefix}before-") if pause < 1 else []
        time.sleep(pause)
        _kill_whole_pool(running, worker)
        letters += running.submit(50, prefix=f"{prefix}after-")
        statuses = running.wait_drained(prefix, seconds=60)
        assert statuses["SENT"] + statuses["UNCERTAIN"] == len(letters)
        assert statuses["UNCERTAIN"] <= 2
    assert max(running.received().values()) == 1
    assert worker.poll() is None


class _Poisoned(ScriptedServer):
    """Whoever offers a letter to poison@example.com dies."""

    kill: Callable[[], None]

    def _answer(self, *keys: str) -> Answer:
        if keys[0] == "RCPT poison@example.com":
            self.kill()
        return super()._answer(*keys)


def test_r3_a_letter_that_kills_its_worker_is_in_doubt_and_the_others_go_out(running: Site) -> None:
    with _Poisoned() as server:
        running.start_beat()
        before = [running.send(f"before{number}") for number in range(3)]
        poison = running.send("poison", recipientEmailAddress="poison@example.com")
        after = [running.send(f"after{number}") for number in range(3)]
        worker = running.start_worker(processes=1, EMAIL_URL=f"smtp://127.0.0.1:{server.port}")
        server.kill = lambda: [os.kill(pid, signal.SIGKILL) for pid in children_of(worker)] and None
        running.wait_for(poison, "UNCERTAIN")
        for message_id in before + after:
            running.wait_for(message_id, "SENT")
        assert len(server.mails) == 6
        assert running.events(poison) == ["ACCEPTED", "SENDING", "UNCERTAIN"]
        assert running.attempts(poison) == 1

        # Never again by itself; a person may try, and it is counted.
        running.manage("settle", str(poison), "--verdict", "send_again", "--reason", "one more try")
        running.wait_for(poison, "UNCERTAIN")
        assert running.attempts(poison) == 2
        assert worker.poll() is None
        assert len(server.mails) == 6


def test_r4_a_worker_asked_to_stop_gives_back_what_it_did_not_begin(running: Site) -> None:
    # A second each: the first claim, of ten, takes longer than a wake-up may last.
    with ScriptedServer({"DOT": Slowly("250 2.0.0 taken at last", 0.04)}) as server:
        running.submit(20, prefix="stopped")
        worker = running.start_worker(processes=1, EMAIL_URL=f"smtp://127.0.0.1:{server.port}")
        wait_until(lambda: running.statuses("stopped")["SENT"], seconds=60, what="the first letter")
        worker.terminate()
        assert worker.wait(timeout=60) == 0
        statuses = running.statuses("stopped")
        assert statuses == {"SENT": len(server.mails), "ACCEPTED": 20 - len(server.mails)}
        assert running.query(
            "SELECT DISTINCT status, attempts FROM sending_message WHERE request_id LIKE 'stopped%' ORDER BY status"
        ) == [("ACCEPTED", 0), ("SENT", 1)]
        given_back = "name = 'ACCEPTED' AND reason = 'claim given back: out of time'"
        assert running.query(f"SELECT count(*) FROM sending_messageevent WHERE {given_back}")[0][0] >= 1

        server.answer_now({})
        running.start_beat()
        running.start_worker(processes=1, EMAIL_URL=f"smtp://127.0.0.1:{server.port}")
        assert running.wait_drained("stopped", seconds=60) == {"SENT": 20}
        assert len({mail.message["Message-ID"] for mail in server.mails}) == len(server.mails) == 20


def test_a_worker_that_hangs_past_its_lease_loses_its_claim_and_repeats_nothing(running: Site) -> None:
    with ScriptedServer({"DOT": [Slowly("250 2.0.0 taken at last", 0.1), "250 2.0.0 queued"]}) as server:
        settings = {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}", "HAMMY_LEASE_SECONDS": "4"}
        running.submit(8, prefix="hung")
        # The wake-up may have gone to a worker that an earlier test killed; then the next second's does.
        beat = running.start_beat()
        hung = running.start_worker(processes=1, **settings)
        # It waits for the answer to the final dot of the first letter of its claim, and holds no lock.
        wait_until(lambda: "." in server.commands, seconds=60, what="the first final dot")
        os.killpg(hung.pid, signal.SIGSTOP)
        assert running.statuses("hung") == {"SENDING": 8}

        others = [beat, running.start_worker(processes=1, **settings)]
        assert running.wait_drained("hung", seconds=60) == {"SENT": 7, "UNCERTAIN": 1}

        # When it wakes it still learns what became of its one letter, and touches no other.
        os.killpg(hung.pid, signal.SIGCONT)
        wait_until(lambda: running.statuses("hung") == {"SENT": 8}, seconds=60, what="the late outcome")
        for process in others:
            running.kill(process)

        # And it goes on working, now under a lease of its own again.
        running.wait_for(running.send("hung-later"), "SENT")
        assert hung.poll() is None
        assert len({mail.message["Message-ID"] for mail in server.mails}) == len(server.mails) == 9
