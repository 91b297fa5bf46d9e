"""A SOAP request's bytes as plain data (contract hammy_common, "SOAP"); gateway.xml_reading says what is refused."""

from dataclasses import dataclass, field
from typing import Any

from gateway.xml_reading import NO_SHAPE, Shape, local, malformed, read_document

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_HEADER, _BODY, _MUST_UNDERSTAND = (f"{{{ENVELOPE}}}{name}" for name in ("Header", "Body", "mustUnderstand"))
_ENVELOPE_12 = "http://www.w3.org/2003/05/soap-envelope"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One call: the operation's qualified name and what its ``<request>`` holds (Document.plain)."""

    operation: str
    fields: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The operation's local name."""
        return self.operation.rpartition("}")[2]


def read_envelope(body: bytes, *, content_type: str = "", shape: Shape = NO_SHAPE) -> Envelope:
    """The call in a body; raises Refusal (1000) with a sentence of ours for what is none."""
    document = read_document(body, content_type=content_type, shape=shape)
    root = document.root
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        is_newer = root.tag == f"{{{_ENVELOPE_12}}}Envelope"
        words = "the envelope must be of SOAP 1.1" if is_newer else "the body is no SOAP envelope"
        raise malformed(f"{words}: {{{ENVELOPE}}}Envelope")
    # By hand: a path expression would cost a small call a third of its reading.
    headers = (block for child in root if child.tag == _HEADER for block in child)
    if any(block.get(_MUST_UNDERSTAND) in ("1", "true") for block in headers):
        raise malformed("no header is understood here, and one says that it must be")
    bodies = [child for child in root if child.tag == _BODY]
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise malformed("the envelope must have one Body with one operation in it")
    operation = bodies[0][0]
    requests = [child for child in operation if local(child) == "request"]
    if len(requests) > 1 or len(requests) < len(operation):
        raise malformed(f"{local(operation)} must hold one request and nothing else")
    fields = document.plain(requests[0]) if requests else {}
    return Envelope(operation=operation.tag, fields=fields if isinstance(fields, dict) else {})
