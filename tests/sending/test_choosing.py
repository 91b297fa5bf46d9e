"""Filters as callers write them: read, refused, and what matches."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Refusal
from jobs import services as job_services
from jobs.models import Job
from sending import choosing, in_bulk
from sending.channels import channels
from sending.models import Message
from sending.states import Operation, Status
from tests.sending.factories import make_template, submitted

HOUSE = Caller.house("anna")
pytestmark = pytest.mark.django_db


def found(wanted: dict[str, Any], caller: Caller = HOUSE) -> list[int]:
    return list(choosing.chosen(caller, choosing.read(wanted)).order_by("id").values_list("id", flat=True))


def test_every_filter_narrows(caller: Caller) -> None:
    version = make_template(text="Hi.")
    job = job_services.submit(caller=caller, job_class=in_bulk.JOB_CLASS, params=_PARAMS)
    child = Job.objects.create(job_class="x", parent=job, root=job, client_id=caller.client_id)
    this = submitted(
        caller,
        request_id="r", batch_id="b", partner_ref="p", channel="PORTAL", campaign_part_id=7,
        message_type=version.template.name, mail_subject="", mail_body="",
    )  # fmt: skip
    yesterday, hour = timezone.now() - timedelta(days=1), timedelta(hours=1)
    Message.objects.filter(pk=this.pk).update(
        status="SENT", closed_at=timezone.now(), due_at=None, job_id=child.pk, created_at=yesterday
    )
    held = submitted(recipient_email_address="other@example.com")
    Message.objects.filter(pk=held.pk).update(status="HELD", held_for="PERSON", due_at=None)
    for wanted in (
        {"ids": str(this.pk)},
        {"messageIds": [this.pk]},
        {"status": "SENT,FAILED"},
        {"statuses": ["SENT"]},
        {"channel": "PORTAL"},
        {"channels": ["PORTAL", "POST"]},
        {"requestId": "r"},
        {"batchId": "b"},
        {"partnerRef": "p"},
        {"messageType": version.template.name},
        {"createdAtFrom": (yesterday - hour).isoformat(), "createdAtTo": (yesterday + hour).isoformat()},
        {"client": caller.client_name},
        {"campaignPartId": "7"},
        {"jobId": job.pk},
        {"jobId": str(job.uuid)},
        {"jobId": str(child.pk)},
        {"opened": False},
        {"idBelow": held.pk},
        {"search": "elek@"},
    ):  # fmt: skip
        assert found(wanted) == [this.pk], wanted
    assert found({"heldFor": "PERSON"}) == [held.pk]
    assert found({"opened": "true"}) == []
    assert found({"jobId": "999999"}) == []


_PARAMS = [("OPERATION", "CANCEL"), ("FILTER", '{"batchId":"x"}'), ("REASON", "x")]


def test_a_filter_is_kept_as_it_is_read_again(caller: Caller) -> None:
    wanted = choosing.read(
        {"status": "SENT", "createdAtFrom": "2025-02-10", "ids": [3, "4"], "opened": "TRUE", "jobId": 5}
    )
    assert wanted.given == {
        "ids": [3, 4],
        "status": ["SENT"],
        "createdAtFrom": "2025-02-09T23:00:00Z",
        "jobId": "5",
        "opened": True,
    }
    assert choosing.read(wanted.given) == wanted


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        (None, ["filter: must be an object with filters"]),
        ([], ["filter: must be an object with filters"]),
        ({"ids": []}, ["filter.ids: must not be empty: leave it out"]),
        ({"batchId": " "}, ["filter.batchId: must not be empty: leave it out"]),
        ({"status": "SENT", "statuses": "FAILED"}, ["filter.statuses: not together with status, which means the same"]),
        ({"statuses": "sent"}, [f"filter.statuses: must be one of {', '.join(Status)}"]),
        (
            {"ids": [0, "x"], "batchId": "b" * 101, "createdAtTo": "soon", "opened": 1, "jobId": "x", "channel": [[]]},
            [
                "filter.ids: must be a whole number above 0",
                "filter.channel: must be a list of values",
                "filter.batchId: must be at most 100 characters long",
                "filter.createdAtTo: must be a moment as 2025-02-10T23:55:00.190+01:00 (offset Z, +01:00, +0100 or "
                "+01) or a date as 2025-02-10",
                "filter.jobId: must be a job's number or uuid",
                "filter.opened: must be true or false",
            ],
        ),
        ({"ids": list(range(1, 1002))}, ["filter.ids: must be at most 1000 values"]),
        ({"ids": [10**18 + n for n in range(900)]}, ["filter: must be at most 10000 characters of JSON"]),
    ],
)  # fmt: skip
def test_every_problem_of_a_filter_is_told_as_it_was_spelt(given: Any, problems: list[str]) -> None:
    with pytest.raises(Refusal) as refused:
        choosing.read(given)
    assert [problem.detail for problem in refused.value.problems] == problems


@pytest.mark.parametrize("given", [{}, {"batchId": None}])
def test_an_empty_filter_would_mean_everything_and_is_refused(given: Any) -> None:
    with pytest.raises(Refusal) as refused:
        choosing.read(given)
    assert refused.value.code == Code.REQUIRED
    assert str(refused.value).startswith("filter: must say something, or it would mean every message: one of ids, ")


def test_an_unknown_filter_is_refused_and_the_known_are_named() -> None:
    with pytest.raises(Refusal) as refused:
        choosing.read({"batch": "b"})
    assert refused.value.code == Code.UNKNOWN_FIELD
    assert str(refused.value).startswith("filter.batch: unknown filter; known are ids, status, ")


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"client": "nobody"}, "filter.client: there is no client nobody"),
        (
            {"jobId": "00000000-0000-0000-0000-000000000000"},
            "filter.jobId: there is no job 00000000-0000-0000-0000-000000000000",
        ),
    ],
)
def test_a_client_or_job_that_is_not_there_is_refused(wanted: dict[str, str], problem: str) -> None:
    with pytest.raises(Refusal) as refused:
        found(wanted)
    assert str(refused.value) == problem


@pytest.mark.parametrize("spelt", ["channel", "channels"])
def test_a_channel_that_is_not_there_is_refused_unless_letters_wait_for_it(caller: Caller, spelt: str) -> None:
    wanted = choosing.read({spelt: ["POST", "PIGEON"]})
    for ask in (
        lambda: in_bulk.count(caller=caller, operation=Operation.CANCEL, wanted=wanted),
        lambda: in_bulk.begin(caller=caller, operation=Operation.CANCEL, wanted=wanted, reason="x"),
    ):
        with pytest.raises(Refusal) as refused:
            ask()
        assert str(refused.value) == (
            f"filter.{spelt}: there is no channel PIGEON; known are {', '.join(sorted(channels()))}"
        )
    assert not Job.objects.exists()
    message = submitted(caller)
    Message.objects.filter(pk=message.pk).update(channel="PIGEON", status="HELD", held_for="CHANNEL")
    assert in_bulk.count(caller=caller, operation=Operation.CANCEL, wanted=wanted).statuses == {"HELD": 1}


def test_a_trigger_names_no_channel_that_is_not_there(caller: Caller) -> None:
    params = [("OPERATION", "CANCEL"), ("FILTER", '{"channel":"PIGEON"}'), ("REASON", "x")]
    with pytest.raises(Refusal) as refused:
        job_services.submit(caller=caller, job_class=in_bulk.JOB_CLASS, params=params)
    assert str(refused.value).startswith("params.FILTER: filter.channel: there is no channel PIGEON; known are ")


def test_s30_a_client_names_neither_another_client_nor_its_jobs(caller: Caller, stranger: Caller) -> None:
    job = job_services.submit(caller=stranger, job_class=in_bulk.JOB_CLASS, params=_PARAMS)
    for wanted in ({"client": stranger.client_name}, {"jobId": str(job.uuid)}):
        with pytest.raises(Refusal):
            found(wanted, caller)
    assert found({"jobId": job.pk}, caller) == []


def test_parameters_of_a_trigger_are_checked_alike(caller: Caller) -> None:
    with pytest.raises(Refusal) as refused:
        job_services.submit(
            caller=caller,
            job_class=in_bulk.JOB_CLASS,
            params=[("OPERATION", "DELETE"), ("FILTER", "{}"), ("REASON", " "), ("EXPECTED", "-1")],
        )
    details = [problem.detail for problem in refused.value.problems]
    assert details[0] == "params.OPERATION: must be one of CANCEL, HOLD, RELEASE, REQUEUE, RESEND"
    assert details[1].startswith("params.FILTER: filter: must say something, or it would mean every message")
    assert details[2:] == [
        "params.REASON: must be one line",
        "params.EXPECTED: input should be greater than or equal to 0",
    ]
