"""What tests of pushes share: browsers that subscribed, and a push told by this process."""

from typing import Any

from gateway.caller import Caller
from sending import dispatch, pushing, subscribing, vapid
from sending.models import Push, Subscription
from sending.pushing import PushOrder
from sending.subscribing import Named, Wish
from tests.fakes.push_service import Browser, PushService
from tests.fakes.receiver import Reply
from tests.jobs.conftest import work

HELLO = {"notification": {"alert": "Szia", "web": {"title": "Hír", "url": "https://example.org/a"}}}


def subscribe(
    caller: Caller, service: PushService, reply: Reply | None = None, **named: Any
) -> tuple[Browser, Subscription]:
    """A browser that trusts the client's present key."""
    assert caller.client_id is not None
    browser = service.browser(vapid.current(client_id=caller.client_id).public_key, reply)
    keys = browser.subscription()["keys"]
    wish = Wish(endpoint=browser.endpoint, p256dh=keys["p256dh"], auth=keys["auth"], named=Named(**named))
    return browser, subscribing.register(caller=caller, wish=wish)


def a_push(caller: Caller, **overrides: Any) -> Push:
    """One that its job has made messages of."""
    made = pushing.submit(caller=caller, order=PushOrder(**{"content": HELLO, "time_to_live": 600} | overrides))
    work()
    return made


def told(caller: Caller, **overrides: Any) -> Push:
    """One that was handed over, too."""
    made = a_push(caller, **overrides)
    dispatch.work("WEB_PUSH")
    return made
