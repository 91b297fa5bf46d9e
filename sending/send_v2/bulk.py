"""``…/messages/bulk``: one operation on all of the caller's messages that match a filter, and what became of each."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request

from gateway import downloads
from gateway.body import media_type_of
from gateway.caller import Caller
from gateway.envelope import meta, resource
from gateway.errors import not_found
from gateway.listing import ListParameters
from gateway.rest import JSON, JSON_API, ApiView, read_json
from jobs.models import Job
from sending import in_bulk
from sending.models import BulkResult
from sending.send_v2 import bulk_request, schema
from sending.send_v2.resends import attributes_of, pointer_of
from sending.states import BulkOutcome

TYPES = ("bulkOperations", "bulkOperation")
_SORTABLE = {"messageId": "message_id", "outcome": "outcome"}


class BulkView(ApiView):
    """Counts what matches (``dryRun``), or begins the job that does it, and answers in kind."""

    required_right = "send"

    @schema.operation("operateInBulk", "Operate on all messages that match", schema.BULK_BEGUN, request=schema.BULK)
    def post(self, http_request: Request) -> HttpResponse:
        is_json_api = media_type_of(http_request._request) == JSON_API
        self.answer_type = JSON_API if is_json_api else JSON
        data = read_json(http_request).data
        if is_json_api:
            data = attributes_of(data, TYPES)
            self.pointer_of = pointer_of  # type: ignore[method-assign]
        asked = bulk_request.read(data)
        if asked.is_dry_run:
            found = asked.count(self.caller)
            facts: dict[str, Any] = {
                "count": found.count,
                "eligible": found.eligible,
                "statuses": dict(found.statuses),
            }
            name = str(uuid4())
        else:
            name = str(asked.begin(self.caller).uuid)
            facts = {"jobUuid": name}
        if is_json_api:
            return self.answer({"data": resource(TYPES[0], name, facts), "meta": meta(total=None)})
        return self.answer({"meta": meta(), **facts})


class BulkResultsView(ApiView):
    """What became of each message, in the order of their numbers."""

    required_right = "send"

    @schema.operation(
        "listBulkResults", "List what became of each", schema.BULK_RESULTS, parameters=schema.BULK_PARAMETERS
    )
    def get(self, request: Request, job_uuid: str) -> HttpResponse:
        parameters = ListParameters(request.query_params, names=("outcome",))
        page = parameters.page(sortable=_SORTABLE, default="messageId")
        outcomes = parameters.many("outcome", allowed=list(BulkOutcome))
        parameters.check()
        rows = BulkResult.objects.filter(job_id=_find(self.caller, job_uuid).pk)
        if outcomes:
            rows = rows.filter(outcome__in=outcomes)
        shown = rows.order_by(*page.order_by)[page.offset : page.offset + page.limit]
        return self.answer({"data": [_result(row) for row in shown], "meta": meta(total=rows.count())})


class BulkCsvView(ApiView):
    """The same as a table for spreadsheets."""

    required_right = "send"

    @schema.operation("saveBulkResults", "Save what became of each", schema.BULK_CSV, refused_as=(JSON_API,))
    def get(self, request: Request, job_uuid: str) -> StreamingHttpResponse:
        job = _find(self.caller, job_uuid)
        return downloads.table_to_be_saved(in_bulk.results_as_csv(job), file_name=f"{job.uuid}.csv")


def _find(caller: Caller, text: str) -> Job:
    try:
        uuid = UUID(text)
    except ValueError:
        raise not_found(f"operation {text[:40]}") from None
    return in_bulk.find(caller, uuid)


def _result(row: BulkResult) -> dict[str, Any]:
    return resource(
        "bulkResults",
        row.pk,
        {
            "messageId": row.message_id,
            "outcome": row.outcome,
            "reason": row.reason or None,
            "newMessageId": row.new_message_id,
        },
    )
