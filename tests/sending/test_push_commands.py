"""Push keys and browsers at the command line."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from gateway.caller import Caller
from sending import vapid
from sending.models import VapidKey
from tests.factories import make_caller
from tests.sending.pushed import subscribed

pytestmark = pytest.mark.django_db


def output(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_fresh_key_is_made_and_told(caller: Caller) -> None:
    assert caller.client_id is not None
    former = vapid.current(client_id=caller.client_id)
    printed = json.loads(output("rotate_push_key", caller.client_name, "--json"))
    fresh = vapid.current(client_id=caller.client_id)
    assert (printed, fresh.pk != former.pk) == ({"publicKey": fresh.public_key}, True)
    assert fresh.public_key not in output("rotate_push_key", caller.client_name)
    assert VapidKey.objects.count() == 3


def test_the_browsers_of_one_client_are_listed_without_what_leads_to_them(caller: Caller) -> None:
    first = subscribed(caller, "members", "hu", alias="elek\nevil", time_zone="Europe/Budapest", language="hu")
    second = subscribed(caller, alias="eva")
    subscribed(caller, "members", removed_at=timezone.now())
    subscribed(make_caller(), "members")
    printed = output("list_subscriptions", caller.client_name)
    lines = printed.splitlines()
    assert [line.split()[0] for line in lines] == [first.registration_id, second.registration_id, "2"]
    assert "push.example.net  elek\\nevil  hu, members" in lines[0]
    assert "secret" not in printed
    for option, expected in (("--tag=members", first), ("--alias=eva", second)):
        (row,) = map(json.loads, output("list_subscriptions", caller.client_name, option, "--json").splitlines())
        assert row["registrationId"] == expected.registration_id
    assert sorted(row) == [
        "alias", "language", "lastSeen", "pushService", "registrationId", "since", "tags", "timeZone",
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["rotate_push_key", "list_subscriptions"])
def test_a_client_that_is_not_there_is_named(command: str) -> None:
    with pytest.raises(CommandError, match="there is no client nobody"):
        call_command(command, "nobody")
    assert not VapidKey.objects.exists()
