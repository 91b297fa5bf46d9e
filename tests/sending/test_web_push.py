"""A browser that subscribed gets what a push says, and what its push service answers is heeded."""

import math
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from jobs.models import Job
from jobs.states import Status as JobStatus
from sending import dispatch, leases, maintenance, queue, subscribing, vapid
from sending.audiences import Audience
from sending.channels import channel, close_channels, letter_channels
from sending.channels.base import OutcomeKind
from sending.models import Dispatcher, Lane, Message, Subscription, VapidKey
from sending.states import HeldFor, Status
from sending.subscribing import Wish
from sending.telling import MOST_BYTES, payload, size_of
from tests.fakes.push_service import PushService
from tests.fakes.receiver import Reply
from tests.jobs.conftest import work
from tests.sending.factories import a_letter
from tests.sending.test_channel_conformance import a_parcel
from tests.sending.web_push import HELLO, a_push, subscribe, told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    """No connection, signature or rest of another test's."""
    yield
    close_channels()
    leases.abandon()
    dispatch._workers.clear()


def message_of(subscription: Subscription) -> Message:
    return Message.objects.get(content__subscription_id=subscription.pk)


def test_each_browser_reads_what_was_said_and_the_job_ends(caller: Caller, service: PushService) -> None:
    browsers = [subscribe(caller, service)[0] for _ in range(3)]
    began = time.monotonic()
    push = told(caller)
    lasted = math.ceil(time.monotonic() - began)
    for browser in browsers:
        assert browser.told == [{"msg_id": str(push.pk), **HELLO}]
        (heard,) = browser.heard
        assert heard.headers["content-encoding"] == "aes128gcm"
        assert 599 - lasted <= int(heard.headers["ttl"]) <= 600
        assert {"urgency", "topic"}.isdisjoint(heard.headers)
    assert set(Message.objects.values_list("status", "reason")) == {(Status.SENT, "201")}
    work()
    assert Job.objects.get(pk=push.job_id).status == JobStatus.FINISHED


@pytest.mark.parametrize(
    ("override", "topic"),
    [("news-7", "news-7"), (7, "7"), ("hír 7", "2Y4bZ"), ("x" * 33, None)],
)
def test_options_are_told_as_the_protocol_has_them(
    caller: Caller, service: PushService, override: Any, topic: str | None
) -> None:
    browser, _ = subscribe(caller, service)
    told(caller, time_to_live=0, content=HELLO | {"options": {"urgency": "high", "override_msg_id": override}})
    headers = browser.heard[0].headers
    assert (headers["ttl"], headers["urgency"]) == ("0", "high")
    if topic in ("news-7", "7"):
        assert headers["topic"] == topic
    else:
        # A digest stands for what is no word of the protocol's.
        assert len(headers["topic"]) == 32
    assert browser.told[0]["topic"] == str(override)
    assert "options" not in browser.told[0]


def test_what_was_kept_waiting_takes_the_place_of_nothing_later(caller: Caller, service: PushService) -> None:
    browser, subscription = subscribe(caller, service, Reply(status=503))
    other, _ = subscribe(caller, service, Reply(status=503), tags=["other"])
    mine = {"registration_id": (subscription.registration_id,)}
    first = told(caller, content=HELLO | {"options": {"override_msg_id": 7}})
    browser.reply, other.reply = Reply(status=201), Reply(status=201)
    told(caller, content=HELLO | {"options": {"override_msg_id": "8"}}, audience=Audience(**mine))
    last = told(caller, content=HELLO | {"options": {"override_msg_id": "7"}}, audience=Audience(**mine))
    Message.objects.filter(job_id=first.job_id).update(due_at=timezone.now())
    dispatch.work("WEB_PUSH")
    assert [push["topic"] for push in browser.told] == ["8", "7"]
    assert [push["msg_id"] for push in other.told] == [str(first.pk)]
    overridden = Message.objects.get(job_id=first.job_id, content__subscription_id=subscription.pk)
    assert (overridden.status, overridden.reason) == (Status.FAILED, f"overridden by push {last.pk}")


def test_of_what_waits_together_a_browser_is_told_the_last(caller: Caller, service: PushService) -> None:
    browser, _ = subscribe(caller, service)
    first, last = (a_push(caller, content=HELLO | {"options": {"override_msg_id": "rate"}}) for _ in range(2))
    free = a_push(caller)
    dispatch.work("WEB_PUSH")
    assert sorted(push["msg_id"] for push in browser.told) == sorted([str(last.pk), str(free.pk)])
    overridden = Message.objects.get(job_id=first.job_id)
    assert (overridden.status, overridden.reason) == (Status.FAILED, f"overridden by push {last.pk}")


def test_what_is_overridden_by_a_push_that_is_held_is_told(caller: Caller, service: PushService) -> None:
    browser, _ = subscribe(caller, service, Reply(status=503))
    first = told(caller, content=HELLO | {"options": {"override_msg_id": "rate"}})
    browser.reply = Reply(status=201)
    last = a_push(caller, content=HELLO | {"options": {"override_msg_id": "rate"}})
    Message.objects.filter(job_id=last.job_id).update(status=Status.HELD, held_for=HeldFor.PERSON, due_at=None)
    Message.objects.filter(job_id=first.job_id).update(due_at=timezone.now())
    dispatch.work("WEB_PUSH")
    assert [push["msg_id"] for push in browser.told] == [str(first.pk)]


@pytest.mark.parametrize("status", [404, 410])
def test_who_is_gone_is_removed(caller: Caller, service: PushService, status: int) -> None:
    _, gone = subscribe(caller, service, Reply(status=status))
    other, _ = subscribe(caller, service)
    push = told(caller)
    assert len(other.told) == 1
    gone.refresh_from_db()
    assert gone.removed_at is not None
    assert gone.removed_for == "gone, says its push service"
    assert (gone.endpoint, gone.auth, gone.p256dh, gone.vapid_key) == ("", "", "", None)
    assert (message_of(gone).status, message_of(gone).attempts) == (Status.FAILED, 1)
    work()
    # Browsers come and go: who was told is what counts.
    assert Job.objects.get(pk=push.job_id).status == JobStatus.FINISHED
    assert len(told(caller).audience) == 0
    assert Message.objects.filter(content__subscription_id=gone.pk).count() == 1


def test_who_renewed_while_the_old_endpoint_was_found_gone_stands(
    caller: Caller, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, subscription = subscribe(caller, service, Reply(status=410))
    a_push(caller)
    fresh = service.browser(browser.public_key)

    remove_gone = subscribing.remove_gone

    def late(endpoints: Any) -> int:
        keys = fresh.subscription()["keys"]
        wish = Wish(endpoint=fresh.endpoint, registration_id=subscription.registration_id, **keys)
        subscribing.register(caller=caller, wish=wish)
        return remove_gone(endpoints)

    monkeypatch.setattr(subscribing, "remove_gone", late)
    dispatch.work("WEB_PUSH")
    subscription.refresh_from_db()
    assert (subscription.removed_at, subscription.endpoint) == (None, fresh.endpoint)
    told(caller)
    assert len(fresh.told) == 1


def test_what_one_client_is_throttled_for_delays_no_other(
    caller: Caller, stranger: Caller, service: PushService
) -> None:
    _, throttled = subscribe(caller, service, Reply(status=429, headers={"Retry-After": "86400"}))
    told(caller)
    browser, _ = subscribe(stranger, service)
    told(stranger)
    assert len(browser.told) == 1
    # What asks for a day means that push; others wait some minutes.
    other, later = subscribe(caller, service)
    told(caller)
    assert other.heard == []
    due_at = message_of(later).due_at
    assert due_at is not None
    assert (due_at - timezone.now()).total_seconds() <= 300 * 1.2
    attempts = Message.objects.filter(content__subscription_id=throttled.pk).values_list("attempts", flat=True)
    assert list(attempts) == [0, 0]


def test_a_push_service_that_answers_nobody_is_left_in_peace_for_a_while(
    caller: Caller, service: PushService, settings: Any
) -> None:
    settings.HAMMY_OUTBOUND_PORTS = [9]
    for number in range(6):
        _, subscription = subscribe(caller, service)
        Subscription.objects.filter(pk=subscription.pk).update(endpoint=f"http://127.0.0.1:9/{number}")
    a_push(caller)
    dispatch.work("WEB_PUSH")
    _, last = subscribe(caller, service)
    Subscription.objects.filter(pk=last.pk).update(endpoint="http://127.0.0.1:9/last")
    told(caller)
    assert (message_of(last).status, message_of(last).reason) == (Status.ACCEPTED, "127.0.0.1 is left in peace")


def test_whom_to_turn_to_may_be_any_https_address(caller: Caller, service: PushService, settings: Any) -> None:
    settings.HAMMY_PUSH_CONTACT = "https://example.org/contact"
    browser, _ = subscribe(caller, service)
    told(caller)
    assert len(browser.told) == 1


def test_claims_stay_wide_however_slowly_a_push_service_answers(
    caller: Caller, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    claim = queue.claim

    def watched(**named: Any) -> Any:
        sizes.append(named["size"])
        return claim(**named)

    monkeypatch.setattr(queue, "claim", watched)
    for _ in range(60):
        subscribe(caller, service, Reply(status=201, wait=0.8))
    a_push(caller)
    while Message.objects.filter(status=Status.ACCEPTED).exists():
        dispatch.work("WEB_PUSH")
    assert min(sizes) >= 50
    assert Message.objects.filter(status=Status.SENT).count() == 60


def test_a_push_of_which_nobody_was_told_has_failed(caller: Caller, service: PushService) -> None:
    subscribe(caller, service, Reply(status=410))
    push = told(caller)
    work()
    assert Job.objects.get(pk=push.job_id).status == JobStatus.FAILED


@pytest.mark.parametrize("status", [400, 403, 413])
def test_what_is_refused_for_good_fails_with_the_words_of_the_push_service(
    caller: Caller, service: PushService, status: int
) -> None:
    _, subscription = subscribe(caller, service, Reply(status=status, body=b"no\x00, \xff\n"))
    told(caller)
    message = message_of(subscription)
    assert (message.status, message.attempts) == (Status.FAILED, 1)
    assert message.reason.startswith(f"{status} no")
    assert message.reason.isprintable()
    subscription.refresh_from_db()
    assert subscription.removed_at is None


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_push_service_that_is_broken_is_tried_again_later(caller: Caller, service: PushService, status: int) -> None:
    _, subscription = subscribe(caller, service, Reply(status=status))
    told(caller)
    message = message_of(subscription)
    assert (message.status, message.attempts, message.reason) == (Status.RETRY, 1, str(status))
    assert message.due_at is not None
    assert message.due_at > timezone.now()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_r12_a_push_service_that_asks_for_peace_gets_it_and_no_attempt_is_spent(
    caller: Caller, service: PushService, status: int
) -> None:
    _, subscription = subscribe(caller, service, Reply(status=status, headers={"Retry-After": "120"}))
    told(caller)
    first = message_of(subscription)
    assert (first.status, first.attempts) == (Status.ACCEPTED, 0)
    assert first.due_at is not None
    assert 119 <= (first.due_at - first.updated_at).total_seconds() <= 145
    # Neither is it asked for others.
    other, later = subscribe(caller, service)
    told(caller)
    assert other.heard == []
    assert (message_of(later).status, message_of(later).reason) == (Status.ACCEPTED, "127.0.0.1 is left in peace")
    assert not Lane.objects.filter(paused_until__isnull=False).exists()


def test_a_push_service_that_cannot_be_reached_is_tried_again(
    caller: Caller, service: PushService, settings: Any
) -> None:
    _, subscription = subscribe(caller, service)
    # Nobody listens there.
    settings.HAMMY_OUTBOUND_PORTS = [9]
    Subscription.objects.update(endpoint="http://127.0.0.1:9/push")
    told(caller)
    assert (message_of(subscription).status, message_of(subscription).reason) == (Status.RETRY, "no connection")


def test_s1_no_push_leaves_for_where_nobody_may_call(caller: Caller, service: PushService, settings: Any) -> None:
    browser, subscription = subscribe(caller, service)
    push = a_push(caller)
    settings.HAMMY_OUTBOUND_NETWORKS = []
    dispatch.work("WEB_PUSH")
    assert browser.heard == []
    assert message_of(subscription).reason == "leads to an address that may not be called"
    assert push.pk


def test_who_was_removed_meanwhile_is_told_nothing(caller: Caller, service: PushService) -> None:
    browser, subscription = subscribe(caller, service)
    a_push(caller)
    subscribing.remove(caller=caller, registration_id=subscription.registration_id)
    dispatch.work("WEB_PUSH")
    assert browser.heard == []
    assert (message_of(subscription).status, message_of(subscription).reason) == (
        Status.FAILED,
        "its subscription was removed",
    )


def test_a_push_that_is_out_of_date_is_told_no_more(caller: Caller, service: PushService) -> None:
    browser, _ = subscribe(caller, service)
    a_push(caller, time_to_live=0)
    Message.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    dispatch.work("WEB_PUSH")
    assert browser.heard == []


def test_what_was_held_until_there_was_a_channel_is_told(caller: Caller, service: PushService) -> None:
    browser, _ = subscribe(caller, service)
    late, passed = subscribe(caller, service)
    push = a_push(caller)
    # As sites before 2.6.0 kept them; what was only for who was online then has passed.
    Message.objects.update(status=Status.HELD, held_for=HeldFor.CHANNEL)
    of_late = Message.objects.filter(content__subscription_id=passed.pk)
    of_late.update(expires_at=timezone.now() - timedelta(days=1))
    dispatch.work("WEB_PUSH")
    assert browser.heard == []
    maintenance.clean()
    dispatch.work("WEB_PUSH")
    assert browser.told == [{"msg_id": str(push.pk), **HELLO}]
    assert late.heard == []


def test_a_fresh_key_serves_new_browsers_and_the_old_one_those_that_trust_it(
    caller: Caller, service: PushService
) -> None:
    old, _ = subscribe(caller, service)
    assert caller.client_id is not None
    fresh = vapid.rotate(client_id=caller.client_id)
    new, _ = subscribe(caller, service)
    assert old.public_key != new.public_key == fresh.public_key
    told(caller)
    assert (len(old.told), len(new.told)) == (1, 1)
    assert VapidKey.objects.current().count() == 1


def test_a_key_is_sealed_where_it_is_kept(caller: Caller) -> None:
    assert caller.client_id is not None
    key = vapid.current(client_id=caller.client_id)
    assert vapid.current(client_id=caller.client_id) == key
    # Not the 43 characters of 32 bytes.
    assert len(key.private_key) > 100
    assert len(key.public_key) == 87


def test_a_key_that_cannot_be_read_loses_no_push(caller: Caller, service: PushService, settings: Any) -> None:
    browser, subscription = subscribe(caller, service)
    secret, settings.SECRET_KEY = settings.SECRET_KEY, "another one"
    told(caller)
    message = message_of(subscription)
    assert (message.status, browser.heard) == (Status.RETRY, [])
    assert message.reason.startswith("its client's push key cannot be read: ")
    settings.SECRET_KEY = secret
    Message.objects.update(due_at=timezone.now())
    dispatch.work("WEB_PUSH")
    assert len(browser.told) == 1


def test_signatures_are_made_once_for_many_pushes(caller: Caller, service: PushService) -> None:
    browsers = [subscribe(caller, service)[0] for _ in range(3)]
    told(caller)
    assert len({browser.heard[0].headers["authorization"] for browser in browsers}) == 1


def test_many_are_told_side_by_side_and_one_that_hangs_delays_no_other(
    caller: Caller, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sending.channels.web_push.CALL_SECONDS", 3.0)
    browsers = [subscribe(caller, service, Reply(status=201, wait=0.5))[0] for _ in range(20)]
    _, hanging = subscribe(caller, service, Reply(status=201, wait=60))
    a_push(caller)
    began = time.monotonic()
    while Message.objects.filter(status=Status.ACCEPTED).exists():
        dispatch.work("WEB_PUSH")
    assert all(len(browser.told) == 1 for browser in browsers)
    # One after the other they took ten seconds.
    assert time.monotonic() - began < 9
    message = message_of(hanging)
    assert (message.status, message.reason) == (Status.RETRY, "no answer within 3 s")


def test_what_was_under_way_when_a_worker_must_stop_is_given_back(
    caller: Caller, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wait in (0.0, 30.0, 30.0):
        subscribe(caller, service, Reply(status=201, wait=wait))
    a_push(caller)
    monkeypatch.setattr(dispatch.Worker, "_note", lambda *_: False)
    dispatch.work("WEB_PUSH")
    # The one that came to something is not written down, the others are waiting again: none is lost, none in doubt.
    assert sorted(Message.objects.values_list("status", "attempts")) == [
        (Status.ACCEPTED, 0), (Status.ACCEPTED, 0), (Status.SENDING, 0),
    ]  # fmt: skip


def test_a_worker_that_died_over_many_spends_an_attempt_of_each_that_may_be_why(
    caller: Caller, service: PushService
) -> None:
    for _ in range(3):
        subscribe(caller, service)
    a_push(caller)
    dispatcher = Dispatcher.objects.create(host="gone", pid=1, lease_until=timezone.now())
    assert len(queue.claim(channel="WEB_PUSH", dispatcher=dispatcher, size=3)) == 3
    doubtful, waiting = queue.recover(dispatcher, why="worker gone died")
    assert (doubtful, len(waiting)) == ([], 3)
    assert set(Message.objects.values_list("status", "attempts")) == {(Status.ACCEPTED, 1)}


def test_it_takes_no_letters() -> None:
    assert "WEB_PUSH" not in letter_channels()
    (problem,) = channel("WEB_PUSH").check(a_letter())
    assert problem.field == ("channel",)
    assert channel("WEB_PUSH").hand_over(a_parcel()).kind == OutcomeKind.FAILED


def test_the_most_that_is_promised_fits_into_a_push(caller: Caller, service: PushService) -> None:
    content: dict[str, Any] = {"notification": {"alert": ""}}
    content["notification"]["alert"] = "x" * (MOST_BYTES - size_of(content))
    assert size_of(content) == MOST_BYTES
    browser, _ = subscribe(caller, service)
    push = told(caller, content=content)
    assert len(payload(push.pk, content)) <= MOST_BYTES
    assert len(browser.heard[0].body) <= 4096
    assert browser.told[0]["notification"] == content["notification"]
