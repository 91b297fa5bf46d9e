"""The signature of AWS, version 2 (contract job_completed_notifications, "Who calls")."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from gateway.caller import Caller
from gateway.lookup import client_by_access_id

_LARGEST_SKEW = timedelta(minutes=15)
# Compared when the id is unknown, so that both ways take the same time.
_NOBODY = "nobody's"


class Fault(StrEnum):
    """Why a signed request is not believed, in the words of the contract's error codes."""

    NO_CREDENTIALS = "AccessDenied"
    UNKNOWN_ACCESS_ID = "InvalidAccessKeyId"
    WRONG_SIGNATURE = "InvalidSecurity"
    SKEWED = "RequestTimeTooSkewed"


class SignatureRefused(Exception):
    """The signature does not prove who calls; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What the signature covers. ``path`` is percent-encoded as sent, without query; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]

    @property
    def moment_text(self) -> str:
        return self.headers.get("x-amz-date") or self.headers.get("date", "")

    def string_to_sign(self) -> str:
        amazon = sorted((name, value.strip()) for name, value in self.headers.items() if name.startswith("x-amz-"))
        lines = (
            self.method.upper(),
            self.headers.get("content-md5", ""),
            self.headers.get("content-type", ""),
            "" if "x-amz-date" in self.headers else self.headers.get("date", ""),
        )
        return "\n".join(lines) + "\n" + "".join(f"{name}:{value}\n" for name, value in amazon) + self.path


def signature(*, secret: str, request: SignedRequest) -> str:
    """``base64(HMAC-SHA1(secret, stringToSign))``."""
    return b64encode(hmac.digest(secret.encode(), request.string_to_sign().encode(), "sha1")).decode("ascii")


def caller_by_signature(
    *, authorization: str, request: SignedRequest, now: datetime, address: str | None = None
) -> Caller:
    """The caller of ``AWS <accessId>:<signature>``; raises SignatureRefused, and Refusal 2002 (network) and 2003."""
    scheme, _, credentials = authorization.partition(" ")
    access_id, colon, given = credentials.strip().partition(":")
    if scheme.upper() != "AWS" or not colon:
        raise SignatureRefused(Fault.NO_CREDENTIALS)
    client = client_by_access_id(access_id)
    right = signature(secret=client.secret if client else _NOBODY, request=request)
    if client is None or not client.secret:
        raise SignatureRefused(Fault.UNKNOWN_ACCESS_ID)
    if not hmac.compare_digest(given.encode(), right.encode()):
        raise SignatureRefused(Fault.WRONG_SIGNATURE)
    if abs(now - _moment(request.moment_text)) > _LARGEST_SKEW:
        raise SignatureRefused(Fault.SKEWED)
    client.admit(address)
    return client.caller


def _moment(text: str) -> datetime:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise SignatureRefused(Fault.SKEWED) from error
    # "-0000" says "UTC, zone unknown" and is parsed as naive.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
