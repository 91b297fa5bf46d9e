"""The clientHashKey: names the calling system (contract hammy_common, "Who calls")."""

from gateway.caller import Caller
from gateway.errors import Code, refuse
from gateway.lookup import KnownClient, client_by_hash_key

FIELD = "clientHashKey"
_LONGEST = 512


def known_client(client_hash_key: str, *, field: str = FIELD) -> KnownClient:
    """The active client of this key; raises 2000, naming ``field`` as the face spells it, where there is none."""
    if not client_hash_key:
        raise refuse(Code.CLIENT, "required", field, parameter=True)
    client = client_by_hash_key(client_hash_key) if len(client_hash_key) <= _LONGEST else None
    if client is None:
        # Unknown, revoked, run out or inactive: a stranger is not told which.
        raise refuse(Code.CLIENT, "unknown or inactive", field, parameter=True)
    return client


def caller_by_key(*, client_hash_key: str, user_name: str = "", address: str | None = None) -> Caller:
    """The caller of a face that proves no user (SOAP, AMQP): the user name is recorded as given.

    Raises 2000, 2002 (network; ``address`` None = unknown to the face) and 2003.
    """
    client = known_client(client_hash_key)
    client.admit(address)
    return client.caller_for(user_name)
