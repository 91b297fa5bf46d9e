"""The doctor and the gauges look at pushes."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from gateway.caller import Caller
from hammy_project import vital_signs
from hammy_project.doctor import Level, pushing, queue
from sending import vapid
from sending.models import Message, VapidKey
from tests.factories import make_caller
from tests.sending.factories import submitted
from tests.sending.pushed import subscribed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    cache.clear()


def test_keys_that_can_be_read_are_well_and_none_are_no_matter(caller: Caller) -> None:
    assert list(pushing.push_keys()) == []
    assert caller.client_id is not None
    vapid.current(client_id=caller.client_id)
    assert [(found.subject, found.level) for found in pushing.push_keys()] == [("push keys", Level.OK)]


def test_a_key_that_cannot_be_read_names_its_client(caller: Caller, settings: Any) -> None:
    assert caller.client_id is not None
    vapid.current(client_id=caller.client_id)
    VapidKey.objects.update(private_key="of another site")
    (found,) = pushing.push_keys()
    assert found.level == Level.FAILURE
    assert caller.client_name in found.words


def test_messages_that_wait_for_their_channel_are_told() -> None:
    assert list(queue.held()) == []
    message = submitted()
    Message.objects.update(status="HELD", held_for="CHANNEL", due_at=None)
    assert [(found.subject, found.level) for found in queue.held()] == [("EMAIL HELD", Level.OK)]
    Message.objects.filter(pk=message.pk).update(channel="PIGEON")
    (found,) = queue.held()
    assert (found.subject, found.level) == ("PIGEON HELD", Level.WARNING)
    assert found.words == "1 messages wait for this channel, which is not there"


def test_browsers_are_counted_by_client_and_not_at_each_scrape(
    caller: Caller, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.HAMMY_METRICS_TOKEN = "token"
    other = make_caller()
    for who in (caller, caller, other):
        subscribed(who)
    assert vital_signs.subscriptions() == {caller.client_name: 2, other.client_name: 1}
    subscribed(other)
    with django_assert_num_queries(0):
        assert vital_signs.subscriptions()[other.client_name] == 1
    page = Client().get("/metrics", headers={"Authorization": "Bearer token"}).content.decode()
    assert f'hammy_subscriptions{{client="{caller.client_name}"}} 2.0' in page
