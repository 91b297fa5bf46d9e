"""Clients and their keys, from the services and from the command line (S32)."""

import json
from base64 import b64decode
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.utils import timezone, translation

from gateway import clients
from gateway.caller import RIGHTS
from gateway.credentials.hash_key import caller_by_key
from gateway.errors import Refusal
from gateway.models import ApiClient, Credential
from gateway.sealing import SealBroken, seal, unseal
from tests.factories import make_client, make_user

pytestmark = pytest.mark.django_db


def run(*arguments: str, capsys: Any) -> str:
    call_command(*arguments)
    return capsys.readouterr().out


def test_s32_no_key_is_stored_in_clear() -> None:
    _, keys = make_client()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM gateway_credential")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT * FROM gateway_apiclient")
        stored += str(cursor.fetchall())
    for key in (keys.client_hash_key, keys.secret, keys.webhook_secret):
        assert key not in stored
        assert key not in repr(keys)
    assert sha256(keys.client_hash_key.encode()).hexdigest() in stored
    assert unseal(Credential.objects.get(lookup=keys.access_id).secret) == keys.secret


def test_a_webhook_secret_is_a_standard_webhooks_one() -> None:
    _, keys = make_client()
    assert keys.webhook_secret.startswith("whsec_")
    assert len(b64decode(keys.webhook_secret.removeprefix("whsec_"), validate=True)) == 32


def test_a_new_client_admits_every_user_and_needs_a_token() -> None:
    client, _ = clients.create_client(name="bank")
    assert (client.needs_user_token, client.is_active, client.request_id_unique) == (True, True, True)
    assert (client.rights, client.allowed_networks, client.requests_per_minute) == ([], [], None)
    user = make_user()
    listing, _ = make_client(users=[user])
    assert list(listing.users.all()) == [user]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"rights": ["send", "fly"]}, f"rights: unknown right fly; the rights are {', '.join(RIGHTS)}"),
        ({"rights": ["send", "send"]}, "rights: each right once"),
        ({"rights": "send"}, "rights: must be a list of texts"),
        ({"rights": [1]}, "rights: must be a list of texts"),
        (
            {"allowed_networks": ["10.0.0.1/8"]},
            "allowed_networks: 10.0.0.1/8 is no network (as 10.0.0.0/8 or 192.0.2.7)",
        ),
        ({"allowed_networks": ["x"]}, "allowed_networks: x is no network (as 10.0.0.0/8 or 192.0.2.7)"),
        ({"sender_domains": ["a..b"]}, "sender_domains: a..b is no domain (as example.com)"),
        ({"sender_domains": ["a\n.hu"]}, "sender_domains: a\n.hu is no domain (as example.com)"),
        *(
            ({"origins": [origin]}, f"origins: {origin} is no origin (as https://www.example.com)")
            for origin in (
                "https://www.example.com:443",
                "http://localhost:80",
                "https://www.example.com:65536",
                "https://www.example.com/",
                "https://WWW.example.com",
                "http://www.example.com",
                "null",
                "https://[::2]",
            )
        ),
        *(
            (
                {"external_folder": folder},
                "external_folder: must be a folder as crm/outgoing: no .. in it, no slash at either end",
            )
            for folder in ("..", "a/../b", "/crm", "crm/", "a//b", "a\\b", "a\nb", "./a")
        ),
        ({"requests_per_minute": 0}, "requests_per_minute: Ensure this value is greater than or equal to 1."),
        ({"max_upload_bytes": 0}, "max_upload_bytes: Ensure this value is greater than or equal to 1."),
        ({"max_schedules": -1}, "max_schedules: Ensure this value is greater than or equal to 0."),
        ({"name": ""}, "name: This field cannot be blank."),
        ({"name": " x"}, "name: must not be empty, nor begin or end with a space"),
        ({"name": "a\nb"}, "name: must not contain control characters or line breaks"),
        ({"from_address": "a\r\nBcc: b@c.hu"}, "from_address: Enter a valid email address."),
        ({"from_name": "a\rb"}, "from_name: must not contain control characters or line breaks"),
        ({"name": "taken"}, "name: is taken by another client"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_nothing_is_left(values: dict[str, Any], sentence: str) -> None:
    make_client(name="taken")
    with pytest.raises(Refusal) as caught, translation.override("hu"):
        make_client(**values)
    assert str(caught.value) == sentence
    assert (ApiClient.objects.count(), Credential.objects.count()) == (1, 3)


def test_a_name_taken_meanwhile_is_refused_by_the_database(monkeypatch: Any) -> None:
    make_client(name="bank")
    monkeypatch.setattr(ApiClient, "full_clean", lambda self: None)
    with pytest.raises(Refusal, match="^name: is taken by another client$"):
        make_client(name="bank")
    assert Credential.objects.count() == 3


def test_one_lookup_belongs_to_one_credential() -> None:
    client, _ = make_client()
    digest = Credential.objects.get(kind=Credential.HASH_KEY).lookup
    with pytest.raises(IntegrityError):
        Credential.objects.create(client=client, kind=Credential.HASH_KEY, lookup=digest)


def test_s32_rotated_keys_overlap_and_then_end(settings: Any) -> None:
    client, old = make_client(name="bank")
    new = clients.rotate_client(name="bank")
    assert old != new
    for keys in (old, new):
        assert caller_by_key(client_hash_key=keys.client_hash_key).client_id == client.pk
    assert clients.webhook_secrets(client_id=client.pk) == [new.webhook_secret, old.webhook_secret]
    ends = set(Credential.objects.exclude(expires_at=None).values_list("expires_at", flat=True))
    assert len(ends) == 1
    ahead = ends.pop() - timezone.now()
    assert timedelta(hours=settings.HAMMY_KEY_OVERLAP_HOURS, seconds=-10) < ahead
    Credential.objects.exclude(expires_at=None).update(expires_at=timezone.now())
    with pytest.raises(Refusal, match="unknown or inactive"):
        caller_by_key(client_hash_key=old.client_hash_key)
    assert caller_by_key(client_hash_key=new.client_hash_key).client_id == client.pk
    assert clients.webhook_secrets(client_id=client.pk) == [new.webhook_secret]


def test_a_second_rotation_does_not_lengthen_the_first_ones_overlap() -> None:
    make_client(name="bank")
    clients.rotate_client(name="bank", overlap_hours=1)
    first = set(Credential.objects.exclude(expires_at=None).values_list("pk", "expires_at"))
    clients.rotate_client(name="bank", overlap_hours=5)
    assert first < set(Credential.objects.exclude(expires_at=None).values_list("pk", "expires_at"))


def test_a_rotation_without_overlap_ends_the_old_keys_at_once() -> None:
    _, old = make_client(name="bank")
    clients.rotate_client(name="bank", overlap_hours=0)
    with pytest.raises(Refusal, match="unknown or inactive"):
        caller_by_key(client_hash_key=old.client_hash_key)


def test_secrets_survive_a_change_of_the_secret_key_while_the_old_one_is_a_fallback(settings: Any) -> None:
    sealed, old = seal("mysecret"), settings.SECRET_KEY
    settings.SECRET_KEY = "a new one, long enough to be one"
    with pytest.raises(SealBroken, match="^A stored secret cannot be read: SECRET_KEY has changed"):
        unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(sealed) == "mysecret"


def test_create_client_prints_the_keys_once(capsys: Any) -> None:
    printed = json.loads(run("create_client", "bank", "--json", capsys=capsys))
    assert list(printed) == ["name", "clientHashKey", "accessId", "secret", "webhookSecret"]
    client = ApiClient.objects.get(name="bank")
    assert (client.rights, client.needs_user_token) == (["send"], True)
    assert caller_by_key(client_hash_key=printed["clientHashKey"]).client_name == "bank"
    assert printed["clientHashKey"] not in run("list_clients", "--json", capsys=capsys)


def test_create_client_takes_every_option(capsys: Any) -> None:
    out = run(
        *("create_client", "bank", "--rights", "all", "--no-user-token", "--networks", "10.0.0.0/8, ::1"),
        *("--requests-per-minute", "60"),
        capsys=capsys,
    )
    assert [line.split()[0] for line in out.splitlines()] == [
        "name",
        "clientHashKey",
        "accessId",
        "secret",
        "webhookSecret",
    ]
    client = ApiClient.objects.get()
    assert client.rights == list(RIGHTS)
    assert (client.needs_user_token, client.allowed_networks, client.requests_per_minute) == (
        False,
        ["10.0.0.0/8", "::1"],
        60,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rights", "send,fly"], f"rights: unknown right fly; the rights are {', '.join(RIGHTS)}"),
        (["--networks", "here"], "allowed_networks: here is no network (as 10.0.0.0/8 or 192.0.2.7)"),
        (["--requests-per-minute", "-1"], "requests_per_minute: Ensure this value is greater than or equal to 1."),
        (["--max-schedules", "-1"], "max_schedules: Ensure this value is greater than or equal to 0."),
        ([], "name: is taken by another client"),
    ],
)
def test_create_client_explains_what_it_refuses(arguments: list[str], sentence: str) -> None:
    make_client(name="bank")
    with pytest.raises(CommandError) as caught:
        call_command("create_client", "bank" if not arguments else "new", *arguments)
    assert str(caught.value) == sentence
    assert ApiClient.objects.count() == 1


@pytest.mark.parametrize(
    "origin", ["https://www.example.com", "https://localhost:80", "http://[::1]:443", "http://127.0.0.1:65535"]
)
def test_a_client_lists_origins_as_browsers_send_them(origin: str) -> None:
    client, _ = clients.create_client(name="shop", origins=[origin])
    client.refresh_from_db()
    assert client.origins == [origin]


def test_rotate_client_prints_fresh_keys(capsys: Any) -> None:
    _, old = make_client(name="bank")
    printed = json.loads(run("rotate_client", "bank", "--overlap-hours", "1", "--json", capsys=capsys))
    assert printed["name"] == "bank"
    assert printed["clientHashKey"] != old.client_hash_key
    assert "clientHashKey" in run("rotate_client", "bank", capsys=capsys)
    for hours in ("-1", "nan", "inf", "9000000"):
        with pytest.raises(CommandError, match="^--overlap-hours: must be between 0 and 8760$"):
            call_command("rotate_client", "bank", f"--overlap-hours={hours}")


def test_revoke_client_ends_every_key(capsys: Any) -> None:
    _, keys = make_client(name="bank")
    clients.rotate_client(name="bank")
    assert json.loads(run("revoke_client", "bank", "--json", capsys=capsys)) == {"name": "bank", "revoked": 6}
    assert run("revoke_client", "bank", capsys=capsys) == "bank: 0 keys revoked, client inactive\n"
    assert ApiClient.objects.get().is_active is False
    with pytest.raises(Refusal):
        caller_by_key(client_hash_key=keys.client_hash_key)


@pytest.mark.parametrize("command", ["rotate_client", "revoke_client"])
def test_an_unknown_client_is_named(command: str) -> None:
    with pytest.raises(CommandError, match="^client nobody not found$"):
        call_command(command, "nobody")


def test_list_clients_tells_everything_but_secrets(capsys: Any) -> None:
    client, _ = make_client(name="bank", rights=["send"])
    make_client(name="archive", rights=["jobs.read"], is_active=False)
    clients.rotate_client(name="bank")
    rows = json.loads(run("list_clients", "--json", capsys=capsys))
    assert [row["name"] for row in rows] == ["archive", "bank"]
    assert rows[1] == {
        "name": "bank",
        "uuid": str(client.uuid),
        "isActive": True,
        "rights": ["send"],
        "needsUserToken": True,
        "allowedNetworks": [],
        "requestsPerMinute": None,
        "maxUploadBytes": None,
        "maxSchedules": None,
        "externalFolder": "",
        "origins": [],
        "usableKeys": 2,
        "createdAt": rows[1]["createdAt"],
    }
    assert run("list_clients", capsys=capsys) == "archive  inactive  1 keys  jobs.read\nbank  active  2 keys  send\n"


def test_a_client_may_be_given_a_number_of_schedules(capsys: Any) -> None:
    run("create_client", "bank", "--max-schedules", "0", capsys=capsys)
    run("create_client", "insurer", "--max-schedules", "50000", capsys=capsys)
    rows = json.loads(run("list_clients", "--json", capsys=capsys))
    assert [(row["name"], row["maxSchedules"]) for row in rows] == [("bank", 0), ("insurer", 50000)]


def test_a_client_may_have_a_folder_of_its_own(capsys: Any) -> None:
    printed = run("create_client", "bank", "--external-folder", "crm/outgoing", "--json", capsys=capsys)
    assert ApiClient.objects.get().external_folder == "crm/outgoing"
    caller = caller_by_key(client_hash_key=json.loads(printed)["clientHashKey"], address="10.1.1.1")
    assert caller.external_folder == "crm/outgoing"
    with pytest.raises(CommandError, match="external_folder: must be a folder as crm/outgoing"):
        call_command("create_client", "other", "--external-folder", "../bank")
    assert ApiClient.objects.count() == 1
