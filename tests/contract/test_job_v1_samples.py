"""The samples of the original Job V1 document, replayed over REST and SOAP (contracts README; golden files as printed).

Rows are made with the samples' ids, times and parameters; the answers are then the printed ones byte for byte, but for
what the contract decides otherwise: no ``<Header/>`` and no namespace that nothing uses, JSON without white space.
"""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from lxml import etree

from gateway.dates import format_moment
from jobs.models import Job, JobEvent
from jobs.states import Status
from tests.factories import headers_for, make_user
from tests.jobs.job_v1_calls import BASE, JSON_API, WS, Caller, make_job, make_trigger

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parent / "golden" / "job_v1"


@pytest.fixture
def api() -> Caller:
    return Caller(needs_user_token=True)


def printed_json(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def as_bytes(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def printed_xml(name: str) -> str:
    """The printed answer as we write it: one line, our declaration, no Header, no namespace without use."""
    text = "".join(line.strip() for line in (GOLDEN / f"{name}.response.xml").read_text().splitlines())
    text = text.replace("<SOAP-ENV:Header/>", "").replace(
        ' xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"', ""
    )
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + re.sub(r' xmlns:ns3="[^"]+"', "", text)


def call_rest(api: Caller, method: str, path: str, data: str = "") -> Any:
    user = make_user()
    headers = headers_for(api.keys, user) | {"X-User-Name": user.username}
    answer = Client().generic(method, BASE + path, data, headers=headers, content_type="")
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON_API), answer.content
    return answer


def call_soap(api: Caller, name: str) -> str:
    """The printed request with our client's key in its place."""
    text = (GOLDEN / f"{name}.request.xml").read_text()
    body = re.sub(r"\{clientHashKey\}|221d316146c591897238", api.keys.client_hash_key, text)
    assert api.keys.client_hash_key in body
    answer = Client().generic("POST", WS, body, content_type="text/xml; charset=utf-8")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml; charset=utf-8"), answer.content
    return answer.content.decode()


def moments(attributes: Any) -> dict[str, datetime]:
    names = {
        "createdAt": "created_at",
        "startedAt": "started_at",
        "finishedAt": "finished_at",
        "updatedAt": "updated_at",
    }
    return {column: datetime.fromisoformat(attributes[name]) for name, column in names.items() if attributes.get(name)}


def stored(api: Caller, document: Any) -> Job:
    """A job as a printed JSON:API resource shows it."""
    attributes = document["attributes"]
    return make_job(
        client=api.client,
        uuid=document["id"],
        job_class=attributes["jobClass"],
        status=attributes["status"],
        params=[[pair["key"], pair["value"]] for pair in attributes["jobParams"]],
        **moments(attributes),
    )


def stored_xml(api: Caller, element: Any, item: str, **columns: Any) -> Job:
    """A job as a printed element shows it."""
    text = {child.tag: child.text for child in element}
    pairs = [[pair.findtext("key"), pair.findtext("value")] for pair in element.iterfind(f"jobParams/{item}")]
    values = {"uuid": text.get("uuid") or uuid4(), "job_class": text["jobClass"], "params": pairs, **moments(text)}
    values["updated_at"] = values.get("updated_at", values["finished_at"])
    return make_job(client=api.client, **values | columns)


def printed_elements(name: str, path: str) -> list[Any]:
    return list(etree.fromstring((GOLDEN / f"{name}.response.xml").read_bytes()).iterfind(path))


def others(api: Caller, count: int, **columns: Any) -> None:
    """So many more jobs, older than all that are shown."""
    sample = make_job(client=api.client, **columns)
    fields = {field.attname: getattr(sample, field.attname) for field in Job._meta.fields if field.attname != "id"}
    Job.objects.bulk_create(Job(**fields | {"uuid": uuid4()}) for _ in range(count - 1))


def test_find_jobs_over_rest(api: Caller) -> None:
    printed = printed_json("findJobs.response")
    jobs = [stored(api, document) for document in printed["data"]]
    others(api, printed["meta"]["total"] - len(jobs), created_at=jobs[-1].created_at - timedelta(days=1))
    assert call_rest(api, "GET", "/jobs").content == as_bytes(printed)


def test_show_job_over_rest(api: Caller) -> None:
    printed = printed_json("showJob.response")
    stored(api, printed["data"])
    assert call_rest(api, "GET", f"/jobs/{printed['data']['id']}").content == as_bytes(printed)


def test_list_job_events_over_rest(api: Caller) -> None:
    printed = printed_json("listJobEvents.response")
    (event,) = printed["data"]
    job = make_job(client=api.client)
    moment = datetime.fromisoformat(event["attributes"]["createdAt"])
    JobEvent.objects.create(job=job, uuid=event["id"], name=event["attributes"]["eventName"], created_at=moment)
    assert call_rest(api, "GET", f"/jobs/{job.uuid}/events").content == as_bytes(printed)


def test_trigger_job_over_rest(api: Caller) -> None:
    make_trigger("campaignJob")
    given = call_rest(api, "POST", "/jobs?jobName=campaignJob").json()
    printed = printed_json("triggerJob.response")
    # Decided: the caller is told which job it has started.
    printed["meta"]["params"] = [{"key": "jobUuid", "value": str(Job.objects.get().uuid)}]
    printed["data"]["id"] = given["data"]["id"]
    assert as_bytes(given) == as_bytes(printed)


def test_set_job_status_over_rest(api: Caller) -> None:
    job = make_job(client=api.client, pk=280475, status=Status.RUNNING)
    given = call_rest(api, "PUT", "/jobs", (GOLDEN / "setJobStatus.request.json").read_text()).json()
    printed = printed_json("setJobStatus.response")
    printed["data"]["id"] = given["data"]["id"]
    assert as_bytes(given) == as_bytes(printed)
    job.refresh_from_db()
    assert job.status == "CANCELLED"


def test_job_info_over_rest(api: Caller) -> None:
    printed = printed_json("getJobInfo.response")
    info = printed["data"]["attributes"]["jobInfo"]
    job = stored_info(api, info, [[pair["key"], pair["value"]] for pair in info["jobParams"]])
    # Decided: the id that JSON:API asks for, which the sample lacks.
    printed["data"] = {"type": printed["data"]["type"], "id": str(job.uuid), "attributes": {"jobInfo": info}}
    assert call_rest(api, "GET", f"/jobInfos/{job.uuid}").content == as_bytes(printed)


def stored_info(api: Caller, info: Any, params: list[list[str]]) -> Job:
    """The job behind a printed jobInfo, whose first two parameters are counted."""
    counts = {"total": int(params[0][1]), "completed": int(params[1][1])}
    columns = moments(info) | counts | {"updated_at": moments(info)["finished_at"], "job_class": info["jobClass"]}
    return make_job(client=api.client, pk=int(info["jobId"]), params=params[2:], **columns)


def test_find_jobs_over_soap(api: Caller) -> None:
    jobs = [stored_xml(api, element, "jobParam") for element in printed_elements("findJobs", ".//job")]
    others(api, 342 - len(jobs), created_at=jobs[-1].created_at - timedelta(hours=1))
    # Decided: the day ends before the second date's midnight, and only what is FINISHED was asked for.
    others(api, 3, created_at=jobs[0].created_at + timedelta(minutes=5))
    others(api, 3, created_at=jobs[0].created_at - timedelta(days=1))
    others(api, 3, created_at=jobs[0].created_at, status=Status.NEW)
    assert call_soap(api, "findJobs") == printed_xml("findJobs")


def test_show_job_over_soap(api: Caller) -> None:
    """Its printed answer repeats the request; the table gives the shape."""
    (element,) = printed_elements("findJobs", ".//job")[:1]
    job = stored_xml(api, element, "jobParam", uuid="ab399ef3-b3b1-4d3d-9529-d42191877692")
    given = call_soap(api, "showJob")
    found = printed_xml("findJobs").replace("findJobsResponse", "showJobResponse")
    shown = re.sub(r"<total>.*?</jobs>", lambda jobs: jobs[0].partition("<jobs>")[2].partition("</job>")[0], found)
    expected = shown.replace("<jobParams/>", "<jobParams/></job>").replace(element.findtext("uuid"), str(job.uuid))
    assert given == expected


def test_list_job_events_over_soap(api: Caller) -> None:
    job = make_job(client=api.client, uuid="ab399ef3-b3b1-4d3d-9529-d42191877692")
    (event,) = printed_elements("listJobEvents", ".//jobEvents")
    moment = datetime.fromisoformat(event.findtext("createdAt"))
    JobEvent.objects.create(
        job=job, uuid=event.findtext("uuid"), name=event.findtext("eventName"), created_at=moment
    )  # fmt: skip
    assert call_soap(api, "listJobEvents") == printed_xml("listJobEvents")


def test_trigger_job_over_soap(api: Caller, settings: Any) -> None:
    make_trigger("campaignJob")
    settings.HAMMY_SOAP_OLD_TRIGGER_NAMESPACE = True
    given = call_soap(api, "triggerJob")
    # Decided: the caller is told which job it has started.
    params = f"<params><param><key>jobUuid</key><value>{Job.objects.get().uuid}</value></param></params>"
    assert given.replace(params, "") == printed_xml("triggerJob")


def test_set_job_status_over_soap(api: Caller) -> None:
    (element,) = printed_elements("setJobStatus", ".//jobs")
    job = stored_xml(api, element, "jobParam", total=2, completed=2)
    before = format_moment(job.updated_at)
    given = call_soap(api, "setJobStatus")
    job.refresh_from_db()
    assert given == printed_xml("setJobStatus").replace(before, format_moment(job.updated_at))
    assert format_moment(job.updated_at) != before
    assert not job.events.exists()


def test_job_info_over_soap(api: Caller) -> None:
    (element,) = printed_elements("getJobInfo", ".//jobInfo")
    pairs = [[pair.findtext("key"), pair.findtext("value")] for pair in element.iterfind("jobParams/param")]
    job = stored_info(api, {child.tag: child.text for child in element}, pairs)
    Job.objects.filter(pk=job.pk).update(uuid="23aa0406-6ad8-4b77-8818-92083a01365b")
    assert call_soap(api, "getJobInfo") == printed_xml("getJobInfo")
