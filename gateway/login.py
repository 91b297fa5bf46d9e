"""Login and refresh: where user tokens come from (contract hammy_common, "Who calls")."""

from typing import Any, cast

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from django.contrib.auth import authenticate
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from gateway.auth import ClientAuthentication, token_of_request
from gateway.credentials import jwt
from gateway.dates import format_moment
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.lookup import KnownClient, admits
from gateway.remote import login_address
from gateway.rest import JSON, ApiView, read_json

_TEXT = {"type": "string"}
_LOGIN = {
    "type": "object",
    "properties": {"userName": _TEXT, "password": _TEXT},
    "required": ["userName", "password"],
}
_TOKEN = {
    "type": "object",
    "properties": {"token": _TEXT, "expiresAt": {"type": "string", "format": "date-time"}},
    "required": ["token", "expiresAt"],
}
_LONGEST = {"userName": 150, "password": 4096}
_AXES_READS = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_USER_AGENT", "HTTP_ACCEPT")


class LoginView(ApiView):
    """``{"userName", "password"}`` → ``{"token", "expiresAt"}``.

    2001 for a wrong name or password, or a user whom the client does not admit. After AXES_FAILURE_LIMIT failures
    for one name from one address 2003 (429) with Retry-After: the password is not even looked at then, and the
    answer is the same for names that do not exist.
    """

    authentication_classes = [ClientAuthentication]
    required_right = ""
    answer_type = JSON

    @extend_schema(
        operation_id="login",
        summary="Log a user in",
        request={JSON: _LOGIN},
        responses={(200, JSON): _TOKEN},
        auth=[{"clientHashKey": []}],  # type: ignore[list-item]
        tags=["auth"],
    )
    def post(self, request: Request) -> HttpResponse:
        credentials = _credentials(read_json(request, media_types=(JSON,)).data)
        client = cast(KnownClient, request.user)
        user = _authenticated(request._request, **credentials)
        if user is None or not admits(client, user):
            raise refuse(Code.TOKEN, "user name or password wrong")
        return self.answer(_written(jwt.issue(client=client, user=user)))


class RefreshView(ApiView):
    """A valid token in ``Authorization`` → a fresh one, until HAMMY_LOGIN_HOURS after the password was given."""

    authentication_classes = [ClientAuthentication]
    required_right = ""
    answer_type = JSON

    @extend_schema(
        operation_id="refresh",
        summary="Renew a token",
        request=None,
        responses={(200, JSON): _TOKEN},
        auth=[{"clientHashKey": [], "userToken": []}],  # type: ignore[list-item]
        tags=["auth"],
    )
    def post(self, request: Request) -> HttpResponse:
        client = cast(KnownClient, request.user)
        token = token_of_request(request._request)
        if not token:
            raise refuse(Code.TOKEN, "required, as JWT <token>", jwt.FIELD, parameter=True)
        proof = jwt.verify(token=token, client=client)
        return self.answer(_written(jwt.renew(client=client, proof=proof)))


def _credentials(data: Any) -> dict[str, str]:
    """``user_name`` and ``password`` of the body; every problem at once."""
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "the body must be an object")
    problems = [problem for name, longest in _LONGEST.items() if (problem := _problem(data, name, longest))]
    problems += [
        Problem(code=Code.UNKNOWN_FIELD, sentence="unknown field", field=(name,))
        for name in data
        if name not in _LONGEST
    ]
    if problems:
        raise Refusal(problems)
    return {"user_name": data["userName"], "password": data["password"]}


def _problem(data: dict[str, Any], name: str, longest: int) -> Problem | None:
    value = data.get(name)
    if value is None or value == "":
        return Problem(code=Code.REQUIRED, sentence="required", field=(name,))
    if not isinstance(value, str):
        return Problem(code=Code.INVALID, sentence="must be a text", field=(name,))
    if len(value) > longest:
        return Problem(code=Code.INVALID, sentence=f"must be at most {longest} characters long", field=(name,))
    return None


def _authenticated(request: HttpRequest, *, user_name: str, password: str) -> AbstractBaseUser | None:
    """The active user of this name and password; raises 2003 when locked out."""
    # django-axes keeps the query and the form of failed logins: it gets a request that has neither, for ours may
    # hold the client's key and, sent as a form, the password. It also marks the request for its middleware.
    bare = HttpRequest()
    bare.method, bare.path, bare.path_info = request.method, request.path, request.path_info
    bare.META = {name: request.META[name] for name in _AXES_READS if name in request.META}
    user = authenticate(bare, username=user_name, password=password)
    if user is None:
        if getattr(bare, "axes_locked_out", False):
            cool_off = get_cool_off(bare)
            raise Refusal(
                Problem(code=Code.RATE_LIMITED, sentence="locked after repeated failures", field=("userName",)),
                retry_after=int(cool_off.total_seconds()) if cool_off else None,
            )
        return None
    AxesProxyHandler.reset_attempts(username=user_name, ip_address=login_address(request))
    return user


def _written(token: jwt.Token) -> dict[str, str]:
    return {"token": token.text, "expiresAt": format_moment(token.expires_at)}
