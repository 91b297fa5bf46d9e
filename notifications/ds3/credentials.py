"""Who calls: by the signature of AWS, or by the headers that every other door takes (contract
job_completed_notifications, "Who calls")."""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from gateway.auth import CallerAuthentication, caller_of_request, token_of_request
from gateway.caller import Caller
from gateway.credentials import hash_key
from gateway.credentials.aws_v2 import Fault, SignatureRefused, SignedRequest, caller_by_signature
from gateway.errors import Code, Refusal
from gateway.logs import note_caller
from gateway.remote import remote_address

_KEY = "X-Client-Hash-Key"
_KEY_HEADER = "HTTP_X_CLIENT_HASH_KEY"
_SENTENCES = {
    Fault.NO_CREDENTIALS: f"send Authorization: AWS <accessId>:<signature>, or {_KEY}",
    Fault.UNKNOWN_ACCESS_ID: "the access id is unknown or inactive",
    Fault.WRONG_SIGNATURE: "the signature is not that of this request",
    Fault.SKEWED: "the Date (or x-amz-date) must be a date within 15 minutes of now",
}


class Denied(Exception):
    """Nobody knows who calls; ``fault`` is the contract's code, the text is for the caller."""

    def __init__(self, fault: Fault, sentence: str = "") -> None:
        self.fault = fault
        super().__init__(sentence or _SENTENCES[fault])


class SignatureOrHeaders(CallerAuthentication):
    """``request.auth`` becomes the Caller; anything less is Denied, or a Refusal 2002 (network) or 2003."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        caller = _caller(request._request)
        note_caller(caller)
        return None, caller


def _caller(request: HttpRequest) -> Caller:
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    if authorization.partition(" ")[0].upper() == "AWS":
        return _by_signature(request, authorization)
    # A key in the query would stand in everybody's logs: here it is a parameter like any that is unknown.
    if not request.META.get(_KEY_HEADER):
        raise Denied(Fault.NO_CREDENTIALS)
    try:
        return caller_of_request(request)
    except Refusal as refusal:
        if denied := _denied(refusal, request):
            raise denied from refusal
        raise


def _by_signature(request: HttpRequest, authorization: str) -> Caller:
    headers = dict(_headers(request))
    refused = SignatureRefused(Fault.WRONG_SIGNATURE)
    for path in _paths(request):
        signed = SignedRequest(method=request.method or "", path=path, headers=headers)
        try:
            caller = caller_by_signature(
                authorization=authorization, request=signed, now=timezone.now(), address=remote_address(request)
            )
        except SignatureRefused as error:
            refused = error
            if error.fault is not Fault.WRONG_SIGNATURE:
                break
        else:
            _check_key(request, caller)
            return caller
    raise Denied(refused.fault) from refused


def _check_key(request: HttpRequest, caller: Caller) -> None:
    """Who shows a key beside his signature must be the same client by both."""
    if not (key := request.META.get(_KEY_HEADER, "")):
        return
    try:
        is_same = hash_key.known_client(key, field=_KEY).id == caller.client_id
    except Refusal as refusal:
        raise Denied(Fault.UNKNOWN_ACCESS_ID, str(refusal)) from refusal
    if not is_same:
        raise Denied(Fault.WRONG_SIGNATURE, f"the signature and {_KEY} name different clients")


def _paths(request: HttpRequest) -> Iterator[str]:
    """The percent-encoded path as it may have been sent; each of them leads here. Some servers tell it, the others have
    decoded it; a proxy may have taken off the prefix that the site is published below."""
    raw = request.META.get("RAW_URI") or request.META.get("REQUEST_URI") or ""
    if raw:
        absolute = raw.lower().startswith(("http://", "https://"))
        yield urlsplit(raw).path if absolute else raw.partition("?")[0]
    encoded = quote(request.path)
    yield encoded
    if prefix := urlsplit(settings.HAMMY_PUBLIC_URL).path:
        yield prefix + encoded


def _headers(request: HttpRequest) -> Iterator[tuple[str, str]]:
    yield "content-type", request.META.get("CONTENT_TYPE", "")
    for name, value in request.META.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").lower(), _utf8(value)


def _utf8(header: str) -> str:
    # WSGI hands headers over as Latin-1 whatever they are.
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _denied(refusal: Refusal, request: HttpRequest) -> Denied | None:
    """Refusals of the client and the user, as this contract names them."""
    (problem, *_) = refusal.problems
    if problem.code is Code.TOKEN:
        is_shown = bool(token_of_request(request))
        return Denied(Fault.WRONG_SIGNATURE if is_shown else Fault.NO_CREDENTIALS, problem.detail)
    if problem.code is Code.CLIENT:
        is_key = problem.field == (_KEY,)
        return Denied(Fault.UNKNOWN_ACCESS_ID if is_key else Fault.WRONG_SIGNATURE, problem.detail)
    return None
