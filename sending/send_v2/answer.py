"""Send V2's answers, member for member as the originals print them (contract send_v2, "Faces")."""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway import soap_writing
from gateway.envelope import meta, resource
from gateway.errors import Code, Refusal
from sending.services import Accepted

JSON = "application/json"
JSON_API = "application/vnd.api+json"


Pairs = Iterable[tuple[str, str]]


def params(accepted: Accepted) -> Pairs:
    """What an answer says beside the number."""
    return [("jobUuid", accepted.job_uuid)] if accepted.job_uuid else []


def resent(accepted: Sequence[Accepted]) -> tuple[int, Pairs]:
    """The number of the first new message, and a parameter with the number of each further one, in the order asked."""
    first, *others = accepted
    return first.message_id, [("messageId", str(one.message_id)) for one in others]


def accepted(message_id: int, params: Pairs = ()) -> dict[str, Any]:
    """Plain JSON: the envelope first, then the number."""
    envelope = meta(params)
    status = envelope.pop("responseStatus")
    return {"meta": {"responseStatus": status, "params": envelope["params"]}, "messageId": message_id}


def accepted_json_api(message_id: int, params: Pairs = (), *, has_total: bool = True) -> dict[str, Any]:
    """JSON:API; over AMQP ``meta`` has no ``total``."""
    envelope = meta(params, total=None) if has_total else meta(params)
    return {"data": resource("sendResponse", message_id, {}), "meta": envelope}


def accepted_xml(message_id: int, params: Pairs = ()) -> dict[str, Any]:
    """The members of an answer in XML: parameters only where there are any."""
    pairs = [{"key": key, "value": value} for key, value in params]
    more = {"params": {"param": pairs}} if pairs else {}
    return {"messageId": message_id, "status": soap_writing.status(0, []), **more}


def refused_xml(refusal: Refusal) -> dict[str, Any]:
    """The members of a refusal in XML: the status alone."""
    return {"status": soap_writing.status(int(refusal.code), list(_sentences(refusal)))}


def batch(batch_id: str, results: Iterable[Accepted | Refusal]) -> dict[str, Any]:
    """Each message's number or why it was refused, in the order sent; 1006 when any was."""
    items = [_item(index, result) for index, result in enumerate(results)]
    refused = sum("responseStatus" in item for item in items)
    status: dict[str, Any] = {"code": 0, "messages": []}
    if refused:
        status = {
            "code": int(Code.PARTLY_REFUSED),
            "messages": [f"{refused} of {len(items)} messages were refused"],
        }
    named = {"batchId": batch_id} if batch_id else {}
    return {"meta": {"responseStatus": status, "params": []}, **named, "messages": items}


def _item(index: int, result: Accepted | Refusal) -> dict[str, Any]:
    if isinstance(result, Accepted):
        told = [{"key": key, "value": value} for key, value in params(result)]
        return {"index": index, "messageId": result.message_id, **({"params": told} if told else {})}
    return {
        "index": index,
        "responseStatus": {"code": int(result.code), "messages": _sentences(result)},
    }


def _sentences(refusal: Refusal) -> Sequence[str]:
    return [problem.detail for problem in refusal.problems]
