"""What receivers are told: each payload is one file here, found by its name."""

from collections.abc import Mapping
from functools import cache

from gateway.registry import classes_in
from notifications.payloads.base import News, Payload, Style

__all__ = ["News", "Payload", "Style", "payloads"]


@cache
def payloads() -> Mapping[str, Payload]:
    """One of each payload, by its name."""
    return {name: kind() for name, kind in classes_in(__name__, __path__, Payload).items()}
