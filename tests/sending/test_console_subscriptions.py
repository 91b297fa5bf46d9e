"""Browsers and push keys in the console: who may see and do what, what is shown, and what never is."""

import pytest
from django.utils import timezone, translation

from gateway.caller import Caller
from sending import vapid
from sending.models import Subscription, VapidKey
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_caller
from tests.sending.pushed import subscribed

pytestmark = pytest.mark.django_db
LIST = "/admin/sending/subscription/"
KEYS = "/admin/sending/vapidkey/"


def listed(page: str, *found: Subscription) -> list[bool]:
    return [one.registration_id in page for one in found]


# ── browsers ────────────────────────────────────────────────────────────────────────────────────
def test_a_browser_is_shown_without_what_leads_to_it(caller: Caller) -> None:
    one = subscribed(caller, "members", "budapest", alias="elek <i>", time_zone="Europe/Budapest", language="hu")
    client = client_of("Viewer")
    for page in (client.get(LIST), client.get(f"{LIST}{one.pk}/change/")):
        assert page.status_code == 200
        text = page.content.decode()
        for words in (
            one.registration_id, caller.client_name, "elek &lt;i&gt;", "budapest, members", "push.example.net",
            "Europe/Budapest", "hu", "Subscribed",
        ):  # fmt: skip
            assert words in text
        assert "secret" not in text


@pytest.mark.parametrize(("language", "name"), [("en", "browsers"), ("hu", "böngészők")])
def test_the_page_has_the_name_that_the_menu_has(language: str, name: str) -> None:
    with translation.override(language):
        assert str(Subscription._meta.verbose_name_plural) == translation.gettext("Browsers").lower() == name


def test_browsers_are_found_by_alias_and_registration_id_and_narrowed(caller: Caller) -> None:
    other = make_caller(name="other")
    first, second = subscribed(caller, "members", alias="elek"), subscribed(other, alias="elek")
    gone = subscribed(caller, alias="elek", removed_at=timezone.now(), removed_for="gone, says its push service")
    unnamed = subscribed(caller)
    everything = (first, second, gone, unnamed)
    client = client_of("Viewer")
    for query, expected in (
        ({}, [True, True, True, True]),
        ({"q": " elek "}, [True, True, True, False]),
        ({"q": "ele"}, [False, False, False, False]),
        ({"q": unnamed.registration_id}, [False, False, False, True]),
        ({"q": gone.registration_id}, [False, False, True, False]),
        ({"client": caller.client_id}, [True, False, True, True]),
        ({"tag": "members"}, [True, False, False, False]),
        ({"tag": "members\0"}, [False, False, False, False]),
        ({"tag": "\0"}, [False, False, False, False]),
        ({"standing": "yes"}, [True, True, False, True]),
        ({"standing": "no"}, [False, False, True, False]),
    ):
        page = client.get(LIST, query).content.decode()
        assert (query, listed(page, *everything)) == (query, expected)
    assert "gone, says its push service" in client.get(LIST).content.decode()


def test_an_operator_removes_browsers_after_a_question(caller: Caller) -> None:
    first, second, kept = subscribed(caller, alias="elek"), subscribed(caller), subscribed(caller)
    client = client_of("Operator")
    asked = client.post(LIST, {"action": "remove", "_selected_action": [first.pk, second.pk]})
    assert "These browsers are told nothing until they subscribe anew" in asked.content.decode()
    assert Subscription.objects.standing().count() == 3
    answer = client.post(f"{LIST}remove/", {"ids": [first.pk, second.pk], "reason": "lost phone"})
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert list(Subscription.objects.standing()) == [kept]
    first.refresh_from_db()
    assert (first.endpoint, first.auth, first.p256dh, first.vapid_key) == ("", "", "", None)
    assert first.removed_for.endswith(": lost phone")
    assert trail() == [(str(first.pk), "remove: lost phone"), (str(second.pk), "remove: lost phone")]


def test_without_a_reason_or_a_right_none_is_removed(caller: Caller) -> None:
    one = subscribed(caller)
    assert client_of("Operator").post(f"{LIST}remove/", {"ids": [one.pk], "reason": ""}).status_code == 200
    viewer = client_of("Viewer")
    assert viewer.post(f"{LIST}remove/", {"ids": [one.pk], "reason": "r"}).status_code == 403
    assert viewer.get(LIST).context["action_form"] is None
    assert client_of("Template editor").get(LIST).status_code == 403
    assert (Subscription.objects.standing().count(), trail()) == (1, [])


# ── keys ────────────────────────────────────────────────────────────────────────────────────────
def test_a_key_is_rotated_after_a_question_and_serves_its_browsers_on(caller: Caller) -> None:
    one = subscribed(caller)
    assert caller.client_id is not None
    key = vapid.current(client_id=caller.client_id)
    client = client_of("Administrator")
    page = client.get(KEYS).content.decode()
    assert (key.public_key in page, key.private_key in page) == (True, False)
    address = f"{KEYS}{key.pk}/rotate/"
    assert address in page
    assert "Those that did are reached by theirs" in client.get(address).content.decode()
    assert VapidKey.objects.count() == 1
    answer = client.post(address, {"reason": "yearly"})
    assert (answer.status_code, answer["Location"]) == (302, KEYS)
    fresh = vapid.current(client_id=caller.client_id)
    assert fresh.pk != key.pk
    one.refresh_from_db()
    assert (one.vapid_key, one.removed_at) == (key, None)
    assert trail() == [(str(key.pk), "rotate: yearly")]
    assert client.get(address).status_code == 404
    assert "Retired" in client.get(KEYS).content.decode()


@pytest.mark.parametrize("group", ["Viewer", "Operator"])
def test_who_may_only_look_rotates_none(caller: Caller, group: str) -> None:
    assert caller.client_id is not None
    key = vapid.current(client_id=caller.client_id)
    client = client_of(group)
    assert "rotate/" not in client.get(KEYS).content.decode()
    assert client.post(f"{KEYS}{key.pk}/rotate/", {"reason": "r"}).status_code == 403
    assert (VapidKey.objects.count(), trail()) == (1, [])
