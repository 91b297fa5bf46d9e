"""Requests per minute (S37)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from gateway import rate_limit
from gateway.errors import Refusal
from tests.factories import headers_for, make_client

# The first second of a minute.
MINUTE = 1_763_000_040.0


@pytest.fixture(autouse=True)
def clock(monkeypatch: Any) -> Iterator[dict[str, float]]:
    times = {"now": MINUTE}
    monkeypatch.setattr(rate_limit, "time", lambda: times["now"])
    rate_limit._outage.clear()
    rate_limit._drawn.clear()
    yield times
    rate_limit._outage.clear()
    rate_limit._drawn.clear()


def passes(client_id: int = 1, most: int | None = 3) -> bool:
    try:
        rate_limit.check_rate(counter=str(client_id), requests_per_minute=most)
    except Refusal:
        return False
    return True


@pytest.mark.django_db
@pytest.mark.urls("tests.gateway.urls")
def test_s37_one_too_many_is_told_when_to_come_back(clock: dict[str, float]) -> None:
    _, keys = make_client(needs_user_token=False, requests_per_minute=2)
    clock["now"] = MINUTE + 17.4
    answers = [Client().get("/hammy/echo", headers=headers_for(keys)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2]["Retry-After"] == "43"
    assert answers[2].json() == {
        "errors": [
            {
                "status": "429",
                "code": "2003",
                "title": "Too many requests",
                "detail": "more than 2 requests in a minute, try again later",
            }
        ],
        "meta": {
            "params": [],
            "responseStatus": {"code": 2003, "messages": ["more than 2 requests in a minute, try again later"]},
        },
    }


def test_the_next_minute_begins_afresh(clock: dict[str, float]) -> None:
    assert [passes() for _ in range(4)] == [True, True, True, False]
    clock["now"] = MINUTE + 59.999
    assert not passes()
    clock["now"] = MINUTE + 60
    assert passes()


def test_each_client_has_its_own_count() -> None:
    assert [passes(1, 1), passes(2, 1), passes(1, 1)] == [True, True, False]


def test_no_limit_counts_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(rate_limit, "cache", None)
    assert all(passes(most=None) for _ in range(5))


def test_s37_the_count_is_one_over_many_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: passes(most=50), range(200)))
    assert results.count(True) == 50


def test_a_cache_that_is_down_stops_no_letters_and_is_told_once(monkeypatch: Any, caplog: Any) -> None:
    class Down:
        def add(self, *args: Any, **options: Any) -> None:
            raise ConnectionError("redis is away")

    monkeypatch.setattr(rate_limit, "cache", Down())
    assert all(passes(most=1) for _ in range(5))
    messages = [record.getMessage() for record in caplog.records if record.name == "gateway.rate_limit"]
    assert messages == ["the cache cannot count requests, rate limits are off: redis is away"]


def test_a_count_that_the_cache_lost_lets_the_request_pass(monkeypatch: Any) -> None:
    monkeypatch.setattr(cache, "add", lambda *args, **options: False)
    assert passes(most=1)


def test_s37_a_large_limit_is_drawn_by_the_share_and_never_passed(clock: dict[str, float], monkeypatch: Any) -> None:
    asked: list[int] = []
    real = rate_limit._count

    def counted(key: str, share: int) -> int:
        asked.append(share)
        return real(key, share)

    monkeypatch.setattr(rate_limit, "_count", counted)
    assert sum(passes(2, 1000) for _ in range(1100)) == 1000
    # 333 shares of three and the last request alone, then each refusal asks.
    assert asked[:334] == [3] * 334
    clock["now"] += 60
    assert passes(2, 1000)
