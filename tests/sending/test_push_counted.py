"""Hand-overs side by side are timed one by one, what is throttled is counted, and what failed is tried anew."""

import pytest
from prometheus_client import REGISTRY

from gateway.caller import Caller
from sending import dispatch, services
from sending.models import Message, Subscription
from sending.states import Status
from tests.fakes.push_service import PushService
from tests.fakes.receiver import Reply
from tests.sending.web_push import subscribe, told

pytestmark = pytest.mark.django_db(transaction=True)
HOUSE = Caller.house("operator")


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"channel": "WEB_PUSH", **labels}) or 0.0


def test_each_hand_over_is_timed(caller: Caller, service: PushService) -> None:
    for _ in range(3):
        subscribe(caller, service)
    before = counted("hammy_hand_over_seconds_count")
    told(caller)
    assert counted("hammy_hand_over_seconds_count") - before == 3


def test_what_a_push_service_throttles_is_counted(caller: Caller, service: PushService) -> None:
    subscribe(caller, service, Reply(status=429, headers={"Retry-After": "60"}))
    before = counted("hammy_messages_total", event="throttled")
    told(caller)
    assert counted("hammy_messages_total", event="throttled") - before == 1
    assert Message.objects.get().status == Status.ACCEPTED


def test_one_that_failed_goes_out_again_when_it_is_requeued(caller: Caller, service: PushService) -> None:
    browser, _ = subscribe(caller, service, Reply(status=413))
    told(caller)
    message = Message.objects.get()
    assert (message.status, browser.told) == (Status.FAILED, [])
    browser.reply = Reply(status=201)
    services.requeue(caller=HOUSE, message_ids=[message.pk], reason="mended")
    dispatch.work("WEB_PUSH")
    message.refresh_from_db()
    assert (message.status, len(browser.told)) == (Status.SENT, 1)


def test_one_whose_browser_is_gone_fails_again(caller: Caller, service: PushService) -> None:
    _, one = subscribe(caller, service, Reply(status=410))
    told(caller)
    message = Message.objects.get()
    services.requeue(caller=HOUSE, message_ids=[message.pk], reason="try")
    dispatch.work("WEB_PUSH")
    message.refresh_from_db()
    assert (message.status, message.reason) == (Status.FAILED, "its subscription was removed")
    assert Subscription.objects.get(pk=one.pk).removed_at is not None
