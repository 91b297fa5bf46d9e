"""Commands over REST: a query, plain JSON or a JSON:API document, made into the same plain data (contract job_v1)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.datastructures import MultiValueDict
from rest_framework.request import Request

from gateway.envelope import pointer
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.rest import read_json

_DOCUMENT = frozenset({"data", "meta", "links", "jsonapi"})


class Given:
    """What one request asks for: ``data`` as plain JSON would say it.

    ``identity`` is the member that a JSON:API document's ``data.id`` stands for, "" where the id means nothing.
    """

    def __init__(self, request: Request, *, identity: str = "", lists: frozenset[str] = frozenset()) -> None:
        self._is_document = False
        self._by_id = ""
        body = _body(request)
        self.data: dict[str, Any] = self._plain(body, identity) if isinstance(body.get("data"), dict) else body
        self._from_query: set[str] = set()
        for name in filter(None, (identity, *lists)):
            if value := _in_query(request.GET, name, is_list=name in lists):
                if self.data.get(name) not in (None, "", [], value):
                    raise refuse(Code.EXCLUSIVE, "is given in the query and in the body", name, parameter=True)
                self.data = {**self.data, name: value}
                self._from_query.add(name)

    def pointer(self, problem: Problem) -> str:
        """Where in the document the problem lies (RFC 6901)."""
        if not self._is_document:
            return pointer(problem)
        place = ("data", "id") if problem.field[:1] == (self._by_id,) else ("data", "attributes", *problem.field)
        return pointer(Problem(code=problem.code, sentence=problem.sentence, field=place))

    def told(self, refusal: Refusal) -> Refusal:
        """The same refusal, saying of each field that came in the address that it did."""
        problems = [
            replace(problem, parameter=True) if problem.field[:1] and problem.field[0] in self._from_query else problem
            for problem in refusal.problems
        ]
        return Refusal(problems, retry_after=refusal.retry_after)

    def _plain(self, document: Mapping[str, Any], identity: str) -> dict[str, Any]:
        self._is_document = True
        for name in document:
            if name not in _DOCUMENT:
                raise refuse(Code.UNKNOWN_FIELD, "unknown member", name[:100])
        resource = document["data"]
        attributes = resource.get("attributes") or {}
        if not isinstance(attributes, dict):
            raise refuse(Code.INVALID, "must be an object", "data", "attributes")
        if identity and resource.get("id") and not attributes.get(identity):
            self._by_id = identity
            return {**attributes, identity: resource["id"]}
        return dict(attributes)


def _body(request: Request) -> dict[str, Any]:
    has_body = request.META.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in request.META
    data = read_json(request).data if has_body else {}
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "the request must be a JSON object")
    return data


def _in_query(query: MultiValueDict[str, str], name: str, *, is_list: bool) -> Any:
    """A value of the address: one text, or a list in any of its three spellings."""
    given = [*query.getlist(name), *(query.getlist(f"{name}[]") if is_list else [])]
    if is_list:
        return list(dict.fromkeys(part for text in given for part in text.split(",") if part))
    return given[0] if len(set(given)) == 1 else given
