"""S23: which bodies are overdue. That a process full of them is replaced is proved in tests/faults/test_web.py."""

from io import BytesIO
from typing import Any

import pytest

from hammy_project import slow_bodies
from hammy_project.slow_bodies import WatchedApplication

KIBIBYTE = 1024


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, as its one item says."""
    now = [1000.0]
    monkeypatch.setattr(slow_bodies.time, "monotonic", lambda: now[0])
    return now


def ages(clock: list[float], *, pace: int, seconds: int) -> list[float]:
    """How old a body is taken to be at each second of waiting for it, when so many bytes come a second."""
    found: list[float] = []
    application = WatchedApplication(lambda environ, start_response: environ["wsgi.input"])
    application._is_watched = True

    class Slow(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            found.append(clock[0] - next(iter(application._reading.values())))
            clock[0] += 1
            return b"x" * pace

    body: Any = application({"CONTENT_LENGTH": "1", "wsgi.input": Slow()}, None)
    for _ in range(seconds):
        body.read(pace)
    assert application._reading == {}
    return found


def test_a_body_that_hardly_comes_grows_old(clock: list[float]) -> None:
    assert ages(clock, pace=1, seconds=60)[-1] == pytest.approx(59, abs=0.01)


def test_a_body_that_comes_at_half_the_pace_grows_old_half_as_quickly(clock: list[float]) -> None:
    assert ages(clock, pace=128 * KIBIBYTE, seconds=61)[-1] == 30


def test_a_body_that_comes_at_a_fair_pace_never_does(clock: list[float]) -> None:
    assert set(ages(clock, pace=256 * KIBIBYTE, seconds=2000)) == {0}
