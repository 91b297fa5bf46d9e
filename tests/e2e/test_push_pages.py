"""A browser subscribes on a page and shows what it is sent: a real site, a real Chromium, and between them a push
service of the tests' own. Only what Chromium would ask of its maker's push service is stood in for."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.fakes.chromium import Chromium, Page
from tests.fakes.push_service import Browser, PushService
from tests.fakes.receiver import Receiver, Reply
from tests.faults.site import Site, site, wait_until

pytestmark = pytest.mark.timeout(600)

# PushManager, as Chromium's would be with a push service: it subscribes once with a key, and remembers.
_PUSH_MANAGER = """
(() => {
  const given = %s;
  window.heard = [];
  navigator.serviceWorker.addEventListener("message", (event) => heard.push(event.data.push.msg_id));
  let present = null;
  PushManager.prototype.getSubscription = async () => present;
  PushManager.prototype.subscribe = async (options) => {
    if ((await navigator.serviceWorker.getRegistrations()).every((one) => !one.active)) {
      throw new DOMException("Subscription failed - no active Service Worker", "AbortError");
    }
    const key = new Uint8Array(options.applicationServerKey).buffer;
    present = {
      endpoint: given.endpoint,
      options: { userVisibleOnly: options.userVisibleOnly, applicationServerKey: key },
      toJSON: () => given,
      unsubscribe: async () => { present = null; return true; },
    };
    return present;
  };
})();
"""
_TOLD = "[...document.querySelectorAll('#told li')].map((line) => line.firstChild.textContent)"
# Not while the worker is about to show one: Chromium would forget what it does not display yet.
_SHOWN = """
navigator.locks.request("hammy-push", async () => {
  const shown = [];
  for (const registration of await navigator.serviceWorker.getRegistrations()) {
    for (const one of await registration.getNotifications()) shown.push([one.title, one.body, one.tag]);
  }
  return shown;
})
"""

# What Chromium tells a worker when it changed the subscription by itself.
_RENEWED = """
(async () => {
  const given = %s;
  const key = Uint8Array.from(atob("%s".replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0)).buffer;
  const event = new ExtendableEvent("pushsubscriptionchange");
  event.newSubscription = { options: { applicationServerKey: key }, toJSON: () => given };
  const waited = [];
  event.waitUntil = (promise) => waited.push(promise);
  self.dispatchEvent(event);
  await Promise.all(waited);
})()
"""


class Client:
    """One with pages of two origins, and its servers' calls."""

    def __init__(self, running: Site, *origins: str, name: str = "pages") -> None:
        listed = [part for origin in origins for part in ("--origin", origin)]
        made = running.manage("create_client", name, "--rights", "all", "--no-user-token", "--json", *listed)
        keys = json.loads(made)
        self.address = f"http://127.0.0.1:{running.web_port}"
        self.access_id: str = keys["accessId"]
        self._auth = keys["accessId"], keys["secret"]

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = requests.request(method, f"{self.address}{path}", json=body, auth=self._auth, timeout=60)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json() if answer.content else {}
        return document

    def push(self, alias: str, **body: Any) -> str:
        """The id of a push to one person's browsers."""
        order = {"to": {"alias": [alias]}, "body": {"platform": "web", **body}}
        return str(self.call("POST", "/v4/push", order)["msg_id"])


@pytest.fixture(scope="module")
def service() -> Iterator[PushService]:
    with PushService() as made:
        yield made


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Receiver]:
    """A client's own site."""
    with Receiver() as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, service: PushService) -> Iterator[Site]:
    with Chromium():
        pass  # skipped before anything else is started where there is none
    outbound = {"HAMMY_OUTBOUND_NETWORKS": "127.0.0.0/8", "HAMMY_OUTBOUND_PORTS": str(service.port)}
    with site(tmp_path_factory.mktemp("pages"), HAMMY_PUSH_HOSTS="127.0.0.1", **outbound) as made:
        made.start_web()
        made.start_worker(processes=1)
        made.start_beat()
        yield made


@pytest.fixture(scope="module")
def client(running: Site, elsewhere: Receiver) -> Client:
    return Client(running, f"http://127.0.0.1:{running.web_port}", elsewhere.url(""))


@pytest.fixture
def chromium() -> Iterator[Chromium]:
    with Chromium() as made:
        yield made


def browser_of(client: Client, service: PushService) -> Browser:
    return service.browser(client.call("GET", "/v4/devices/key")["public_key"])


def opened(chromium: Chromium, address: str, browser: Browser, *, may: bool = True) -> Page:
    """A page whose user lets it show pushes, or not."""
    origin = "/".join(address.split("/")[:3])
    setting = "granted" if may else "denied"
    chromium.call("Browser.setPermission", origin=origin, permission={"name": "notifications"}, setting=setting)
    return chromium.page(address, before=_PUSH_MANAGER % json.dumps(browser.subscription()))


def subscribe(page: Page, client: Client, alias: str, tags: str = "") -> str:
    """What the demo page says in the end, when its form was filled in."""
    for name, value in (("key", client.access_id), ("alias", alias), ("tags", tags)):
        page.ask(f"document.getElementById('{name}').value = {json.dumps(value)}")
    page.ask("document.querySelector('#form button').click()")
    said: str = page.until("/^(Subscribed|Not)/.test(state.textContent) && state.textContent")
    return said


def deliver(page: Page, content: dict[str, Any]) -> None:
    """What a push service brings to Chromium, as it comes to the page's worker."""
    registrations = page.chromium.event("ServiceWorker.workerRegistrationUpdated", page.session)[-1]["registrations"]
    page.call(
        "ServiceWorker.deliverPushMessage",
        origin=page.ask("location.origin"),
        registrationId=registrations[-1]["registrationId"],
        data=json.dumps(content),
    )


def told(browser: Browser, count: int) -> dict[str, Any]:
    """The last of so many pushes that came to the push service, decrypted."""
    wait_until(lambda: len(browser.told) == count, seconds=60, what=f"{count} pushes")
    return browser.told[-1]


def test_a_page_subscribes_and_its_browser_shows_each_push_once(
    client: Client, service: PushService, chromium: Chromium
) -> None:
    browser = browser_of(client, service)
    page = opened(chromium, f"{client.address}/push/demo", browser)
    said = subscribe(page, client, "kata", " news , offers,")
    registration_id = said.removeprefix("Subscribed. registration_id: ")
    found = client.call("GET", f"/v4/devices/{registration_id}")
    assert (found["alias"], found["tags"], found["language"], found["time_zone"], found["push_service"]) == (
        "kata", ["news", "offers"], page.ask("navigator.language"), "Europe/Budapest", "127.0.0.1",
    )  # fmt: skip

    notification = {"alert": "Tegnap óta nyitva", "web": {"title": "Új fiók", "url": "https://example.org/a"}}
    pk = client.push("kata", notification=notification)
    content = told(browser, 1)
    assert content == {"msg_id": pk, "notification": notification}
    # Twice in a row, as when a server fell over just as it was sent, and once more when it was long shown.
    deliver(page, content)
    deliver(page, content)
    page.until(f"({_TOLD}).length")
    deliver(page, content)
    last = {"msg_id": f"{pk}0", "notification": {"alert": "and another"}}
    deliver(page, last)
    page.until(f"({_TOLD}).length === 2")
    assert sorted(page.ask(_SHOWN)) == [["127.0.0.1", "and another", f"{pk}0"], ["Új fiók", "Tegnap óta nyitva", pk]]
    assert page.ask(_TOLD) == ["", "Új fiók"]


def test_a_message_is_for_the_page_while_somebody_looks_at_it(
    client: Client, service: PushService, chromium: Chromium
) -> None:
    browser = browser_of(client, service)
    page = opened(chromium, f"{client.address}/push/demo", browser)
    subscribe(page, client, "feri")
    pk = client.push("feri", message={"title": "Rate", "msg_content": "401,20", "extras": {"currency": "EUR"}})
    content = told(browser, 1)
    assert content["message"]["extras"] == {"currency": "EUR"}
    page.call("Page.bringToFront")
    deliver(page, content)
    assert page.until(f"({_TOLD}).length && {_TOLD}") == ["Rate"]
    assert pk in page.ask("document.querySelector('#told pre').textContent")
    assert page.ask(_SHOWN) == []


def test_what_overrides_takes_the_place_of_what_was_shown(
    client: Client, service: PushService, chromium: Chromium
) -> None:
    browser = browser_of(client, service)
    page = opened(chromium, f"{client.address}/push/demo", browser)
    subscribe(page, client, "jani")
    for count, words in enumerate(("0 : 1", "1 : 1"), start=1):
        client.push("jani", notification={"alert": words}, options={"override_msg_id": "match"})
        deliver(page, told(browser, count))
        page.until(f"({_TOLD}).length === {count}")
    assert page.ask(_SHOWN) == [["127.0.0.1", "1 : 1", "match"]]


def test_what_was_overridden_and_comes_late_is_not_shown_in_the_place_of_the_last(
    client: Client, service: PushService, chromium: Chromium
) -> None:
    page = opened(chromium, f"{client.address}/push/demo", browser_of(client, service))
    subscribe(page, client, "late")
    for pk, words, topic in (("9", "other", "rain"), ("12", "1 : 1", "match"), ("13", "2 : 1", "match")):
        deliver(page, {"msg_id": pk, "notification": {"alert": words}, "topic": topic})
    # Overridden by the last, and never known before.
    deliver(page, {"msg_id": "11", "notification": {"alert": "0 : 1"}, "topic": "match"})
    deliver(page, {"msg_id": "8", "notification": {"alert": "free"}})
    page.until("heard.length === 4")
    assert page.ask("heard") == ["9", "12", "13", "8"]
    assert sorted(page.ask(_SHOWN)) == [
        ["127.0.0.1", "2 : 1", "match"], ["127.0.0.1", "free", "8"], ["127.0.0.1", "other", "rain"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/a?b=c", ["https://example.org/a?b=c"]),
        ("/news", ["{home}/news"]),
        (None, ["{home}/"]),
        ("javascript:alert(1)", []),
        ("data:text/html,x", []),
        ("http://[", ["{home}/"]),
    ],
)
def test_a_click_opens_the_address_of_a_push_and_nothing_but_pages(
    client: Client, service: PushService, chromium: Chromium, url: str | None, expected: list[str]
) -> None:
    page = opened(chromium, f"{client.address}/push/demo", browser_of(client, service))
    subscribe(page, client, "clicks")
    deliver(page, {"msg_id": "1", "notification": {"alert": "x", "web": {"title": "y", "url": url}}})
    page.until("heard.length")
    assert page.ask(_SHOWN) == [["y", "x", "1"]]
    (target,) = chromium.targets("service_worker")
    worker = Page(chromium, target["targetId"])
    # Chromium opens windows for people's clicks alone.
    opened_pages = worker.ask("""(async () => {
      const opened = [];
      self.clients.openWindow = async (address) => { opened.push(address); };
      const [notification] = await self.registration.getNotifications();
      const event = new NotificationEvent("notificationclick", { notification });
      const waited = [];
      event.waitUntil = (promise) => waited.push(promise);
      self.dispatchEvent(event);
      await Promise.all(waited);
      return opened;
    })()""")
    assert opened_pages == [one.format(home=client.address) for one in expected]
    page.until(f"{_SHOWN}.then((shown) => shown.length === 0)")


def test_a_page_of_another_site_subscribes_with_a_worker_of_its_own(
    client: Client, service: PushService, chromium: Chromium, elsewhere: Receiver
) -> None:
    page_of_theirs = f"<!doctype html><title>Shop</title><script src='{client.address}/push/hammy-push.js'></script>"
    worker = f"importScripts('{client.address}/push/hammy-push-worker.js');"
    for path, kind, content in (("/shop/", "text/html", page_of_theirs), ("/workers/sw.js", "text/javascript", worker)):
        elsewhere.replies[path] = Reply(status=200, headers={"Content-Type": kind}, body=content.encode())
    browser = browser_of(client, service)
    page = opened(chromium, elsewhere.url("/shop/"), browser)
    asked = f"HammyPush.subscribe({{key: '{client.access_id}', worker: '/workers/sw.js', alias: 'shopper'}})"
    # The worker's folder is not above the page, and each call renews what there is.
    assert page.ask(asked) == page.ask(asked)
    content = {"notification": {"alert": "Sale"}}
    pk = client.push("shopper", **content)
    assert told(browser, 1) == {"msg_id": pk, **content}
    deliver(page, browser.told[0])
    page.until("heard.length")
    assert page.ask(_SHOWN) == [["127.0.0.1", "Sale", pk]]
    assert page.ask("HammyPush.unsubscribe()") is True
    assert page.ask("HammyPush.unsubscribe()") is False


def test_each_worker_of_a_page_renews_what_its_own_client_knows(
    running: Site, client: Client, service: PushService, chromium: Chromium, elsewhere: Receiver
) -> None:
    other = Client(running, elsewhere.url(""), name="others")
    content = f"<!doctype html><title>Shop</title><script src='{client.address}/push/hammy-push.js'></script>"
    worker = f"importScripts('{client.address}/push/hammy-push-worker.js');"
    files = {"/two/": ("text/html", content), "/one/sw.js": ("text/javascript", worker)}
    for path, (kind, words) in {**files, "/other/sw.js": files["/one/sw.js"]}.items():
        elsewhere.replies[path] = Reply(status=200, headers={"Content-Type": kind}, body=words.encode())
    page = opened(chromium, elsewhere.url("/two/"), browser_of(client, service))
    asked = "HammyPush.subscribe({key: '%s', worker: '%s', alias: 'both'})"
    first = page.ask(asked % (client.access_id, "/one/sw.js"))
    page.ask("PushManager.prototype.getSubscription = async () => null")
    page.ask(asked % (other.access_id, "/other/sw.js"))

    # It was removed just before, so that it gets another id, and keeps that one from then on.
    client.call("DELETE", f"/v4/devices/{first}")
    targets = [one for one in chromium.targets("service_worker") if "/one/" in one["url"]]
    renewing = Page(chromium, targets[0]["targetId"])
    ids = []
    for fresh in (browser_of(client, service), browser_of(client, service)):
        renewing.ask(_RENEWED % (json.dumps(fresh.subscription()), fresh.public_key))
        (device,) = client.call("GET", "/v4/devices")["devices"][-1:]
        ids.append(device["registration_id"])
    assert ids[0] == ids[1] != first
    assert other.call("GET", "/v4/devices")["total_count"] == 1


def test_a_page_of_an_origin_that_the_client_does_not_list_cannot_subscribe(
    client: Client, service: PushService, chromium: Chromium
) -> None:
    with Receiver() as stranger:
        content = f"<!doctype html><script src='{client.address}/push/hammy-push.js'></script>".encode()
        stranger.reply = Reply(status=200, headers={"Content-Type": "text/html"}, body=content)
        page = opened(chromium, stranger.url("/"), browser_of(client, service))
        asked = f"HammyPush.subscribe({{key: '{client.access_id}', worker: '/sw.js', alias: 'stranger'}})"
        assert page.ask(f"{asked}.catch((error) => error.name)") == "TypeError"
    assert client.call("GET", "/v4/devices?alias=stranger")["total_count"] == 0


@pytest.mark.parametrize(
    ("may", "key", "words"), [(False, "", "denied"), (True, "HAnobody", "HAnobody is no client's access id")]
)
def test_the_page_says_why_a_browser_was_not_subscribed(
    client: Client, service: PushService, chromium: Chromium, may: bool, key: str, words: str
) -> None:
    page = opened(chromium, f"{client.address}/push/demo", browser_of(client, service), may=may)
    page.ask("Notification.requestPermission = async () => Notification.permission")
    page.ask(f"document.getElementById('key').value = '{key or client.access_id}'")
    page.ask("document.querySelector('#form button').click()")
    assert page.until("/^Not/.test(state.textContent) && state.textContent").startswith(f"Not subscribed: {words}")
    assert page.ask("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


def test_a_browser_that_cannot_reach_its_push_service_says_so_in_the_end(
    client: Client, service: PushService, chromium: Chromium
) -> None:
    page = opened(chromium, f"{client.address}/push/demo", browser_of(client, service))
    page.ask("waits = []")
    page.ask("later = setTimeout")
    page.ask("setTimeout = (act, wait) => { waits.push(wait); return later(act, wait === 30000 ? 10 : wait); }")
    page.ask("reached = PushManager.prototype.subscribe")
    page.ask("PushManager.prototype.subscribe = () => new Promise(() => {})")
    asked = f"HammyPush.subscribe({{key: '{client.access_id}', worker: 'hammy-push-worker.js', alias: 'walled'}})"
    said = page.ask(f"{asked}.catch((error) => [error.name, error.message])")
    assert said == ["Error", "this browser cannot reach its push service"]
    assert page.ask("waits") == [30000]
    assert client.call("GET", "/v4/devices?alias=walled")["total_count"] == 0
    page.ask("PushManager.prototype.subscribe = reached")
    assert len(page.ask(asked)) == 32
    assert client.call("GET", "/v4/devices?alias=walled")["total_count"] == 1


@pytest.mark.parametrize(
    ("language", "known"), [("en-US@posix", ""), ("C", "C"), ("", ""), ("hu", "hu"), ("x" * 9, ""), ("a-" * 20, "")]
)
def test_a_browsers_language_is_told_where_it_is_one(
    client: Client, service: PushService, chromium: Chromium, language: str, known: str
) -> None:
    page = opened(chromium, f"{client.address}/push/demo", browser_of(client, service))
    page.ask(f"Object.defineProperty(navigator, 'language', {{value: {json.dumps(language)}}})")
    made = page.ask(f"HammyPush.subscribe({{key: '{client.access_id}', worker: 'hammy-push-worker.js'}})")
    assert client.call("GET", f"/v4/devices/{made}")["language"] == known
