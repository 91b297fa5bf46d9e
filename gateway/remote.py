"""Where a request comes from."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest

_LONGEST_NAME = 150


def remote_address(request: HttpRequest) -> str:
    """The caller's IP address; "" over a Unix socket.

    Behind a proxy of ours (HAMMY_BEHIND_PROXY) it is the last address of X-Forwarded-For, the only one the caller
    cannot write; otherwise the header means nothing.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        address = request.META.get("HTTP_X_FORWARDED_FOR", address).rpartition(",")[2].strip()
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def login_name(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """The name somebody tries to log in by, for django-axes: no longer than a user's name can be, and so than what
    its column takes."""
    given = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(given)[:_LONGEST_NAME]


def login_address(request: HttpRequest) -> str | None:
    """The same for django-axes, whose column knows no empty text."""
    return remote_address(request) or None
