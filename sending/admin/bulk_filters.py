"""From the list of messages as somebody narrowed it to the filter that means the same, and in words."""

import json
from datetime import timedelta
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from gateway.console import labels
from gateway.console.filters import midnight, number_in
from gateway.dates import parse_moment
from gateway.errors import Code, Refusal, refuse
from gateway.models import ApiClient
from sending import choosing
from sending.admin import wording
from sending.choosing import Filter
from sending.models import Template
from sending.states import Status

# What only says which page of the list is shown, and how.
_PAGING = frozenset({"p", "o", "all", "_facets", "_changelist_filters"})
_NAMES = {
    "ids": _("Messages"),
    "status": _("Status"),
    "channel": _("Channel"),
    "heldFor": _("Held for"),
    "requestId": _("Request id"),
    "batchId": _("Batch"),
    "partnerRef": _("Partner"),
    "messageType": _("Type"),
    "createdAtFrom": _("Accepted from"),
    "createdAtTo": _("Accepted before"),
    "client": _("Client"),
    "campaignPartId": _("Campaign part"),
    "jobId": _("Job"),
    "opened": _("Opened in the portal"),
    "idBelow": _("Message below"),
    "search": _("Search"),
}


def of_list(query: QueryDict) -> Filter:
    """The filter of a list's address. Whatever of it means nothing here is refused: passed over, it would have more
    messages match than the list has."""
    given: dict[str, Any] = {}
    for name in query:
        values = [value for value in query.getlist(name) if value]
        if name in _PAGING or not values:
            continue
        if name == "status":
            given["status"] = values
        elif len(set(values)) > 1:
            raise _strange(name)
        else:
            key, value = _read(name, values[0])
            given[key] = value
    return choosing.read(given)


def _read(name: str, value: str) -> tuple[str, Any]:
    match name:
        case "q":
            return "search", value
        case "channel":
            return "channel", [value]
        case "opened" if value in ("yes", "no"):
            return "opened", value == "yes"
        case "template" if found := _name_of(Template, value):
            return "messageType", found
        case "client" if found := _name_of(ApiClient, value):
            return "client", found
        case "accepted_from" if day := midnight(value):
            return "createdAtFrom", day.isoformat()
        case "accepted_to" if day := midnight(value):
            return "createdAtTo", (day + timedelta(days=1)).isoformat()
        case "job" | "before" if number := number_in(value):
            return ("jobId", str(number)) if name == "job" else ("idBelow", number)
    raise _strange(name)


def _name_of(model: Any, key: str) -> str | None:
    found: str | None = model.objects.filter(pk=number_in(key)).values_list("name", flat=True).first()
    return found


def _strange(name: str) -> Refusal:
    return refuse(Code.INVALID, "means nothing here", name[:100])


def of_form(text: str) -> Filter:
    """The filter that a page carried along; raises Refusal."""
    try:
        return choosing.read(json.loads(text))
    except ValueError as error:
        raise refuse(Code.MALFORMED, "must be JSON", "filter") from error


def in_words(wanted: Filter) -> list[tuple[Any, str]]:
    """Each condition with its name, as people read it."""
    return [(_NAMES[name], _shown(name, value)) for name, value in wanted.given.items()]


def _shown(name: str, value: Any) -> str:
    match name:
        case "status":
            return ", ".join(str(wording.STATUSES[Status(status)]) for status in value)
        case "createdAtFrom" | "createdAtTo":
            return labels.moment(parse_moment(value))
        case "opened":
            return str(_("Yes") if value else _("No"))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
