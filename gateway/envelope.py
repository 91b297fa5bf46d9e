"""The shape of every JSON answer (contract hammy_common, "REST" and "Envelope and errors")."""

from collections.abc import Callable, Iterable, Mapping
from types import EllipsisType
from typing import Any

from gateway.errors import Problem, Refusal


def resource(kind: str, identifier: str | int, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """One JSON:API resource object; ids are strings."""
    return {"type": kind, "id": str(identifier), "attributes": attributes}


def meta(
    params: Iterable[tuple[str, str]] = (),
    *,
    total: int | EllipsisType | None = ...,
    code: int = 0,
    messages: Iterable[str] = (),
) -> dict[str, Any]:
    """``meta`` of an answer: ``total`` only where it is given (None is written as null)."""
    head: dict[str, Any] = {} if total is ... else {"total": total}
    return {
        **head,
        "params": [{"key": key, "value": value} for key, value in params],
        "responseStatus": {"code": int(code), "messages": list(messages)},
    }


def pointer(problem: Problem) -> str:
    """RFC 6901: ``/attachments/0/fileName``."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in problem.field)


def failure(refusal: Refusal, pointer_of: Callable[[Problem], str] = pointer) -> dict[str, Any]:
    """A refusal in both dialects: JSON:API ``errors``, and ``meta.responseStatus`` with the same sentences."""
    return {
        "errors": [_error(problem, pointer_of) for problem in refusal.problems],
        "meta": meta(code=refusal.code, messages=(problem.detail for problem in refusal.problems)),
    }


def _error(problem: Problem, pointer_of: Callable[[Problem], str]) -> dict[str, Any]:
    error: dict[str, Any] = {
        "status": str(int(problem.http_status)),
        "code": str(int(problem.code)),
        "title": problem.title,
        "detail": problem.detail,
    }
    if problem.field:
        error["source"] = {"parameter": problem.name} if problem.parameter else {"pointer": pointer_of(problem)}
    return error
