"""Which addresses we may call (contract webhook_practice, "Outbound guard"): rules over values, nothing is resolved.

A callback's address comes from outside, and our network is not its business: loopback, private and link-local places,
metadata services, and whatever embeds one of those in IPv6.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import idna
from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_PORTS = {"http": 80, "https": 443}
_LONGEST_URL = 2000
# Scheme and authority, and what is called there (RFC 3986, appendix B).
_PARTS = re.compile(r"(?P<place>[^:/?#]+://[^/?#]*)(?P<rest>[^#]*)")
_UNFIT = re.compile(r"""[\s\\"<>^`{|}]""")
_REFUSED = tuple(
    ip_network(text)
    for text in (
        # IPv4 (RFC 6890 and its registry): this network, private, carrier's, loopback, link-local, protocol
        # assignments, examples, 6to4 relays, benchmarks, multicast, reserved and broadcast.
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        # IPv6: unspecified, loopback, mapped and compatible IPv4, NAT64, discard, protocol assignments (Teredo, ORCHID,
        # benchmarks), examples, 6to4, segment routing, unique local, link-local, site-local, multicast.
        "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address that was found fit to be called: ``host`` as it is to be resolved (ASCII, lower case, no dot at its
    end), ``url`` as it is to be called, without a fragment."""

    url: str
    scheme: str
    host: str
    port: int


def read_url(url: str) -> Target:
    """Where a URL leads; raises ValueError, in a sentence for the caller, for one that may never be called: a scheme
    but http and https, no host, credentials within, a port that is not listed, a literal address that is refused."""
    if len(url) > _LONGEST_URL:
        raise ValueError(f"must be at most {_LONGEST_URL} characters")
    if not url.isprintable() or _UNFIT.search(url):
        raise ValueError("must be a URL without spaces, control characters or backslashes")
    found = _PARTS.match(url)
    if found is None:
        raise ValueError("must be a URL as https://host/path")
    ports, networks = tuple(settings.HAMMY_OUTBOUND_PORTS), tuple(settings.HAMMY_OUTBOUND_NETWORKS)
    place = _place(found["place"], ports, networks)
    return replace(place, url=place.url + found["rest"])


@lru_cache(maxsize=1000)
def _place(place: str, ports: tuple[int, ...], networks: tuple[str, ...]) -> Target:
    """Where the beginning of a URL leads: looked at once for the many addresses at one place."""
    try:
        parts = urlsplit(place)
        port = parts.port
    except ValueError as error:
        raise ValueError("must be a URL as https://host/path") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("must be a URL as https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or password")
    port = _PORTS[parts.scheme] if port is None else port
    if port not in ports:
        raise ValueError(f"the port must be one of {', '.join(map(str, ports))}")
    host = _host(parts.hostname)
    literal = _literal(host)
    if literal is not None and not _is_allowed(literal, _networks(networks)):
        raise ValueError("leads to an address that may not be called")
    shown = f"[{host}]" if ":" in host else host
    netloc = f"{shown}:{port}" if port != _PORTS[parts.scheme] else shown
    return Target(url=f"{parts.scheme}://{netloc}", scheme=parts.scheme, host=host, port=port)


def origin_of(target: Target) -> str:
    """Its origin as others spell it (RFC 6454, 6.2)."""
    shown = f"[{target.host}]" if ":" in target.host else target.host
    port = "" if target.port == _PORTS[target.scheme] else f":{target.port}"
    return f"{target.scheme}://{shown}{port}"


def is_allowed(address: Address) -> bool:
    """Whether an address may be called: none of the refused, or in a network that the operator allows."""
    return _is_allowed(address, _networks(tuple(settings.HAMMY_OUTBOUND_NETWORKS)))


def is_ours(target: Target) -> bool:
    """Whether a place is named by a literal address in a network that the operator allows."""
    literal = _literal(target.host)
    networks = _networks(tuple(settings.HAMMY_OUTBOUND_NETWORKS))
    return literal is not None and any(literal in network for network in networks)


def all_allowed(addresses: Sequence[str]) -> bool:
    """Whether every address of a name may be called, and there is one: one bad among good is a trap."""
    return bool(addresses) and all(is_allowed(ip_address(address)) for address in addresses)


def _is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    if any(address in network for network in networks):
        return True
    return not getattr(address, "scope_id", None) and not any(address in network for network in _REFUSED)


@lru_cache(maxsize=16)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


def _host(name: str) -> str:
    name = name.removesuffix(".").lower()
    if ":" in name:
        return name
    if not name.isascii():
        try:
            return idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError("the host is not a valid name") from error
    if not name or len(name) > 253 or not all(0 < len(label) <= 63 for label in name.split(".")):
        raise ValueError("the host is not a valid name")
    if not all(character.isalnum() or character in "-._" for character in name):
        raise ValueError("the host is not a valid name")
    last = name.rpartition(".")[2]
    if (last.isdigit() or last.startswith("0x")) and _literal(name) is None:
        # 127.1, 0x7f.1, 2130706433, 017700000001: the C library takes these for addresses.
        raise ValueError("the host is an address in an unusual spelling")
    return name


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
