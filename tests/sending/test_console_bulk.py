"""All that match the list's filters: counted, asked for, begun as a job, and told."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs import runner
from jobs.models import Job
from jobs.states import Queue
from sending.models import BulkResult, Message
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_caller
from tests.sending.console import MESSAGES, UNCERTAIN
from tests.sending.factories import make_template, submitted

pytestmark = pytest.mark.django_db
RESULTS = "/admin/sending/bulkresult/"


def page(browser: Client, verb: str, /, **query: Any) -> Any:
    return browser.get(f"{MESSAGES}bulk/{verb}/", query)


def carried(answer: Any) -> dict[str, Any]:
    """What the page's form would send, without the reason."""
    form = answer.context["form"]
    return {name: form[name].value() for name in ("filter", "expected")}


def begin(client: Client, verb: str, answer: Any, reason: str = "wrong price") -> Any:
    return client.post(f"{MESSAGES}bulk/{verb}/", carried(answer) | {"reason": reason})


def test_the_list_offers_it_once_it_is_narrowed() -> None:
    submitted(batch_id="b")
    operator = client_of("Operator")
    assert "All that match" not in operator.get(MESSAGES).content.decode()
    narrowed = unescape(operator.get(MESSAGES, {"q": "b", "status": "ACCEPTED"}).content.decode())
    assert "All that match" in narrowed
    assert f'{MESSAGES}bulk/cancel/?q=b&status=ACCEPTED"' in narrowed
    assert "All that match" not in client_of("Viewer").get(MESSAGES, {"q": "b"}).content.decode()
    assert "All that match" not in operator.get(UNCERTAIN, {"channel": "EMAIL"}).content.decode()


def test_it_counts_shows_and_then_begins_with_what_was_seen() -> None:
    operator = client_of("Operator")
    first, second = submitted(batch_id="b"), submitted(batch_id="b")
    other = submitted()
    Message.objects.filter(pk=second.pk).update(status="SENT", closed_at=timezone.now(), due_at=None)

    answer = page(operator, "cancel", q="b")

    text = answer.content.decode()
    assert "Cancel: all that match" in text
    assert "2 messages match" in text
    assert "1 of them cannot be" in text
    assert f"<strong>{first.pk}</strong>" in text
    assert ("Waiting" in text, "ACCEPTED" in text) == (True, False)
    assert f"<strong>{other.pk}</strong>" not in text
    assert carried(answer) == {"filter": '{"search":"b"}', "expected": 2}
    assert not Job.objects.exists()
    answer = begin(operator, "cancel", answer)
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/jobs/job/{job.pk}/change/")
    assert dict(job.params) == {
        "OPERATION": "CANCEL",
        "FILTER": '{"search":"b"}',
        "REASON": "wrong price",
        "EXPECTED": "2",
    }
    assert trail() == [(str(job.pk), "cancel in bulk: wrong price")]


def test_without_a_reason_it_asks_again_and_begins_nothing() -> None:
    operator = client_of("Operator")
    submitted(batch_id="b")
    answer = begin(operator, "cancel", page(operator, "cancel", q="b"), reason=" ")
    assert (answer.status_code, "the reason is kept" in answer.content.decode()) == (409, True)
    assert (Job.objects.count(), trail()) == (0, [])


def test_every_filter_of_the_list_means_the_same() -> None:
    operator, caller = client_of("Operator"), make_caller()
    version = make_template(text="Hi.")
    this = submitted(caller, message_type=version.template.name, mail_subject="", mail_body="", channel="PORTAL")
    Message.objects.filter(pk=this.pk).update(
        status="SENT", closed_at=timezone.now(), due_at=None, created_at=timezone.now() - timedelta(days=10)
    )
    submitted()
    day = timezone.localtime(timezone.now() - timedelta(days=10)).date().isoformat()
    for query in (
        {"status": ["SENT", "FAILED"]},
        {"channel": "PORTAL"},
        {"opened": "no"},
        {"template": version.template_id},
        {"client": caller.client_id},
        {"accepted_from": day, "accepted_to": day},
        {"before": this.pk + 1},
        {"q": str(this.pk)},
    ):
        listed = operator.get(MESSAGES, query).context["cl"].queryset
        assert list(listed.values_list("id", flat=True)) == [this.pk], query
        answer = page(operator, "resend", p="1", **query)
        assert (answer.status_code, [message.pk for message, _ in answer.context["sample"]]) == (200, [this.pk]), query


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"p": "2"},
        {"opened": "perhaps"},
        {"client": "999"},
        {"template": "x"},
        {"status": "LOST"},
        {"accepted_from": "soon"},
        {"before": "x"},
        {"recipient_name": "x"},
        {"channel": ["EMAIL", "POST"]},
        {"channel": "NOPE"},
    ],
)
def test_what_means_nothing_is_refused_and_never_passed_over(query: Any) -> None:
    submitted()
    answer = page(client_of("Operator"), "cancel", **query)
    assert answer.status_code == 409
    assert 'name="reason"' not in answer.content.decode()


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"statuz":"SENT"}'])
def test_a_filter_that_was_tampered_with_begins_nothing(text: str) -> None:
    data = {"filter": text, "expected": "1", "reason": "x"}
    answer = client_of("Operator").post(f"{MESSAGES}bulk/cancel/", data)
    assert answer.status_code == 409
    assert not Job.objects.exists()


def test_s33_who_may_only_look_may_not_operate() -> None:
    submitted(batch_id="b")
    asked = page(client_of("Operator"), "cancel", q="b")
    for client in (client_of("Viewer"), client_of("Template editor"), client_of()):
        assert page(client, "cancel", q="b").status_code == 403
        assert begin(client, "cancel", asked).status_code == 403
    assert (Job.objects.count(), trail()) == (0, [])


def test_an_operation_that_there_is_not_is_not_found() -> None:
    assert page(client_of("Operator"), "was-sent", q="b").status_code == 404


def test_the_jobs_page_leads_to_its_results() -> None:
    operator = client_of("Operator")
    first, second = submitted(batch_id="b"), submitted(batch_id="b")
    Message.objects.filter(pk=second.pk).update(status="SENT", closed_at=timezone.now(), due_at=None)
    begin(operator, "cancel", page(operator, "cancel", q="b"))
    runner.work(Queue.QUICK)
    job = Job.objects.get()

    assert f"{RESULTS}?job={job.pk}" in operator.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()
    listed = operator.get(RESULTS, {"job": job.pk})
    assert [row.message_id for row in listed.context["cl"].result_list] == [second.pk, first.pk]
    text = listed.content.decode()
    assert "it is SENT" in text
    assert f"{MESSAGES}{first.pk}/change/" in text
    assert f'href="{job.pk}/table/"' in text
    narrowed = operator.get(RESULTS, {"job": job.pk, "outcome": "DONE"}).context["cl"].result_list
    assert [row.message_id for row in narrowed] == [first.pk]
    saved = operator.get(f"{RESULTS}{job.pk}/table/")
    assert b"".join(saved.streaming_content).decode().splitlines()[1:] == [
        f"{first.pk};DONE;;",
        f"{second.pk};NOT_DONE;it is SENT;",
    ]
    assert saved["Content-Disposition"] == f'attachment; filename="{job.pk}.csv"'


def test_results_are_for_who_may_see_messages() -> None:
    job = Job.objects.create(job_class="x")
    BulkResult.objects.create(job_id=job.pk, message_id=1, outcome="DONE")
    nobody = client_of()
    assert nobody.get(RESULTS).status_code == 403
    assert nobody.get(f"{RESULTS}{job.pk}/table/").status_code == 403
    viewer = client_of("Viewer")
    assert viewer.get(RESULTS).status_code == 200
    # A job of another class has none.
    assert viewer.get(f"{RESULTS}{job.pk}/table/").status_code == 404
    text = viewer.get(RESULTS, {"job": "//example.com"}).content.decode()
    assert 'href="//example.com' not in text


def test_pages_speak_hungarian(settings: Any) -> None:
    settings.LANGUAGE_CODE = "hu"
    submitted(batch_id="b")
    text = page(client_of("Operator"), "cancel", q="b").content.decode()
    assert "1 üzenet felel meg" in text
