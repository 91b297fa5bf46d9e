"""Send V2's XML form: the children of a request become the same data as plain JSON (contract send_v2, "Faces").

Children may stand in any order, in a namespace or none. xmlData comes as text or as nested elements, which are kept as
the XML they are.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
# What holds a list, with the name of its items.
_LISTS: Mapping[str, str] = {
    "attachments": "attachment",
    "properties": "property",
    "params": "param",
    "messageIds": "messageId",
}
# What holds named fields wherever it stands.
_OBJECTS = frozenset({"requestMeta", "attachment", "property", "param"})


def plain(root: Any) -> dict[str, Any]:
    """The fields of a request's root element."""
    return _fields(root)


def local(element: Any) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _fields(element: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name, value = local(child), _value(child)
        if name not in found:
            found[name] = value
        elif name in _LISTS and isinstance(found[name], list) and isinstance(value, list):
            found[name] += value
        else:
            # Where one value belongs, reading goes on to say what is wrong with a list.
            found[name] = [*found[name], value] if isinstance(found[name], list) else [found[name], value]
    return found


def _value(element: Any) -> Any:
    name = local(element)
    read: Callable[[Any], Any] = {"xmlData": _kept}.get(name, _text)
    if name in _LISTS:
        item = _LISTS[name]
        return [_value(child) if local(child) == item else {local(child): _value(child)} for child in element]
    if name in _OBJECTS or (name != "xmlData" and len(element)):
        return _fields(element)
    return read(element)


def _text(element: Any) -> str:
    return "" if element.get(_NIL) in ("1", "true") else element.text or ""


def _kept(element: Any) -> str:
    """What stands in the element, as XML; the text itself where it holds no elements."""
    if not len(element):
        return _text(element)
    children = (etree.tostring(child, encoding="unicode") for child in element)
    return "".join([escaped(element.text or ""), *children])


def escaped(text: str) -> str:
    """Text between elements as XML has it; blanks among them, and what ought not to be there is refused later."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
