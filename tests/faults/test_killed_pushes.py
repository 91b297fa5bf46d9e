"""Workers die over pushes: every browser is told, and what it is told twice has one id (docs/adr/0029)."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sending.channels.web_push import WebPushChannel
from tests.fakes.push_service import Browser, PushService
from tests.fakes.receiver import Reply
from tests.faults.site import Site, site, wait_until

pytestmark = pytest.mark.timeout(240)
_COUNT = 300
_KEY = """
from gateway.models import ApiClient
from sending import vapid
print(vapid.current(client_id=ApiClient.objects.get().pk).public_key)
"""
_SUBSCRIBE_AND_PUSH = """
import json
from gateway import wakeups
from gateway.lookup import caller_of
from gateway.models import ApiClient
from sending import pushing, subscribing
caller = caller_of(ApiClient.objects.get())
for one in json.load(open({path!r})):
    keys = one.pop("keys")
    subscribing.register(caller=caller, wish=subscribing.Wish(endpoint=one["endpoint"], **keys))
push = pushing.submit(
    caller=caller, order=pushing.PushOrder(content={{"notification": {{"alert": "Hello"}}}}, time_to_live=3600)
)
wakeups.flush(3)
print(push.pk)
"""


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as service:
        yield service


@pytest.fixture
def running(service: PushService, tmp_path: Path) -> Iterator[Site]:
    known = {"HAMMY_OUTBOUND_NETWORKS": "127.0.0.0/8", "HAMMY_OUTBOUND_PORTS": str(service.port)}
    with site(tmp_path, HAMMY_RETRY_FIRST_SECONDS="0.5", **known) as made:
        made.start_beat()
        yield made


def pushed(running: Site, service: PushService, folder: Path, count: int) -> tuple[str, list[Browser]]:
    """The id of a push to so many browsers."""
    key = running.manage("shell", "--no-imports", "-c", _KEY).split()[-1]
    browsers = [service.browser(key) for _ in range(count)]
    path = folder / "subscriptions.json"
    path.write_text(json.dumps([browser.subscription() for browser in browsers]))
    code = _SUBSCRIBE_AND_PUSH.format(path=str(path))
    return running.manage("shell", "--no-imports", "-c", code).split()[-1], browsers


def test_r2_ten_kills_leave_no_browser_untold_and_nothing_in_doubt(
    running: Site, service: PushService, tmp_path: Path
) -> None:
    push, browsers = pushed(running, service, tmp_path, _COUNT)
    for browser in browsers:
        browser.reply = Reply(status=201, wait=0.05)
    for _ in range(10):
        worker = running.start_worker()
        before = len(service.heard)
        wait_until(
            lambda seen=before: len(service.heard) > seen or running.statuses()["SENT"] == _COUNT,
            seconds=60,
            what="a push",
        )  # type: ignore[misc]
        time.sleep(random.uniform(0, 0.3))
        running.kill(worker)
    running.start_worker()
    assert running.wait_drained(seconds=120) == {"SENT": _COUNT}
    assert all(browser.told for browser in browsers)
    assert {told["msg_id"] for browser in browsers for told in browser.told} == {push}
    # What a kill repeats is what was in the hands of two processes.
    assert sum(len(browser.told) - 1 for browser in browsers) <= 10 * 2 * WebPushChannel.most_at_once


def test_a_push_service_that_is_throttled_and_broken_for_a_while_delays_and_fails_none(
    running: Site, service: PushService, tmp_path: Path
) -> None:
    service.trouble = Reply(status=429, headers={"Retry-After": "1"})
    _, browsers = pushed(running, service, tmp_path, 20)
    running.start_worker(processes=1)
    wait_until(lambda: service.heard, seconds=60, what="a push")
    time.sleep(2)
    service.trouble = Reply(status=503)
    time.sleep(2)
    service.trouble = None
    assert running.wait_drained(seconds=90) == {"SENT": 20}
    assert [len(browser.told) for browser in browsers] == [1] * 20
