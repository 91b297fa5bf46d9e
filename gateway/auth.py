"""Who calls over REST: client key, user token, user name (contract hammy_common, "REST" and "Who calls").

Everything is authenticated; the few addresses that need no client are named in ``gateway.public``.
"""

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from gateway.caller import Caller
from gateway.credentials import hash_key, jwt
from gateway.credentials.basic import caller_by_basic
from gateway.errors import Code, refuse
from gateway.logs import note_caller
from gateway.lookup import KnownClient, client_by_access_id
from gateway.remote import remote_address

_SCHEMES = ("jwt", "bearer")
_LONGEST_NAME = 150


class CallerAuthentication(BaseAuthentication):
    """``request.auth`` becomes the Caller; anything less is a Refusal (2000–2003)."""

    def authenticate(self, request: Request) -> tuple[str | None, Caller]:
        caller = caller_of_request(request._request)
        note_caller(caller)
        return None, caller


class ClientAuthentication(BaseAuthentication):
    """Proves the client alone, for the views that tokens come from: ``request.user`` is the KnownClient."""

    def authenticate(self, request: Request) -> tuple[KnownClient, Caller]:
        client = client_of_request(request._request)
        note_caller(client.caller)
        return client, client.caller


class BasicAuthentication(CallerAuthentication):
    """HTTP Basic with access id and secret; anything less is a Refusal (2000, 2002, 2003)."""

    def authenticate(self, request: Request) -> tuple[str | None, Caller]:
        sent = request._request
        caller = caller_by_basic(
            authorization=sent.META.get("HTTP_AUTHORIZATION", ""), address=remote_address(sent)
        )  # fmt: skip
        note_caller(caller)
        return None, caller


class BrowserAuthentication(BasicAuthentication):
    """As above, or a browser's: the client by ``X-Application-Key`` (its access id, which is no secret), on a page of
    one of the client's origins. ``request.user`` is the page's origin then."""

    def authenticate(self, request: Request) -> tuple[str | None, Caller]:
        sent = request._request
        key = sent.META.get("HTTP_X_APPLICATION_KEY", "")
        if not key:
            return super().authenticate(request)
        client = client_by_access_id(key)
        if client is None:
            raise refuse(Code.CLIENT, "is no client's access id", "X-Application-Key", parameter=True)
        origin = _origin(sent)
        client.admit_browser(origin, remote_address(sent))
        note_caller(client.caller)
        return origin, client.caller


def _origin(request: HttpRequest) -> str:
    """The page's; browsers name none where they only read what lies at the page's own (Fetch, "Origin header")."""
    own = f"{request.scheme}://{request.get_host()}" if request.method in ("GET", "HEAD") else ""
    return request.META.get("HTTP_ORIGIN", "") or own


class HasRight(BasePermission):
    """The client holds the right that the view names in ``required_right``, or for the method alone."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Caller):
            raise refuse(Code.CLIENT, "the client could not be recognised")
        by_method = getattr(view, "right_by_method", {})
        if right := by_method.get(request.method, view.required_right):
            request.auth.require(right)
        return True


def caller_of_request(request: HttpRequest) -> Caller:
    """The caller as the headers and the query name it; raises 2000, 2001, 2002 (network) and 2003."""
    client = client_of_request(request)
    named = _named_user(request)
    token = token_of_request(request)
    if not token:
        if client.needs_user_token:
            raise refuse(Code.TOKEN, "required, as JWT <token>", jwt.FIELD, parameter=True)
        # As on SOAP and AMQP: recorded, not proved.
        return client.caller_for(named)
    # A token that is shown is checked, whether it was needed or not.
    proved = jwt.verify(token=token, client=client).user.name
    if named and named != proved and "act_for_users" not in client.caller.rights:
        raise refuse(
            Code.CLIENT, "is not the token's user, and the client may not act for users", "X-User-Name", parameter=True
        )
    return client.caller_for(named or proved)


def client_of_request(request: HttpRequest) -> KnownClient:
    """The client by X-Client-Hash-Key or the clientHashKey parameter, admitted from here and now."""
    key = _one_value(request, "HTTP_X_CLIENT_HASH_KEY", "X-Client-Hash-Key", "clientHashKey")
    client = hash_key.known_client(key, field="X-Client-Hash-Key")
    client.admit(remote_address(request))
    return client


def token_of_request(request: HttpRequest) -> str:
    """The token of ``Authorization: JWT <token>`` (or Bearer), "" when there is none."""
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() in _SCHEMES else ""


def _named_user(request: HttpRequest) -> str:
    name = _one_value(request, "HTTP_X_USER_NAME", "X-User-Name", "userName")
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise refuse(
            Code.CLIENT, f"must be at most {_LONGEST_NAME} printable characters", "X-User-Name", parameter=True
        )
    return name


def _one_value(request: HttpRequest, header: str, header_name: str, parameter: str) -> str:
    values = {_utf8(request.META.get(header, ""))}
    if request.META.get("QUERY_STRING"):
        values.update(request.GET.getlist(parameter))
    values.discard("")
    if len(values) > 1:
        raise refuse(Code.CLIENT, f"{parameter} and {header_name} say different things", header_name, parameter=True)
    return values.pop() if values else ""


def _utf8(header: str) -> str:
    # WSGI hands headers over as Latin-1 whatever they are.
    try:
        return header.strip() if header.isascii() else header.encode("latin-1").decode().strip()
    except UnicodeError:
        return header.strip()
