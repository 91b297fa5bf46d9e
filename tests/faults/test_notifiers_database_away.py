"""R7: the database dies while targets are called; what the calls came to is written when it is back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.receiver import Receiver, Reply
from tests.faults import told
from tests.faults.services import Postgres, on_services
from tests.faults.site import wait_until

pytestmark = [*on_services, pytest.mark.timeout(180)]


@pytest.fixture
def cluster() -> Iterator[Postgres]:
    with Postgres() as made:
        yield made


def test_r7_what_calls_came_to_while_the_database_was_away_is_written_and_none_is_made_again(
    tmp_path: Path, cluster: Postgres
) -> None:
    with (
        Receiver() as receiver,
        told.telling(tmp_path, receiver, DATABASE_URL=f"{cluster.url}/postgres") as running,
    ):
        receiver.reply = Reply(wait=2.0)
        notifier = running.start_notifier(processes=1)
        told.end_jobs(running, receiver, "/a", "/b")
        wait_until(lambda: len(receiver.heard) == 2, seconds=60, what="the calls")
        cluster.stop()
        # Both are answered meanwhile.
        time.sleep(2.5)
        cluster.start()
        told.wait_delivered(running, 2)
        assert list(told.heard_ids(receiver).values()) == [1, 1]
        assert [status for _, _, status in told.attempts(running)] == [204, 204]
        assert notifier.poll() is None
