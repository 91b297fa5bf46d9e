"""What callers of ``/v4/devices`` write → our commands: a W3C PushSubscription as browsers have it in JSON, and what
it is to be addressed by."""

import re
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from time import time
from typing import Annotated, Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from django.conf import settings
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictFloat, StrictStr

from gateway.dates import zone_names
from gateway.declared import one_line, read, wrong
from gateway.errors import Code, refuse
from gateway.outbound_rules import is_ours, read_url
from sending.subscribing import MOST_TAGS, Named, Wish

# What a list may be narrowed by.
NARROWING = ("tag", "alias")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,5}")
_LONGEST = 255
_LONGEST_ENDPOINT = 2000
_POINT, _AUTH = 65, 16
# The year 9999 in milliseconds.
_LAST = 253_402_300_799_000


def _endpoint(text: str) -> str:
    try:
        target = read_url(text)
    except ValueError as error:
        raise wrong(str(error)) from error
    if target.scheme != "https" and not is_ours(target):
        raise wrong("must be an https address")
    return text


def _bytes(text: str, size: int) -> bytes:
    """Base64url, or base64 as some write it (RFC 4648, 4 and 5), with its padding or without."""
    plain = text.rstrip("=")
    try:
        found = b64decode(plain + "=" * (-len(plain) % 4), altchars="-_", validate=True)
    except ValueError:
        found = b""
    if len(found) != size:
        raise wrong(f"must be {size} bytes in base64url")
    return found


def _base64url(found: bytes) -> str:
    return urlsafe_b64encode(found).decode().rstrip("=")


def _point(text: str) -> str:
    found = _bytes(text, _POINT)
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), found)
    except ValueError as error:
        raise wrong("must be a point on the curve P-256") from error
    return _base64url(found)


def _auth(text: str) -> str:
    return _base64url(_bytes(text, _AUTH))


def _expiration(milliseconds: float) -> float:
    now = int(time() * 1000)
    if milliseconds <= now:
        raise wrong(f"must be in the future, in milliseconds since 1970; it is {now} now")
    if milliseconds > _LAST:
        raise wrong(f"must be at most {_LAST}, in milliseconds since 1970")
    return milliseconds


def _zone(text: str) -> str:
    if text and text not in zone_names():
        raise wrong("must be a name of the tz database, as Europe/Budapest")
    return text


def _language(text: str) -> str:
    if text and not _LANGUAGE.fullmatch(text):
        raise wrong("must be a language tag, as hu or en-GB")
    return text


def _change(value: Any) -> Any:
    if value is not None and not isinstance(value, dict):
        raise wrong("must be a list, or an object with add and remove")
    return value


_Word = Annotated[StrictStr, Field(min_length=1, max_length=_LONGEST), AfterValidator(one_line)]
_Words = Annotated[list[_Word], Field(max_length=MOST_TAGS)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Keys(_Closed):
    p256dh: Annotated[StrictStr, Field(max_length=100), AfterValidator(_point)]
    auth: Annotated[StrictStr, Field(max_length=40), AfterValidator(_auth)]


class _Names(_Closed):
    alias: Annotated[StrictStr, Field(max_length=_LONGEST), AfterValidator(one_line)] | None = None
    time_zone: Annotated[StrictStr, Field(max_length=64), AfterValidator(_zone)] | None = None
    language: Annotated[StrictStr, Field(max_length=35), AfterValidator(_language)] | None = None


class _Device(_Names):
    endpoint: Annotated[StrictStr, Field(max_length=_LONGEST_ENDPOINT), AfterValidator(_endpoint)]
    keys: _Keys
    expiration: Annotated[StrictFloat, AfterValidator(_expiration)] | None = Field(None, alias="expirationTime")
    public_key: Annotated[StrictStr, Field(max_length=100)] | None = None
    registration_id: Annotated[StrictStr, Field(max_length=64), AfterValidator(one_line)] | None = None
    tags: _Words | None = None


class _Retagged(_Names):
    tags: _Words


class _TagChange(_Closed):
    add: _Words = []
    remove: _Words = []


class _Change(_Names):
    tags: Annotated[_TagChange | None, BeforeValidator(_change)] = None


def read_device(data: Any, *, is_browser: bool) -> Wish:
    """The browser to subscribe; raises Refusal with everything that is wrong. Of a browser itself no other place is
    taken than those of push services that are known."""
    device = read(_Device, as_object(data))
    if is_browser:
        _check_is_known(device.endpoint)
    return Wish(
        endpoint=device.endpoint,
        p256dh=device.keys.p256dh,
        auth=device.keys.auth,
        public_key=device.public_key or "",
        expires_at=None if device.expiration is None else datetime.fromtimestamp(device.expiration / 1000, UTC),
        is_expiry_said="expiration" in device.model_fields_set,
        registration_id=device.registration_id or "",
        named=_named(device, device.tags),
    )


def read_change(data: Any) -> tuple[Named, list[str], list[str]]:
    """What is to be said of a browser, and the tags it gets and loses."""
    given = as_object(data)
    if given.get("tags") == "":
        # So client libraries take all of them away.
        given = {**given, "tags": []}
    if isinstance(given.get("tags"), list):
        told = read(_Retagged, given)
        return _named(told, told.tags), [], []
    change = read(_Change, given)
    tags = change.tags or _TagChange()
    return _named(change, None), tags.add, tags.remove


def _named(names: _Names, tags: list[str] | None) -> Named:
    return Named(alias=names.alias, tags=tags, time_zone=names.time_zone, language=names.language)


def as_object(data: Any) -> dict[str, Any]:
    """A request's document; raises 1000 for what is no object."""
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "the request must be a JSON object")
    return data


def _check_is_known(endpoint: str) -> None:
    host, hosts = read_url(endpoint).host, settings.HAMMY_PUSH_HOSTS
    if not any(host == known or host.endswith(f".{known}") for known in hosts):
        raise refuse(Code.INVALID, f"must be at a known push service: {', '.join(hosts)}", "endpoint")
