"""Browsers as a client's servers have them: registered, renewed, listed, named anew, removed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from sending import subscribing, vapid
from sending.models import Subscription, VapidKey
from tests.schedules.v4_calls import error
from tests.sending.devices_calls import DEVICES, Site, device, rows, tags

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_browser_is_registered_with_all_that_is_said_of_it(site: Site) -> None:
    given = device(
        expirationTime=1_900_000_000_000.0, alias="kata", tags=["news", "offers", "news"], time_zone="Asia/Tokyo",
        language="hu-HU",
    )  # fmt: skip
    answer = site.call("POST", DEVICES, given)
    found = Subscription.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"registration_id": found.registration_id})
    assert (found.client, found.endpoint) == (site.client, given["endpoint"])
    assert {"p256dh": found.p256dh, "auth": found.auth} == given["keys"]
    assert (found.alias, tags(found), found.time_zone, found.language) == (
        "kata", ["news", "offers"], "Asia/Tokyo", "hu-HU",
    )  # fmt: skip
    assert found.expires_at == datetime.fromtimestamp(1_900_000_000, UTC)
    assert found.vapid_key == VapidKey.objects.get(client=site.client)


def test_a_browser_that_says_the_least_is_registered(site: Site) -> None:
    found = site.register(expirationTime=..., alias=None, tags=None, time_zone=None, language=None)
    assert (found.alias, found.time_zone, found.language, found.expires_at, tags(found)) == ("", "", "", None, [])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "=" * (-len(text) % 4),
        lambda text: text.replace("-", "+").replace("_", "/"),
        lambda text: text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4),
    ],
)
def test_keys_in_any_base64_are_kept_in_one(site: Site, change: Any) -> None:
    keys = device()["keys"]
    found = site.register(keys={name: change(text) for name, text in keys.items()})
    assert {"p256dh": found.p256dh, "auth": found.auth} == keys


def test_a_browser_was_not_seen_before_it_was_there(site: Site) -> None:
    for found in (site.register(), site.subscribe()):
        assert found.created_at == found.last_seen_at


def test_the_same_endpoint_is_the_same_browser_and_keeps_what_is_not_said(site: Site) -> None:
    given = device(alias="kata", tags=["news"], time_zone="Asia/Tokyo", language="hu")
    first = site.register(**given)
    Subscription.objects.update(last_seen_at=timezone.now() - timedelta(days=9))
    again = site.register(endpoint=given["endpoint"], keys=given["keys"])
    assert again.pk == first.pk
    assert again.last_seen_at > timezone.now() - timedelta(minutes=1)
    assert (again.alias, tags(again), again.time_zone, again.language) == ("kata", ["news"], "Asia/Tokyo", "hu")
    site.register(endpoint=given["endpoint"], keys=given["keys"], alias="", tags=[], time_zone="", language="")
    again.refresh_from_db()
    assert (again.alias, tags(again), again.time_zone, again.language) == ("", [], "", "")


def test_when_it_is_forgotten_stays_with_its_endpoint_until_something_else_is_said(site: Site) -> None:
    given, until = device(expirationTime=1_900_000_000_123), datetime(2030, 3, 17, 17, 46, 40, 123000, UTC)
    first = site.register(**given)
    assert first.expires_at == until
    for again in (site.register(**given | {"expirationTime": ...}), site.subscribe(**given | {"expirationTime": ...})):
        assert (again.pk, again.expires_at) == (first.pk, until)
    assert site.register(**given | {"expirationTime": None}).expires_at is None
    assert site.register(**given).expires_at == until
    # What one push service said is nothing of another's place.
    moved = site.register(registration_id=first.registration_id, expirationTime=...)
    assert (moved.pk, moved.expires_at) == (first.pk, None)


def test_a_browser_whose_endpoint_changed_is_known_by_its_registration_id(site: Site) -> None:
    first = site.register(alias="kata", tags=["news"])
    moved = site.register(registration_id=first.registration_id)
    assert (moved.pk, moved.alias, tags(moved)) == (first.pk, "kata", ["news"])
    assert moved.endpoint != first.endpoint
    assert Subscription.objects.count() == 1


def test_the_endpoint_tells_more_than_the_registration_id(site: Site) -> None:
    one, other = site.register(), site.register()
    found = site.register(endpoint=one.endpoint, registration_id=other.registration_id)
    assert found.pk == one.pk
    assert Subscription.objects.count() == 2


def test_a_registration_id_that_nobody_has_is_answered_with_another(site: Site) -> None:
    found = site.register(registration_id="nobody's")
    assert found.registration_id != "nobody's"


def test_what_was_removed_comes_back_as_new(site: Site) -> None:
    first = site.register(alias="kata", tags=["news"])
    path = f"{DEVICES}/{first.registration_id}"
    answer = site.call("DELETE", path)
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"", "application/json")
    gone = Subscription.objects.get()
    assert gone.removed_at is not None
    assert (gone.endpoint, gone.endpoint_digest, gone.p256dh, gone.auth, gone.vapid_key) == ("", "", "", "", None)
    again = site.register(endpoint=first.endpoint, registration_id=first.registration_id)
    assert again.pk != first.pk
    assert (again.alias, tags(again)) == ("", [])
    for method, data in (("GET", None), ("PUT", {}), ("POST", {}), ("DELETE", None)):
        assert error(site.call(method, path, data)) == (404, 28104, f"device {first.registration_id} not found")


def test_a_browser_is_shown_without_what_lets_others_push_to_it(site: Site, settings: Any) -> None:
    found = site.register(alias="kata", tags=["b", "a"], time_zone="Asia/Tokyo", language="hu")
    shown = site.show(found)
    moments = shown.pop("created_at"), shown.pop("last_seen_at")
    assert shown == {
        "registration_id": found.registration_id, "alias": "kata", "tags": ["a", "b"], "time_zone": "Asia/Tokyo",
        "language": "hu", "push_service": "fcm.googleapis.com",
    }  # fmt: skip
    assert [datetime.fromisoformat(moment) for moment in moments] == [
        one.replace(microsecond=one.microsecond // 1000 * 1000) for one in (found.created_at, found.last_seen_at)
    ]
    # Also where it may not be called any more.
    settings.HAMMY_OUTBOUND_PORTS = [8443]
    assert site.show(found)["push_service"] == "fcm.googleapis.com"


def test_the_list_is_by_age_in_pages_of_fifty(site: Site) -> None:
    made = [site.register().registration_id for _ in range(51)]
    for query, expected in (("", made[:50]), ("?page=", made[:50]), ("?page=2", made[50:]), ("?page=3", [])):
        data = site.call("GET", f"{DEVICES}{query}").json()
        assert [one["registration_id"] for one in data.pop("devices")] == expected
        assert data == {"total_count": 51, "total_pages": 2, "page": int(query[6:] or 1)}


@pytest.mark.parametrize("page", [2, 1_000_001, 10**15 - 1])
def test_past_the_end_the_page_is_empty_and_as_asked(site: Site, page: int) -> None:
    site.register()
    data = site.call("GET", f"{DEVICES}?page={page}").json()
    assert data == {"total_count": 1, "total_pages": 1, "page": page, "devices": []}


def test_the_list_is_narrowed_by_tag_and_alias(site: Site) -> None:
    one, other = site.register(alias="kata", tags=["a b", "c"]), site.register(alias="feri", tags=["c"])
    site.register()
    for query, expected in (
        ("tag=c", [one, other]), ("tag=a+b", [one]), ("alias=feri", [other]), ("tag=c&alias=kata", [one]),
        ("tag=&alias=", list(Subscription.objects.order_by("id"))), ("tag=C", []), ("alias=nobody", []),
    ):  # fmt: skip
        data = site.call("GET", f"{DEVICES}?{query}").json()
        assert [device["registration_id"] for device in data["devices"]] == [row.registration_id for row in expected]
        assert data["total_count"] == len(expected)


def test_what_was_removed_is_in_no_list(site: Site) -> None:
    found = site.register(tags=["a"])
    subscribing.remove(caller=site.caller, registration_id=found.registration_id)
    for query in ("", "?tag=a"):
        assert site.call("GET", f"{DEVICES}{query}").json()["total_count"] == 0


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ["a", "b"]),
        ({"tags": None}, ["a", "b"]),
        ({"tags": {}}, ["a", "b"]),
        ({"tags": []}, []),
        ({"tags": ""}, []),
        ({"tags": ["c", "a"]}, ["a", "c"]),
        ({"tags": {"add": ["c", "c"], "remove": []}}, ["a", "b", "c"]),
        ({"tags": {"remove": ["a", "nobody's"]}}, ["b"]),
        ({"tags": {"add": ["c"], "remove": ["b"]}}, ["a", "c"]),
    ],
)
def test_tags_are_replaced_added_and_taken(site: Site, method: str, change: Any, expected: list[str]) -> None:
    found, other = site.register(alias="kata", tags=["a", "b"]), site.register(tags=["a"])
    answer = site.call(method, f"{DEVICES}/{found.registration_id}", change)
    assert (answer.status_code, answer.json()["tags"]) == (200, expected)
    assert answer.json() == site.show(found)
    assert (tags(found), tags(other)) == (expected, ["a"])


def test_alias_zone_and_language_are_said_anew_each_for_itself(site: Site) -> None:
    found = site.register(alias="kata", time_zone="Asia/Tokyo", language="hu", tags=["a"])
    path = f"{DEVICES}/{found.registration_id}"
    expected = site.show(found)
    for change in ({"alias": "feri"}, {"time_zone": "Europe/Budapest"}, {"language": "en-GB"}, {"alias": ""}):
        expected |= change
        assert site.call("PUT", path, change).json() == expected
    seen = Subscription.objects.get()
    assert (seen.endpoint, seen.last_seen_at) == (found.endpoint, found.last_seen_at)


@pytest.mark.parametrize(
    "word",
    ["no\u00a0break", "👩\u200d👧", "می\u200cخواهم", "全\u3000角", "soft\u00adhyphen", "\u202eturned", "\ue000"],
    ids=ascii,
)
def test_ordinary_text_names_a_browser(site: Site, word: str) -> None:
    one = site.register(alias=word, tags=[word])
    assert site.call("PUT", f"{DEVICES}/{one.registration_id}", {"tags": {"add": [f"{word}2"]}}).status_code == 200
    shown = site.show(one)
    assert (shown["alias"], sorted(shown["tags"])) == (word, [word, f"{word}2"])
    found = site.call("GET", f"{DEVICES}?{urlencode({'tag': word, 'alias': word})}").json()
    assert [device["registration_id"] for device in found["devices"]] == [one.registration_id]


def test_a_browser_has_a_hundred_tags_at_most(site: Site) -> None:
    many = [f"t{number}" for number in range(100)]
    found = site.register(tags=many)
    path = f"{DEVICES}/{found.registration_id}"
    before = rows()
    too_many = (400, 28100, "tags: must be at most 100 together")
    assert error(site.call("PUT", path, {"tags": {"add": ["one more"]}, "alias": "x"})) == too_many
    assert error(site.browser("POST", DEVICES, device(endpoint=found.endpoint, tags=["one more"]))) == too_many
    assert error(site.call("PUT", path, {"tags": [*many, "x"]})) == (400, 28100, "tags: must be at most 100 items")
    assert rows() == before
    assert site.call("PUT", path, {"tags": {"add": ["one more"], "remove": ["t0"]}}).status_code == 200
    assert len(tags(found)) == 100


def test_the_published_key_is_made_once_for_each_client(site: Site) -> None:
    other = Site()
    told = [one.call("GET", f"{DEVICES}/key").json() for one in (site, site, other)]
    assert told[0] == told[1] == {"public_key": VapidKey.objects.get(client=site.client).public_key}
    assert told[2] == {"public_key": VapidKey.objects.get(client=other.client).public_key}
    assert told[0] != told[2]
    assert len(told[0]["public_key"]) == 87
    assert site.call("HEAD", f"{DEVICES}/key").status_code == 200


def test_a_retired_key_serves_on_for_who_subscribed_with_it(site: Site) -> None:
    old = vapid.current(client_id=site.client.pk)
    first = site.register(public_key=old.public_key)
    fresh = vapid.rotate(client_id=site.client.pk)
    assert site.call("GET", f"{DEVICES}/key").json() == {"public_key": fresh.public_key}
    # What leads to it trusts the old key for good, whether it says so or not; a fresh subscription trusts the new.
    assert site.register(endpoint=first.endpoint, public_key=f"{old.public_key}=").vapid_key == old
    assert site.register(endpoint=first.endpoint).vapid_key == old
    assert site.register(public_key=old.public_key).vapid_key == old
    assert site.register().vapid_key == fresh
    moved = site.register(registration_id=first.registration_id)
    assert (moved.pk, moved.vapid_key) == (first.pk, fresh)


def test_a_key_that_is_none_of_the_clients_is_refused(site: Site) -> None:
    found = site.register()
    foreign = vapid.current(client_id=Site().client.pk).public_key
    before = rows()
    for public_key in (foreign, "nonsense", "=", " "):
        for given in (device(public_key=public_key), device(endpoint=found.endpoint, public_key=public_key)):
            assert error(site.call("POST", DEVICES, given)) == (
                400, 28100, "public_key: is no key of this client's: subscribe with the one that is published",
            )  # fmt: skip
    assert rows() == before


def test_no_address_redirects(site: Site) -> None:
    found = site.register(tags=["a"])
    for path in (DEVICES, f"{DEVICES}/key", f"{DEVICES}/{found.registration_id}"):
        with_slash, without = (site.call("GET", f"{path}{end}") for end in ("/", ""))
        assert (with_slash.status_code, with_slash.content) == (200, without.content)
    assert site.call("POST", f"{DEVICES}/", device()).status_code == 200
    for method in ("PUT", "POST"):
        assert site.call(method, f"{DEVICES}/{found.registration_id}/", {"alias": "x"}).json()["alias"] == "x"
    assert site.call("DELETE", f"{DEVICES}/{found.registration_id}/").status_code == 200
    assert Subscription.objects.standing().count() == 1


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json", "application/json;charset:utf-8", "application/x-www-form-urlencoded", "text/plain",
        "text/plain;charset=UTF-8", "multipart/form-data", "", "nonsense", ";;;=",
    ],
)  # fmt: skip
def test_a_body_is_json_whatever_it_is_called(site: Site, content_type: str) -> None:
    made = site.call("POST", DEVICES, device(alias="ő"), Content_Type=content_type)
    path = f"{DEVICES}/{made.json()['registration_id']}"
    assert site.call("PUT", path, {"alias": "ű"}, Content_Type=content_type).json()["alias"] == "ű"
    assert site.browser("POST", DEVICES, device(), Content_Type=content_type).status_code == 200
    for method in ("GET", "HEAD", "DELETE"):
        assert site.call(method, path, b"anything at all", Content_Type=content_type).status_code == 200
