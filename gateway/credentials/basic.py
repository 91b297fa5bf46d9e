"""HTTP Basic with access id and secret (RFC 7617)."""

import hmac
from base64 import b64decode

from gateway.caller import Caller
from gateway.errors import Code, refuse
from gateway.lookup import client_by_access_id

# Compared when the id is unknown, so that both ways take the same time.
_NOBODY = "nobody's"


def caller_by_basic(*, authorization: str, address: str | None = None) -> Caller:
    """The caller of ``Basic <base64(accessId:secret)>``; raises 2000, 2002 (network) and 2003."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        access_id, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        access_id = colon = secret = ""
    if scheme.lower() != "basic" or not colon:
        raise refuse(Code.CLIENT, "must be Basic with the access id and its secret", "Authorization", parameter=True)
    client = client_by_access_id(access_id)
    right = client.secret if client else _NOBODY
    if not hmac.compare_digest(secret.encode(), right.encode()) or client is None or not client.secret:
        raise refuse(Code.CLIENT, "access id or secret wrong", "Authorization", parameter=True)
    client.admit(address)
    return client.caller
