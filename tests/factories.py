"""Rows that tests begin with; each maker takes overrides by the model's names and makes up the rest."""

from itertools import count
from typing import Any

from django.contrib.auth.models import User

from gateway import clients
from gateway.caller import RIGHTS, Caller
from gateway.clients import Keys
from gateway.credentials import jwt
from gateway.lookup import caller_of, client_by_hash_key
from gateway.models import ApiClient

PASSWORD = "correct horse battery staple"
_numbers = count(1)


def make_client(**overrides: Any) -> tuple[ApiClient, Keys]:
    """A client with every right but seeing all and acting for users; its keys are told here only."""
    values = {
        "name": f"client-{next(_numbers)}",
        "rights": [right for right in RIGHTS if right not in ("see_all", "act_for_users")],
    }
    return clients.create_client(**(values | overrides))


def make_caller(**overrides: Any) -> Caller:
    """A client as the services know it."""
    return caller_of(make_client(**overrides)[0])


def make_user(**overrides: Any) -> User:
    """A user whose password is PASSWORD."""
    values = {"username": f"user-{next(_numbers)}", "password": PASSWORD}
    return User.objects.create_user(**(values | overrides))


def headers_for(keys: Keys, user: User | None = None) -> dict[str, str]:
    """The headers of an authenticated REST call: ``client.get(address, headers=headers_for(keys, user))``."""
    headers = {"X-Client-Hash-Key": keys.client_hash_key}
    if user is not None:
        known = client_by_hash_key(keys.client_hash_key)
        assert known is not None, "the client is not active"
        headers["Authorization"] = f"JWT {jwt.issue(client=known, user=user).text}"
    return headers
