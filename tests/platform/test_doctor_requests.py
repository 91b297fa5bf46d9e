"""What the doctor says of letters that come by queue."""

import time
from typing import Any

import pytest
from django.core.cache import cache

from gateway.amqp.consumer import SIGN
from hammy_project import vital_signs
from hammy_project.doctor import requests


class Line:
    """A line to a broker with so many messages in each queue."""

    counts: dict[str, int] = {}

    def __init__(self, url: str, *, name: str) -> None:
        if not self.counts:
            raise ConnectionRefusedError("nobody there")

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def count(self, queue: str) -> int:
        return self.counts[queue]


def findings(monkeypatch: pytest.MonkeyPatch, settings: Any, waiting: int | None, errors: int = 0) -> list[Any]:
    settings.HAMMY_AMQP_URL = "amqp://127.0.0.1//"
    counts = {} if waiting is None else {"mailRequestQueue": waiting, "mailRequestQueueError": errors}
    monkeypatch.setattr(Line, "counts", counts)
    monkeypatch.setattr(requests, "Line", Line)
    return [(finding.level.value, finding.words) for finding in requests.by_queue()]


def test_without_a_queue_there_is_nothing_to_say(settings: Any) -> None:
    settings.HAMMY_AMQP_URL = ""
    assert list(requests.by_queue()) == []


@pytest.mark.parametrize(
    ("signed", "waiting", "errors", "said"),
    [
        (1, 5, 0, [("ok", "a consumer is there, 5 wait")]),
        (
            1, 0, 2,
            [
                ("warning", "2 in mailRequestQueueError: replay_send_errors --list"),
                ("ok", "a consumer is there, 0 wait"),
            ],
        ),
        (None, 0, 0, [("warning", "no consumer runs: manage.py run consumer")]),
        (120, 7, 0, [("failure", "7 wait in mailRequestQueue, and no consumer runs")]),
        (1, None, 0, [("failure", "nobody there")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    signed: float | None, waiting: int | None, errors: int, said: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    if signed is not None:
        cache.set(SIGN, time.time() - signed, None)
    assert findings(monkeypatch, settings, waiting, errors) == said


def test_the_sign_of_a_consumer_has_an_age() -> None:
    assert vital_signs.consumer_seconds() is None
    cache.set(SIGN, time.time() - 3, None)
    assert 3 <= (vital_signs.consumer_seconds() or 0) < 10
