"""Whom a push reaches: all that is given must hold, in any combination."""

from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from sending.audiences import Audience
from sending.models import Subscription, SubscriptionTag
from tests.factories import make_caller

pytestmark = pytest.mark.django_db
# By registration id: alias, zone and tags.
PEOPLE = {
    "a": ("anna", "Europe/Budapest", {"news", "hu"}),
    "b": ("anna", "Asia/Tokyo", {"news"}),
    "c": ("cili", "", {"news", "hu", "vip"}),
    "d": ("", "America/New_York", set()),
    "e": ("eva", "Etc/GMT+12", {"vip"}),
}


@pytest.fixture
def client_id() -> int:
    return subscribe(make_caller().client_id or 0)


def subscribe(client_id: int, prefix: str = "") -> int:
    for name, (alias, zone, tags) in PEOPLE.items():
        one = Subscription.objects.create(
            client_id=client_id, registration_id=prefix + name, alias=alias, time_zone=zone
        )
        SubscriptionTag.objects.bulk_create(SubscriptionTag(subscription=one, tag=tag) for tag in sorted(tags))
    return client_id


def reached(client_id: int, zones: Any = None, **audience: tuple[str, ...]) -> str:
    found = Audience(**audience).reached(client_id=client_id, zones=zones).order_by("id")
    return "".join(one.registration_id for one in found)


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ({}, "abcde"),
        ({"tag": ("hu", "vip")}, "ace"),
        ({"tag": ("nobody",)}, ""),
        ({"tag_and": ("news", "hu")}, "ac"),
        ({"tag_and": ("news", "news")}, "abc"),
        ({"tag_and": ("news", "nobody")}, ""),
        ({"tag_not": ("hu",)}, "bde"),
        ({"tag_not": ("hu", "vip")}, "bd"),
        ({"alias": ("anna", "eva")}, "abe"),
        ({"registration_id": ("a", "e", "z")}, "ae"),
        ({"tag": ("news",), "tag_and": ("hu",), "tag_not": ("vip",), "alias": ("anna",)}, "a"),
        ({"tag": ("news",), "registration_id": ("b", "d")}, "b"),
    ],
    ids=str,
)
def test_all_that_is_given_must_hold(client_id: int, audience: Any, expected: str) -> None:
    assert reached(client_id, **audience) == expected


def _is_reached(name: str, audience: Any, zones: Any) -> bool:
    alias, zone, tags = PEOPLE[name]
    given = {kind: set(words) for kind, words in audience.items() if words}
    return (
        ("tag" not in given or bool(tags & given["tag"]))
        and ("tag_and" not in given or given["tag_and"] <= tags)
        and not tags & given.get("tag_not", set())
        and ("alias" not in given or alias in given["alias"])
        and ("registration_id" not in given or name in given["registration_id"])
        and (zones is None or (zone or "Europe/Budapest") in zones)
    )


def test_every_combination_is_what_looking_at_each_gives(client_id: int) -> None:
    choices = {
        "tag": [(), ("news",), ("hu", "vip")],
        "tag_and": [(), ("news", "hu")],
        "tag_not": [(), ("vip",)],
        "alias": [(), ("anna", "cili")],
        "registration_id": [(), ("a", "c", "e")],
    }
    for words in product(*choices.values()):
        for zones in (None, ["Asia/Tokyo", "Europe/Budapest"], ["Etc/GMT+12"], []):
            audience = dict(zip(choices, words, strict=True))
            expected = "".join(name for name in PEOPLE if _is_reached(name, audience, zones))
            assert reached(client_id, zones, **audience) == expected, (audience, zones)
            assert Audience.of(Audience(**audience).as_json()) == Audience(**audience)


def test_who_was_removed_and_who_is_anothers_is_reached_by_nothing(client_id: int) -> None:
    subscribe(make_caller().client_id or 0, "other-")
    Subscription.objects.filter(registration_id="a").update(removed_at=timezone.now())
    assert reached(client_id) == "bcde"
    assert reached(client_id, registration_id=("a", "other-b")) == ""
    assert reached(client_id, tag=("hu",)) == "c"
