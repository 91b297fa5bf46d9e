"""Where a request comes from."""

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


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


def login_address(request: HttpRequest) -> str | None:
    """The same for django-axes, whose column knows no empty text."""
    return remote_address(request) or None
