"""S30: with another client's credentials, every operation and every filter of the door answers as if nothing were
there, over REST and over SOAP, in the same words and by the same number of queries as for what never was."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gateway.dates import format_moment
from jobs.job_v1.request import FILTERS, SORTABLE
from jobs.job_v1.soap import OPERATIONS
from jobs.job_v1.urls import urlpatterns
from jobs.models import Job, JobEvent
from jobs.states import Status
from tests.jobs.job_v1_calls import Caller, make_child, make_trigger, problems, rows, soap_status

pytestmark = pytest.mark.django_db

_UNKNOWN = 4_711_000
_ONE = ("/jobs/{}", "/jobs/{}/events", "/jobs/{}/relatives", "/jobInfos/{}", "/jobs?rootJobId={}")
# The operations of REST that name one job, as a call.
_REST: dict[str, Callable[[Caller, str], Any]] = {
    **{path: (lambda api, name, path=path: api.get(path.format(name))) for path in _ONE},
    "PUT": lambda api, name: api.put("/jobs", {"jobId": [name], "jobStatus": "CANCELLED"}),
}
_SOAP: dict[str, Callable[[Caller, str], Any]] = {
    operation: (lambda api, name, operation=operation: api.soap(operation, f"<jobId>{name}</jobId>"))
    for operation in ("showJob", "listJobEvents", "getJobInfo")
} | {
    "setJobStatus": lambda api, name: api.soap(
        "setJobStatus", f"<uuids>{name}</uuids><jobStatus>CANCELLED</jobStatus>"
    ),
}


@pytest.fixture
def theirs() -> Job:
    """A's tree: a root with a child, new and with an event."""
    owner = Caller()
    job = owner.make_job(status=Status.NEW, params=[["a", "b"]])
    make_child(job, status=Status.NEW)
    JobEvent.objects.create(job=job, name="CREATED")
    return job


def test_every_operation_is_covered_here() -> None:
    routes = {str(pattern.pattern).rstrip("/") for pattern in urlpatterns}
    assert routes == {
        "v1/jobs", *(f"v1{path.partition('?')[0]}".format("<str:uuid>") for path in _ONE if "?" not in path),
    }  # fmt: skip
    assert {operation.name for operation in OPERATIONS} == {*_SOAP, "findJobs", "triggerJob"}


@pytest.mark.parametrize("named", ["uuid", "pk"])
@pytest.mark.parametrize("operation", [*_REST, *_SOAP])
def test_s30_what_is_anothers_looks_like_what_never_was(theirs: Job, operation: str, named: str, settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    stranger = Caller()
    call = (_REST | _SOAP)[operation]
    before = rows()
    told = []
    for name in (str(getattr(theirs, named)), str(uuid4()) if named == "uuid" else str(_UNKNOWN)):
        call(stranger, name)  # looks up the client
        with CaptureQueriesContext(connection) as context:
            response = call(stranger, name)
        if operation in _REST:
            (problem,) = problems(response)
            assert (response.status_code, problem) == (404, (3000, f"job {name} not found"))
        else:
            assert soap_status(response) == (3000, [f"job {name} not found"])
        told.append((len(context), response.content.replace(f"job {name} ".encode(), b"")))
    assert told[0] == told[1]
    assert rows() == before


@pytest.mark.parametrize("sort", [*SORTABLE, *(f"-{name}" for name in SORTABLE)])
def test_s30_no_list_shows_or_counts_what_is_anothers(theirs: Job, sort: str) -> None:
    stranger = Caller()
    moment = format_moment(theirs.created_at)
    values = {
        "jobClasses": theirs.job_class,
        "statuses": theirs.status,
        "createdAtFrom": moment,
        "createdAtTo": "2099-01-01",
    }
    assert {*values, "rootJobId"} == set(FILTERS)
    for query in ({}, *({name: value} for name, value in values.items()), values):
        answer = stranger.get("/jobs", {**query, "sort": sort}).json()
        assert (answer["data"], answer["meta"]["total"]) == ([], 0)
    own = stranger.make_job(created_at=theirs.created_at)
    answer = stranger.get("/jobs", {**values, "statuses": "NEW,FINISHED", "sort": sort}).json()
    assert ([one["id"] for one in answer["data"]], answer["meta"]["total"]) == ([str(own.uuid)], 1)


def test_s30_one_foreign_job_among_ones_own_stops_all(theirs: Job) -> None:
    stranger = Caller()
    own = stranger.make_job(status=Status.NEW)
    before = rows()
    answer = stranger.put("/jobs", {"jobId": [own.pk, theirs.pk], "jobStatus": "CANCELLED"})
    assert problems(answer) == [(3000, f"job {theirs.pk} not found")]
    assert rows() == before


def test_s30_a_trigger_for_others_is_no_trigger(theirs: Job) -> None:
    stranger, owner = Caller(), Caller()
    make_trigger("theirs").clients.add(owner.client)
    before = rows()
    assert problems(stranger.post("/jobs?jobName=theirs")) == [(3002, "jobName: theirs is no trigger")]
    assert problems(stranger.post("/jobs?jobName=nobodys")) == [(3002, "jobName: nobodys is no trigger")]
    assert soap_status(stranger.soap("triggerJob", "<jobName>theirs</jobName>")) == (
        3002,
        ["jobName: theirs is no trigger"],
    )
    assert rows() == before
    assert owner.post("/jobs?jobName=theirs").status_code == 200
