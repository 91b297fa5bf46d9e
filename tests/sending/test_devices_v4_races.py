"""The same browser twice at once, and others at the same moment: the database decides who is first."""

from typing import Any

import pytest

from gateway.errors import Refusal
from sending import subscribing, vapid
from sending.models import Subscription, SubscriptionTag, VapidKey
from sending.subscribing import Named, Wish
from tests.jobs.test_races import _together as together
from tests.sending.devices_calls import Site, device, tags

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 8


@pytest.fixture
def site() -> Site:
    return Site()


def wish(given: dict[str, Any], **overrides: Any) -> Wish:
    return Wish(**({"endpoint": given["endpoint"], **given["keys"]} | overrides))


def test_a_browser_that_registers_often_at_once_is_one(site: Site) -> None:
    for number in range(ROUNDS):
        given = wish(device(), named=Named(tags=["a", "b"]))
        made = together(*[lambda given=given: subscribing.register(caller=site.caller, wish=given)] * 4)
        assert [type(one) for one in made] == [Subscription] * 4, made
        assert len({one.registration_id for one in made}) == 1
        assert (Subscription.objects.count(), SubscriptionTag.objects.count()) == (number + 1, 2 * (number + 1))
    assert VapidKey.objects.count() == 1


def test_tags_that_browsers_add_at_once_are_all_there(site: Site) -> None:
    given = device()
    subscribing.register(caller=site.caller, wish=wish(given))
    added = [wish(given, named=Named(tags=[f"t{number}"])) for number in range(4)]
    together(
        *[lambda one=one: subscribing.register(caller=site.caller, wish=one, is_browser=True) for one in added]
    )  # fmt: skip
    assert tags(Subscription.objects.get()) == ["t0", "t1", "t2", "t3"]


def test_of_two_who_name_a_browser_at_once_one_is_last(site: Site) -> None:
    found = site.register()
    words = [[f"{letter}{number}" for number in range(60)] for letter in "ab"]
    for _ in range(ROUNDS):
        results = together(
            *[
                lambda tags=tags: subscribing.name(
                    caller=site.caller, registration_id=found.registration_id, named=Named(tags=tags)
                )
                for tags in words
            ]
        )
        assert [type(one) for one in results] == [Subscription] * 2, results
        assert tags(found) in [sorted(one) for one in words]


def test_a_browser_that_is_renewed_and_removed_at_once_is_one_of_the_two(site: Site) -> None:
    for _ in range(ROUNDS):
        found = site.register()
        given = wish(device(endpoint=found.endpoint), registration_id=found.registration_id)
        renewed, removed = together(
            lambda given=given: subscribing.register(caller=site.caller, wish=given),
            lambda pk=found.registration_id: subscribing.remove(caller=site.caller, registration_id=pk),
        )
        assert isinstance(renewed, Subscription), renewed
        assert removed is None
        standing = set(Subscription.objects.standing().values_list("pk", flat=True))
        assert standing == ({renewed.pk} - {found.pk})
        Subscription.objects.all().delete()


def test_a_browser_that_is_named_and_removed_at_once_is_named_or_not_there(site: Site) -> None:
    for _ in range(ROUNDS):
        found = site.register()
        named, removed = together(
            lambda pk=found.registration_id: subscribing.name(
                caller=site.caller, registration_id=pk, named=Named(alias="x"), added=["t"]
            ),
            lambda pk=found.registration_id: subscribing.remove(caller=site.caller, registration_id=pk),
        )
        assert removed is None
        assert isinstance(named, Subscription | Refusal), named
        assert Subscription.objects.standing().count() == 0


def test_a_key_that_many_ask_for_first_is_made_once(site: Site) -> None:
    told = together(*[lambda: vapid.current(client_id=site.client.pk)] * 4)
    assert len({one.public_key for one in told}) == VapidKey.objects.count() == 1


def test_a_key_that_is_rotated_twice_at_once_leaves_one_that_is_current(site: Site) -> None:
    vapid.current(client_id=site.client.pk)
    told = together(*[lambda: vapid.rotate(client_id=site.client.pk)] * 3)
    assert [type(one) for one in told] == [VapidKey] * 3, told
    assert (VapidKey.objects.count(), VapidKey.objects.current().count()) == (4, 1)
