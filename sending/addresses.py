"""E-mail addresses: what counts as one (RFC 5321, RFC 6531) and how it looks on the wire."""

import re
from functools import lru_cache

import idna

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_LOCAL = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[^"\\]|\\.)*"')
_DOMAIN = re.compile(r"(?:(?!-)[A-Za-z0-9-]{1,63}(?<!-)\.)*(?!-)(?!\d+\Z)[A-Za-z0-9-]{1,63}(?<!-)")
_LOCAL_LIMIT = 64
_LIMIT = 254


@lru_cache(maxsize=4096)
def wire_form(address: str) -> str:
    """The address as SMTP takes it: its domain in lower-case A-labels, its local part untouched.

    Raises ValueError, whose text says what is wrong, for anything but one plain mailbox: a dot-atom or quoted
    local part of at most 64 octets, a domain name (no literal), 254 octets in all.
    """
    # Asked at accept, for the headers and for the envelope of the same mail.
    local, at, domain = address.rpartition("@")
    # isprintable refuses every control, format (RTL override), surrogate and unassigned character.
    if not at or not address.isprintable() or not _LOCAL.fullmatch(local):
        raise ValueError("not a valid e-mail address")
    host, octets = _ascii_domain(domain), len(local.encode())
    if octets > _LOCAL_LIMIT or octets + 1 + len(host) > _LIMIT:
        raise ValueError("too long for an e-mail address")
    return f"{local}@{host}"


def is_valid(address: str) -> bool:
    """Whether ``wire_form`` takes it."""
    try:
        wire_form(address)
    except ValueError:
        return False
    return True


# Few domains have nearly all addresses.
@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    host = domain
    if not domain.isascii():
        try:
            host = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError("not a valid domain in the e-mail address") from error
    if len(host) > _LIMIT or not _DOMAIN.fullmatch(host):
        raise ValueError("not a valid domain in the e-mail address")
    return host.lower()
