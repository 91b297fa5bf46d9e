"""Calling the door of devices, as clients' servers do and as browsers do."""

from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from py_vapid.utils import b64urlencode

from sending.models import Subscription, SubscriptionTag, VapidKey
from tests.schedules.v4_calls import V4

DEVICES = "/v4/devices"
PAGE = "https://www.example.com"
_AUTH = b64urlencode(bytes(range(16)))
_POINT = b64urlencode(
    ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
)
_numbers = count(1)


def device(**overrides: Any) -> dict[str, Any]:
    """``PushSubscription.toJSON()`` of a browser of its own, and what is said of it; ``...`` leaves a member out."""
    values = {
        "endpoint": f"https://fcm.googleapis.com/fcm/send/{next(_numbers)}",
        "expirationTime": None,
        "keys": {"p256dh": _POINT, "auth": _AUTH},
    }
    return {name: value for name, value in (values | overrides).items() if value is not ...}


class Site(V4):
    """A client with a page."""

    def __init__(self, **overrides: Any) -> None:
        super().__init__(**({"rights": ["send"], "origins": [PAGE]} | overrides))

    def browser(self, method: str, path: str = DEVICES, data: Any = None, **headers: str) -> Any:
        """As a browser on the client's page asks."""
        named = {"Authorization": "", "X_Application_Key": self.keys.access_id, "Origin": PAGE} | headers
        return self.call(method, path, data, **named)

    def register(self, **overrides: Any) -> Subscription:
        answer = self.call("POST", DEVICES, device(**overrides))
        assert answer.status_code == 200, answer.content
        (registration_id,) = answer.json().values()
        return Subscription.objects.get(registration_id=registration_id)

    def subscribe(self, **overrides: Any) -> Subscription:
        """A browser, by itself."""
        answer = self.browser("POST", DEVICES, device(**overrides))
        assert answer.status_code == 200, answer.content
        return Subscription.objects.get(registration_id=answer.json()["registration_id"])

    def show(self, subscription: Subscription) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("GET", f"{DEVICES}/{subscription.registration_id}").json()
        return shown


def preflight(path: str, origin: str) -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-application-key",
    }
    return Client().options(path, headers=headers)


def tags(subscription: Subscription) -> list[str]:
    return sorted(subscription.tags.values_list("tag", flat=True))


def rows() -> tuple[list[Any], list[Any], int]:
    """All that a call could leave: subscriptions as they are, their tags, and how many keys."""
    return (
        list(Subscription.objects.order_by("id").values()),
        list(SubscriptionTag.objects.order_by("id").values()),
        VapidKey.objects.count(),
    )
