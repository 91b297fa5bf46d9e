"""What is known of an event beside its words, as people read it."""

from collections.abc import Mapping
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# In the order in which they are shown; what is not named here follows as it is kept.
_NAMES = {
    "signed": gettext_lazy("Signed"),
    "unsigned": gettext_lazy("Unsigned"),
    "file": gettext_lazy("File"),
    "pages": gettext_lazy("Pages"),
    "sheets": gettext_lazy("Sheets"),
    "size": gettext_lazy("Size"),
    "digest": "SHA-256",
    "finalRecipient": gettext_lazy("Recipient"),
    "status": gettext_lazy("Code"),
    "diagnostic": gettext_lazy("Diagnosis"),
    "report": gettext_lazy("Report"),
}
_ARCHIVED = "archived."
_DMS = "DMS "


def shown(facts: Mapping[str, Any] | None, *, with_links: bool) -> list[tuple[Any, Any]]:
    """Names and values in the reader's language; ``with_links`` leads from an archived document to its page."""
    facts = facts or {}
    order = {name: place for place, name in enumerate(_NAMES)}
    names = sorted(facts, key=lambda name: (order.get(name, len(order)), name))
    return [(_name(name), _value(name, facts[name], with_links=with_links)) for name in names]


def _name(name: str) -> Any:
    if not name.startswith(_ARCHIVED):
        return _NAMES.get(name, name)
    part = name.removeprefix(_ARCHIVED)
    if part.isdecimal():
        # Counted from one, as signatures and attachments are everywhere people read of them.
        return _("Archived: attachment %(number)d") % {"number": int(part) + 1}
    return {"text": _("Archived: text"), "html": _("Archived: HTML")}.get(part, name)


def _value(name: str, value: Any, *, with_links: bool) -> Any:
    if name == "size":
        return filesizeformat(value)
    if with_links and name.startswith(_ARCHIVED) and str(value).startswith(_DMS):
        place = reverse("admin:sending_dmsdocument_changelist", query={"q": str(value).removeprefix(_DMS)})
        return format_html('<a class="console-link" href="{}">{}</a>', place, value)
    return value
