"""Browsers, pushes and their messages, as tests of pages and commands need them."""

from typing import Any

from django.utils import timezone

from gateway.caller import Caller
from sending import pushing, vapid
from sending.audiences import Audience
from sending.models import Message, Push, Subscription, SubscriptionTag
from sending.pushing import PushOrder
from sending.states import Status
from tests.jobs.conftest import work

SAID = {"notification": {"alert": "Hello <b>all</b>", "web": {"title": "News & more", "url": "https://example.org/a"}}}


def subscribed(caller: Caller, *tags: str, **columns: Any) -> Subscription:
    """A browser that can be reached, as far as columns tell."""
    assert caller.client_id is not None
    values = {"endpoint": "https://push.example.net/secret-path", "auth": "secret-auth", "p256dh": "secret-key"}
    one = Subscription.objects.create(
        client_id=caller.client_id, vapid_key=vapid.current(client_id=caller.client_id), **(values | columns)
    )
    SubscriptionTag.objects.bulk_create(SubscriptionTag(subscription=one, tag=tag) for tag in tags)
    return one


def pushed(caller: Caller, content: dict[str, Any] | None = None, **audience: Any) -> Push:
    """A push whose messages are made."""
    order = PushOrder(content=content or SAID, audience=Audience(**audience), time_to_live=600)
    push = pushing.submit(caller=caller, order=order)
    work()
    return push


def closed(push: Push, to: Subscription, status: Status, reason: str = "") -> None:
    """What a worker would have written of the message to one browser."""
    message = Message.objects.filter(job_id=push.job_id, content__subscription_id=to.pk)
    message.update(status=status, reason=reason, closed_at=timezone.now(), due_at=None)
