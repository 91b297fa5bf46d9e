"""Django's middleware for people with browsers, stepping aside for machines that call the contracts' faces.

Sessions, languages and console users mean nothing there, and cost a tenth of taking a letter.
"""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.middleware.common import CommonMiddleware
from django.middleware.locale import LocaleMiddleware

_MACHINES = ("/hammy/json/", "/hammy/ws/", "/_rest_/")
# Signing in over JSON is watched by the same lock-out as the console's.
_WATCHED = "/hammy/json/auth/"
_PROBES = ("/healthz", "/readyz", "/metrics")


class _PeopleOnly:
    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(_MACHINES) and not request.path_info.startswith(_WATCHED):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class Session(_PeopleOnly, SessionMiddleware):
    """Sessions of the console."""


class Locale(_PeopleOnly, LocaleMiddleware):
    """The console's language; machines are answered in English."""


class Common(CommonMiddleware):
    """Checks the Host header, but for probes: a load balancer or an orchestrator asks by address, or names no host."""

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request) if request.path_info in _PROBES else super().__call__(request)


class Authentication(_PeopleOnly, AuthenticationMiddleware):
    """Console users."""


class Messages(_PeopleOnly, MessageMiddleware):
    """What the console tells after an action."""
