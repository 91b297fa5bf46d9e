"""``POST …/batches``: many letters at once, each accepted or refused on its own (contract send_v2, "Bulk")."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from django.http import HttpResponse
from pydantic import BaseModel, Field, ValidationError
from rest_framework.request import Request

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, refuse
from gateway.rest import JSON, ApiView, read_json
from sending import services
from sending.acceptance import examine
from sending.send_v2 import answer, problems, request, schema
from sending.send_v2.fields import Line
from sending.send_v2.request import Reading
from sending.send_v2.rest import confirmed
from sending.services import Accepted

MOST_MESSAGES = 10_000
# What the worst batch may cost to read and to answer; each of 10,000 letters may lack a few things.
MOST_PROBLEMS = 50_000
_MEMBERS = ("batchId", "messages")


class _Batch(BaseModel):
    batch_id: Annotated[str | None, Line(100)] = Field(None, alias="batchId")


class BatchesView(ApiView):
    """Takes up to 10,000 letters; none of them where more is wrong than anybody would count."""

    required_right = "send"
    answer_type = JSON

    @schema.operation("sendBatch", "Send many letters", schema.BATCH_SENT, request=schema.BATCH)
    def post(self, http_request: Request) -> HttpResponse:
        batch_id, messages = _read(read_json(http_request, media_types=(JSON,)).data)
        results: list[Accepted | Refusal | None] = [None] * len(messages)
        good: dict[Caller, dict[int, Reading]] = {}
        wrong = 0
        for index, message in enumerate(messages):
            try:
                reading = request.read(_with_batch(message, batch_id), examine=partial(examine, self.caller))
                good.setdefault(confirmed(self.caller, reading, http_request), {})[index] = reading
            except Refusal as refusal:
                results[index] = refusal.unraised()
                wrong += len(refusal.problems)
                if wrong > MOST_PROBLEMS:
                    raise problems.endless(MOST_PROBLEMS) from refusal
        for caller, readings in good.items():
            submitted = services.submit_many(caller=caller, letters=[one.letter for one in readings.values()])
            for (index, reading), result in zip(readings.items(), submitted, strict=True):
                results[index] = reading.outward(result) if isinstance(result, Refusal) else result
        return self.answer(answer.batch(batch_id, [result for result in results if result is not None]))


def _read(data: object) -> tuple[str, Sequence[object]]:
    """The batch's id and its messages as sent; raises 1000 for what is no batch at all."""
    if not isinstance(data, dict):
        raise refuse(Code.MALFORMED, "the request must be a JSON object")
    messages = data.get("messages")
    if not isinstance(messages, list):
        raise refuse(Code.MALFORMED, "must be a list of messages", "messages")
    found = []
    batch_id = ""
    try:
        batch_id = _Batch.model_validate({"batchId": data.get("batchId")}).batch_id or ""
    except ValidationError as error:
        found = problems.of_validation(error)[0]
    if len(messages) > MOST_MESSAGES:
        found.append(Problem(code=Code.INVALID, sentence=f"must hold at most {MOST_MESSAGES}", field=("messages",)))
    found += [
        Problem(code=Code.UNKNOWN_FIELD, sentence="unknown field", field=(problems.printable(name),))
        for name in data
        if name not in _MEMBERS
    ]
    if found:
        raise Refusal(found[: problems.MOST_REPORTED])
    return batch_id, messages


def _with_batch(message: object, batch_id: str) -> Any:
    """The message, in the batch unless it names another one."""
    if batch_id and isinstance(message, dict) and message.get("batchId") in (None, ""):
        return {**message, "batchId": batch_id}
    return message
