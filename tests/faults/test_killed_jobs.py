"""R4, R17, R18: workers die, hang, freeze and stop while they run jobs; each job goes on or is failed, never twice."""

import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.faults.site import Site, site, wait_until

pytestmark = pytest.mark.timeout(400)
QUICKLY = {
    "HAMMY_JOB_CLASSES": "tests.jobs.classes",
    "HAMMY_JOB_HEARTBEAT_SECONDS": "0.3",
    "HAMMY_JOB_LOST_SECONDS": "2",
    "HAMMY_JOB_GRACE_SECONDS": "1",
}
_SUBMIT = """
from django.db import transaction
from gateway.caller import Caller
from jobs import services
with transaction.atomic():
    for _ in range({count}):
        services.submit(caller=Caller.house("test"), job_class="tests.{name}", params={params})
"""
_AT_ONCE = 10_000


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Site]:
    """A site with beat and a worker that rescues; each test starts the workers it maltreats."""
    with site(tmp_path, **QUICKLY) as made:
        made.start_beat()
        made.start_worker(processes=1)
        yield made


def submit(running: Site, name: str, count: int = 1, **params: str) -> None:
    for start in range(0, count, _AT_ONCE):
        code = _SUBMIT.format(count=min(_AT_ONCE, count - start), name=name, params=list(params.items()))
        running.manage("shell", "--no-imports", "-c", code)


def jobs(running: Site, name: str) -> list[tuple[Any, ...]]:
    """(id, status, reason, attempts) of the jobs of a class."""
    columns = "id, status, reason, attempts"
    return running.query(f"SELECT {columns} FROM jobs_job WHERE job_class = 'tests.{name}' ORDER BY id")


def stories(running: Site) -> dict[int, list[str]]:
    """What happened to each job that was submitted, in order; the clock has jobs of its own."""
    found = defaultdict(list)
    submitted = "job_id IN (SELECT id FROM jobs_job WHERE job_class LIKE 'tests.%')"
    for job_id, name in running.query(f"SELECT job_id, name FROM jobs_jobevent WHERE {submitted} ORDER BY id"):
        found[job_id].append(name)
    return found


def wait_final(running: Site, *, seconds: float) -> None:
    def is_over() -> bool:
        open_ = "SELECT count(*) FROM jobs_job WHERE status IN ('NEW', 'RUNNING') OR claim IS NOT NULL"
        return not running.query(open_)[0][0]

    try:
        wait_until(is_over, seconds=seconds, what="every job to come to its end")
    except AssertionError as error:
        rows = running.query("SELECT status, claim, worker, heartbeat_at, count(*) FROM jobs_job GROUP BY 1, 2, 3, 4")
        raise AssertionError(f"{error}\n{rows}\n{running.describe()}") from error


def trace(path: Path) -> dict[int, list[tuple[int, int]]]:
    """(attempt, step) of each step begun, by job, in order."""
    found = defaultdict(list)
    for line in path.read_text().splitlines():
        job_id, attempt, step = map(int, line.split())
        found[job_id].append((attempt, step))
    return found


def _run_under_fire(running: Site, kills: int, file: Path) -> None:
    """Kill pool children, and each fifth time a whole worker, while jobs of both kinds are run."""
    params = {"STEPS": "15", "SECONDS": "0.02", "FILE": str(file)}
    submit(running, "Traced", 5 * kills, **params)
    submit(running, "TracedOnce", 2 * kills, **params)
    workers = [running.start_long_worker(), running.start_long_worker()]
    for number in range(kills):
        if number % 5 == 4:
            time.sleep(random.uniform(0.05, 0.6))
            running.kill(workers.pop(0))
            workers.append(running.start_long_worker())
        else:
            workers = [workers[1], running.kill_child(workers[0], within=0.6)]
    wait_final(running, seconds=120 + 5 * kills)
    traced, told = trace(file), stories(running)
    for job_id, status, reason, attempts in jobs(running, "Traced"):
        assert status == "FINISHED" or reason.endswith("the last of 5")
        assert told[job_id].count("STARTED") == attempts
        # Once a later run has begun, an earlier one does nothing any more; none begins before where another was.
        assert all(before <= after for (before, _), (after, _) in pairwise(traced[job_id]))
        assert all(after - before in (0, 1) for (_, before), (_, after) in pairwise(traced[job_id]))
        if status == "FINISHED":
            assert {step for _, step in traced[job_id]} == set(range(15))
    for job_id, status, reason, _ in jobs(running, "TracedOnce"):
        assert (status, told[job_id]) in [
            ("FINISHED", ["CREATED", "STARTED", "FINISHED"]),
            ("FAILED", ["CREATED", "STARTED", "RESCUED", "FAILED"]),
        ]
        assert status == "FINISHED" or reason.startswith("worker ")
        assert len(set(traced[job_id])) == len(traced[job_id])


def test_r17_twenty_kills_lose_no_job_and_run_none_twice_at_once(running: Site, tmp_path: Path) -> None:
    _run_under_fire(running, 20, tmp_path / "trace")


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_r17_a_hundred_kills_lose_no_job_and_run_none_twice_at_once(running: Site, tmp_path: Path) -> None:
    _run_under_fire(running, 100, tmp_path / "trace")


def test_r4_a_worker_that_is_stopped_hands_its_job_on_and_spends_no_attempt(running: Site, tmp_path: Path) -> None:
    submit(running, "Traced", STEPS="300", SECONDS="0.02", FILE=str(tmp_path / "trace"))
    worker = running.start_long_worker(processes=1)
    wait_until(lambda: running.query("SELECT 1 FROM jobs_job WHERE cursor IS NOT NULL"), seconds=60, what="a step")
    worker.terminate()
    assert worker.wait(20) == 0
    ((_, status, reason, attempts),) = jobs(running, "Traced")
    assert (status, reason, attempts) == ("NEW", "the worker is stopping", 0)
    running.start_long_worker(processes=1)
    wait_final(running, seconds=60)
    ((job_id, status, _, _),) = jobs(running, "Traced")
    assert (status, stories(running)[job_id]) == (
        "FINISHED",
        ["CREATED", "STARTED", "RETRIED", "STARTED", "FINISHED"],
    )
    assert [step for _, step in trace(tmp_path / "trace")[job_id]] == list(range(300))


def test_r18_a_hung_job_is_failed_and_its_slot_is_free_again(running: Site) -> None:
    submit(running, "Hung")
    submit(running, "Careful")
    running.start_worker(processes=1)
    wait_final(running, seconds=60)
    assert [(status, reason) for _, status, reason, _ in (*jobs(running, "Hung"), *jobs(running, "Careful"))] == [
        ("FAILED", "ran longer than its time limit and did not stop"),
        ("FINISHED", ""),
    ]


def _freeze_until_rescued(running: Site, child: int) -> None:
    """Who freezes in the middle of writing holds the row, and SQLite's file, and is not rescued: nobody may be at the
    job beside it. So another moment is tried."""
    for _ in range(8):
        os.kill(child, signal.SIGSTOP)
        with suppress(AssertionError):
            wait_until(
                lambda: running.query("SELECT 1 FROM jobs_job WHERE attempts = 2 AND job_class = 'tests.Traced'"),
                seconds=12,
                what="another run",
            )
            return
        os.kill(child, signal.SIGCONT)
        time.sleep(random.uniform(0.03, 0.06))
    raise AssertionError("frozen eight times, and never rescued")


def test_a_worker_that_froze_and_comes_back_does_no_more_for_the_job_it_lost(running: Site, tmp_path: Path) -> None:
    submit(running, "Traced", STEPS="400", SECONDS="0.02", FILE=str(tmp_path / "trace"))
    frozen = running.start_long_worker(processes=1)
    (child,) = running.wait_for_pool(frozen, 1)
    wait_until(lambda: running.query("SELECT 1 FROM jobs_job WHERE cursor IS NOT NULL"), seconds=60, what="a step")
    running.start_long_worker(processes=1)
    _freeze_until_rescued(running, child)
    os.kill(child, signal.SIGCONT)
    wait_final(running, seconds=60)
    ((job_id, status, _, attempts),) = jobs(running, "Traced")
    assert (status, attempts) == ("FINISHED", 2)
    steps = trace(tmp_path / "trace")[job_id]
    began = steps.index(next(pair for pair in steps if pair[0] == 2))
    # The step it froze in, and none that it begins anew; one that froze while a checkpoint was kept is at the next.
    assert [pair for pair in steps[began:] if pair[0] == 1] in ([], [(1, steps[began][1])])
    assert [step for attempt, step in steps if attempt == 2] == list(range(steps[began][1], 400))


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])])
def test_r16_each_of_very_many_jobs_is_run_once_by_two_workers(running: Site, count: int) -> None:
    submit(running, "Nothing", count - 100)
    submit(running, "Careful", 100)
    running.start_worker()
    running.start_worker()
    wait_final(running, seconds=120 + count / 100)
    assert running.query(
        "SELECT status, attempts, count(*) FROM jobs_job WHERE job_class LIKE 'tests.%' GROUP BY status, attempts"
    ) == [("FINISHED", 1, count)]
    assert set(map(tuple, stories(running).values())) == {("CREATED", "STARTED", "FINISHED")}
