"""Clients of others, made from the WSDL alone, call every operation of a live site: zeep and suds."""

import hashlib
import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from lxml import etree
from suds.client import Client as SudsClient
from zeep import Client as ZeepClient
from zeep import Settings
from zeep.exceptions import Fault

from jobs.models import Job, JobEvent
from jobs.states import Status
from tests.jobs.job_v1_calls import API, WS, Caller, envelope, make_trigger, post_soap

XSD = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"


def zeep_calls(address: str) -> Callable[..., Any]:
    client = ZeepClient(f"{address}{WS}?wsdl", settings=Settings(strict=True))

    def call(operation: str, **fields: Any) -> Any:
        return getattr(client.service, operation)(request=fields)

    return call


def suds_calls(address: str) -> Callable[..., Any]:
    client = SudsClient(f"{address}{WS}?wsdl", cache=None)
    logging.getLogger("suds").setLevel(logging.CRITICAL)

    def call(operation: str, **fields: Any) -> Any:
        return getattr(client.service, operation)(fields)

    return call


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("made", [zeep_calls, suds_calls])
def test_every_operation_is_called_and_understood(live_server: Any, made: Callable[..., Any]) -> None:
    api = Caller()
    meta = {"clientHashKey": api.keys.client_hash_key, "userName": "anna"}
    make_trigger("legs", job_class="tests.Legs", legs=["1", "2"])
    first = api.make_job(params=[["FILE", "Címzett.csv"], ["SEPARATOR", ";"]], total=2, completed=1)
    second = api.make_job(status=Status.FAILED)
    JobEvent.objects.create(job=first, name="CREATED")
    JobEvent.objects.create(job=first, name="FINISHED")
    call = made(live_server.url)

    found = call("findJobs", requestMeta=meta, limit=1, offset=1, statuses={"status": ["FINISHED", "FAILED"]})
    assert (found.status.code, found.total, [job.uuid for job in found.jobs.job]) == (0, 2, [str(first.uuid)])
    shown = call("showJob", requestMeta=meta, uuid=str(first.uuid))
    assert (shown.job.uuid, shown.job.total, shown.job.completed) == (str(first.uuid), 2, 1)
    assert isinstance(shown.job.createdAt, datetime)
    assert shown.job.createdAt == first.created_at
    pairs = [(pair.key, pair.value) for pair in shown.job.jobParams.jobParam]
    assert pairs == [("FILE", "Címzett.csv"), ("SEPARATOR", ";")]
    events = call("listJobEvents", requestMeta=meta, jobId=first.pk)
    assert [event.eventName for event in events.jobEvents] == ["CREATED", "FINISHED"]
    info = call("getJobInfo", requestMeta=meta, uuid=str(first.uuid))
    assert (info.jobInfo.jobId, info.jobInfo.progressPct, info.jobInfo.jobStatus) == (first.pk, 50, "FINISHED")
    assert [pair.key for pair in info.jobInfo.jobParams.param] == ["TOTAL", "FINISHED", "FILE", "SEPARATOR"]
    started = call("triggerJob", clientHashKey=meta["clientHashKey"], jobName="legs", legIds={"legId": ["2"]})
    job = Job.objects.get(job_class="tests.Legs")
    assert [(pair.key, pair.value) for pair in started.params.param] == [("jobUuid", str(job.uuid))]
    assert job.params == [["legIds", "2"]]
    changed = call("setJobStatus", requestMeta=meta, uuids=[str(job.uuid)], jobId=[], jobStatus="CANCELLED")
    assert [(one.uuid, one.status) for one in changed.jobs] == [(str(job.uuid), "CANCELLED")]
    assert changed.status.code == 0
    refused = call("setJobStatus", requestMeta=meta, jobId=[second.pk, 999_999], jobStatus="NEW")
    assert (refused.status.code, refused.status.messages.message) == (3000, ["job 999999 not found"])
    second.refresh_from_db()
    assert second.status == "FAILED"


@pytest.mark.django_db(transaction=True)
def test_a_fault_is_a_fault_to_them(live_server: Any) -> None:
    client = ZeepClient(f"{live_server.url}{WS}?wsdl")
    service = client.create_service(f"{{{API}}}ChaingunJobAPI", f"{live_server.url}{WS}")
    with pytest.raises(Fault) as caught, client.settings(extra_http_headers={"Content-Encoding": "gzip"}):
        service.findJobs(request={})
    assert (caught.value.code, caught.value.message) == ("S:Client", "Content-Encoding: must be absent or identity")


def wsdl(path: str = f"{WS}?wsdl", **headers: str) -> Any:
    response = Client().get(path, headers=headers)
    assert (response.status_code, response["Content-Type"]) == (200, "text/xml; charset=utf-8")
    return etree.fromstring(response.content)


def address_in(document: Any) -> str:
    (element,) = document.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
    return str(element.get("location"))


def test_the_wsdl_says_what_stands_on_the_wire() -> None:
    document = wsdl()
    assert document.find(f"{WSDL}service").get("name") == "ChaingunJobAPI"
    assert document.get("targetNamespace") == API
    schemas = {schema.get("targetNamespace"): schema for schema in document.iter(f"{XSD}schema")}
    assert set(schemas) == {API, "http://chaingun.dbx.hu/model/job/v1"}
    assert {schema.get("elementFormDefault") for schema in schemas.values()} == {"unqualified"}
    elements = {
        (kind.get("name"), element.get("name")): element
        for kind in document.iter(f"{XSD}complexType")
        for element in kind.iter(f"{XSD}element")
    }
    assert {name for name, element in elements.items() if element.get("minOccurs") != "0"} == {
        (f"{operation}Response", "status")
        for operation in ("FindJobs", "ShowJob", "ListJobEvents", "TriggerJob", "SetJobStatus", "GetJobInfo")
    }
    assert not [element for element in elements.values() if element.get("nillable") or element.get("form")]
    types = {name: element.get("type") for (_, name), element in elements.items()}
    for name, kind in {
        "jobId": "xs:long", "createdAt": "xs:dateTime", "startedAt": "xs:dateTime", "finishedAt": "xs:dateTime",
        "updatedAt": "xs:dateTime", "createdAtFrom": "xs:string", "createdAtTo": "xs:string", "legId": "xs:string",
        "code": "xs:int", "uuids": "xs:string",
    }.items():  # fmt: skip
        assert types[name] == kind, name
    assert {name for (_, name), element in elements.items() if element.get("maxOccurs") == "unbounded"} == {
        "param", "jobParam", "job", "jobs", "jobEvents", "message", "status", "jobClass", "legId", "uuids", "jobId",
    }  # fmt: skip


@pytest.mark.django_db
def test_answers_are_valid_by_the_schemas_of_the_wsdl() -> None:
    """Namespaces, order and types of every answer, checked by a validator that knows nothing of us."""
    document = wsdl()
    schemas = {schema.get("targetNamespace"): schema for schema in document.iter(f"{XSD}schema")}
    model, api_schema = schemas["http://chaingun.dbx.hu/model/job/v1"], schemas[API]

    class Resolver(etree.Resolver):
        def resolve(self, url: str, public_id: str | None, context: Any) -> Any:
            return self.resolve_string(etree.tostring(model), context)

    api_schema.find(f"{XSD}import").set("schemaLocation", "http://model/")
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Resolver())
    validator = etree.XMLSchema(etree.fromstring(etree.tostring(api_schema), parser))
    api = Caller()
    make_trigger()
    job = api.make_job(params=[["a", "b"]], total=1, completed=1)
    JobEvent.objects.create(job=job, name="CREATED")
    named = f"<uuid>{job.uuid}</uuid>"
    for operation, fields in (
        ("findJobs", ""), ("showJob", named), ("listJobEvents", named), ("getJobInfo", named),
        ("triggerJob", "<jobName>campaignJob</jobName>"),
        ("setJobStatus", f"<uuids>{job.uuid}</uuids><jobStatus>FINISHED</jobStatus>"), ("setJobStatus", ""),
        ("showJob", "<uuid>x</uuid>"),
    ):  # fmt: skip
        body = etree.fromstring(api.soap(operation, fields).content)[0]
        validator.assertValid(body[0])
        request = etree.fromstring(envelope(operation, fields).encode())[1]
        validator.assertValid(request[0])


@pytest.mark.parametrize("query", ["?wsdl", "?WSDL", "/?wsdl", "?wsdl=1"])
def test_the_wsdl_is_found_in_every_spelling(query: str) -> None:
    assert address_in(wsdl(WS + query)) == f"http://testserver{WS}{'/' if query[0] == '/' else ''}"


def test_the_wsdl_names_the_address_that_was_asked(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["hammy.example.org", "inner"]
    forwarded = {"X-Forwarded-Host": "hammy.example.org", "X-Forwarded-Proto": "https"}
    assert address_in(wsdl(host="hammy.example.org:8443")) == f"http://hammy.example.org:8443{WS}"
    assert address_in(wsdl(**{"Host": "inner", **forwarded})) == f"http://inner{WS}"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.USE_X_FORWARDED_HOST = True
    assert address_in(wsdl(**{"Host": "inner", **forwarded})) == f"https://hammy.example.org{WS}"
    assert Client().get(f"{WS}?wsdl", headers={"Host": "evil.example.org"}).status_code == 400


def test_the_wsdl_is_the_same_in_every_process() -> None:
    code = (
        "import django; django.setup(); from jobs.job_v1.soap import door; import hashlib;"
        "print(hashlib.sha256(door.wsdl('http://x')).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=django_settings.BASE_DIR,
            env={"DJANGO_SETTINGS_MODULE": "hammy_project.settings", "PYTHONHASHSEED": seed, "LOG_LEVEL": "ERROR",
                 "VAR_DIR": str(django_settings.VAR_DIR), "SECRET_KEY": django_settings.SECRET_KEY},
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    content = Client().get(f"{WS}?wsdl").content.replace(f"http://testserver{WS}".encode(), b"http://x")
    assert digests == {hashlib.sha256(content).hexdigest()}


@pytest.mark.django_db
def test_a_wsdl_needs_no_client_and_a_call_does() -> None:
    assert Client().get(f"{WS}?wsdl").status_code == 200
    assert b"<code>2000</code>" in post_soap(envelope("findJobs", "")).content
