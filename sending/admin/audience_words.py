"""Audiences of pushes, and what pushes say, in words."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

_SHOWN = 10
_NAMES = {
    "tag": gettext_lazy("Any of the tags"),
    "tag_and": gettext_lazy("All of the tags"),
    "tag_not": gettext_lazy("None of the tags"),
    "alias": gettext_lazy("Alias"),
    "registration_id": gettext_lazy("Registration id"),
}


def conditions(audience: Mapping[str, Sequence[str]]) -> list[tuple[Any, str]]:
    """Each condition with what is given for it; nothing for everybody."""
    return [(name, few(audience[kind])) for kind, name in _NAMES.items() if audience.get(kind)]


def in_words(audience: Mapping[str, Sequence[str]], zones: Collection[str] | None = None) -> str:
    """In one line."""
    parts = [f"{name}: {values}" for name, values in conditions(audience)] or [_("Everybody")]
    if zones is not None:
        parts.append(ngettext("in %(count)d time zone", "in %(count)d time zones", len(zones)) % {"count": len(zones)})
    return "; ".join(parts)


def few(values: Sequence[str]) -> str:
    """The first of them, and how many there are."""
    more = f" … ({len(values)})" if len(values) > _SHOWN else ""
    return ", ".join(values[:_SHOWN]) + more


def title(content: Mapping[str, Any]) -> str:
    """The title under which browsers show it; "" where it has none of its own."""
    notification, message = content.get("notification") or {}, content.get("message") or {}
    found = (notification.get("web") or {}).get("title") or message.get("title")
    return found if isinstance(found, str) else ""
