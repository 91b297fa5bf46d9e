"""Browsers on a client's pages: they add and renew themselves, over CORS, and nothing else."""

from typing import Any

import pytest
from django.test import Client

from gateway import rate_limit
from gateway.models import ApiClient
from sending.models import Subscription
from tests.schedules.v4_calls import error
from tests.sending.devices_calls import DEVICES, PAGE, Site, device, preflight, rows, tags

pytestmark = pytest.mark.django_db
_KEY = f"{DEVICES}/key"
_LATER = "Execute action timeout, please try later again"


@pytest.fixture
def site() -> Site:
    return Site()


def cors(answer: Any) -> dict[str, str]:
    """What a browser goes by."""
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}


def varies(answer: Any) -> bool:
    """Whether what lies between knows that another page is answered otherwise."""
    return "Origin" in answer["Vary"].split(", ")


READABLE = {"Access-Control-Allow-Origin": PAGE, "Access-Control-Expose-Headers": "Retry-After, X-Request-Id"}


def test_a_browser_reads_the_key_and_subscribes(site: Site) -> None:
    key = site.browser("GET", _KEY)
    assert cors(key) == READABLE
    answer = site.browser("POST", DEVICES, device(public_key=key.json()["public_key"], alias="kata", tags=["news"]))
    found = Subscription.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"registration_id": found.registration_id})
    assert (cors(answer), varies(answer)) == (READABLE, True)
    assert (found.client, found.alias, tags(found)) == (site.client, "kata", ["news"])


def test_a_page_of_ours_reads_the_key_without_an_origin() -> None:
    # As browsers do where nothing is written.
    site = Site(origins=["http://localhost"])
    assert site.browser("GET", _KEY, Origin="", Host="localhost").status_code == 200
    assert error(site.browser("GET", _KEY, Origin=""))[0] == 403
    assert error(site.browser("POST", DEVICES, device(), Origin="", Host="localhost"))[0] == 403
    assert Subscription.objects.count() == 0


def test_what_a_browser_does_not_send_along_is_not_asked_for(site: Site) -> None:
    # No cookie is read, so that no page needs to be trusted with any.
    assert "Access-Control-Allow-Credentials" not in site.browser("GET", _KEY)


def test_a_browser_renews_itself_and_adds_to_its_tags(site: Site) -> None:
    first = site.subscribe(tags=["news"])
    site.call("PUT", f"{DEVICES}/{first.registration_id}", {"tags": {"add": ["customers"]}})
    for given in (
        {"endpoint": first.endpoint, "tags": ["offers"]},
        {"registration_id": first.registration_id, "tags": ["news", "hu"]},
        {"registration_id": first.registration_id, "tags": []},
    ):
        assert site.subscribe(**given).pk == first.pk
    assert tags(first) == ["customers", "hu", "news", "offers"]
    site.register(registration_id=first.registration_id, tags=["customers"])
    assert tags(first) == ["customers"]


@pytest.mark.parametrize("path", [DEVICES, f"{DEVICES}/", _KEY, f"{_KEY}/"])
def test_a_preflight_tells_pages_of_clients_what_they_may_send(site: Site, path: str) -> None:
    answer = preflight(path, PAGE)
    assert (answer.status_code, answer.content, varies(answer)) == (200, b"", True)
    assert cors(answer) == READABLE | {
        "Access-Control-Allow-Methods": "GET" if "key" in path else "POST",
        "Access-Control-Allow-Headers": "Content-Type, X-Application-Key",
        "Access-Control-Max-Age": "86400",
    }
    for origin in ("https://elsewhere.example", "", "null", "https://www.example.com.evil.example", PAGE.upper()):
        answer = preflight(path, origin)
        assert (answer.status_code, cors(answer), varies(answer)) == (200, {}, True), origin


def test_a_preflight_of_a_disabled_clients_page_is_a_strangers(site: Site) -> None:
    ApiClient.objects.update(is_active=False)
    assert cors(preflight(DEVICES, PAGE)) == {}


def test_what_servers_alone_may_call_knows_no_preflight(site: Site) -> None:
    answer = preflight(f"{DEVICES}/x", PAGE)
    assert (cors(answer), error(answer)[0]) == ({}, 401)


@pytest.mark.parametrize(
    "origin",
    ["", "null", "https://elsewhere.example", "http://www.example.com", f"{PAGE}:8443", f"{PAGE}/", PAGE.upper()],
)
def test_a_page_of_an_origin_that_is_not_listed_is_refused(site: Site, origin: str) -> None:
    before = rows()
    for method, path, data in (("POST", DEVICES, device()), ("GET", _KEY, None)):
        answer = site.browser(method, path, data, Origin=origin)
        assert error(answer) == (403, 28100, "Origin: must be an origin of the client's")
        assert cors(answer) == {}
    assert rows() == before


def test_a_page_of_another_clients_is_refused_and_may_read_why(site: Site) -> None:
    Site(origins=["https://other.example"])
    answer = site.browser("POST", DEVICES, device(), Origin="https://other.example")
    assert error(answer) == (403, 28100, "Origin: must be an origin of the client's")
    assert cors(answer)["Access-Control-Allow-Origin"] == "https://other.example"
    assert Subscription.objects.count() == 0


def test_a_client_that_lists_no_origin_has_no_browsers() -> None:
    for origin in ("", PAGE):
        assert error(Site(origins=[]).browser("POST", DEVICES, device(), Origin=origin))[:2] == (403, 28100)
    assert Subscription.objects.count() == 0


@pytest.mark.parametrize("key", ["HA0000", "x" * 5000, "\0", "é"])
def test_a_key_that_is_nobodys_is_refused(site: Site, key: str) -> None:
    answer = site.browser("POST", DEVICES, device(), X_Application_Key=key)
    assert error(answer) == (401, 28101, "Basic authentication failed.")
    assert cors(answer) == READABLE
    assert Subscription.objects.count() == 0


def test_a_disabled_clients_browsers_are_refused(site: Site) -> None:
    ApiClient.objects.update(is_active=False)
    assert error(site.browser("POST", DEVICES, device()))[:2] == (401, 28101)
    assert Subscription.objects.count() == 0


def test_a_client_without_the_right_to_send_has_no_browsers() -> None:
    site = Site(rights=["schedules"])
    for answer in (site.browser("POST", DEVICES, device()), site.call("POST", DEVICES, device())):
        assert error(answer)[:2] == (403, 28100)
    assert Subscription.objects.count() == 0


def test_a_browser_may_neither_list_nor_show_nor_change_nor_remove(site: Site) -> None:
    found = site.subscribe()
    before = rows()
    answer = site.browser("GET", DEVICES)
    assert error(answer) == (403, 28100, "only the client's servers may list devices")
    assert cors(answer) == READABLE
    for method, data in (("GET", None), ("PUT", {"alias": "x"}), ("POST", {"alias": "x"}), ("DELETE", None)):
        answer = site.browser(method, f"{DEVICES}/{found.registration_id}", data)
        assert error(answer) == (401, 28101, "Basic authentication failed.")
    assert rows() == before


def test_every_refusal_may_be_read_by_the_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("hunter2")

    for answer, status in (
        (site.browser("POST", DEVICES, {}), 400),
        (site.browser("POST", DEVICES, b"{"), 400),
        (site.browser("PATCH", DEVICES, {}), 405),
        (site.browser("POST", _KEY, {}), 405),
    ):
        assert (error(answer)[0], cors(answer)) == (status, READABLE)
    monkeypatch.setattr("sending.subscribing.register", broken)
    answer = site.browser("POST", DEVICES, device())
    assert (error(answer)[:2], cors(answer)) == ((500, 28200), READABLE)
    assert b"hunter2" not in answer.content


def test_who_says_nothing_of_himself_is_nobody() -> None:
    for method, path in (("GET", DEVICES), ("POST", DEVICES), ("GET", _KEY), ("GET", f"{DEVICES}/x")):
        answer = Client().generic(method, path, b"{}")
        assert error(answer) == (401, 28101, "Basic authentication failed.")
        assert answer["WWW-Authenticate"] == 'Basic realm="hammy", charset="UTF-8"'


def test_where_only_servers_name_browsers_a_browser_says_neither_alias_nor_tags() -> None:
    site = Site(browsers_name_themselves=False)
    for named in ({"alias": "kata"}, {"tags": ["vip"]}, {"alias": ""}, {"tags": []}):
        answer = site.browser("POST", DEVICES, device(**named))
        assert error(answer) == (403, 28100, "alias and tags are said by the client's own servers alone")
    assert Subscription.objects.count() == 0
    found = site.subscribe(time_zone="Asia/Tokyo", language="hu")
    site.call("PUT", f"{DEVICES}/{found.registration_id}", {"alias": "kata", "tags": ["vip"]})
    again = site.subscribe(endpoint=found.endpoint)
    assert (again.pk, again.alias, tags(again), again.time_zone) == (found.pk, "kata", ["vip"], "Asia/Tokyo")
    assert site.register(endpoint=found.endpoint, alias="feri").alias == "feri"


@pytest.mark.parametrize(
    "host",
    ["fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com", "wns2-par02p.notify.windows.com"],
)
def test_browsers_are_at_known_push_services(site: Site, host: str) -> None:
    assert site.subscribe(endpoint=f"https://{host}/x").endpoint == f"https://{host}/x"


def test_other_places_are_taken_of_servers_alone(site: Site, settings: Any) -> None:
    # Whoever is on the Internet may say he is a browser: he chooses no place in networks of ours either.
    settings.HAMMY_OUTBOUND_NETWORKS = ["10.0.0.0/8"]
    settings.HAMMY_PUSH_HOSTS = ["push.example.com"]
    for endpoint in (
        "https://evilpush.example.com/x", "https://push.example.com.evil.example/x", "https://10.1.2.3/x",
        "http://10.1.2.3/x", "https://fcm.googleapis.com/x",
    ):  # fmt: skip
        assert error(site.browser("POST", DEVICES, device(endpoint=endpoint))) == (
            400, 28100, "endpoint: must be at a known push service: push.example.com",
        )  # fmt: skip
    assert Subscription.objects.count() == 0
    assert site.register(endpoint="http://10.1.2.3/x").endpoint == "http://10.1.2.3/x"
    assert site.subscribe(endpoint="https://PUSH.example.com/x").endpoint == "https://PUSH.example.com/x"


def test_browsers_of_a_client_have_a_rate_of_their_own(
    site: Site, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "time", lambda: 1_000_000_025.0)
    settings.HAMMY_BROWSERS_PER_MINUTE = 3
    other = Site()
    for _ in range(3):
        assert site.browser("GET", _KEY).status_code == 200
    answer = site.browser("POST", DEVICES, device())
    assert (error(answer), answer["Retry-After"], cors(answer)) == ((429, 28203, _LATER), "55", READABLE)
    assert Subscription.objects.count() == 0
    assert preflight(DEVICES, PAGE).status_code == 200
    assert site.call("POST", DEVICES, device()).status_code == 200
    assert other.browser("POST", DEVICES, device()).status_code == 200


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [("192.0.2.1", "192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1")],
)
def test_one_address_takes_no_others_place(
    site: Site, monkeypatch: pytest.MonkeyPatch, one: str, same: str, other: str
) -> None:
    monkeypatch.setattr(rate_limit, "time", lambda: 1_000_000_025.0)

    def asked(address: str) -> int:
        monkeypatch.setattr("gateway.auth.remote_address", lambda _request: address)
        status: int = site.browser("GET", _KEY).status_code
        return status

    assert [asked(one) for _ in range(120)] == [200] * 120
    assert [asked(address) for address in (same, other, "")] == [429, 200, 200]


def test_who_has_no_address_is_not_counted_by_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "time", lambda: 1_000_000_025.0)
    monkeypatch.setattr("gateway.auth.remote_address", lambda _request: "")
    assert [site.browser("GET", _KEY).status_code for _ in range(130)] == [200] * 130
