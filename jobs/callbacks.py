"""The parameter that asks for callbacks of a job to an address (contract dpf_url_callback)."""

from gateway.outbound_rules import read_url

CALLBACK_URL = "DpfControlCallbackUrl"


def is_callback_url(key: str) -> bool:
    """Whether a parameter of that name is meant; names are compared without case and underscores."""
    return key.replace("_", "").lower() == CALLBACK_URL.lower()


def checked(url: str) -> str:
    """The address itself; raises ValueError that says what would be right, also for one that may not be called."""
    read_url(url)
    return url
