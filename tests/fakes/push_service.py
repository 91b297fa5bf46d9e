"""A push service with browsers: a real HTTP server that proves who pushes and decrypts what arrives, as RFC 8030, 8291
and 8292 have it."""

import json
import os
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid.utils import b64urlencode

from tests.fakes.receiver import Heard, Receiver, Reply


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(slots=True, kw_only=True)
class Browser:
    """One that subscribed; ``told`` is what it decrypted, ``heard`` how it came."""

    endpoint: str
    public_key: str
    private: ec.EllipticCurvePrivateKey
    auth: bytes
    told: list[dict[str, Any]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    reply: Reply = field(default_factory=lambda: Reply(status=201))

    def subscription(self) -> dict[str, Any]:
        """``PushSubscription.toJSON()``."""
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": b64urlencode(point), "auth": b64urlencode(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}


class PushService(Receiver):
    """``with PushService() as service``: ``browser(public_key)`` subscribes one."""

    def __init__(self) -> None:
        super().__init__()
        self.browsers: dict[str, Browser] = {}
        self.reply = self._taken
        # Answered instead by all, while it is set.
        self.trouble: Reply | None = None

    def browser(self, public_key: str, reply: Reply | None = None) -> Browser:
        path = f"/push/{uuid4().hex}"
        made = Browser(
            endpoint=self.url(path),
            public_key=public_key,
            private=ec.generate_private_key(ec.SECP256R1()),
            auth=os.urandom(16),
        )
        if reply:
            made.reply = reply
        self.browsers[path] = made
        return made

    def _taken(self, heard: Heard) -> Reply:
        if self.trouble:
            return self.trouble
        browser = self.browsers.get(heard.path)
        if browser is None:
            return Reply(status=404)
        if not self._is_proved(heard, browser):
            return Reply(status=403)
        browser.heard.append(heard)
        if browser.reply.status == 201:
            plain = http_ece.decrypt(
                heard.body, private_key=browser.private, auth_secret=browser.auth, version="aes128gcm"
            )
            browser.told.append(json.loads(plain))
        return browser.reply

    def _is_proved(self, heard: Heard, browser: Browser) -> bool:
        """RFC 8292: signed by the key that the browser subscribed with, for this push service, for a day at most."""
        scheme, _, rest = heard.headers.get("authorization", "").partition(" ")
        parts = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
        if scheme != "vapid" or parts.get("k") != browser.public_key:
            return False
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(browser.public_key))
        origin = urlsplit(self.url())
        audience = f"{origin.scheme}://{origin.netloc}"
        claims = jwt.decode(parts["t"], key, algorithms=["ES256"], audience=audience, options={"require": ["exp"]})
        return str(claims["sub"]).startswith(("mailto:", "https:"))
