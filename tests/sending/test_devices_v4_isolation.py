"""Another client's browser looks like none, by every operation, in words and in queries."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sending.devices_v4.urls import urlpatterns
from sending.models import Subscription, SubscriptionTag
from tests.schedules.v4_calls import error
from tests.sending.devices_calls import DEVICES, Site, rows, tags

pytestmark = pytest.mark.django_db
_NAMING: dict[str, Callable[[Site, str], Any]] = {
    "get": lambda site, name: site.call("GET", f"{DEVICES}/{name}"),
    "put": lambda site, name: site.call("PUT", f"{DEVICES}/{name}", {"alias": "mine", "tags": ["mine"]}),
    "put nothing": lambda site, name: site.call("PUT", f"{DEVICES}/{name}", {}),
    "post": lambda site, name: site.call("POST", f"{DEVICES}/{name}", {"tags": {"add": ["mine"], "remove": ["a"]}}),
    "delete": lambda site, name: site.call("DELETE", f"{DEVICES}/{name}"),
}


def test_every_operation_is_covered_here() -> None:
    assert {pattern.name for pattern in urlpatterns if pattern.name} == {"v4-devices", "v4-devices-key", "v4-device"}


@pytest.mark.parametrize("operation", _NAMING)
def test_what_is_anothers_looks_like_what_never_was(operation: str, settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    owner, stranger = Site(), Site()
    theirs = owner.register(alias="kata", tags=["a"])
    stranger.register()
    before, told = rows(), []
    for name in (theirs.registration_id, "0" * 32):
        _NAMING[operation](stranger, name)  # looks up the client
        with CaptureQueriesContext(connection) as context:
            answer = _NAMING[operation](stranger, name)
        assert error(answer) == (404, 28104, f"device {name} not found")
        told.append(len(context))
    assert told[0] == told[1]
    assert rows() == before


def test_a_list_neither_shows_nor_counts_what_is_anothers() -> None:
    owner, stranger = Site(), Site()
    owner.register(alias="kata", tags=["a"])
    own = stranger.register(alias="kata", tags=["a"])
    for query in ("", "?tag=a", "?alias=kata", "?tag=a&alias=kata"):
        data = stranger.call("GET", f"{DEVICES}{query}").json()
        assert (data["total_count"], [one["registration_id"] for one in data["devices"]]) == (1, [own.registration_id])


def test_who_may_see_all_has_his_own_devices() -> None:
    owner, auditor = Site(), Site(rights=["send", "see_all"])
    theirs = owner.register()
    assert error(auditor.call("GET", f"{DEVICES}/{theirs.registration_id}"))[:2] == (404, 28104)
    assert auditor.call("GET", DEVICES).json()["total_count"] == 0


@pytest.mark.parametrize("way", ["register", "subscribe"])
def test_one_browser_at_two_clients_is_two(way: str) -> None:
    owner, other = Site(), Site()
    theirs = owner.register(alias="kata", tags=["a"])
    before = Subscription.objects.filter(pk=theirs.pk).values().get()
    own = getattr(other, way)(endpoint=theirs.endpoint, registration_id=theirs.registration_id, alias="x", tags=["b"])
    assert (own.client, own.endpoint, own.alias, tags(own)) == (other.client, theirs.endpoint, "x", ["b"])
    assert own.registration_id != theirs.registration_id
    assert own.vapid_key_id != theirs.vapid_key_id
    assert Subscription.objects.filter(pk=theirs.pk).values().get() == before
    assert tags(theirs) == ["a"]
    other.call("DELETE", f"{DEVICES}/{own.registration_id}")
    assert Subscription.objects.filter(pk=theirs.pk).values().get() == before


@pytest.mark.parametrize("way", ["register", "subscribe"])
def test_a_registration_id_of_anothers_renews_nothing(way: str) -> None:
    owner, other = Site(), Site()
    theirs = owner.register(alias="kata", tags=["a"])
    before = Subscription.objects.filter(pk=theirs.pk).values().get()
    own = getattr(other, way)(registration_id=theirs.registration_id, tags=["b"])
    assert (own.client, own.registration_id == theirs.registration_id) == (other.client, False)
    assert Subscription.objects.filter(pk=theirs.pk).values().get() == before
    assert SubscriptionTag.objects.filter(subscription=theirs).count() == 1
