"""How many devices a client may have, and how much a browser may say of itself."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sending import subscribing
from sending.models import Subscription
from tests.schedules.v4_calls import error
from tests.sending.devices_calls import DEVICES, PAGE, Site, device, rows, tags

pytestmark = pytest.mark.django_db
_MOST = 16 * 1024


def full(most: int) -> tuple[int, int, str]:
    return 400, 28100, f"there are {most} devices already, and no more may be; remove some first"


def counts(queries: CaptureQueriesContext) -> int:
    return sum("COUNT(" in query["sql"] and "sending_subscription" in query["sql"] for query in queries)


@pytest.fixture
def site(settings: Any) -> Site:
    settings.HAMMY_SUBSCRIPTIONS_PER_CLIENT = 2
    return Site()


def test_one_over_the_limit_is_refused_to_servers_and_browsers(site: Site) -> None:
    site.register()
    site.subscribe()
    before = rows()
    assert error(site.call("POST", DEVICES, device(tags=["news"]))) == full(2)
    refused = site.browser("POST", DEVICES, device(registration_id="of-long-ago"))
    assert error(refused) == full(2)
    assert refused["Access-Control-Allow-Origin"]
    assert rows() == before


def test_whoever_is_there_renews_itself_over_the_limit_too(site: Site, settings: Any) -> None:
    first, second = site.register(), site.subscribe()
    settings.HAMMY_SUBSCRIPTIONS_PER_CLIENT = 1
    assert site.subscribe(endpoint=first.endpoint, tags=["news"]).pk == first.pk
    assert tags(first) == ["news"]
    moved = site.subscribe(registration_id=second.registration_id)
    assert moved.pk == second.pk
    assert moved.endpoint != second.endpoint


def test_another_clients_devices_take_no_place(site: Site) -> None:
    other = Site()
    for _ in range(2):
        site.register()
        other.register()
    assert error(site.call("POST", DEVICES, device())) == full(2)


def test_removing_one_makes_room_for_one_at_once(site: Site) -> None:
    for _ in range(2):
        found = site.register()
    assert site.call("DELETE", f"{DEVICES}/{found.registration_id}").status_code == 200
    site.register()
    assert error(site.call("POST", DEVICES, device())) == full(2)


def gone(found: Subscription) -> None:
    subscribing.remove_found(Subscription.objects.filter(pk=found.pk), reason="gone")


def test_a_place_that_a_push_service_freed_is_seen_before_anybody_is_refused(site: Site) -> None:
    site.register()
    gone(site.register())
    site.register()
    assert Subscription.objects.standing().count() == 2


def test_before_others_are_refused_it_is_counted_ten_seconds_later(site: Site) -> None:
    site.register()
    found = site.register()
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            assert error(site.call("POST", DEVICES, device())) == full(2)
        gone(found)
        assert error(site.call("POST", DEVICES, device())) == full(2)
    assert counts(queries) == 1
    cache.delete(f"sending.subscriptions.{site.client.pk}.full")
    site.register()


def test_a_client_may_be_given_none(site: Site, settings: Any) -> None:
    settings.HAMMY_SUBSCRIPTIONS_PER_CLIENT = 0
    assert error(site.browser("POST", DEVICES, device())) == full(0)


def test_many_are_counted_once(site: Site, settings: Any) -> None:
    settings.HAMMY_SUBSCRIPTIONS_PER_CLIENT = 20
    with CaptureQueriesContext(connection) as queries:
        made = [site.register() for _ in range(10)]
        site.register(endpoint=made[0].endpoint)
    assert counts(queries) == 1
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            site.register(endpoint=made[0].endpoint)
    assert counts(queries) == 1


def test_a_refused_one_takes_no_place(site: Site) -> None:
    site.register()
    for given in ({"tags": [str(number) for number in range(101)]}, {"public_key": "x"}):
        assert error(site.call("POST", DEVICES, device(**given)))[:2] == (400, 28100)
    site.register()


def test_a_cache_that_is_down_refuses_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError

    for name in ("get", "add", "set", "incr"):
        monkeypatch.setattr(f"sending.subscription_limit.cache.{name}", away)
    for _ in range(3):
        site.register()
    assert Subscription.objects.count() == 3


def body(size: int) -> bytes:
    document = json.dumps(device()).encode()
    return document + b" " * (size - len(document))


def test_a_browser_says_at_most_16_kib(site: Site) -> None:
    assert site.browser("POST", DEVICES, body(_MOST)).status_code == 200
    before = rows()
    refused = site.browser("POST", DEVICES, body(_MOST + 1))
    assert error(refused) == (413, 28100, "the body is larger than 16384 bytes")
    assert refused["Access-Control-Allow-Origin"]
    assert rows() == before
    assert site.call("POST", DEVICES, body(_MOST + 1)).status_code == 200


class Stream:
    """A body without end, which notes how much of it was taken."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        self.taken += size
        return b" " * size

    readline = read


@pytest.mark.parametrize(
    ("said", "most"),
    [
        ({"CONTENT_LENGTH": str(_MOST + 1)}, 0),
        ({"CONTENT_LENGTH": str(10**9)}, 0),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}, _MOST + 1),
    ],
)
def test_what_is_larger_is_not_read(site: Site, said: dict[str, Any], most: int) -> None:
    stream = Stream()
    headers = {"HTTP_ORIGIN": PAGE, "HTTP_X_APPLICATION_KEY": site.keys.access_id}
    answer = Client().generic("POST", DEVICES, **headers, **said, **{"wsgi.input": stream})
    assert error(answer) == (413, 28100, "the body is larger than 16384 bytes")
    assert stream.taken == most
