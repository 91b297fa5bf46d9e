"""From a letter's data to the words that go out: template versions compiled once, rendered within their budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings

from sending.letter import OF_ADDRESSEE
from sending.models import TemplateVersion
from sending.templating import CompiledTemplate, compile_template
from sending.xml_data import parse_xml_data

# The fields of a letter that its template may name, as the contract spells them.
_FIELDS = {
    "requestId": "request_id",
    "batchId": "batch_id",
    "partnerRef": "partner_ref",
    "messageType": "message_type",
    "recipientName": "recipient_name",
    "recipientEmailAddress": "recipient_email_address",
    "recipientPostalAddress": "recipient_postal_address",
    "fromAddress": "from_address",
    "fromName": "from_name",
}
_OF_ADDRESSEE = frozenset({"properties", *(outward for outward, name in _FIELDS.items() if name in OF_ADDRESSEE)})
KNOWN_NAMES = frozenset({*_FIELDS, "properties", "xmlData", "attachments"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a message says; ``text`` or ``html`` may be empty, not both."""

    subject: str
    text: str
    html: str
    list_unsubscribe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledVersion:
    """The four templates of one version, and its layout for printed letters."""

    subject: CompiledTemplate
    text: CompiledTemplate
    html: CompiledTemplate
    list_unsubscribe: CompiledTemplate
    letter: str = ""

    def render(self, data: Mapping[str, Any]) -> Words:
        """The words for one letter; raises sending.templating.TemplateError."""
        budget = _budget()
        return Words(
            subject=self.render_subject(data),
            text=self.text.render(data, **budget),
            html=self.html.render(data, **budget),
            list_unsubscribe="".join(self.list_unsubscribe.render(data, **budget).split()),
        )

    def render_subject(self, data: Mapping[str, Any]) -> str:
        """The subject alone, on one line; raises sending.templating.TemplateError."""
        return " ".join(self.subject.render(data, **_budget()).split())

    def missing(self, data: Mapping[str, Any]) -> list[str]:
        """The variables that rendering is known to need and ``data`` lacks, as the templates spell them."""
        return list(dict.fromkeys(name for part in self._parts for name in part.missing(data)))

    def needed_properties(self) -> frozenset[str] | None:
        """The properties that no letter may lack; None where the templates need more of whom it goes to than these and
        plain fields, which a letter always has."""
        found = set()
        for need in (need for part in self._parts for need in part.needs if need.keys[0] in _OF_ADDRESSEE):
            name, *rest = need.keys
            if name == "properties" and len(rest) == 1 and isinstance(rest[0], str):
                found.add(rest[0])
            elif rest:
                return None
        return frozenset(found)

    @property
    def _parts(self) -> tuple[CompiledTemplate, ...]:
        return self.subject, self.text, self.html, self.list_unsubscribe


def _budget() -> dict[str, Any]:
    return {"seconds": settings.HAMMY_TEMPLATE_SECONDS, "output": settings.HAMMY_TEMPLATE_OUTPUT}


def compile_version(version: TemplateVersion) -> CompiledVersion:
    """Compile afresh; raises sending.templating.TemplateSyntax."""
    return CompiledVersion(
        subject=compile_template(version.subject, html=False),
        text=compile_template(version.text, html=False),
        html=compile_template(version.html, html=True),
        list_unsubscribe=compile_template(version.list_unsubscribe, html=False),
        letter=version.letter,
    )


@lru_cache(maxsize=1000)
def compiled(version_id: int) -> CompiledVersion:
    """A version that letters point at: it never changes again, so once per process is enough."""
    return compile_version(TemplateVersion.objects.get(pk=version_id))


def template_data(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a template can reach of a letter (sending.letter.Letter.content): strings, lists and mappings only."""
    data: dict[str, Any] = {outward: content.get(name, "") for outward, name in _FIELDS.items()}
    data["properties"] = _by_key(content.get("properties", ()))
    data["xmlData"] = parse_xml_data(content["xml_data"]) if content.get("xml_data") else {}
    data["attachments"] = [
        {
            "fileName": attachment.get("file_name", ""),
            "documentType": attachment.get("document_type", ""),
            "objectType": attachment.get("object_type", ""),
            "objectRef": attachment.get("object_ref", ""),
            "properties": _by_key(attachment.get("properties", ())),
        }
        for attachment in content.get("attachments", ())
    ]
    return data


def _by_key(properties: Any) -> dict[str, str]:
    return {item["key"]: item["value"] for item in properties}
