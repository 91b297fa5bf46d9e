"""Job V1 over SOAP: every tolerance of the contract, and what is no valid call (contract hammy_common, "SOAP")."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lxml import etree

from gateway.dates import format_moment
from gateway.logs import RequestFilter
from gateway.soap_reading import ENVELOPE
from jobs.job_v1 import soap
from jobs.models import Job, JobEvent
from jobs.states import Status
from tests.factories import make_client
from tests.jobs.job_v1_calls import (
    API,
    WS,
    Caller,
    envelope,
    fault,
    make_child,
    make_job,
    make_trigger,
    post_soap,
    rows,
    soap_status,
)

pytestmark = pytest.mark.django_db

KNOWN = "findJobs, getJobInfo, listJobEvents, setJobStatus, showJob, triggerJob"
OK = "<status><code>0</code><messages/></status>"


@pytest.fixture
def api() -> Caller:
    return Caller()


def inner(response: Any) -> str:
    """What stands below ``<response>``, as it was sent."""
    assert response.status_code == 200, response.content
    return response.content.decode().partition("<response>")[2].partition("</response>")[0]


def uuids(response: Any) -> list[str]:
    assert soap_status(response) == (0, []), response.content
    return [element.text for element in etree.fromstring(response.content).iterfind(".//job/uuid")]


def of(*jobs: Job) -> list[str]:
    return [str(job.uuid) for job in jobs]


def test_an_answer_is_qualified_outside_and_unqualified_within(api: Caller) -> None:
    job = api.make_job(params=[["a<b", "é & \x01\r]]>"], ["empty", ""]], total=2)
    response = api.soap("showJob", f"<uuid>{job.uuid}</uuid>")
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    assert response.content.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<S:Envelope xmlns:S="{ENVELOPE}"><S:Body><ns2:showJobResponse xmlns:ns2="{API}"><response>{OK}<params/>'
        f"<job><uuid>{job.uuid}</uuid><jobClass>tests.Nothing</jobClass><status>FINISHED</status>"
        f"<createdAt>{format_moment(job.created_at)}</createdAt><startedAt>{format_moment(job.started_at)}</startedAt>"
        f"<finishedAt>{format_moment(job.finished_at)}</finishedAt><updatedAt>{format_moment(job.updated_at)}</updatedAt>"
        "<total>2</total><jobParams><jobParam><key>a&lt;b</key><value>é &amp; \ufffd&#13;]]&gt;</value></jobParam>"
        "<jobParam><key>empty</key><value/></jobParam></jobParams></job></response></ns2:showJobResponse></S:Body>"
        "</S:Envelope>"
    )


def test_what_has_no_value_is_left_out(api: Caller) -> None:
    job = api.make_job(status=Status.NEW)
    moments = (
        f"<createdAt>{format_moment(job.created_at)}</createdAt><updatedAt>{format_moment(job.updated_at)}</updatedAt>"
    )
    assert inner(api.soap("showJob", f"<jobId>{job.pk}</jobId>")) == (
        f"{OK}<params/><job><uuid>{job.uuid}</uuid><jobClass>tests.Nothing</jobClass><status>NEW</status>{moments}"
        "<jobParams/></job>"
    )
    assert inner(api.soap("findJobs", "<statuses><status>FAILED</status></statuses>")) == (
        f"{OK}<params/><total>0</total><jobs/>"
    )
    assert inner(api.soap("listJobEvents", f"<uuid>{job.uuid}</uuid>")) == f"{OK}<params/>"


@pytest.mark.parametrize(
    "fields",
    [
        "<statuses><status>FAILED</status><status>NEW</status></statuses>",
        "<statuses>FAILED</statuses><statuses>NEW</statuses>",
        "<statuses><status>FAILED</status></statuses><statuses>NEW</statuses>",
        "<statuses>FAILED,NEW</statuses>",
        "<statuses>\n  <status> FAILED </status>\n  <status>NEW</status>\n</statuses>",
        "<v1:statuses><v1:status>FAILED</v1:status><v1:status>NEW</v1:status></v1:statuses>",
        "<jobClasses><jobClass>tests.Fail</jobClass><jobClass>tests.Count</jobClass></jobClasses>",
        "<jobClasses>tests.Fail</jobClasses><jobClasses>tests.Count</jobClasses>",
        "<createdAtTo>2025-02-12</createdAtTo><offset>0</offset><createdAtFrom>2025-02-11</createdAtFrom>",
        "<limit>2</limit><offset>1</offset>",
        '<offset xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/><limit>2</limit><offset>1</offset>',
        "<!-- the failed --><statuses><status><![CDATA[FAILED]]></status><status>NEW</status></statuses><?x y?>",
        "<limit/><statuses><status>FAILED</status><status>NEW</status></statuses><params/><userName/>",
    ],
)
def test_jobs_are_found_in_every_spelling(api: Caller, fields: str) -> None:
    moment = make_job().created_at
    day = {"day": 11, "hour": 12}
    api.make_job(created_at=moment.replace(day=10))
    wanted = [
        api.make_job(status=Status.FAILED, job_class="tests.Fail", created_at=moment.replace(minute=1, **day)),
        api.make_job(status=Status.NEW, job_class="tests.Count", created_at=moment.replace(minute=2, **day)),
    ]
    api.make_job(created_at=moment.replace(day=12))
    response = api.soap("findJobs", fields)
    assert uuids(response) == of(*reversed(wanted))


@pytest.mark.parametrize(
    ("operation", "fields", "expected"),
    [
        ("findJobs", "<limit>0</limit>", [(1002, "limit: must be between 1 and 1000")]),
        ("findJobs", "<limit>abc</limit>", [(1002, "limit: must be between 1 and 1000")]),
        ("findJobs", "<limit>1001</limit>", [(1002, "limit: must be between 1 and 1000")]),
        ("findJobs", "<offset>-1</offset>", [(1002, "offset: must be between 0 and 1000000000")]),
        ("findJobs", "<statuses><status>DONE</status></statuses>",
         [(1002, "statuses: must be one of NEW, RUNNING, FINISHED, FAILED, CANCELLED")]),
        ("findJobs", "<statuses><state>NEW</state></statuses>", [(1002, "statuses: must be text")]),
        ("findJobs", "<sort>status</sort>", [(1004, "sort: unknown field")]),
        ("showJob", "", [(1001, "uuid: required")]),
        ("showJob", "<uuid>x</uuid>", [(3000, "job x not found")]),
        ("showJob", "<jobId>9</jobId>", [(3000, "job 9 not found")]),
        ("showJob", "<uuid>1</uuid><jobId>2</jobId>", [(1003, "jobId: not together with uuid")]),
        ("listJobEvents", "<id>1</id>", [(1001, "uuid: required"), (1004, "id: unknown field")]),
        ("getJobInfo", "<jobId>9</jobId>", [(3000, "job 9 not found")]),
        ("triggerJob", "", [(1001, "jobName: required")]),
        ("triggerJob", "<jobName>x</jobName>", [(3002, "jobName: x is no trigger")]),
        ("triggerJob", "<jobName>plain</jobName><legIds>1</legIds>",
         [(1002, "legIds: the trigger plain has no legs")]),
        ("triggerJob", "<jobName>plain</jobName><legId>1</legId>", [(1004, "legId: unknown field")]),
        ("triggerJob", "<jobName>plain</jobName><params><key>A</key><value>1</value></params>",
         [(1004, "params.A: unknown parameter; known are none")]),
        ("setJobStatus", "", [(1001, "jobId: required"), (1001, "jobStatus: required")]),
        ("setJobStatus", "<uuids>x</uuids><jobStatus>DONE</jobStatus>",
         [(1002, "uuids: must be a job's number or uuid"),
          (1002, "jobStatus: must be one of NEW, RUNNING, FINISHED, FAILED, CANCELLED")]),
        ("setJobStatus", "<jobId>7</jobId><jobStatus>NEW</jobStatus>",
         [(3001, "cannot become NEW: job 7 is FINISHED")]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_status_of_the_answer_and_nothing_happens(
    api: Caller, operation: str, fields: str, expected: Any
) -> None:
    make_trigger("plain")
    api.make_job(pk=7)
    before = rows()
    response = api.soap(operation, fields)
    code, messages = soap_status(response)
    assert (code, messages) == (expected[0][0], [sentence for _, sentence in expected])
    shown = [child.tag for child in etree.fromstring(response.content).find(".//response")]
    assert shown == (["status", "params"] if operation in ("findJobs", "showJob", "listJobEvents") else ["status"])
    assert rows() == before


def test_events_are_repeated_bare_the_oldest_first(api: Caller) -> None:
    job = api.make_job()
    events = [JobEvent.objects.create(job=job, name=name) for name in ("CREATED", "FINISHED")]
    told = "".join(
        f"<jobEvents><uuid>{event.uuid}</uuid><createdAt>{format_moment(event.created_at)}</createdAt>"
        f"<eventName>{event.name}</eventName></jobEvents>"
        for event in events
    )
    assert inner(api.soap("listJobEvents", f"<uuid>{job.uuid}</uuid>")) == f"{OK}<params/>{told}"


@pytest.mark.parametrize(
    "legs",
    [
        "<legIds><legId>1</legId><legId>2</legId></legIds>",
        "<legIds>1</legIds><legIds>2</legIds>",
        "<v1:legIds><v1:legId>1</v1:legId><v1:legId>2</v1:legId></v1:legIds>",
    ],
)
@pytest.mark.parametrize(
    "params",
    [
        "<params><param><key>CHILD</key><value>tests.Fail</value></param></params>",
        "<params><key>CHILD</key><value>tests.Fail</value></params>",
    ],
)
def test_a_trigger_is_run_with_its_legs_and_params(api: Caller, legs: str, params: str) -> None:
    make_trigger("legs", job_class="tests.Legs", legs=["1", "2", "3"])
    response = api.soap("triggerJob", f"{params}<jobName>legs</jobName>{legs}")
    job = Job.objects.get()
    assert inner(response) == (
        f"{OK}<params><param><key>jobUuid</key><value>{job.uuid}</value></param></params>"
    )  # fmt: skip
    assert (job.params, job.client_id) == ([["CHILD", "tests.Fail"], ["legIds", "1,2"]], api.client.pk)


def test_no_legs_named_means_all(api: Caller) -> None:
    make_trigger("legs", job_class="tests.Legs", legs=["1", "2", "3"])
    assert soap_status(api.soap("triggerJob", "<jobName>legs</jobName><legIds/>")) == (0, [])
    assert Job.objects.get().params == [["legIds", "1,2,3"]]


@pytest.mark.parametrize("is_old", [False, True])
def test_the_answer_of_a_trigger_may_stand_in_its_old_namespace(api: Caller, settings: Any, is_old: bool) -> None:
    settings.HAMMY_SOAP_OLD_TRIGGER_NAMESPACE = is_old
    make_trigger()
    response = api.soap("triggerJob", "<jobName>campaignJob</jobName>")
    (body,) = etree.fromstring(response.content)
    namespace = "http://admin.api.chaingun.dbx.hu/" if is_old else API
    assert body[0].tag == f"{{{namespace}}}triggerJobResponse"
    assert soap_status(response) == (0, [])


@pytest.mark.parametrize("names", ["uuids", "uuids wrapped", "jobId", "both", "uuid as jobId"])
def test_statuses_are_set_and_the_jobs_shown_bare_before_the_status(api: Caller, names: str) -> None:
    first, second = (api.make_job(status=Status.NEW) for _ in range(2))
    fields = {
        "uuids": f"<uuids>{first.uuid}</uuids><uuids>{second.uuid}</uuids>",
        "uuids wrapped": f"<uuids><uuid>{first.uuid}</uuid><uuid>{second.uuid}</uuid></uuids>",
        "jobId": f"<jobId>{first.pk}</jobId><jobId>{second.pk}</jobId>",
        "both": f"<jobId>{second.pk}</jobId><uuids>{first.uuid}</uuids>",
        "uuid as jobId": f"<jobId>{first.uuid}</jobId><jobId>{second.uuid}</jobId>",
    }[names]
    response = api.soap("setJobStatus", f"{fields}<jobStatus>CANCELLED</jobStatus><reason>téves</reason>")
    shown = etree.fromstring(response.content).find(".//response")
    assert [child.tag for child in shown] == ["jobs", "jobs", "status"]
    assert [(job.findtext("uuid"), job.findtext("status")) for job in shown.iterfind("jobs")] == [
        (str(first.uuid), "CANCELLED"),
        (str(second.uuid), "CANCELLED"),
    ]
    assert list(Job.objects.values_list("status", "reason")) == [("CANCELLED", "téves")] * 2


@pytest.mark.parametrize(
    "children",
    [
        "<requestMeta><clientHashKey>{key}</clientHashKey><userName>anna</userName></requestMeta>",
        "<requestMeta><userName>anna</userName><clientHashKey> {key} </clientHashKey></requestMeta>",
        "<clientHashKey>{key}</clientHashKey><userName>anna</userName>",
        "<userName>anna</userName><requestMeta><clientHashKey>{key}</clientHashKey></requestMeta>",
        "<v1:requestMeta><v1:clientHashKey>{key}</v1:clientHashKey><v1:userName>anna</v1:userName></v1:requestMeta>",
        "<requestMeta><clientHashKey>{key}</clientHashKey></requestMeta><clientHashKey>{key}</clientHashKey>"
        "<userName>anna</userName>",
    ],
)
def test_the_client_is_named_in_either_place_and_the_user_recorded(api: Caller, children: str) -> None:
    make_trigger()
    named = children.format(key=api.keys.client_hash_key)
    assert soap_status(post_soap(envelope("triggerJob", f"<jobName>campaignJob</jobName>{named}"))) == (0, [])
    job = Job.objects.get()
    assert (job.client_id, job.user_name) == (api.client.pk, "anna")


def test_a_client_needs_no_user_token_here() -> None:
    api = Caller(needs_user_token=True)
    assert soap_status(api.soap("findJobs")) == (0, [])


@pytest.mark.parametrize(
    ("children", "message"),
    [
        ("", "clientHashKey: required"),
        ("<clientHashKey>hk_wrong</clientHashKey>", "clientHashKey: unknown or inactive"),
        (f"<clientHashKey>{'x' * 100_000}</clientHashKey>", "clientHashKey: unknown or inactive"),
        (
            "<clientHashKey>{key}</clientHashKey><requestMeta><clientHashKey>{other}</clientHashKey></requestMeta>",
            "clientHashKey: is given more than once, differently",
        ),
        (
            "<clientHashKey>{key}</clientHashKey><userName>anna</userName><userName>bea</userName>",
            "userName: is given more than once, differently",
        ),
        (
            f"<clientHashKey>{{key}}</clientHashKey><userName>{'x' * 151}</userName>",
            "userName: must be at most 150 printable characters",
        ),
    ],
)
def test_s29_who_cannot_be_recognised_is_refused(api: Caller, children: str, message: str) -> None:
    make_trigger()
    other = make_client()[1].client_hash_key
    named = children.replace("{key}", api.keys.client_hash_key).replace("{other}", other)
    response = post_soap(envelope("triggerJob", f"<jobName>campaignJob</jobName>{named}"))
    assert soap_status(response) == (2000, [message])
    assert not Job.objects.exists()


@pytest.mark.parametrize("place", ["X_Client_Hash_Key", "query"])
def test_s29_a_key_elsewhere_must_be_the_same(api: Caller, place: str) -> None:
    body = envelope("findJobs", f"<clientHashKey>{api.keys.client_hash_key}</clientHashKey>")
    for key, code in ((api.keys.client_hash_key, 0), (make_client()[1].client_hash_key, 2000)):
        if place == "query":
            response = Client().post(f"{WS}?clientHashKey={key}", body, content_type="text/xml")
        else:
            response = post_soap(body, **{place: key})
        assert soap_status(response)[0] == code


@pytest.mark.usefixtures("half_past")
def test_networks_rights_and_rates_hold_as_over_rest() -> None:
    assert soap_status(Caller(allowed_networks=["10.0.0.0/8"]).soap("findJobs")) == (
        2002,
        ["the client may not call from this address"],
    )
    make_trigger()
    reader, runner = Caller(rights=["jobs.read"]), Caller(rights=["jobs.run"])
    for api, operation, lacks in (
        (reader, "triggerJob", "jobs.run"),
        (reader, "setJobStatus", "jobs.run"),
        (runner, "findJobs", "jobs.read"),
        (runner, "showJob", "jobs.read"),
        (runner, "listJobEvents", "jobs.read"),
        (runner, "getJobInfo", "jobs.read"),
    ):
        assert soap_status(api.soap(operation)) == (2002, [f"the client lacks the right {lacks}"])
    assert not Job.objects.exists()
    slow = Caller(requests_per_minute=1)
    assert soap_status(slow.soap("findJobs")) == (0, [])
    refused = slow.soap("findJobs")
    assert soap_status(refused) == (2003, ["more than 1 requests in a minute, try again later"])
    assert refused["Retry-After"] == "30"


_KEYS = "<clientHashKey>x</clientHashKey>"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "the body is empty"),
        ("{}", "the body is not well-formed XML"),
        ("<a><b></a>", "the body is not well-formed XML"),
        ("<a/>", f"the body is no SOAP envelope: {{{ENVELOPE}}}Envelope"),
        (
            '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>',
            f"the envelope must be of SOAP 1.1: {{{ENVELOPE}}}Envelope",
        ),
        (f'<Envelope xmlns="{ENVELOPE}"/>', "the envelope must have one Body with one operation in it"),
        (
            f'<Envelope xmlns="{ENVELOPE}"><Body/></Envelope>',
            "the envelope must have one Body with one operation in it",
        ),
        (
            envelope("findJobs", "").replace("</soapenv:Body>", "<v1:triggerJob/></soapenv:Body>"),
            "the envelope must have one Body with one operation in it",
        ),
        (
            envelope("findJobs", "").replace("<request>", "<request/><request>"),
            "findJobs must hold one request and nothing else",
        ),
        (envelope("findJobs", "").replace("request>", "body>"), "findJobs must hold one request and nothing else"),
        (envelope("deleteJobs", _KEYS), f"there is no such operation here; known are {KNOWN} of {API}"),
        (
            envelope("findJobs", _KEYS).replace(API, "http://chaingun.dbx.hu/api/send/v2"),
            f"there is no such operation here; known are {KNOWN} of {API}",
        ),
        (
            envelope("findJobs", _KEYS).replace(
                "<soapenv:Header/>", '<soapenv:Header><x soapenv:mustUnderstand="1"/></soapenv:Header>'
            ),
            "no header is understood here, and one says that it must be",
        ),
    ],
)
def test_s14_what_is_no_valid_call_is_a_fault(body: str, sentence: str) -> None:
    assert fault(post_soap(body)) == ("Client", sentence)


@pytest.mark.parametrize("header", ["<soapenv:Header/>", "", "<soapenv:Header><x>1</x></soapenv:Header>"])
def test_a_header_may_be_absent_and_is_not_read(api: Caller, header: str) -> None:
    body = envelope("findJobs", f"<clientHashKey>{api.keys.client_hash_key}</clientHashKey>")
    assert soap_status(post_soap(body.replace("<soapenv:Header/>", header))) == (0, [])


@pytest.mark.parametrize(
    ("action", "is_taken"),
    [
        (None, True), ('""', True), ("findJobs", True), ('"findJobs"', True), (f'"{API}/findJobs"', True),
        ("urn:x#findJobs", True), ('"something else"', True),
        ("triggerJob", False), (f'"{API}/setJobStatus"', False), ('"urn:showJob"', False),
    ],
)  # fmt: skip
def test_s14_a_soap_action_must_not_name_another_operation(api: Caller, action: str | None, is_taken: bool) -> None:
    body = envelope("findJobs", f"<clientHashKey>{api.keys.client_hash_key}</clientHashKey>")
    response = post_soap(body, **({} if action is None else {"SOAPAction": action}))
    if is_taken:
        assert soap_status(response) == (0, [])
    else:
        assert fault(response) == ("Client", "SOAPAction names another operation than the body")


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml", "application/soap+xml; charset=utf-8", ""])
def test_any_xml_is_taken(api: Caller, content_type: str) -> None:
    body = envelope("findJobs", f"<clientHashKey>{api.keys.client_hash_key}</clientHashKey>")
    assert soap_status(post_soap(body, content_type=content_type)) == (0, [])


def test_nothing_else_is_taken(api: Caller) -> None:
    body = envelope("findJobs", f"<clientHashKey>{api.keys.client_hash_key}</clientHashKey>")
    for content_type in ("application/json", "multipart/related; boundary=x", "application/x-www-form-urlencoded"):
        assert fault(post_soap(body, content_type=content_type)) == ("Client", "Content-Type: must be text/xml")
    assert fault(post_soap(body, Content_Encoding="gzip")) == (
        "Client",
        "Content-Encoding: must be absent or identity",
    )


def test_a_body_too_large_is_refused_before_it_is_read(api: Caller, settings: Any) -> None:
    settings.HAMMY_MAX_REQUEST_BYTES = 1000
    response = api.soap("findJobs", f"<createdAtFrom>{'x' * 1000}</createdAtFrom>")
    assert fault(response) == ("Client", "the body is larger than 1000 bytes")


def test_an_internal_failure_is_a_fault_of_the_server_without_its_reason(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> Any:
        raise ZeroDivisionError("the password is swordfish")

    monkeypatch.setattr(soap.finding, "find", broken)
    code, sentence = fault(api.soap("findJobs"))
    assert (code, sentence.partition(", reference ")[0]) == ("Server", "internal failure")


def test_a_database_that_is_away_is_a_status_to_try_again(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*arguments: Any) -> Any:
        raise OperationalError

    monkeypatch.setattr(soap.finding, "find", away)
    response = api.soap("findJobs")
    assert soap_status(response) == (9001, ["temporarily unavailable, try again later"])
    assert response["Retry-After"] == "5"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_calls_are_made_by_post(method: str) -> None:
    response = Client().generic(method, WS)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, POST")


def test_an_answer_that_cannot_be_written_is_a_fault_too(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soap.answer, "xml_job", lambda job: {"uuid": _Unwritable()})
    api.make_job()
    code, sentence = fault(api.soap("findJobs"))
    assert (code, sentence.partition(", reference ")[0]) == ("Server", "internal failure")


class _Unwritable:
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_calls_need_no_cookie_and_get_none(api: Caller) -> None:
    body = envelope("findJobs", f"<clientHashKey>{api.keys.client_hash_key}</clientHashKey>")
    response = Client(enforce_csrf_checks=True).post(
        WS, body, content_type="text/xml", headers={"Cookie": "sessionid=x"}
    )
    assert soap_status(response) == (0, [])
    assert not response.cookies
    assert response["X-Request-Id"]
    assert "Vary" not in response


def test_the_lines_of_a_call_name_the_client_and_never_its_key(api: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(RequestFilter())
    body = envelope("findJobs", f"<clientHashKey>{api.keys.client_hash_key}</clientHashKey><userName>anna</userName>")
    assert soap_status(post_soap(body, X_Request_Id="r-1")) == (0, [])
    assert fault(post_soap(body.replace("findJobs", "noJobs")))[0] == "Client"
    (line, _) = [record for record in caplog.records if record.name == "hammy.access"]
    assert (line.client, line.user, line.request_id, line.status) == (api.client.name, "anna", "r-1", 200)
    assert api.keys.client_hash_key not in caplog.text


def test_a_call_costs_as_few_queries_as_over_rest(api: Caller, settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    job = api.make_job()
    make_child(job)
    assert uuids(api.soap("findJobs")) != []
    for operation, fields, count in (("findJobs", "", 1), ("showJob", f"<uuid>{job.uuid}</uuid>", 1)):
        with CaptureQueriesContext(connection) as context:
            assert soap_status(api.soap(operation, fields)) == (0, [])
        assert len(context) == count


def test_s30_a_stranger_finds_nothing_and_changes_nothing(api: Caller) -> None:
    job = api.make_job(status=Status.NEW)
    stranger = Caller()
    before = rows()
    assert inner(stranger.soap("findJobs")) == f"{OK}<params/><total>0</total><jobs/>"
    for name in (f"<uuid>{job.uuid}</uuid>", f"<jobId>{job.pk}</jobId>"):
        for operation in ("showJob", "listJobEvents", "getJobInfo"):
            code, messages = soap_status(stranger.soap(operation, name))
            unknown = name.replace(str(job.uuid), str(uuid4())).replace(f">{job.pk}<", ">4711<")
            assert (code, messages[0].partition(" ")[0]) == (3000, "job")
            assert soap_status(stranger.soap(operation, unknown))[0] == 3000
    answer = stranger.soap("setJobStatus", f"<jobId>{job.pk}</jobId><jobStatus>CANCELLED</jobStatus>")
    assert soap_status(answer) == (3000, [f"job {job.pk} not found"])
    assert rows() == before
