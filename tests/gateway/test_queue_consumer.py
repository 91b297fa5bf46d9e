"""The loop of a queue face, with the broker's two lines played: what is answered, kept, put aside and acknowledged."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.amqp import consumer as module
from gateway.amqp.consumer import Consumer, Pace, Queues
from gateway.amqp.delivery import Answer, Delivery

DONE = Answer(body=b"done", media_type="application/json")
REFUSED = Answer(body=b"no", media_type="application/json", code=1001, refusal="name: required")
DEAD = Answer(body=b"no", media_type="application/json", code=1000, refusal="no JSON", is_dead=True)
WAITS = Answer(is_to_wait=True)
STORE = Answer(body=b"later", media_type="application/json", code=9001, refusal="later", is_to_wait=True)


class Lines:
    """Both lines to the broker: what comes, and what was done in which order."""

    def __init__(self, *deliveries: Delivery) -> None:
        self.coming = list(deliveries)
        self.done: list[tuple[Any, ...]] = []
        self.breaks = 0

    def __call__(self, *_: Any, **__: Any) -> "Lines":
        return self

    def __enter__(self) -> "Lines":
        if self.breaks:
            self.breaks -= 1
            raise ConnectionResetError("gone")
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def receive(self, seconds: float) -> Delivery | None:
        return self.coming.pop(0) if self.coming else None

    def publish(self, body: bytes, *, exchange: str, routing_key: str, **properties: Any) -> None:
        self.done.append(("publish", body, exchange, routing_key))

    def confirm(self) -> None:
        self.done.append(("confirm",))

    def acknowledge(self, tag: int, *, and_before: bool) -> None:
        self.done.append(("acknowledge", tag, and_before))

    def declare_queue(self, name: str, arguments: Any) -> None:
        return None

    declare_exchange = consume = tend = beat = listen = finish = lambda self, *_, **__: None


def run(
    monkeypatch: pytest.MonkeyPatch,
    lines: Lines,
    *answers: Sequence[Answer],
    on_sign: Callable[[], None] = lambda: None,
    clock: Callable[[], float] | None = None,
) -> list[float]:
    """Serve until each batch of answers was given; the pauses that were made."""
    monkeypatch.setattr(module, "Intake", lines)
    monkeypatch.setattr(module, "Outlet", lines)
    monkeypatch.setattr(module, "close_old_connections", lambda: None)
    left, pauses = list(answers), []
    if clock:
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock))

    def handle(deliveries: Sequence[Delivery]) -> list[Answer]:
        given = list(left.pop(0))
        assert len(given) == len(deliveries)
        return given

    consumer = Consumer(
        url="amqp://", queues=Queues(requests="q", errors="e", reply_exchange="x"), pace=Pace(batch=10),
        handle=handle, is_stopping=lambda: not left, on_sign=on_sign,
    )  # fmt: skip
    monkeypatch.setattr(consumer, "_rest", lambda seconds, beat: pauses.append(seconds))
    consumer.run()
    return pauses


def delivery(tag: int, *, reply_to: str = "replies", **headers: Any) -> Delivery:
    properties = {"reply_to": reply_to} if reply_to else {}
    return Delivery(tag=tag, body=b"{}", properties=properties, headers=headers)


def test_answers_are_confirmed_before_all_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines(delivery(1), delivery(2))
    assert run(monkeypatch, lines, [DONE, REFUSED]) == []
    assert lines.done == [
        ("publish", b"done", "", "replies"),
        ("publish", b"no", "", "replies"),
        ("confirm",),
        ("acknowledge", 2, True),
    ]


def test_who_can_be_told_is_told_and_else_the_message_is_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines(delivery(1, reply_to=""), delivery(2, reply_to=""), delivery(3), delivery(4, replyToApp="app"))
    run(monkeypatch, lines, [DONE, REFUSED, DEAD, DONE])
    assert lines.done == [
        ("publish", b"{}", "", "e"),
        ("publish", b"no", "", "replies"),
        ("publish", b"{}", "", "e"),
        ("publish", b"done", "x", "app"),
        ("confirm",),
        ("acknowledge", 4, True),
    ]


def test_a_routing_key_that_is_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines(delivery(1, replyToApp="é" * 200))
    run(monkeypatch, lines, [DONE])
    assert lines.done[0] == ("publish", b"done", "", "replies")


def test_what_waits_is_kept_with_growing_pauses_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines(delivery(1), delivery(2))
    pauses = run(monkeypatch, lines, [WAITS, DONE], *[[WAITS]] * 7, [DONE])
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    # Alone, for an earlier one still waits.
    assert lines.done[:3] == [("publish", b"done", "", "replies"), ("confirm",), ("acknowledge", 2, False)]
    assert lines.done[-3:] == [("publish", b"done", "", "replies"), ("confirm",), ("acknowledge", 1, True)]


def test_a_store_is_waited_for_ten_minutes_a_database_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 100
        return now[0]

    lines = Lines(delivery(1))
    run(monkeypatch, lines, *[[WAITS]] * 9, [STORE], clock=clock)
    assert ("publish", b"later", "", "replies") in lines.done
    assert lines.done[-1] == ("acknowledge", 1, True)


def test_a_broken_line_is_taken_up_again_after_growing_pauses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lines = Lines(delivery(1))
    lines.breaks = 4
    assert run(monkeypatch, lines, [DONE]) == [0.1, 0.2, 0.4, 0.8]
    assert [record.getMessage() for record in caplog.records if "broken" in record.getMessage()][-1] == (
        "the line to the broker is broken, trying again in 0.8 s: gone"
    )
    assert lines.done[-1] == ("acknowledge", 1, True)


def test_a_sign_that_cannot_be_noted_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing() -> None:
        raise RuntimeError("no cache")

    lines = Lines(delivery(1), delivery(2))
    run(monkeypatch, lines, [DONE, DONE], on_sign=failing)
    assert lines.done[-1] == ("acknowledge", 2, True)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["that we are well could not be noted: no cache"]
