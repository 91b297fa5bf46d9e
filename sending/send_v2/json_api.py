"""Send V2's JSON:API form: one document with ``included`` becomes the same data as plain JSON.

Contract send_v2, "Faces", REST. A reference that points nowhere, an object nobody refers to, one given twice or of
another type: each is a problem with a JSON pointer to it. Attachments refer to properties and properties to nothing,
so no document can go in circles.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.envelope import pointer
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.incoming import StoredBytes
from sending.letter import Letter
from sending.send_v2 import request
from sending.send_v2.problems import MOST_COUNTED, MOST_REPORTED, Path, endless, printable
from sending.send_v2.request import Reading

TYPES = ("sendRequests", "sendRequest")
_MAY_REFER_TO = {"attachments": ("properties",), "properties": ()}
_DOCUMENT = frozenset({"data", "included", "meta", "links", "jsonapi"})
_RESOURCE = frozenset({"type", "id", "attributes", "relationships", "meta", "links"})


class Document:
    """One JSON:API document: ``plain`` is its letter as plain JSON, ``problems`` what is wrong with its build."""

    def __init__(self, document: object) -> None:
        self.problems: list[Problem] = []
        self.plain: dict[str, Any] = {}
        self._places: dict[Path, int] = {}
        self._index: dict[tuple[str, str], int] = {}
        self._used: set[int] = set()
        if not isinstance(document, dict) or not isinstance(document.get("data"), dict):
            raise refuse(Code.MALFORMED, "must be one resource object", "data")
        self._included = document.get("included") or []
        if not isinstance(self._included, list):
            raise refuse(Code.MALFORMED, "must be a list", "included")
        self._refuse_unknown(document, _DOCUMENT, ())
        self._register()
        resource = document["data"]
        if resource.get("type") not in TYPES:
            self._report(Code.INVALID, f"must be {TYPES[0]}", "data", "type")
        self.plain = self._members(resource, ("data",), ("properties", "attachments"), ())
        for place in range(len(self._included)):
            if place not in self._used and isinstance(self._included[place], dict):
                self._report(Code.INVALID, "nothing refers to it", "included", place)

    def read(
        self,
        *,
        examine: Callable[[Letter], object] | None = None,
        parts: Mapping[str, StoredBytes] | None = None,
        delivery_id: str = "",
    ) -> Reading:
        """The letter; raises Refusal with the document's problems first and the letter's after them."""
        try:
            reading = request.read(self.plain, examine=examine, parts=parts, delivery_id=delivery_id)
        except Refusal as refusal:
            raise Refusal([*self.problems, *refusal.problems][:MOST_REPORTED]) from refusal
        if self.problems:
            raise Refusal(self.problems[:MOST_REPORTED])
        return reading

    def pointer(self, problem: Problem) -> str:
        """Where in the document the problem lies (RFC 6901)."""
        path = problem.field
        if problem in self.problems:
            return pointer(problem)
        for length in range(len(path), 1, -1):
            if (place := self._places.get(path[:length])) is not None:
                return pointer(_at(problem, "included", place, *_kind_of(path[length:])))
        return pointer(_at(problem, "data", *_kind_of(path)))

    def _report(self, code: Code, sentence: str, *path: str | int) -> None:
        if len(self.problems) >= MOST_COUNTED:
            raise endless()
        self.problems.append(Problem(code=code, sentence=sentence, field=path))

    def _refuse_unknown(self, members: dict[str, Any], known: frozenset[str], path: Path) -> None:
        for name in members:
            if name not in known:
                self._report(Code.UNKNOWN_FIELD, "unknown member", *path, printable(name))

    def _register(self) -> None:
        for place, item in enumerate(self._included):
            if not isinstance(item, dict):
                self._report(Code.INVALID, "must be a resource object", "included", place)
                continue
            self._refuse_unknown(item, _RESOURCE, ("included", place))
            key = self._identity(item, ("included", place))
            if key is None:
                self._used.add(place)  # said already
            elif key in self._index:
                self._report(Code.INVALID, f"the {key[0]} {printable(key[1])} is given twice", "included", place)
                self._used.add(place)
            else:
                self._index[key] = place

    def _identity(self, item: object, path: Path) -> tuple[str, str] | None:
        if not isinstance(item, dict):
            self._report(Code.INVALID, "must be an object with type and id", *path)
            return None
        kind, identifier = item.get("type"), item.get("id")
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            identifier = str(identifier)
        if not isinstance(kind, str) or kind not in _MAY_REFER_TO:
            self._report(Code.INVALID, f"must be one of {', '.join(_MAY_REFER_TO)}", *path, "type")
            return None
        if not isinstance(identifier, str) or not identifier:
            self._report(Code.REQUIRED, "required", *path, "id")
            return None
        return kind, identifier

    def _members(self, resource: dict[str, Any], path: Path, kinds: tuple[str, ...], target: Path) -> dict[str, Any]:
        """A resource's attributes, with what its relationships refer to put in their places."""
        if path == ("data",):
            self._refuse_unknown(resource, _RESOURCE, path)
        attributes = resource.get("attributes") or {}
        relationships = resource.get("relationships") or {}
        if not isinstance(attributes, dict):
            self._report(Code.INVALID, "must be an object", *path, "attributes")
            attributes = {}
        if not isinstance(relationships, dict):
            self._report(Code.INVALID, "must be an object", *path, "relationships")
            relationships = {}
        members = {}
        for name, value in attributes.items():
            if name in _MAY_REFER_TO:
                self._report(Code.UNKNOWN_FIELD, "must be a relationship", *path, "attributes", name)
            else:
                members[name] = value
        for name, relationship in relationships.items():
            where = (*path, "relationships", printable(name))
            if name not in kinds:
                self._report(Code.UNKNOWN_FIELD, "unknown relationship", *where)
            else:
                members[name] = self._related(relationship, where, name, (*target, name))
        return members

    def _related(self, relationship: object, path: Path, kind: str, target: Path) -> list[dict[str, Any]]:
        references = relationship.get("data", []) if isinstance(relationship, dict) else None
        if not isinstance(references, list):
            self._report(Code.INVALID, "must hold a list of references as data", *path)
            return []
        found: list[dict[str, Any]] = []
        seen: set[int] = set()
        for index, reference in enumerate(references):
            where = (*path, "data", index)
            key = self._identity(reference, where)
            if key is None:
                continue
            if key[0] != kind:
                self._report(Code.INVALID, f"must be {kind}", *where, "type")
            elif (place := self._index.get(key)) is None:
                self._report(Code.INVALID, f"points to nothing: {kind} {printable(key[1])} is not included", *where)
            elif place in seen:
                self._report(Code.INVALID, f"the {kind} {printable(key[1])} is referred to twice", *where)
            else:
                seen.add(place)
                found.append(self._take(place, kind, (*target, len(found))))
        return found

    def _take(self, place: int, kind: str, target: Path) -> dict[str, Any]:
        self._places[target] = place
        said = list(self.problems)
        is_first = place not in self._used
        self._used.add(place)
        members = self._members(self._included[place], ("included", place), _MAY_REFER_TO[kind], target)
        if not is_first:
            self.problems = said  # what is wrong with it was said when it was first taken
        return members


def _at(problem: Problem, *path: str | int) -> Problem:
    return Problem(code=problem.code, sentence=problem.sentence, field=path)


def _kind_of(path: Path) -> Path:
    """What stands among a resource's relationships, and what among its attributes."""
    if not path:
        return ()
    return ("relationships", path[0]) if path[0] in _MAY_REFER_TO else ("attributes", *path)
