"""SOAP answers as text: a qualified operation, and everything below it in no namespace (contract hammy_common, "SOAP").

Written directly: a page of a thousand rows made of Spyne's objects would cost more than finding them.
"""

from collections.abc import Mapping
from typing import Any

from gateway.plain_text import XML_FORBIDDEN
from gateway.soap_reading import ENVELOPE

Members = Mapping[str, Any]

_BEGIN = f'<?xml version="1.0" encoding="UTF-8"?>\n<S:Envelope xmlns:S="{ENVELOPE}"><S:Body>'
_END = "</S:Body></S:Envelope>"


def answer(operation: str, namespace: str, members: Members) -> bytes:
    """The answer of an operation. A mapping is an element with children, a list the same element again and again,
    None an element that is left out."""
    name = f"{operation}Response"
    response = element("response", members)
    return f'{_BEGIN}<ns2:{name} xmlns:ns2="{namespace}">{response}</ns2:{name}>{_END}'.encode()


def document(root: str, members: Members) -> bytes:
    """The same without an envelope and in no namespace, as queues carry it."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{element(root, members)}'.encode()


def fault(code: str, sentence: str) -> bytes:
    """A Fault: ``Client`` for what is no valid call, ``Server`` for a failure of ours."""
    words = {"faultcode": f"S:{code}", "faultstring": sentence}
    return f"{_BEGIN}<S:Fault>{_content(words)}</S:Fault>{_END}".encode()


def status(code: int, messages: list[str]) -> Members:
    """``status`` of an answer, 0 for success."""
    return {"code": code, "messages": {"message": messages}}


def _content(members: Members) -> str:
    parts = []
    for name, value in members.items():
        if isinstance(value, list):
            parts += [element(name, item) for item in value]
        elif value is not None:
            parts.append(element(name, value))
    return "".join(parts)


def element(name: str, value: Any) -> str:
    """One element as text; what XML cannot carry is replaced."""
    content = _content(value) if isinstance(value, Mapping) else _escaped(str(value))
    return f"<{name}>{content}</{name}>" if content else f"<{name}/>"


def _escaped(text: str) -> str:
    if text.isalnum():
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return text if text.isprintable() else XML_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
