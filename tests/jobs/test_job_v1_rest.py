"""Job V1 over REST: finding, reading, starting and setting (contract job_v1)."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gateway.dates import format_moment
from jobs.models import Job, JobEvent
from jobs.states import Status
from tests.factories import headers_for, make_client, make_user
from tests.jobs.job_v1_calls import (
    BASE,
    JSON_API,
    Caller,
    make_child,
    make_job,
    make_trigger,
    problems,
    rows,
)

pytestmark = pytest.mark.django_db

NOBODYS = "5c2c93f0-540d-40c8-acb8-e3400e075a6a"
OK = {"params": [], "responseStatus": {"code": 0, "messages": []}}
STATUSES = "NEW, RUNNING, FINISHED, FAILED, CANCELLED"


@pytest.fixture
def api() -> Caller:
    return Caller()


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()["data"]]


def of(*jobs: Job) -> list[str]:
    return [str(job.uuid) for job in jobs]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("named", ["uuid", "pk"])
def test_a_job_is_shown_by_either_of_its_names(api: Caller, named: str, slash: str) -> None:
    job = api.make_job(status=Status.RUNNING, total=4, completed=1, params=[["b", "2"], ["a", "é\x01"]])
    answer = api.get(f"/jobs/{getattr(job, named)}{slash}")
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON_API)
    attributes = {
        "jobClass": "tests.Nothing",
        "status": "RUNNING",
        "createdAt": format_moment(job.created_at),
        "startedAt": format_moment(job.started_at),
        "finishedAt": None,
        "updatedAt": format_moment(job.updated_at),
        "jobParams": [{"key": "b", "value": "2"}, {"key": "a", "value": "é\x01"}],
        "total": 4,
        "completed": 1,
    }
    assert answer.json() == {"data": {"type": "jobs", "id": str(job.uuid), "attributes": attributes}, "meta": OK}
    assert list(answer.json()["data"]["attributes"]) == list(attributes)


def test_counts_stand_there_only_when_known(api: Caller) -> None:
    job = api.make_job(status=Status.NEW, total=0)
    attributes = api.get(f"/jobs/{job.uuid}").json()["data"]["attributes"]
    assert ("total" in attributes, "completed" in attributes, attributes["startedAt"]) == (True, False, None)


@pytest.mark.parametrize("name", ["0", "-1", "abc", "99999999999999999999", "{uuid}", "%00", NOBODYS, "7" * 400])
@pytest.mark.parametrize("path", ["/jobs/{}", "/jobs/{}/events", "/jobs/{}/relatives", "/jobInfos/{}"])
def test_what_is_no_job_is_not_found(api: Caller, path: str, name: str) -> None:
    answer = api.get(path.format(name))
    assert (answer.status_code, problems(answer)[0][0]) == (404, 3000)


def test_the_newest_come_first_and_all_are_counted(api: Caller) -> None:
    jobs = [api.make_job() for _ in range(4)]
    answer = api.get("/jobs", {"limit": 2, "offset": 1})
    assert ids(answer) == of(jobs[2], jobs[1])
    assert answer.json()["meta"] == {"total": 4, **OK}
    beyond = api.get("/jobs", {"offset": 10})
    assert (ids(beyond), beyond.json()["meta"]["total"]) == ([], 4)
    nothing = api.get("/jobs", {"statuses": "CANCELLED"})
    assert (ids(nothing), nothing.json()["meta"]["total"]) == ([], 0)


def test_ties_are_broken_so_that_pages_never_overlap(api: Caller) -> None:
    moment = make_job().created_at
    jobs = [api.make_job(created_at=moment) for _ in range(5)]
    pages = [ids(api.get("/jobs", {"limit": 2, "offset": offset})) for offset in (0, 2, 4)]
    assert [one for page in pages for one in page] == of(*reversed(jobs))


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("createdAt", "abc"),
        ("-createdAt", "cba"),
        ("jobClass,-createdAt", "cab"),
        ("status", "bca"),
        ("-updatedAt", "cba"),
    ],
)
def test_they_are_sorted_as_asked(api: Caller, sort: str, expected: str) -> None:
    jobs = {
        "a": api.make_job(job_class="tests.Nothing", status=Status.FINISHED),
        "b": api.make_job(job_class="tests.Over", status=Status.CANCELLED),
        "c": api.make_job(job_class="tests.Count", status=Status.FAILED),
    }
    assert ids(api.get("/jobs", {"sort": sort})) == of(*(jobs[name] for name in expected))


@pytest.mark.parametrize("name", ["startedAt", "finishedAt"])
def test_they_are_sorted_by_moments_that_some_lack(api: Caller, name: str) -> None:
    first, second = api.make_job(), api.make_job()
    assert ids(api.get("/jobs", {"sort": f"-{name}", "statuses": "FINISHED"})) == of(second, first)


@pytest.mark.parametrize(
    "query", ["statuses=FAILED&statuses=NEW", "statuses[]=FAILED&statuses[]=NEW", "statuses=NEW,FAILED"]
)
def test_a_filter_takes_several_values_in_every_spelling(api: Caller, query: str) -> None:
    wanted = [api.make_job(status=status) for status in (Status.FAILED, Status.NEW)]
    api.make_job(status=Status.FINISHED)
    assert ids(api.get(f"/jobs?{query}&sort=createdAt")) == of(*wanted)


def test_they_are_found_by_class_and_by_time(api: Caller) -> None:
    jobs = [api.make_job(job_class=name) for name in ("tests.Count", "tests.Nothing", "tests.Fail")]
    assert ids(api.get("/jobs", {"jobClasses": "tests.Count,tests.Fail"})) == of(jobs[2], jobs[0])
    window = {"createdAtFrom": format_moment(jobs[0].created_at), "createdAtTo": format_moment(jobs[2].created_at)}
    assert ids(api.get("/jobs", window)) == of(jobs[1], jobs[0])
    assert ids(api.get("/jobs", {"createdAtFrom": "2025-02-11"})) == []
    assert len(ids(api.get("/jobs", {"createdAtFrom": "2025-02-10", "createdAtTo": "2025-02-11"}))) == 3


@pytest.mark.parametrize("named", ["uuid", "pk"])
def test_a_root_brings_the_whole_tree_below_it_itself_included(api: Caller, named: str) -> None:
    root = api.make_job()
    child, other = make_child(root), make_child(root)
    grandchild = make_child(child)
    api.make_job()
    found = api.get("/jobs", {"rootJobId": str(getattr(root, named)), "sort": "createdAt"})
    assert (ids(found), found.json()["meta"]["total"]) == (of(root, child, other, grandchild), 4)
    assert ids(api.get("/jobs", {"rootJobId": str(getattr(child, named)), "sort": "createdAt"})) == of(
        child, grandchild
    )


def test_relatives_are_the_rest_of_the_tree_the_oldest_first(api: Caller) -> None:
    root = api.make_job()
    child, other = make_child(root), make_child(root)
    grandchild = make_child(child)
    api.make_job()
    answer = api.get(f"/jobs/{child.uuid}/relatives")
    assert (ids(answer), answer.json()["meta"]) == (of(root, other, grandchild), {"total": 3, **OK})
    assert ids(api.get(f"/jobs/{root.pk}/relatives/", {"limit": 1, "offset": 1, "sort": "-createdAt"})) == of(other)


def test_every_problem_of_a_list_is_told_at_once(api: Caller) -> None:
    query = {
        "limit": "0",
        "offset": "-1",
        "sort": "reason",
        "rootJobId": "x",
        "statuses": "DONE",
        "createdAtFrom": "yesterday",
        "filter[status]": "NEW",
    }
    assert problems(api.get("/jobs", query)) == [
        (1002, "limit: must be between 1 and 1000"),
        (1002, "offset: must be between 0 and 1000000000"),
        (
            1004,
            "sort: unknown field, sort by createdAt, startedAt, finishedAt, updatedAt, jobClass, status,"
            " a minus before it for descending",
        ),
        (1002, "rootJobId: must be a job's uuid or number"),
        (1002, f"statuses: must be one of {STATUSES}"),
        (
            1002,
            "createdAtFrom: must be a moment as 2025-02-10T23:55:00.190+01:00 (offset Z, +01:00, +0100 or +01)"
            " or a date as 2025-02-10",
        ),
        (1004, "filter[status]: unknown parameter, use statuses"),
    ]


@pytest.mark.parametrize(
    "query",
    ["limit=1001", "limit=10**9", "page[size]=1000000000", "offset=99999999999999999999", "sort=createdAt;drop",
     "sort=client__name", "include=client", "statuses=NEW'--", "jobClasses=%00"],
)  # fmt: skip
def test_s31_lists_cannot_be_bent(api: Caller, query: str) -> None:
    job = api.make_job()
    answer = api.get(f"/jobs?{query}")
    if query.startswith("include"):
        assert ids(answer) == of(job)
    else:
        assert (answer.status_code, problems(answer)[0][0] in (1002, 1004)) == (400, True)


def test_a_page_and_its_total_are_one_statement_however_long(api: Caller, settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    for _ in range(30):
        api.make_job(params=[["a", "b"]])
    api.get("/jobs")
    with CaptureQueriesContext(connection) as context:
        assert len(ids(api.get("/jobs", {"limit": 25}))) == 25
    assert len(context) == 1


def test_events_tell_what_happened_the_oldest_first(api: Caller) -> None:
    job = api.make_job()
    events = [JobEvent.objects.create(job=job, name=name) for name in ("CREATED", "STARTED", "FINISHED")]
    JobEvent.objects.create(job=api.make_job(), name="CREATED")
    assert api.get(f"/jobs/{job.pk}/events/").json() == {
        "data": [
            {
                "type": "jobEvents",
                "id": str(event.uuid),
                "attributes": {"createdAt": format_moment(event.created_at), "eventName": event.name},
            }
            for event in events
        ],
        "meta": OK,
    }


@pytest.mark.parametrize(
    ("values", "percents"),
    [
        ({"status": "NEW"}, 0),
        ({"status": "RUNNING", "total": 3, "completed": 2}, 66),
        ({"status": "RUNNING", "total": 2, "completed": 2}, 99),
        ({"status": "RUNNING", "total": 0, "completed": 0}, 0),
        ({"status": "FINISHED"}, 100),
        ({"status": "FINISHED", "total": 0, "completed": 0}, 100),
        ({"status": "FAILED", "total": 4, "completed": 1}, 25),
        ({"status": "CANCELLED"}, 0),
    ],
)
def test_job_info_tells_how_far_a_job_has_come(api: Caller, values: dict[str, Any], percents: int) -> None:
    job = api.make_job(**values, params=[["FILE", "a.csv"]])
    answer = api.get(f"/jobInfos/{job.uuid}").json()
    assert (answer["data"]["type"], answer["data"]["id"], answer["meta"]) == ("getJobInfoResults", str(job.uuid), OK)
    info = answer["data"]["attributes"]["jobInfo"]
    assert (info["jobId"], info["jobStatus"], info["progressPct"]) == (job.pk, job.status, percents)
    assert [(pair["key"], pair["value"]) for pair in info["jobParams"]] == [
        ("TOTAL", str(values.get("total", 0))),
        ("FINISHED", str(values.get("completed", 0))),
        ("FILE", "a.csv"),
    ]


_LEGS: dict[str, Any] = {"jobName": "legs", "legIds": ["1", 2], "params": [{"key": "CHILD", "value": "tests.Fail"}]}


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        ("/jobs?jobName=legs&legIds=1&legIds=2", None, ""),
        ("/jobs/?jobName=legs&legIds=1,2", None, ""),
        ("/jobs?legIds[]=1&legIds[]=2", {"jobName": "legs"}, "application/json"),
        ("/jobs", _LEGS, "application/json"),
        ("/jobs", _LEGS, ""),
        ("/jobs?jobName=legs", _LEGS | {"requestMeta": {"userName": "anna"}}, "application/x-www-form-urlencoded"),
        ("/jobs", {"data": {"type": "x", "id": "legs", "attributes": {"legIds": ["1", "2"]}}}, JSON_API),
        ("/jobs", {"data": {"type": "x", "attributes": _LEGS | {"legIds": "1"}}}, JSON_API),
    ],
)
def test_a_trigger_is_run_by_name_in_every_form(api: Caller, path: str, body: Any, content_type: str) -> None:
    make_trigger("legs", job_class="tests.Legs", legs=["1", "2", "3"], params=[["CHILD", "tests.Careful"]])
    data = b"" if body is None else json.dumps(body)
    answer = Client().generic("POST", BASE + path, data, content_type=content_type, headers=api.headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON_API), answer.content
    job = Job.objects.get()
    document = answer.json()
    assert UUID(document["data"].pop("id")) != job.uuid
    assert document == {
        "data": {"type": "jobResponses", "attributes": {}},
        "meta": {**OK, "params": [{"key": "jobUuid", "value": str(job.uuid)}]},
    }
    given = (body or {}).get("data", {}).get("attributes", body or {})
    child = "tests.Fail" if "params" in given else "tests.Careful"
    assert job.params == [["CHILD", child], ["legIds", "1" if given.get("legIds") == "1" else "1,2"]]
    user = given.get("requestMeta", {}).get("userName", "")
    assert (job.client_id, job.job_class, job.status, job.user_name) == (api.client.pk, "tests.Legs", "NEW", user)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/jobs", {}, [(1001, "jobName: required")]),
        ("/jobs?jobName=unknown", None, [(3002, "jobName: unknown is no trigger")]),
        ("/jobs?jobName=off", None, [(3002, "jobName: the trigger off is disabled")]),
        ("/jobs?jobName=legs&legIds=9", None, [(1002, "legIds: 9: must be among 1, 2")]),
        ("/jobs?jobName=plain&legIds=1", None, [(1002, "legIds: the trigger plain has no legs")]),
        ("/jobs?jobName=plain&jobName=legs", None, [(1002, "jobName: must be text, given once")]),
        (
            "/jobs?jobName=plain",
            {"jobName": "legs"},
            [(1003, "jobName: is given in the query and in the body")],
        ),
        (
            "/jobs",
            {"jobName": True, "legIds": [{"x": 1}], "params": [{"value": "x"}, 3], "legId": ["1"]},
            [
                (1002, "jobName: must be text, given once"),
                (1002, "legIds[0]: must be text, given once"),
                (1002, "params[1]: must be an object"),
                (1004, "legId: unknown field"),
            ],
        ),
        (
            "/jobs",
            {"jobName": "plain", "params": [{"key": "A", "value": "1"}]},
            [(1004, "params.A: unknown parameter; known are none")],
        ),
        ("/jobs", {"jobName": "count"}, [(1001, "params.STEPS: required")]),
        (
            "/jobs",
            {"jobName": "count", "legIds": [1] * 1001, "params": [{"key": "STEPS", "value": "1"}] * 101},
            [(1002, "legIds: must be at most 1000 legs"), (1002, "params: must be at most 100 parameters")],
        ),
        ("/jobs", [], [(1000, "the request must be a JSON object")]),
    ],
)
def test_what_cannot_be_run_is_refused_and_nothing_happens(api: Caller, path: str, body: Any, expected: Any) -> None:
    make_trigger("legs", job_class="tests.Legs", legs=["1", "2"])
    make_trigger("off", is_enabled=False)
    make_trigger("plain")
    make_trigger("count", job_class="tests.Count")
    answer = api.post(path, b"" if body is None else body)
    assert problems(answer) == expected
    assert rows() == [[], [], []]


def test_a_problem_points_at_its_place(api: Caller) -> None:
    def sources(answer: Any) -> list[Any]:
        return [error["source"] for error in answer.json()["errors"]]

    assert sources(api.post("/jobs?jobName=x")) == [{"parameter": "jobName"}]
    assert sources(api.post("/jobs", {"jobName": "x"})) == [{"pointer": "/jobName"}]
    document: dict[str, Any] = {"data": {"id": "x"}}
    assert sources(api.post("/jobs", document, content_type=JSON_API)) == [{"pointer": "/data/id"}]
    document = {"data": {"attributes": {"jobStatus": "NEW", "jobId": [0, "x"]}}}
    assert sources(api.put("/jobs", document, content_type=JSON_API)) == [
        {"pointer": "/data/attributes/jobId/0"},
        {"pointer": "/data/attributes/jobId/1"},
    ]


@pytest.mark.parametrize("form", ["number", "text", "uuid", "list", "uuids", "mixed", "json_api", "with request id"])
def test_a_status_is_set_whichever_way_the_jobs_are_named(api: Caller, form: str) -> None:
    job = api.make_job(status=Status.NEW)
    named: dict[str, Any] = {
        "number": {"jobId": job.pk},
        "text": {"jobId": str(job.pk)},
        "uuid": {"jobId": str(job.uuid).upper()},
        "list": {"jobId": [str(job.pk)]},
        "uuids": {"uuids": str(job.uuid)},
        "mixed": {"uuids": [str(job.uuid)], "jobId": [job.pk]},
        "with request id": {"jobId": [job.pk], "id": 7, "requestMeta": {}},
    }.get(form, {"jobId": [str(job.pk)]}) | {"jobStatus": "CANCELLED", "reason": "téves"}
    body = {"data": {"type": "jobs", "id": "7", "attributes": named}} if form == "json_api" else named
    answer = api.put("/jobs/", body, content_type=JSON_API if form == "json_api" else "application/json")
    assert answer.status_code == 200, answer.content
    document = answer.json()
    assert UUID(document["data"].pop("id")) != job.uuid
    assert document == {"data": {"type": "jobResponses", "attributes": {}}, "meta": OK}
    job.refresh_from_db()
    assert (job.status, job.reason) == ("CANCELLED", "téves")
    assert list(job.events.values_list("name", "actor")) == [("CANCELLED", api.client.name)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [(1001, "jobId: required"), (1001, "jobStatus: required")]),
        ({"jobId": [], "jobStatus": None}, [(1001, "jobId: required"), (1001, "jobStatus: required")]),
        (
            {"jobId": "x", "uuids": ["y"], "jobStatus": "DONE", "status": "NEW"},
            [
                (1002, "jobId: must be a job's number or uuid"),
                (1002, "uuids[0]: must be a job's number or uuid"),
                (1002, f"jobStatus: must be one of {STATUSES}"),
                (1004, "status: unknown field"),
            ],
        ),
        ({"jobId": [1, 999], "jobStatus": "NEW"}, [(3000, "job 999 not found")]),
        ({"jobId": [1], "jobStatus": "NEW"}, [(3001, "cannot become NEW: job 1 is FINISHED")]),
        ({"jobId": [2, 1], "jobStatus": "CANCELLED"}, [(3001, "cannot become CANCELLED: job 1 is FINISHED")]),
        ({"jobId": list(range(1, 1002)), "jobStatus": "NEW"}, [(1002, "jobId: must be at most 1000 jobs")]),
        (
            {"jobId": list(range(3, 503)), "uuids": [NOBODYS] * 501, "jobStatus": "NEW"},
            [(1002, "uuids: must be at most 1000 jobs")],
        ),
        (
            {"uuids": [2], "jobStatus": "CANCELLED", "reason": "x" * 1001},
            [(1002, "reason: must be one line of at most 1000 printable characters")],
        ),
    ],
)
def test_r20_what_cannot_be_set_is_refused_and_nothing_happens(api: Caller, body: Any, expected: Any) -> None:
    api.make_job(pk=1)
    api.make_job(pk=2, status=Status.NEW)
    before = rows()
    assert problems(api.put("/jobs", body)) == expected
    assert rows() == before


@pytest.mark.parametrize("place", ["requestMeta", ""])
def test_the_key_may_stand_in_the_body_and_must_not_contradict(api: Caller, place: str) -> None:
    job = api.make_job(status=Status.NEW)
    key = {"clientHashKey": api.keys.client_hash_key, "userName": "anna"}
    body = {"jobId": job.pk, "jobStatus": "CANCELLED", **({place: key} if place else key)}
    stranger = make_client()[1]
    refused = Client().put(f"{BASE}/jobs", body, content_type="application/json", headers=headers_for(stranger))
    assert refused.status_code == 401
    refused = Client().put(
        f"{BASE}/jobs", body, content_type="application/json", headers=api.headers | {"X-User-Name": "béla"}
    )
    path = f"{place}.userName" if place else "userName"
    assert problems(refused) == [(2000, f"{path}: is not the user of this request")]
    job.refresh_from_db()
    assert job.status == "NEW"
    assert Client().put(f"{BASE}/jobs", body, content_type="application/json").status_code == 200
    assert job.events.get().actor == f"{api.client.name}/anna"


def test_each_right_opens_its_own_operations() -> None:
    reader, runner = Caller(rights=["jobs.read"]), Caller(rights=["jobs.run"])
    make_trigger()
    job = reader.make_job(status=Status.NEW)
    lacks_run = [(2002, "the client lacks the right jobs.run")]
    assert problems(reader.post("/jobs?jobName=campaignJob")) == lacks_run
    assert problems(reader.put("/jobs", {"jobId": job.pk, "jobStatus": "CANCELLED"})) == lacks_run
    assert ids(reader.get("/jobs")) == of(job)
    for path in ("/jobs", f"/jobs/{job.uuid}", f"/jobs/{job.uuid}/events", f"/jobInfos/{job.uuid}"):
        assert problems(runner.get(path)) == [(2002, "the client lacks the right jobs.read")]
    assert runner.post("/jobs?jobName=campaignJob").status_code == 200


def test_a_client_that_needs_a_token_needs_it_here_too() -> None:
    api = Caller(needs_user_token=True)
    assert problems(api.get("/jobs"))[0][0] == 2001
    headers = headers_for(api.keys, make_user())
    assert Client().get(f"{BASE}/jobs", headers=headers).status_code == 200


def test_who_sees_all_sees_the_houses_own_jobs_too(api: Caller) -> None:
    own, others = make_job(), api.make_job()
    assert ids(Caller(rights=["jobs.read", "see_all"]).get("/jobs")) == of(others, own)
    assert ids(api.get("/jobs")) == of(others)
    assert api.get(f"/jobs/{own.uuid}").status_code == 404


@pytest.mark.parametrize("path", ["/jobs", "/jobs/1", "/jobInfos/1"])
def test_other_methods_are_refused(api: Caller, path: str) -> None:
    answer = Client().delete(BASE + path, headers=api.headers)
    assert (answer.status_code, problems(answer)[0][0]) == (405, 1000)
