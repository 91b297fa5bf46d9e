"""Lists of the console fit a page of usual width, whatever stands in them: a real Chromium measures them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from gateway.caller import Caller
from gateway.models import ApiClient
from sending import vapid
from sending.models import VapidKey
from tests.console import plain_pages  # noqa: F401
from tests.factories import make_user
from tests.fakes.chromium import Chromium, Page
from tests.sending.pushed import subscribed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
_WIDTH = 1400
# What lies beyond the page, or beyond what cuts it off.
_OUTSIDE = """
[...document.querySelectorAll("#result_list th, #result_list td, #result_list a, #result_list span")]
  .filter((one) => one.getClientRects().length && one.textContent.trim())
  .filter((one) => {
    const box = one.getBoundingClientRect();
    let right = innerWidth;
    for (let above = one.parentElement; above; above = above.parentElement) {
      if (getComputedStyle(above).overflowX !== "visible") right = Math.min(right, above.getBoundingClientRect().right);
    }
    return box.right > right + 1;
  })
  .map((one) => one.textContent.trim())
"""


@pytest.fixture
def page() -> Iterator[Page]:
    with Chromium() as chromium:
        made = chromium.page("about:blank#")
        made.call(
            "Emulation.setDeviceMetricsOverride", width=_WIDTH, height=900, deviceScaleFactor=1, mobile=False
        )  # fmt: skip
        yield made


def opened(page: Page, server: LiveServer, path: str) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    (cookie,) = client.cookies.values()
    page.call("Network.setCookie", name=cookie.key, value=cookie.value, url=server.url)
    page.go(f"{server.url}{path}")


def test_keys_and_what_is_done_with_them_lie_on_the_page(page: Page, live_server: LiveServer, caller: Caller) -> None:
    assert caller.client_id is not None
    vapid.current(client_id=caller.client_id)
    vapid.rotate(client_id=caller.client_id)
    # Many have no hyphen at which browsers would break them by themselves.
    for key in VapidKey.objects.all():
        VapidKey.objects.filter(pk=key.pk).update(public_key="BW"[key.retired_at is None] + "W" * 86)
    ApiClient.objects.update(name="Ügyfélportál, webáruház")
    opened(page, live_server, "/admin/sending/vapidkey/")
    assert page.ask("document.querySelector('#result_list').innerText.includes('Rotate')") is True
    assert page.ask(_OUTSIDE) == []


def test_why_a_browser_was_removed_lies_on_the_page(page: Page, live_server: LiveServer, caller: Caller) -> None:
    named: dict[str, Any] = {
        "alias": "erzsebet.kovacs-szabo@ugyfelszolgalat.example.org",
        "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/x",
        "time_zone": "America/Argentina/Buenos_Aires",
        "language": "en-GB",
    }
    subscribed(caller, "members", "budapest", **named)
    ApiClient.objects.update(name="Ügyfélportál, webáruház")
    reason = "removed by user-17: " + "lost phone " * 15
    gone = subscribed(caller, **named, removed_at=timezone.now(), removed_for=reason)
    opened(page, live_server, "/admin/sending/subscription/")
    assert page.ask("document.querySelector('#result_list').textContent").count(gone.removed_for.strip()) == 1
    assert page.ask(_OUTSIDE) == []
