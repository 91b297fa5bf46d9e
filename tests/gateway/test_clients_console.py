"""Clients in the console: keys shown once, rotated and revoked after a question (proof S32, S33)."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from gateway import clients
from gateway.credentials.hash_key import caller_by_key
from gateway.errors import Refusal
from gateway.models import ApiClient, Credential
from tests.factories import PASSWORD, make_client, make_user

pytestmark = pytest.mark.django_db

LIST = "/admin/gateway/apiclient/"


@pytest.fixture(autouse=True)
def plain_static_files(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


def console(**user: Any) -> Client:
    browser = Client()
    browser.force_login(make_user(**user), backend="django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.fixture
def admin() -> Client:
    return console(is_staff=True, is_superuser=True)


def filled(**values: Any) -> dict[str, Any]:
    return {
        "name": "bank",
        "is_active": "on",
        "rights": ["send", "jobs.read"],
        "needs_user_token": "on",
        "request_id_unique": "on",
        "allowed_networks": "10.0.0.0/8\r\n\r\n 192.0.2.7 ",
        "sender_domains": "example.com",
        "requests_per_minute": "",
        "max_upload_bytes": "",
        "max_schedules": "",
        "from_address": "",
        "from_name": "",
        "credentials-TOTAL_FORMS": "0",
        "credentials-INITIAL_FORMS": "0",
    } | values


def keys_on(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-key="(\w+)">([^<]+)<', page))


def test_s32_a_new_clients_keys_are_shown_once(admin: Client) -> None:
    response = admin.post(f"{LIST}add/", filled())
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    keys = keys_on(response.content.decode())
    assert list(keys) == ["name", "clientHashKey", "accessId", "secret", "webhookSecret"]
    client = ApiClient.objects.get()
    assert (client.rights, client.allowed_networks, client.sender_domains) == (
        ["send", "jobs.read"],
        ["10.0.0.0/8", "192.0.2.7"],
        ["example.com"],
    )
    assert caller_by_key(client_hash_key=keys["clientHashKey"], address="10.1.1.1").client_name == "bank"
    for address in (LIST, f"{LIST}{client.pk}/change/", f"{LIST}{client.pk}/history/"):
        page = admin.get(address).content.decode()
        assert not any(keys[name] in page for name in ("clientHashKey", "secret", "webhookSecret"))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"rights": ["fly"]}, "rights"),
        ({"allowed_networks": "here"}, "allowed_networks"),
        ({"sender_domains": "a b"}, "sender_domains"),
        ({"name": ""}, "name"),
        ({"name": "a\u2028b"}, "name"),
        ({"requests_per_minute": "0"}, "requests_per_minute"),
        ({"max_upload_bytes": "0"}, "max_upload_bytes"),
        ({"max_schedules": "-1"}, "max_schedules"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(admin: Client, values: dict[str, Any], field: str) -> None:
    response = admin.post(f"{LIST}add/", filled(**values))
    assert list(response.context["adminform"].form.errors) == [field]
    assert (ApiClient.objects.count(), Credential.objects.count()) == (0, 0)


@pytest.mark.parametrize(("written", "kept"), [("", None), ("0", 0), ("5000", 5000)])
def test_a_client_is_given_a_number_of_schedules_or_the_sites(admin: Client, written: str, kept: int | None) -> None:
    client, _ = make_client(name="bank", max_schedules=7)
    admin.post(f"{LIST}{client.pk}/change/", filled(max_schedules=written))
    client.refresh_from_db()
    assert client.max_schedules == kept


def test_a_change_needs_no_new_keys(admin: Client) -> None:
    client, keys = make_client(name="bank")
    response = admin.post(f"{LIST}{client.pk}/change/", filled(name="bank 2", rights=["portal"]))
    assert response.status_code == 302
    assert Credential.objects.count() == 3
    assert caller_by_key(client_hash_key=keys.client_hash_key).client_name == "bank 2"


def test_rotating_asks_first_and_then_shows_fresh_keys(admin: Client) -> None:
    client, old = make_client(name="bank")
    assert b"<form" in admin.get(f"{LIST}{client.pk}/rotate/").content
    assert Credential.objects.count() == 3
    response = admin.post(f"{LIST}{client.pk}/rotate/")
    fresh = keys_on(response.content.decode())
    for key in (old.client_hash_key, fresh["clientHashKey"]):
        assert caller_by_key(client_hash_key=key).client_id == client.pk
    assert LogEntry.objects.get().change_message == "rotate: fresh keys"
    assert fresh["clientHashKey"] not in str(LogEntry.objects.values())


def test_revoking_asks_first_and_then_ends_every_key(admin: Client) -> None:
    client, keys = make_client(name="bank")
    admin.get(f"{LIST}{client.pk}/revoke/")
    assert caller_by_key(client_hash_key=keys.client_hash_key).client_id == client.pk
    response = admin.post(f"{LIST}{client.pk}/revoke/")
    assert response["Location"] == f"{LIST}{client.pk}/change/"
    with pytest.raises(Refusal):
        caller_by_key(client_hash_key=keys.client_hash_key)
    assert LogEntry.objects.get().change_message == "revoke: every key"
    page = admin.get(response["Location"])
    assert page.status_code == 200


@pytest.mark.parametrize("action", ["rotate", "revoke"])
def test_s33_only_who_may_change_clients_may_touch_their_keys(action: str) -> None:
    client, keys = make_client(name="bank")
    viewer_user = make_user(is_staff=True)
    viewer_user.user_permissions.add(Permission.objects.get(codename="view_apiclient"))
    viewer = Client()
    viewer.force_login(viewer_user, backend="django.contrib.auth.backends.ModelBackend")
    assert viewer.get(f"{LIST}{client.pk}/change/").status_code == 200
    assert viewer.post(f"{LIST}{client.pk}/{action}/").status_code == 403
    assert Client().post(f"{LIST}{client.pk}/{action}/").status_code == 302
    assert Credential.objects.filter(expires_at=None, revoked_at=None).count() == 3
    assert caller_by_key(client_hash_key=keys.client_hash_key)


@pytest.mark.parametrize("action", ["rotate", "revoke"])
def test_s33_a_forged_form_does_nothing(action: str) -> None:
    client, _ = make_client(name="bank")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(
        make_user(is_staff=True, is_superuser=True), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert browser.post(f"{LIST}{client.pk}/{action}/").status_code == 403
    assert Credential.objects.filter(expires_at=None, revoked_at=None).count() == 3


@pytest.mark.parametrize("action", ["rotate", "revoke"])
def test_a_client_that_is_gone_leads_back_to_the_list(admin: Client, action: str) -> None:
    assert admin.post(f"{LIST}99/{action}/")["Location"] == LIST


def test_clients_are_never_deleted(admin: Client) -> None:
    client, _ = make_client(name="bank")
    assert admin.post(f"{LIST}{client.pk}/delete/", {"post": "yes"}).status_code == 403
    assert ApiClient.objects.count() == 1


def test_s33_a_name_with_markup_is_shown_as_text(admin: Client) -> None:
    client, _ = make_client(name="<script>alert(1)</script>")
    for address in (LIST, f"{LIST}{client.pk}/change/", f"{LIST}{client.pk}/rotate/"):
        page = admin.get(address).content.decode()
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_s32_repeated_failures_lock_the_console_too(settings: Any) -> None:
    user = make_user(is_staff=True)
    browser = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        last = browser.post("/admin/login/", {"username": user.username, "password": "wrong"})
    assert last.status_code == 429
    assert browser.post("/admin/login/", {"username": user.username, "password": PASSWORD}).status_code == 429


def test_the_keys_in_the_list_are_those_that_work(admin: Client) -> None:
    client, _ = make_client(name="bank")
    clients.rotate_client(name="bank")
    page = admin.get(f"{LIST}{client.pk}/change/").content.decode()
    access_ids = Credential.objects.filter(kind=Credential.ACCESS).values_list("lookup", flat=True)
    assert len(access_ids) == 2
    assert all(access_id in page for access_id in access_ids)
