"""What is forgotten of browsers and of keys, and when."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from sending import maintenance, subscribing, vapid
from sending.models import Subscription, SubscriptionTag, VapidKey
from tests.sending.pushed import subscribed

pytestmark = pytest.mark.django_db


def days_ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def test_removed_browsers_are_forgotten_with_their_tags_after_their_time(
    caller: Caller, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "_PORTION", 1)
    for _ in range(3):
        subscribed(caller, "members", removed_at=days_ago(91))
    kept = {subscribed(caller, "members", removed_at=days_ago(89)).pk, subscribed(caller, "members").pk}
    settings.HAMMY_SUBSCRIPTION_RETENTION_DAYS = -1
    maintenance.clean()
    assert Subscription.objects.count() == 5
    settings.HAMMY_SUBSCRIPTION_RETENTION_DAYS = 90
    maintenance.clean()
    assert set(Subscription.objects.values_list("pk", flat=True)) == kept
    assert SubscriptionTag.objects.count() == 2


def test_browsers_whose_push_services_have_forgotten_them_are_removed(caller: Caller) -> None:
    over, alive = subscribed(caller, expires_at=days_ago(1)), subscribed(caller, expires_at=days_ago(-1))
    maintenance.clean()
    over.refresh_from_db()
    alive.refresh_from_db()
    assert (over.removed_for, over.endpoint, over.vapid_key) == ("expired", "", None)
    assert (alive.removed_at, alive.endpoint) == (None, "https://push.example.net/secret-path")


def test_a_retired_key_goes_when_nobody_trusts_it_any_more(caller: Caller) -> None:
    assert caller.client_id is not None
    one = subscribed(caller)
    used = vapid.current(client_id=caller.client_id)
    unused = vapid.rotate(client_id=caller.client_id)
    fresh = vapid.rotate(client_id=caller.client_id)
    present = vapid.rotate(client_id=caller.client_id)
    VapidKey.objects.filter(pk__in=[used.pk, unused.pk]).update(retired_at=days_ago(31))
    maintenance.clean()
    assert set(VapidKey.objects.all()) == {used, fresh, present}
    subscribing.remove_found(Subscription.objects.filter(pk=one.pk), reason="r")
    maintenance.clean()
    assert set(VapidKey.objects.all()) == {fresh, present}
