"""Send V2's XML form: elements become the same data as plain JSON (contract send_v2, "Faces").

Lists stand in wrappers there (``attachments/attachment``), in one or several; booleans and numbers as XML Schema writes
them. Base64 that is long is decoded into files of the request.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from gateway.errors import Code, Problem, Refusal, refuse
from gateway.incoming import Incoming, StoredBytes
from gateway.long_texts import LongText
from gateway.xml_reading import Shape
from sending.letter import Letter
from sending.send_v2 import request, resend_request
from sending.send_v2.fields import Boolean, Whole
from sending.send_v2.model import PARTS, SendRequest
from sending.send_v2.problems import MOST_COUNTED, MOST_REPORTED, Path, endless, printable
from sending.send_v2.request import Reading
from sending.send_v2.resend_request import Resending

T = TypeVar("T")

SHAPE = Shape(as_xml=frozenset({"xmlData"}), as_bytes=frozenset({"content"}))
_WRAPPED = {"attachments": "attachment", "properties": "property", "params": "param"}
_BOOLEANS = {"1": "true", "0": "false"}
_RETRY_SECONDS = 60


def _names(kind: type) -> frozenset[str]:
    """The fields of that kind, wherever they stand."""
    models: tuple[type[BaseModel], ...] = (SendRequest, *PARTS)
    fields = (item for model in models for item in model.model_fields.items())
    return frozenset(
        field.alias or name for name, field in fields if any(isinstance(one, kind) for one in field.metadata)
    )


_BOOLEAN_NAMES, _NUMBER_NAMES = _names(Boolean), _names(Whole)
_COLLAPSED = _BOOLEAN_NAMES | _NUMBER_NAMES


class Elements:
    """One request's elements (Document.plain): ``plain`` says the same as plain JSON would, ``problems`` what is wrong
    with their build. Its long attachments are in ``incoming``."""

    def __init__(self, fields: Mapping[str, Any], incoming: Incoming) -> None:
        self.problems: list[Problem] = []
        self._incoming = incoming
        self.plain = self._members(fields, ())

    def read(self, *, examine: Callable[[Letter], object] | None = None, delivery_id: str = "") -> Reading:
        """The letter; raises Refusal with the elements' problems first and the letter's after them."""
        return self._checked(lambda: request.read(self.plain, examine=examine, delivery_id=delivery_id))

    def read_resend(self) -> Resending:
        """The resend; raises Refusal alike."""
        return self._checked(lambda: resend_request.read(self.plain))

    def _checked(self, read: Callable[[], T]) -> T:
        try:
            found = read()
        except Refusal as refusal:
            raise Refusal([*self.problems, *refusal.problems][:MOST_REPORTED]) from refusal
        if self.problems:
            raise Refusal(self.problems[:MOST_REPORTED])
        return found

    def _members(self, fields: Mapping[str, Any], path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for name, value in fields.items():
            where = (*path, name)
            if name in _WRAPPED:
                members[name] = self._items(value, _WRAPPED[name], where)
            elif name == "requestMeta":
                members[name] = self._object(value, where) if value else None
            elif name == "content" and isinstance(value, LongText):
                members[name] = self._received(value, where)
            else:
                members[name] = _scalar(name, value)
        return members

    def _items(self, value: Any, wrapper: str, path: Path) -> list[Any]:
        """What stands in a list's wrapper, or in several."""
        items: list[Any] = []
        for part in _listed(value):
            if isinstance(part, dict):
                for name in (name for name in part if name != wrapper):
                    self._report(Code.UNKNOWN_FIELD, f"unknown field; did you mean {wrapper}?", *path, printable(name))
                items += _listed(part.get(wrapper, []))
            elif not isinstance(part, str) or part.strip():
                self._report(Code.INVALID, f"must hold {wrapper} elements", *path)
        return [self._object(item, (*path, index)) for index, item in enumerate(items)]

    def _object(self, value: Any, path: Path) -> Any:
        """An element with children; one that is empty has none."""
        if isinstance(value, dict):
            return self._members(value, path)
        return {} if isinstance(value, str) and not value.strip() else value

    def _received(self, text: LongText, path: Path) -> StoredBytes:
        try:
            return self._incoming.receive(text.decoded(), most=text.end - text.start)
        except ValueError:
            self._report(Code.INVALID, "must be base64", *path)
            # Stands for the bytes while the rest is looked at; the request is refused.
            return StoredBytes(digest="", size=0)
        except OSError as error:
            refusal = refuse(Code.UNAVAILABLE, "the attachments cannot be stored at present; send the request again")
            raise Refusal(refusal.problems, retry_after=_RETRY_SECONDS) from error

    def _report(self, code: Code, sentence: str, *path: str | int) -> None:
        if len(self.problems) >= MOST_COUNTED:
            raise endless()
        self.problems.append(Problem(code=code, sentence=sentence, field=path))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _scalar(name: str, value: Any) -> Any:
    """XML Schema pays no regard to white space about numbers and booleans, and has digits for the latter."""
    if not isinstance(value, str) or name not in _COLLAPSED:
        return value
    word = value.strip()
    return _BOOLEANS.get(word, word) if name in _BOOLEAN_NAMES else word
