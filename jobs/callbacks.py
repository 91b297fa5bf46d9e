"""The parameter that asks for callbacks of a job to an address (contract dpf_url_callback)."""

import re
from urllib.parse import urlsplit

CALLBACK_URL = "DpfControlCallbackUrl"
LONGEST = 2000
# What an address consists of once it is written down: visible ASCII.
_WRITTEN = re.compile(r"[!-~]+")
_PORT_RANGE = range(1, 65536)


def is_callback_url(key: str) -> bool:
    """Whether a parameter of that name is meant; names are compared without case and underscores."""
    return key.replace("_", "").lower() == CALLBACK_URL.lower()


def checked(url: str) -> str:
    """The address itself; raises ValueError that says what would be right."""
    if len(url) > LONGEST:
        raise ValueError(f"must be at most {LONGEST} characters long")
    if not _WRITTEN.fullmatch(url):
        raise ValueError("must be an address in ASCII without spaces")
    try:
        parts = urlsplit(url)
        is_port_right = parts.port is None or parts.port in _PORT_RANGE
    except ValueError:
        is_port_right = False
    if not is_port_right or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// address with a host")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password")
    if parts.fragment or url.endswith("#"):
        raise ValueError("must not end in a fragment")
    return url
