"""The commands over notifications: what each says and does, and what it refuses."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from gateway.clients import webhook_secrets
from gateway.dates import format_moment
from gateway.models import ApiClient, Credential
from notifications.models import Attempt, Delivery, Event, Registration, Target
from notifications.states import Status
from tests.factories import make_caller
from tests.fakes.receiver import Receiver, Reply
from tests.notifications.console import make_delivery, make_place, make_registration

pytestmark = pytest.mark.django_db
Register = Callable[..., Registration]


def said(command: str, *arguments: Any, **options: Any) -> str:
    """What a command prints."""
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, **options)
    return out.getvalue()


# ── list_registrations ──────────────────────────────────────────────────────────────────────────
def test_registrations_are_listed_with_their_health() -> None:
    one = make_registration()
    Registration.objects.update(end_point="hook.example/\u202ea")
    two = make_registration(format="JSON")
    now = timezone.now()
    Target.objects.filter(pk=one.target_id).update(
        failures=3, failing_since=now, last_failure="answered\n503", held_until=now + timedelta(seconds=60)
    )
    make_delivery(one.target)
    lines = said("list_registrations").splitlines()
    assert lines == [
        f"{one.uuid}  {one.client.name}  failing  hook.example/\\u202ea  3 failures  last success never  "
        f"next try {format_moment(now + timedelta(seconds=60))}  answered\\n503",
        f"{two.uuid}  {two.client.name}  working  https://hook.example/jobs  last success never",
        "2 registered",
    ]
    (shown,) = json.loads(said("list_registrations", "--health", "failing", "--json"))
    assert shown == {
        "id": str(one.uuid), "client": one.client.name, "endPoint": "hook.example/\u202ea", "format": "DEFAULT",
        "method": "POST", "jobId": None, "health": "failing", "reason": "answered\n503",
        "failuresSinceLastSuccess": 3, "lastSuccessAt": None, "lastCallAt": None, "lastAnswer": None,
        "nextTryAt": format_moment(now + timedelta(seconds=60)),
    }  # fmt: skip
    assert said("list_registrations", "--client", two.client.name).splitlines()[1:] == ["1 registered"]


def test_why_a_registration_does_not_work_is_told_and_no_next_try() -> None:
    registration = make_registration()
    make_delivery(registration.target)
    Target.objects.update(paused_at=timezone.now(), paused_by="kati")
    (shown,) = json.loads(said("list_registrations", "--json"))
    assert (shown["health"], shown["reason"], shown["nextTryAt"]) == ("paused", "paused by kati", None)
    Target.objects.update(disabled_at=timezone.now(), disabled_for="answered 410 Gone")
    (shown,) = json.loads(said("list_registrations", "--json"))
    assert (shown["health"], shown["reason"]) == ("disabled", "answered 410 Gone")


def test_an_unknown_client_is_told() -> None:
    for command in (["list_registrations"], ["replay_deliveries", "--since", "2025-01-01"], ["test_endpoint", "x.y"]):
        with pytest.raises(CommandError, match="--client: there is no client nobody"):
            said(*command, "--client", "nobody")


# ── replay_deliveries ───────────────────────────────────────────────────────────────────────────
def test_one_delivery_is_brought_again_by_its_webhook_id_or_its_number() -> None:
    # R33
    target = make_place()
    for name in ("message_id", "uuid", "pk"):
        delivery = make_delivery(target, status=Status.FAILED)
        assert said("replay_deliveries", getattr(delivery, name)) == "replayed: 1\n"
        delivery.refresh_from_db()
        assert (delivery.status, delivery.is_by_hand) == (Status.PENDING, True)
    delivery = make_delivery(target, status=Status.DELIVERED)
    assert json.loads(said("replay_deliveries", delivery.pk, "--json")) == {"done": "replayed", "count": 1}


def test_what_failed_or_was_missed_since_a_moment_is_brought_again() -> None:
    registration, place = make_registration(), make_place(make_caller())
    old = make_delivery(place, status=Status.FAILED, created_at=timezone.now() - timedelta(days=9))
    at_registration = make_delivery(registration.target, status=Status.MISSED)
    at_place, delivered = make_delivery(place, status=Status.FAILED), make_delivery(place, status=Status.DELIVERED)
    since = ("--since", (timezone.now() - timedelta(days=1)).isoformat(timespec="seconds"))

    def replayed(*narrowed: Any) -> set[int]:
        again = said("replay_deliveries", *since, *narrowed)
        found = set(Delivery.objects.filter(status=Status.PENDING).values_list("id", flat=True))
        assert again == f"replayed: {len(found)}\n"
        for one in (old, at_registration, at_place, delivered):
            Delivery.objects.filter(pk=one.pk).update(status=one.status, closed_at=one.closed_at)
        return found

    assert replayed() == {at_registration.pk, at_place.pk}
    assert replayed("--all") == {at_registration.pk, at_place.pk, delivered.pk}
    assert replayed("--registration", registration.uuid) == {at_registration.pk}
    assert replayed("--target", place.uuid) == {at_place.pk}
    assert replayed("--client", place.client.name) == {at_place.pk}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name one delivery, or --since MOMENT"),
        (["1", "--since", "2025-01-01"], "name one delivery, or --since MOMENT"),
        (["1", "--all"], "--all goes with --since, not with one delivery"),
        (["msg_x"], "msg_x: must be a delivery's webhook-id or number"),
        (["999999"], "there is no delivery 999999"),
        (["9" * 30], f"there is no delivery {'9' * 30}"),
        (["msg_" + "0" * 32], f"there is no delivery msg_{'0' * 32}"),
        (["--since", "soon"], "--since: must be a moment as"),
        (["--since", "2025-01-01", "--target", "x"], "--target x: must be a uuid"),
        (["--since", "2025-01-01", "--target", str(uuid4())], "--target: there is no target"),
        (["--since", "2025-01-01", "--registration", "x"], "--registration x: must be a uuid"),
        (["--since", "2025-01-01", "--registration", str(uuid4())], "not found"),
    ],
)
def test_what_cannot_be_brought_again_is_told_and_nothing_is(arguments: list[str], sentence: str) -> None:
    delivery = make_delivery(make_place(), status=Status.FAILED)
    with pytest.raises(CommandError) as told:
        said("replay_deliveries", *arguments)
    assert sentence in str(told.value)
    delivery.refresh_from_db()
    assert delivery.status == Status.FAILED


def test_nothing_is_brought_again_to_a_disabled_target_and_the_reason_is_told() -> None:
    # R33
    registration = make_registration()
    delivery = make_delivery(registration.target, status=Status.MISSED)
    Target.objects.update(disabled_at=timezone.now(), disabled_for="answered 410 Gone")
    with pytest.raises(CommandError, match="its target is disabled"):
        said("replay_deliveries", delivery.pk)
    with pytest.raises(CommandError, match="it is disabled: answered 410 Gone"):
        said("replay_deliveries", "--since", "2020-01-01", "--registration", registration.uuid)
    assert said("replay_deliveries", "--since", "2020-01-01") == "replayed: 0\n"
    assert Delivery.objects.get().status == Status.MISSED


# ── test_endpoint ───────────────────────────────────────────────────────────────────────────────
def _nothing_written() -> bool:
    return (Event.objects.count(), Delivery.objects.count(), Attempt.objects.count()) == (0, 0, 0)


def test_a_registration_is_called_as_it_wants_to_be_told(register: Register, receiver: Receiver) -> None:
    registration = register(path="/a", format="JSON", naming="CONSTANT", method="PUT")
    receiver.reply = Reply(status=200, body=b"got\nit\x1b[31m")
    line = said("test_endpoint", registration.uuid)
    start, _, rest = line.partition("  answered 200  ")
    assert start == f"PUT {receiver.url('/a')}"
    assert rest.endswith(" s  got\\nit\\x1b[31m\n")
    (heard,) = receiver.heard
    event = json.loads(heard.body)["NOTIFICATION"]["EVENT"]
    assert (event["JOB_ID"], event["CANCEL_OCCURRED"]) == ("00000000-0000-0000-0000-000000000000", False)
    (secret,) = webhook_secrets(client_id=registration.client_id)
    Webhook(secret).verify(heard.body, heard.headers)
    registration.target.refresh_from_db()
    assert (registration.target.last_at, _nothing_written()) == (None, True)


def test_an_address_is_called_before_anything_is_registered(receiver: Receiver) -> None:
    caller = make_caller()
    shown = json.loads(said("test_endpoint", receiver.url(), "--client", caller.client_name, "--json"))
    assert shown.pop("seconds") >= 0
    assert shown == {"url": receiver.url(), "isSuccess": True, "status": 204, "failure": None, "answer": ""}
    (heard,) = receiver.heard
    assert (heard.method, heard.headers["content-type"]) == ("POST", "application/xml")
    assert b"<Type>JobCompletedNotificationPayload</Type>" in heard.body
    assert (Registration.objects.count(), Target.objects.count(), _nothing_written()) == (0, 0, True)


@pytest.mark.parametrize(
    ("reply", "words"), [(Reply(status=500, body=b"x" * 300), f"answered 500  {{}} s  {'x' * 200}…"),
                         (Reply(status=307, headers={"Location": "http://127.0.0.1/"}), "answered 307  {} s")],
)  # fmt: skip
def test_whoever_does_not_answer_2xx_has_failed(receiver: Receiver, reply: Reply, words: str) -> None:
    receiver.reply = reply
    out = io.StringIO()
    with pytest.raises(CommandError, match="the test failed") as told:
        call_command("test_endpoint", receiver.url(), "--client", make_caller().client_name, stdout=out)
    assert told.value.returncode == 1
    beginning, end = words.split("{}")
    assert out.getvalue().startswith(f"POST {receiver.url()}  {beginning}")
    assert out.getvalue().endswith(f"{end}\n")
    assert len(receiver.heard) == 1


def test_the_guard_holds_here_too() -> None:
    # S1
    out = io.StringIO()
    with pytest.raises(CommandError, match="the test failed"):
        call_command("test_endpoint", "http://127.0.0.1/", "--client", make_caller().client_name, stdout=out)
    assert "leads to an address that may not be called" in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["http://x.example/"], "name the client whose secret signs with --client NAME"),
        ([str(uuid4())], "not found"),
        ([str(uuid4()), "--client", "x"], "--client goes with a URL; a registration has its own"),
        ([str(uuid4()), "--method", "PUT"], "--method goes with a URL; a registration has its own"),
    ],
)
def test_what_cannot_be_called_is_told(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as told:
        said("test_endpoint", *arguments)
    assert sentence in str(told.value)


def test_a_client_without_a_secret_and_one_that_cannot_be_read_are_told(receiver: Receiver) -> None:
    caller = make_caller()
    Credential.objects.filter(kind=Credential.WEBHOOK).update(secret="broken")
    with pytest.raises(CommandError, match="SECRET_KEY has changed"):
        said("test_endpoint", receiver.url(), "--client", caller.client_name)
    ApiClient.objects.get(pk=caller.client_id).credentials.update(revoked_at=timezone.now())
    with pytest.raises(CommandError, match="no secret that could sign it"):
        said("test_endpoint", receiver.url(), "--client", caller.client_name)
    assert receiver.heard == []


def test_an_address_without_a_scheme_is_http_though_its_query_names_another(receiver: Receiver) -> None:
    out = io.StringIO()
    end_point = f"127.0.0.1:{receiver.port}/hook?next=https://elsewhere.example"
    call_command("test_endpoint", end_point, "--client", make_caller().client_name, stdout=out)
    assert [one.path for one in receiver.heard] == ["/hook?next=https://elsewhere.example"]
