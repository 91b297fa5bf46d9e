"""The seven operations over REST: decode, call, encode (contract job_v1, "Job API V1")."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpResponse
from rest_framework.request import Request

from gateway.body_key import BodyKeyAuthentication, confirmed
from gateway.caller import Caller
from gateway.errors import Refusal
from gateway.rest import ApiView
from jobs import services
from jobs.job_v1 import answer, finding, request, schema
from jobs.job_v1.documents import Given


class JobsView(ApiView):
    """The caller's jobs, the newest first; starts one by its trigger's name, and sets the status of some."""

    authentication_classes = [BodyKeyAuthentication]
    required_right = "jobs.read"
    right_by_method = {"POST": "jobs.run", "PUT": "jobs.run"}

    @schema.operation("findJobs", "Find jobs", schema.JOBS, parameters=schema.FIND_PARAMETERS)
    def get(self, http_request: Request) -> HttpResponse:
        rows, total = finding.find(self.caller, request.read_find(http_request.query_params))
        return self.answer(answer.found(rows, total))

    @schema.operation(
        "triggerJob", "Run a trigger now", schema.DONE, request=schema.TRIGGER, parameters=schema.TRIGGER_PARAMETERS
    )
    def post(self, http_request: Request) -> HttpResponse:
        given = Given(http_request, identity="jobName", lists=frozenset({"legIds"}))
        with self._telling(given):
            asked = request.read_trigger(given.data)
            caller = confirmed_by(asked, self.caller, http_request)
            with request.outward(given.data):
                job = services.trigger_job(
                    caller=caller, name=asked.job_name, leg_ids=asked.leg_ids, params=asked.pairs
                )  # fmt: skip
        return self.answer(answer.done(answer.triggered(job)))

    @schema.operation("setJobStatus", "Set the status of jobs", schema.DONE, request=schema.SET_STATUS)
    def put(self, http_request: Request) -> HttpResponse:
        given = Given(http_request)
        with self._telling(given):
            asked = request.read_set_status(given.data)
            caller = confirmed_by(asked, self.caller, http_request)
            with request.outward(given.data):
                services.set_status(caller=caller, ids=asked.ids, status=asked.job_status, reason=asked.reason)
        return self.answer(answer.done())

    @contextmanager
    def _telling(self, given: Given) -> Iterator[None]:
        """What is refused is told with its place in the query or the document."""
        self.pointer_of = given.pointer  # type: ignore[method-assign]
        try:
            yield
        except Refusal as refusal:
            raise given.told(refusal) from refusal


class JobView(ApiView):
    """One job."""

    required_right = "jobs.read"

    @schema.operation("showJob", "Read a job", schema.JOB)
    def get(self, http_request: Request, uuid: str) -> HttpResponse:
        return self.answer(answer.shown(services.find(self.caller, request.read_name(uuid))))


class EventsView(ApiView):
    """What happened to one job, in order."""

    required_right = "jobs.read"

    @schema.operation("listJobEvents", "Read a job's events", schema.EVENTS)
    def get(self, http_request: Request, uuid: str) -> HttpResponse:
        return self.answer(answer.events(finding.events(self.caller, request.read_name(uuid))))


class RelativesView(ApiView):
    """The other jobs of a job's tree, the oldest first."""

    required_right = "jobs.read"

    @schema.operation("listRelatives", "Find a job's relatives", schema.JOBS, parameters=schema.PAGE_PARAMETERS)
    def get(self, http_request: Request, uuid: str) -> HttpResponse:
        page = request.read_relatives(http_request.query_params)
        rows, total = finding.relatives(self.caller, request.read_name(uuid), page)
        return self.answer(answer.found(rows, total))


class JobInfoView(ApiView):
    """How far one job has come."""

    required_right = "jobs.read"

    @schema.operation("getJobInfo", "Read how far a job has come", schema.INFO)
    def get(self, http_request: Request, uuid: str) -> HttpResponse:
        return self.answer(answer.info(services.find(self.caller, request.read_name(uuid))))


def confirmed_by(asked: request.Command, caller: Caller, http_request: Request) -> Caller:
    """The caller as the body names it too."""
    return confirmed(caller, http_request, client_hash_keys=asked.client_hash_keys, user_names=asked.user_names)
