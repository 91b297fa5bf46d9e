"""The job completed notification, as XML or JSON (contract job_completed_notifications, "Payload")."""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from lxml import etree

from gateway.plain_text import XML_FORBIDDEN
from jobs.states import Status
from jobs.undone import Undone
from notifications.payloads.base import News, Payload, Style
from notifications.payloads.naming import Naming, spelt

# Its value is never renamed.
_TYPE = "JobCompletedNotificationPayload"
_JSON = "JSON"


class JobCompleted(Payload):
    """A job came to its end; what it did not carry out stands there too."""

    name: ClassVar[str] = "job_completed"

    def content_type(self, style: Style) -> str:
        return "application/json" if style.format == _JSON else "application/xml"

    def body(self, news: News, style: Style) -> bytes:
        naming = Naming(style.naming)
        return _json(news, naming) if style.format == _JSON else _xml(news, naming)


def zulu(moment: datetime) -> str:
    """``YYYY-MM-DDThh:mm:ss.SSSZ``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _cancel_occurred(news: News) -> bool:
    return news.status == Status.CANCELLED or bool(news.undone)


def _item(one: Undone) -> dict[str, Any]:
    """In the order of the contract."""
    number = str(one.uuid)
    return {"id": number, "latest": True, "length": one.length, "name": one.name, "offset": 0, "version id": number}


def _json(news: News, naming: Naming) -> bytes:
    def named(values: dict[str, Any]) -> dict[str, Any]:
        return {spelt(words, naming): value for words, value in values.items()}

    event = {
        "cancel occurred": _cancel_occurred(news),
        "job id": str(news.job_uuid),
        "notification generation date": int(news.at.timestamp() * 1000),
        "objects not persisted": [named(_item(one)) for one in news.undone],
    }
    tree = named({"notification": named({"event": named(event), "type": _TYPE})})
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def _xml(news: News, naming: Naming) -> bytes:
    root = etree.Element(spelt("notification", naming))
    event = etree.SubElement(root, spelt("event", naming))
    for words, text in (
        ("cancel occurred", _word(_cancel_occurred(news))),
        ("job id", str(news.job_uuid)),
        ("notification generation date", zulu(news.at)),
    ):
        etree.SubElement(event, spelt(words, naming)).text = text
    undone = etree.SubElement(event, spelt("objects not persisted", naming))
    for one in news.undone:
        attributes = {spelt(words, naming): _word(value) for words, value in _item(one).items()}
        etree.SubElement(undone, spelt("object", naming), attributes)
    etree.SubElement(root, spelt("type", naming)).text = _TYPE
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else XML_FORBIDDEN.sub("?", str(value))
