"""A push service that asks for peace gets it from every process, not from the one alone that it answered."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from py_vapid import Vapid
from py_vapid.utils import b64urlencode

from sending.channels import rests
from sending.channels.base import Outcome, OutcomeKind, Parcel, WebPush
from sending.channels.web_push import WebPushChannel
from tests.fakes.push_service import PushService
from tests.fakes.receiver import Reply
from tests.sending.test_channel_conformance import a_parcel

_ORIGIN = "https://push.example"
_PEACE = Reply(status=429, headers={"Retry-After": "120"})


@pytest.fixture
def processes() -> Iterator[tuple[WebPushChannel, WebPushChannel]]:
    """Two workers' channels: they share nothing but what processes share."""
    one, other = WebPushChannel(), WebPushChannel()
    yield one, other
    one.close()
    other.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    times = {"now": 1000.0}
    monkeypatch.setattr(rests, "monotonic", lambda: times["now"])
    return times


class Cache:
    """What processes share, watched; ``trouble`` instead of an answer."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.looked: list[list[str]] = []
        self.written: list[str] = []
        self.found: dict[str, Any] | None = None
        self._trouble = trouble

    def get_many(self, names: list[str]) -> dict[str, Any]:
        self.looked.append(names)
        if self._trouble:
            raise self._trouble
        return cache.get_many(names) if self.found is None else self.found

    def set(self, name: str, value: Any, **options: Any) -> None:
        self.written.append(name)
        if self._trouble:
            raise self._trouble
        cache.set(name, value, **options)


class Pusher:
    """A client's key, and pushes by it."""

    def __init__(self, service: PushService) -> None:
        key = Vapid()
        key.generate_keys()
        self._private = b64urlencode(key.private_key.private_numbers().private_value.to_bytes(32, "big"))
        self._service = service
        self._public = b64urlencode(key.public_key.public_numbers().x.to_bytes(32, "big"))

    def push(self, channel: WebPushChannel, endpoint: str = "") -> Outcome:
        browser = self._service.browser(self._public)
        push = WebPush(
            endpoint=endpoint or browser.endpoint,
            **browser.subscription()["keys"],
            private_key=self._private,
            payload=b"{}",
            time_to_live=60,
        )
        return channel.hand_over(_parcel(push))


def _parcel(push: WebPush) -> Parcel:
    plain = a_parcel()
    return Parcel(
        message_id=plain.message_id,
        uuid=plain.uuid,
        created_at=plain.created_at,
        sender=plain.sender,
        recipient=plain.recipient,
        web_push=push,
    )


@pytest.mark.parametrize("status", [429, 503])
def test_what_one_process_was_asked_all_heed(
    service: PushService, processes: tuple[WebPushChannel, WebPushChannel], status: int
) -> None:
    client, other_client = Pusher(service), Pusher(service)
    service.trouble = Reply(status=status, headers={"Retry-After": "120"})
    assert client.push(processes[0]) == Outcome(kind=OutcomeKind.THROTTLED, words=f"{status}", after=120.0)
    kept_back = client.push(processes[1])
    assert (kept_back.kind, kept_back.words) == (OutcomeKind.THROTTLED, "127.0.0.1 is left in peace")
    assert 110 < kept_back.after <= 120
    assert len(service.heard) == 1
    # Each client is asked for itself.
    assert other_client.push(processes[1]).words == f"{status}"
    assert len(service.heard) == 2


def test_what_asks_for_a_day_keeps_others_back_for_some_minutes_everywhere(
    service: PushService, processes: tuple[WebPushChannel, WebPushChannel]
) -> None:
    client = Pusher(service)
    service.trouble = Reply(status=429, headers={"Retry-After": "86400"})
    assert client.push(processes[0]).after == 86400.0
    assert 290 < client.push(processes[1]).after <= 300


def test_who_leaves_one_process_unanswered_is_left_in_peace_by_all(
    service: PushService, processes: tuple[WebPushChannel, WebPushChannel], settings: Any
) -> None:
    settings.HAMMY_OUTBOUND_PORTS = [9]
    for _ in range(5):
        assert Pusher(service).push(processes[0], "http://127.0.0.1:9/x").kind == OutcomeKind.RETRY
    kept_back = Pusher(service).push(processes[1], "http://127.0.0.1:9/x")
    assert (kept_back.kind, kept_back.words) == (OutcomeKind.THROTTLED, "127.0.0.1 is left in peace")
    assert 20 < kept_back.after <= 30


def test_others_rests_are_looked_for_once_a_second(
    service: PushService,
    processes: tuple[WebPushChannel, WebPushChannel],
    clock: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = Cache()
    monkeypatch.setattr(rests, "cache", shared)
    client = Pusher(service)
    for _ in range(20):
        client.push(processes[1])
    assert (len(shared.looked), len(service.heard)) == (1, 20)
    service.trouble = _PEACE
    client.push(processes[0])
    assert (len(shared.looked), len(service.heard)) == (2, 21)
    clock["now"] += 1.1
    assert client.push(processes[1]).words == "127.0.0.1 is left in peace"
    assert (len(shared.looked), len(service.heard)) == (3, 21)
    # What is known to rest is not looked for.
    clock["now"] += 60
    assert 50 < client.push(processes[1]).after < 60.1
    assert (len(shared.looked), len(service.heard)) == (3, 21)


def test_many_refusals_at_once_are_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Cache()
    monkeypatch.setattr(rests, "cache", shared)
    own = rests.Rests()
    for _ in range(50):
        own.begin(_ORIGIN, "a key", 120)
    assert len(shared.written) == 1
    own.begin(_ORIGIN, "a key", 200)
    assert len(shared.written) == 2
    # The longer one holds.
    own.begin(_ORIGIN, "a key", 5)
    assert 199 < own.left(_ORIGIN, "a key") <= 200
    assert len(shared.written) == 2
    # Nobody reads a key out of the cache.
    assert not [name for name in shared.written if "a key" in name]


def test_a_cache_that_is_away_stops_no_push(
    service: PushService,
    processes: tuple[WebPushChannel, WebPushChannel],
    clock: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = Cache(trouble=ConnectionError("nobody there"))
    monkeypatch.setattr(rests, "cache", away)
    monkeypatch.setattr(rests, "_outage", {})
    client = Pusher(service)
    for _ in range(3):
        client.push(processes[0])
        clock["now"] += 1.1
    assert len(service.heard) == 3
    service.trouble = _PEACE
    client.push(processes[0])
    # This process knows by itself, and the others go on.
    assert client.push(processes[0]).words == "127.0.0.1 is left in peace"
    assert client.push(processes[1]).words == "429"
    assert len(service.heard) == 5
    words = "the cache is away, push services' rests are known to one process each: nobody there"
    assert [record.getMessage() for record in caplog.records if record.name == rests.__name__] == [words]
    # Whatever is slow to say that it is away is not asked for each push.
    assert (len(away.looked), len(away.written)) == (1, 0)


@pytest.mark.parametrize("found", [None, "soon", float("nan"), -1.0])
def test_what_is_no_moment_in_the_cache_is_no_rest(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    shared = Cache()
    monkeypatch.setattr(rests, "cache", shared)
    own = rests.Rests()
    assert own.left(_ORIGIN, "a key") == 0
    shared.found = dict.fromkeys(shared.looked[0], found)
    assert rests.Rests().left(_ORIGIN, "a key") == 0
