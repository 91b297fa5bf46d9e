"""Devices over REST: decode, call, encode."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.request import Request

from gateway.auth import BrowserAuthentication
from gateway.errors import Code, refuse
from gateway.lookup import is_some_clients
from sending import subscribing, vapid
from sending.devices_v4 import answer, request, schema
from sending.devices_v4.paging import read_page, rows_on
from sending.devices_v4.view import V4View, json_of

_DAY = "86400"
# A subscription is a few hundred bytes. Whoever is on the Internet may say he is a browser.
_MOST_OF_A_BROWSER = 16 * 1024


class _Devices(V4View):
    required_right = "send"
    # What is not there is named: it is no schedule.
    sentences: ClassVar[Mapping[int, str]] = {answer.GONE: ""}


class _OfPages(_Devices):
    """What a page's browser may ask too (Fetch, "CORS protocol"): a page of any client's reads the answer, were it only
    that it may not."""

    authentication_classes = [BrowserAuthentication]
    http_method_names = [*V4View.http_method_names, "options"]
    open_methods = ""

    @property
    def is_browser(self) -> bool:
        return isinstance(self.request.user, str)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A preflight carries no credentials.
        if request.method != "OPTIONS":
            super().initial(request, *args, **kwargs)

    @schema.hidden
    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        response = answer.nothing()
        if is_some_clients(request.META.get("HTTP_ORIGIN", "")):
            response.headers["Access-Control-Allow-Methods"] = self.open_methods
            response.headers["Access-Control-Allow-Headers"] = "Content-Type, X-Application-Key"
            response.headers["Access-Control-Max-Age"] = _DAY
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        origin = request.META.get("HTTP_ORIGIN", "")
        if origin and _may_read(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id"
        response.headers["Vary"] = "Origin"
        return super().finalize_response(request, response, *args, **kwargs)


class DevicesView(_OfPages):
    """Subscribes a browser; lists those that did, for servers."""

    open_methods = "POST"

    @schema.operation(
        "registerDevice",
        "Register or renew a browser",
        schema.REGISTERED,
        request=schema.DEVICE,
        auth=schema.OF_PAGES,
    )
    def post(self, http_request: Request) -> HttpResponse:
        data = json_of(http_request, most=_MOST_OF_A_BROWSER if self.is_browser else None)
        wish = request.read_device(data, is_browser=self.is_browser)
        return answer.shown(
            answer.registered(subscribing.register(caller=self.caller, wish=wish, is_browser=self.is_browser))
        )

    @schema.operation("listDevices", "List browsers", schema.LIST, parameters=schema.LIST_PARAMETERS)
    def get(self, http_request: Request) -> HttpResponse:
        if self.is_browser:
            # It may add and renew, and learns of nobody.
            raise refuse(Code.FORBIDDEN, "only the client's servers may list devices")
        page, narrowed = read_page(http_request.query_params, *request.NARROWING)
        found = subscribing.subscriptions(caller=self.caller, **narrowed)
        rows = rows_on(page, found)
        return answer.shown(answer.listed(rows, subscribing.tags_of(rows), total=found.count(), page=page))


class KeyView(_OfPages):
    """The key that browsers subscribe with."""

    open_methods = "GET"

    @schema.operation("showPushKey", "Read the key to subscribe with", schema.KEY, auth=schema.OF_PAGES)
    def get(self, http_request: Request) -> HttpResponse:
        return answer.shown(answer.key(vapid.current(client_id=subscribing.client_of(self.caller))))


class DeviceView(_Devices):
    """One browser, for servers."""

    @schema.operation("showDevice", "Read a browser", schema.DETAIL)
    def get(self, http_request: Request, registration_id: str) -> HttpResponse:
        return _shown(subscribing.find(caller=self.caller, registration_id=registration_id))

    @schema.operation("nameDevice", "Say alias, tags, zone and language", schema.DETAIL, request=schema.CHANGE)
    def put(self, http_request: Request, registration_id: str) -> HttpResponse:
        # Whoever is not there has nothing to be said of: other services have addresses of their own here.
        subscribing.find(caller=self.caller, registration_id=registration_id)
        named, added, removed = request.read_change(json_of(http_request))
        return _shown(
            subscribing.name(
                caller=self.caller, registration_id=registration_id, named=named, added=added, removed=removed
            )
        )

    @schema.hidden
    def post(self, http_request: Request, registration_id: str) -> HttpResponse:
        """As other services of this kind have it."""
        return self.put(http_request, registration_id)

    @schema.operation("removeDevice", "Remove a browser", schema.NOTHING)
    def delete(self, http_request: Request, registration_id: str) -> HttpResponse:
        subscribing.remove(caller=self.caller, registration_id=registration_id)
        return answer.nothing()


def _may_read(origin: str) -> bool:
    try:
        return is_some_clients(origin)
    except (OperationalError, InterfaceError):
        # Where the database is away that is what is told, to servers at least.
        return False


def _shown(subscription: Any) -> HttpResponse:
    return answer.shown(answer.detail(subscription, subscribing.tags_of([subscription]).get(subscription.pk, ())))
