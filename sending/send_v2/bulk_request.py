"""An operation in bulk as it is asked for: which, on what, and why."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import ValidationError

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, refuse
from jobs.models import Job
from sending import choosing, in_bulk
from sending.choosing import Filter
from sending.in_bulk import Found
from sending.send_v2 import problems
from sending.send_v2.fields import Boolean, Line, Whole
from sending.send_v2.model import Part
from sending.states import Operation


class BulkRequest(Part):
    """In the order in which its problems are told."""

    operation: Annotated[str | None, Line(100)] = None
    filter: Any = None
    reason: Annotated[str | None, Line(in_bulk.LONGEST_REASON)] = None
    expected: Annotated[int | None, Whole(0)] = None
    dry_run: Annotated[bool | None, Boolean()] = None
    request_id: Annotated[str | None, Line(150)] = None


_ORDER = {one.alias or name: place for place, (name, one) in enumerate(BulkRequest.model_fields.items())}
_OUTWARD = {name: one.alias or name for name, one in BulkRequest.model_fields.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """An operation read."""

    operation: Operation
    wanted: Filter
    reason: str
    expected: int | None
    is_dry_run: bool
    request_id: str

    def count(self, caller: Caller) -> Found:
        """What it would come to."""
        return in_bulk.count(caller=caller, operation=self.operation, wanted=self.wanted)

    def begin(self, caller: Caller) -> Job:
        """Begin its job; raises Refusal in the caller's words."""
        try:
            return in_bulk.begin(
                caller=caller,
                operation=self.operation,
                wanted=self.wanted,
                reason=self.reason,
                expected=self.expected,
                request_id=self.request_id,
            )
        except Refusal as refusal:
            found = [
                replace(problem, field=(_OUTWARD.get(str(problem.field[0]), problem.field[0]), *problem.field[1:]))
                if problem.field
                else problem
                for problem in refusal.problems
            ]
            raise Refusal(found) from refusal


def read(data: object) -> Bulk:
    """Read one request; raises Refusal with every problem, those of the filter among them."""
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "the request must be a JSON object")
    found: list[Problem] = []
    try:
        request = BulkRequest.model_validate(data)
    except ValidationError as error:
        found, places = problems.of_validation(error)
        request = BulkRequest.model_validate(problems.without(data, (place[:1] for place in places)))
    said = {problem.field[0] for problem in found}
    if not request.operation and "operation" not in said:
        found.append(Problem(code=Code.REQUIRED, sentence="required", field=("operation",)))
    elif request.operation and request.operation not in set(Operation):
        words = f"must be one of {', '.join(Operation)}"
        found.append(Problem(code=Code.INVALID, sentence=words, field=("operation",)))
    if not request.reason and not request.dry_run and "reason" not in said:
        found.append(Problem(code=Code.REQUIRED, sentence="required", field=("reason",)))
    try:
        wanted = choosing.read(request.filter)
    except Refusal as refusal:
        found += refusal.problems
    if found:
        raise problems.refusal(found, canonical={}, order=_ORDER)
    return Bulk(
        operation=Operation(request.operation or ""),
        wanted=wanted,
        reason=request.reason or "",
        expected=request.expected,
        is_dry_run=bool(request.dry_run),
        request_id=request.request_id or "",
    )
