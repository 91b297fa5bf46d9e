"""What the values of a client must be, said the same way to the console, the commands and the models."""

import re
from ipaddress import ip_network
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from gateway.caller import RIGHTS
from gateway.plain_text import is_one_line
from gateway.relative_paths import parts_of

_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.IGNORECASE)

_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253}|\[::1\])(:(?P<port>[1-9][0-9]{0,4}))?", re.ASCII)
_ON_ONES_OWN = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PORTS = {"https": 443, "http": 80}
_LAST_PORT = 65535


def check_line(value: str) -> None:
    """One line of text: nothing that could end a header or a log line."""
    if not is_one_line(value):
        raise ValidationError(_("must not contain control characters or line breaks"))


def check_name(value: str) -> None:
    """A client's name: one line, not blank at its ends."""
    check_line(value)
    if not value.strip() or value != value.strip():
        raise ValidationError(_("must not be empty, nor begin or end with a space"))


def check_rights(value: Any) -> None:
    """A list of the rights there are, each once."""
    names = _strings(value)
    unknown = [name for name in names if name not in RIGHTS]
    if unknown:
        raise ValidationError(
            _("unknown right %(unknown)s; the rights are %(rights)s"),
            params={"unknown": ", ".join(unknown), "rights": ", ".join(RIGHTS)},
        )
    if len(set(names)) < len(names):
        raise ValidationError(_("each right once"))


def check_networks(value: Any) -> None:
    """A list of addresses or networks (``10.0.0.0/8``, ``2001:db8::/32``)."""
    for text in _strings(value):
        try:
            ip_network(text)
        except ValueError as error:
            raise ValidationError(
                _("%(text)s is no network (as 10.0.0.0/8 or 192.0.2.7)"), params={"text": text}
            ) from error


def check_domains(value: Any) -> None:
    """A list of domain names."""
    for text in _strings(value):
        if not _DOMAIN.fullmatch(text):
            raise ValidationError(_("%(text)s is no domain (as example.com)"), params={"text": text})


def check_origins(value: Any) -> None:
    """A list of origins (RFC 6454) as browsers send them: https, but for pages on one's own machine."""
    for text in _strings(value):
        if not _is_origin(text):
            raise ValidationError(_("%(text)s is no origin (as https://www.example.com)"), params={"text": text})


def check_folder(value: str) -> None:
    """A folder below the external root, as ``crm/outgoing``."""
    try:
        parts_of(value)
    except ValueError as error:
        raise ValidationError(_("must be a folder as crm/outgoing: no .. in it, no slash at either end")) from error


def _is_origin(text: str) -> bool:
    found = _ORIGIN.fullmatch(text)
    if not found:
        return False
    scheme, host, port = found["scheme"], found["host"], int(found["port"] or 0)
    # No browser names the port that its scheme means (RFC 6454, 6.1): an origin that does is no page's.
    return (scheme == "https" or host in _ON_ONES_OWN) and port <= _LAST_PORT and port != _PORTS[scheme]


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValidationError(_("must be a list of texts"))
    return value
