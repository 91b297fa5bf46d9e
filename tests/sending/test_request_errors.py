"""The job's queue ``mailRequestQueueError``: what the broker keeps there goes back, for who sees all."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.amqp.delivery import Delivery
from gateway.amqp.error_queue import DeadLetter
from gateway.caller import Caller
from sending import error_queues
from tests.factories import make_caller

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Broker:
    """An error queue with a letter of the morning, one of the evening and one that the broker put aside."""

    letters = [
        DeadLetter(delivery=Delivery(tag=tag, body=b""), code=1000, reason="", refused_at=refused_at, size=0)
        for tag, refused_at in enumerate((NOON.replace(hour=9), NOON.replace(hour=18), None))
    ]

    def __init__(self, *, url: str, errors: str, requests: str) -> None:
        assert (url, errors, requests) == ("amqp://mq//", "mailRequestQueueError", "mailRequestQueue")

    def count(self) -> int:
        return len(self.letters)

    def put_back(self, limit: int, *, is_wanted: Any) -> int:
        return sum(map(is_wanted, self.letters[:limit]))


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.HAMMY_AMQP_URL = "amqp://mq//"
    monkeypatch.setattr(error_queues.queues, "ErrorQueue", Broker)


def put_back(caller: Caller) -> tuple[int, tuple[int, int]]:
    queue = error_queues.ERROR_QUEUES["mailRequestQueueError"]
    count = queue.count(caller=caller, before=NOON)
    return count, queue.put_back(caller=caller, before=NOON, after=7, size=10, reason="test")


def test_who_sees_all_puts_back_what_was_refused_before() -> None:
    assert put_back(Caller.house()) == (3, (9, 2))


def test_nobody_else_sees_any() -> None:
    assert put_back(make_caller()) == (0, (7, 0))


def test_a_site_without_rabbitmq_has_none(settings: Any) -> None:
    settings.HAMMY_AMQP_URL = ""
    assert put_back(Caller.house()) == (0, (7, 0))
