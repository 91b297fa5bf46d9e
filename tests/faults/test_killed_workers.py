"""R2, R3: processes die at any moment; no letter is lost, none goes out twice, and few are in doubt."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.site import Site, site, wait_until

pytestmark = pytest.mark.xdist_group("killed_workers")
LETTERS_PER_KILL = 150


def _children(process: subprocess.Popen[bytes]) -> list[int]:
    """The pool's processes, whichever thread of the worker started them."""
    lists = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(number) for listed in lists for number in listed.read_text().split()]


def _kill_at_random(running: Site, kills: int) -> int:
    """Kill pool children, and each fifth time the whole worker, while letters drain; how many processes died."""
    worker = running.start_worker()
    killed = 0
    for number in range(kills):
        wait_until(lambda pool=worker: len(_children(pool)) >= 2, seconds=30, what="the pool")
        time.sleep(random.uniform(0.05, 0.6))
        if number % 5 == 4:
            killed += 2
            running.kill(worker)
            worker = running.start_worker()
        else:
            victim = random.choice(_children(worker) or [0])
            if victim:
                killed += 1
                os.kill(victim, signal.SIGKILL)
    return killed


def _drain_under_fire(folder: Path, kills: int) -> None:
    letters = kills * LETTERS_PER_KILL
    with site(folder) as running:
        running.start_sink("--delay", "0.002")
        running.start_web()
        running.start_beat()
        ids = running.submit(running.create_client(), letters)
        assert len(set(ids)) == letters
        killed = _kill_at_random(running, kills)
        statuses = running.wait_drained(seconds=60 + letters / 50)
        received = running.received()
        uuids = {f"<{row[0]}" for row in running.query("SELECT uuid FROM sending_message WHERE status = 'SENT'")}
    assert statuses["SENT"] + statuses["UNCERTAIN"] == letters
    assert max(received.values()) == 1
    assert statuses["UNCERTAIN"] <= killed
    arrived = {name.partition("@")[0].replace("-", "") for name in received}
    assert {name.replace("-", "") for name in uuids} <= arrived


def test_r2_twenty_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    _drain_under_fire(tmp_path, 20)


@pytest.mark.soak
def test_r2_a_hundred_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    _drain_under_fire(tmp_path, 100)
