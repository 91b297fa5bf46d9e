"""R5–R7 for jobs: broker and database are stopped and killed under load; each job is run once and comes to its end."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.services import Postgres, RabbitMq, Redis, Service, on_services
from tests.faults.site import Site, site, wait_until
from tests.faults.test_killed_jobs import QUICKLY, stories, submit, wait_final

pytestmark = [*on_services, pytest.mark.timeout(400)]


def _all_finished(running: Site, count: int) -> None:
    wait_final(running, seconds=150)
    submitted = "FROM jobs_job WHERE job_class LIKE 'tests.%'"
    assert running.query(f"SELECT status, count(*) {submitted} GROUP BY status") == [("FINISHED", count)]
    told = stories(running)
    assert all(story[0] == "CREATED" and story[-1] == "FINISHED" for story in told.values())
    assert all(story.count("FINISHED") == 1 for story in told.values())


def _some_are_done(running: Site) -> bool:
    return bool(running.query("SELECT 1 FROM jobs_job WHERE status = 'FINISHED' LIMIT 1"))


@pytest.mark.parametrize("make", [RabbitMq, Redis], ids=["rabbitmq", "redis"])
def test_r5_a_broker_that_is_away_delays_jobs_and_loses_none(
    make: Callable[[], RabbitMq | Redis], tmp_path: Path
) -> None:
    with make() as broker, site(tmp_path, BROKER_URL=broker.url, **QUICKLY) as running:
        running.start_beat()
        running.start_worker()
        submit(running, "Count", 20, STEPS="20", SECONDS="0.02")
        running.start_long_worker()
        wait_until(lambda: _some_are_done(running), seconds=60, what="the first job")
        broker.kill()
        submit(running, "Nothing", 50)
        time.sleep(1)
        broker.start()
        _all_finished(running, 70)


def _restart(cluster: Service) -> None:
    cluster.stop()
    time.sleep(1)
    cluster.start()


def _crash(cluster: Service) -> None:
    cluster.kill()
    cluster.start()


@pytest.mark.parametrize("fall", [_restart, _crash])
def test_r7_a_database_that_falls_takes_no_job_with_it(fall: Callable[[Service], None], tmp_path: Path) -> None:
    with Postgres() as cluster, site(tmp_path, DATABASE_URL=f"{cluster.url}/postgres", **QUICKLY) as running:
        running.start_beat()
        running.start_worker()
        submit(running, "Count", 20, STEPS="20", SECONDS="0.05")
        submit(running, "Nothing", 500)
        running.start_long_worker()
        wait_until(lambda: _some_are_done(running), seconds=60, what="the first job")
        fall(cluster)
        _all_finished(running, 520)
