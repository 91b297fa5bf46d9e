"""Operations in bulk over REST: counted, begun once, and told of each message."""

from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from jobs import runner
from jobs.models import Job
from jobs.states import Queue
from sending.channels import channels
from sending.models import BulkResult, Message
from tests.sending.send_v2_calls import JSON, JSON_API, Caller, problems

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/v2/messages/bulk"


@pytest.fixture
def api() -> Caller:
    return Caller()


def body(**members: Any) -> dict[str, Any]:
    return {"operation": "CANCEL", "filter": {"batchId": "november"}, "reason": "wrong price"} | members


def document(**attributes: Any) -> dict[str, Any]:
    return {"data": {"type": "bulkOperations", "attributes": body(**attributes)}}


def run(answer: Any) -> Job:
    assert answer.status_code == 200, answer.content
    runner.work(Queue.QUICK)
    return Job.objects.get(uuid=answer.json()["jobUuid"])


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_dry_run_counts_and_does_nothing(api: Caller, slash: str) -> None:
    for _ in range(2):
        api.sent(batchId="november")
    sent = api.sent(batchId="november")
    Message.objects.filter(pk=sent.pk).update(status="SENT", closed_at=timezone.now(), due_at=None)

    answer = api.post(PATH + slash, {"operation": "CANCEL", "filter": {"batchId": "november"}, "dryRun": True})

    assert (answer.status_code, answer["Content-Type"]) == (200, JSON)
    assert answer.json() == {
        "meta": {"params": [], "responseStatus": {"code": 0, "messages": []}},
        "count": 3,
        "eligible": 2,
        "statuses": {"ACCEPTED": 2, "SENT": 1},
    }
    assert not Job.objects.exists()
    assert Message.objects.filter(status="CANCELLED").count() == 0


def test_an_operation_is_a_job_whose_results_are_listed_and_saved(api: Caller) -> None:
    first, second = api.sent(batchId="november"), api.sent(batchId="november")
    Message.objects.filter(pk=second.pk).update(status="SENT", closed_at=timezone.now(), due_at=None)

    answer = api.post(PATH, body(expected=2))
    job = run(answer)

    assert answer.json() == {
        "meta": {"params": [], "responseStatus": {"code": 0, "messages": []}},
        "jobUuid": str(job.uuid),
    }
    assert (job.status, job.total, job.completed) == ("FINISHED", 2, 2)
    listed = api.get(f"{PATH}/{job.uuid}/results")
    rows = BulkResult.objects.order_by("message_id")
    assert (listed.status_code, listed["Content-Type"]) == (200, JSON_API)
    assert listed.json() == {
        "data": [
            {
                "type": "bulkResults",
                "id": str(rows[0].pk),
                "attributes": {"messageId": first.pk, "outcome": "DONE", "reason": None, "newMessageId": None},
            },
            {
                "type": "bulkResults",
                "id": str(rows[1].pk),
                "attributes": {
                    "messageId": second.pk,
                    "outcome": "NOT_DONE",
                    "reason": "it is SENT",
                    "newMessageId": None,
                },
            },
        ],
        "meta": {"total": 2, "params": [], "responseStatus": {"code": 0, "messages": []}},
    }
    one = api.get(f"{PATH}/{job.uuid}/results", {"outcome": "DONE", "limit": "1"}).json()
    assert ([item["attributes"]["messageId"] for item in one["data"]], one["meta"]["total"]) == ([first.pk], 1)
    saved = api.get(f"{PATH}/{job.uuid}/results.csv")
    assert saved["Content-Type"] == "text/csv; charset=utf-8"
    assert saved["Content-Disposition"] == f'attachment; filename="{job.uuid}.csv"'
    assert b"".join(saved.streaming_content).decode().splitlines() == [
        "messageId;outcome;reason;newMessageId",
        f"{first.pk};DONE;;",
        f"{second.pk};NOT_DONE;it is SENT;",
    ]


def test_s33_no_cell_of_the_table_is_a_formula(api: Caller) -> None:
    job = run(api.post(PATH, body()))
    BulkResult.objects.create(job_id=job.pk, message_id=5, outcome="NOT_DONE", reason='=HYPERLINK("x")')

    lines = b"".join(api.get(f"{PATH}/{job.uuid}/results.csv").streaming_content).decode().splitlines()

    assert lines[1] == '5;NOT_DONE;"\'=HYPERLINK(""x"")";'


def test_it_is_answered_in_kind(api: Caller) -> None:
    api.sent(batchId="november")

    counted = api.post(PATH, document(dryRun=True), content_type=JSON_API)
    begun = api.post(PATH, document(), content_type=JSON_API)

    assert (counted.status_code, counted["Content-Type"]) == (200, JSON_API)
    data = counted.json()["data"]
    UUID(data.pop("id"))
    assert data == {
        "type": "bulkOperations",
        "attributes": {"count": 1, "eligible": 1, "statuses": {"ACCEPTED": 1}},
    }
    uuid = str(Job.objects.get().uuid)
    assert begun.json() == {
        "data": {"type": "bulkOperations", "id": uuid, "attributes": {"jobUuid": uuid}},
        "meta": {"total": None, "params": [], "responseStatus": {"code": 0, "messages": []}},
    }


def test_the_same_request_id_begins_one_job(api: Caller) -> None:
    first = api.post(PATH, body(requestId="r1"))
    assert api.post(PATH, body(requestId="r1")).json() == first.json()
    other = api.post(PATH, body(requestId="r1", operation="HOLD"))
    uuid = first.json()["jobUuid"]
    assert problems(other) == [
        (1005, f"requestId: already used for job {uuid}, which does something else; use a new request id")
    ]
    assert other.status_code == 409
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"operation": None}, [(1001, "operation: required")]),
        (
            {"operation": "DELETE", "filter": {"statuses": "X", "batch": 1}, "reason": ""},
            [
                (1002, "operation: must be one of CANCEL, HOLD, RELEASE, REQUEUE, RESEND"),
                (1002, None),
                (1004, None),
                (1001, "reason: required"),
            ],
        ),
        ({"filter": None}, [(1001, "filter: must be an object with filters")]),
        ({"filter": {}}, [(1001, None)]),
        ({"expected": -1, "dryRun": "perhaps"}, [(1002, None), (1002, "dryRun: must be true or false")]),
        (
            {"filter": {"client": "another"}},
            [(1002, "filter.client: only who sees the messages of all clients may name one")],
        ),
        ({"force": True}, [(1004, "force: unknown field")]),
    ],
)  # fmt: skip
def test_every_problem_is_told_and_nothing_begins(api: Caller, members: Any, expected: Any) -> None:
    answer = api.post(PATH, body(**members))

    found = problems(answer)
    assert [code for code, _ in found] == [code for code, _ in expected]
    assert [words for (_, words), (_, wanted) in zip(found, expected, strict=True) if wanted] == [
        wanted for _, wanted in expected if wanted
    ]
    assert not Job.objects.exists()


@pytest.mark.parametrize("spelt", ["channel", "channels"])
@pytest.mark.parametrize("is_dry", [True, False])
def test_a_channel_that_is_not_there_is_refused(api: Caller, spelt: str, is_dry: bool) -> None:
    answer = api.post(PATH, body(filter={spelt: ["EMAIL", "NOPE"]}, dryRun=is_dry))
    known = ", ".join(sorted(channels()))
    assert problems(answer) == [(1002, f"filter.{spelt}: there is no channel NOPE; known are {known}")]
    assert not Job.objects.exists()


def test_a_problem_of_a_document_is_pointed_at(api: Caller) -> None:
    answer = api.post(PATH, document(filter={"ids": [0]}), content_type=JSON_API)
    assert answer.json()["errors"][0]["source"] == {"pointer": "/data/attributes/filter/ids"}


@pytest.mark.parametrize("data", [[], "x", None])
def test_what_is_no_object_is_malformed(api: Caller, data: Any) -> None:
    assert problems(api.post(PATH, data))[0][0] == 1000


def test_s30_another_clients_operation_does_not_exist(api: Caller) -> None:
    message = api.sent(batchId="november")
    job = run(api.post(PATH, body()))
    other = Caller()
    for path in (f"{PATH}/{job.uuid}/results", f"{PATH}/{job.uuid}/results.csv", f"{PATH}/x/results"):
        answer = other.get(path)
        assert (answer.status_code, problems(answer)[0][0]) == (404, 3000)
    counted = other.post(PATH, {"operation": "CANCEL", "filter": {"ids": [message.pk]}, "dryRun": True})
    assert counted.json()["count"] == 0
    assert api.get(f"{PATH}/{job.uuid}/results").json()["meta"]["total"] == 1


def test_a_job_of_another_class_has_no_results(api: Caller) -> None:
    job = Job.objects.create(job_class="x", client=api.client)
    assert api.get(f"{PATH}/{job.uuid}/results").status_code == 404


def test_who_may_not_send_may_not_operate() -> None:
    api = Caller(rights=["jobs.read", "jobs.run"])
    assert api.post(PATH, body()).status_code == 403
    assert not Job.objects.exists()
