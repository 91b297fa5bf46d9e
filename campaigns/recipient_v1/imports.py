"""Imports over REST: asked for, looked at beforehand, followed, and what they could not take."""

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request

from campaigns import importing, intake
from campaigns.doors import CampaignsView
from campaigns.intake import Order
from campaigns.reading import outward, uuid_of
from campaigns.recipient_v1 import answer, schema, uploads
from gateway import multipart
from gateway.downloads import table_to_be_saved
from gateway.incoming import Incoming
from gateway.listing import ListParameters
from jobs.job_v1 import answer as job_answer


class ImportsView(CampaignsView):
    """Has a job import a file; with ``dryRun`` it only says what that would do."""

    @schema.operation(
        "importRecipients", "Import a file into a group", schema.IMPORT, request=schema.IMPORT_REQUEST,
        parameters=schema.IMPORT_PARAMETERS,
    )  # fmt: skip
    def post(self, http_request: Request) -> HttpResponse:
        parameters = ListParameters(http_request.query_params, names=("dryRun",))
        is_only_looked = parameters.flag("dryRun")
        parameters.check()
        if not multipart.is_multipart(http_request._request):
            order, is_dry = uploads.read_order(self.given(http_request))
            return self._answer(order, is_dry or is_only_looked)
        with Incoming() as incoming:
            received, data = uploads.receive(http_request._request, incoming, caller=self.caller)
            order, is_dry = uploads.read_order(data, received)
            return self._answer(order, is_dry or is_only_looked)

    def _answer(self, order: Order, is_dry: bool) -> HttpResponse:
        with outward(uploads.NAMES):
            if is_dry:
                return self.answer(answer.looked_at(intake.look(caller=self.caller, order=order)))
            job = intake.take(caller=self.caller, order=order)
        return self.answer(job_answer.done(job_answer.triggered(job)))


class ImportView(CampaignsView):
    """How far one import has come."""

    @schema.operation("readImport", "Read how far an import has come", schema.IMPORTED)
    def get(self, http_request: Request, job_uuid: str) -> HttpResponse:
        found = intake.import_of(caller=self.caller, uuid=uuid_of(job_uuid, "import"))
        return self.answer(answer.imported(*found))


class InvalidLinesView(CampaignsView):
    """What one import could not take, with the reasons, as a file."""

    @schema.operation("readInvalidLines", "Fetch the lines that an import could not take", schema.CSV)
    def get(self, http_request: Request, job_uuid: str) -> StreamingHttpResponse:
        job, _ = intake.import_of(caller=self.caller, uuid=uuid_of(job_uuid, "import"))
        lines = importing.result_lines(job.pk, job.cursor)
        return table_to_be_saved(lines, file_name="invalid-lines.csv")
