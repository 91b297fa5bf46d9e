"""The messages of a push wherever messages are seen and moved."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Refusal
from jobs import maintenance as job_maintenance
from jobs import services as job_services
from jobs.models import Job
from jobs.states import Status as JobStatus
from schedules.orders.push import read_push
from sending import erasing, forgetting, maintenance, persons, pushing, resending, services, statistics
from sending.models import Message, Push, Subscription
from sending.models.push import SubscriptionTag
from sending.states import Status
from tests.console import client_of, plain_pages  # noqa: F401
from tests.jobs.conftest import work as work_off
from tests.schedules.console import JOBS, MESSAGES
from tests.schedules.v4_calls import PUSH, V4
from tests.sending.console import operate

pytestmark = pytest.mark.django_db
HOUSE = Caller.house("clerk")


@pytest.fixture
def api() -> V4:
    return V4()


@pytest.fixture
def message(api: V4) -> Message:
    """What tells one browser, and waits for a worker."""
    Subscription.objects.create(client=api.client, registration_id="1a0018970ab49abda3e", alias="jane")
    pushing.submit(caller=api.caller, order=read_push(PUSH))
    work_off()
    return Message.objects.get()


def close(message: Message, status: Status = Status.FAILED, days: float = 0) -> None:
    moment = timezone.now() - timedelta(days=days)
    Message.objects.filter(pk=message.pk).update(status=status, held_for="", closed_at=moment)


def test_its_page_and_its_jobs_are_shown(message: Message) -> None:
    for group in ("Viewer", "Operator"):
        client = client_of(group)
        page = client.get(f"{MESSAGES}{message.pk}/change/").content.decode()
        for words in ("WEB_PUSH", "Hammy", "jane", "1a0018970ab49abda3e"):
            assert words in page
        assert client.get(MESSAGES).context["cl"].result_count == 1
        assert client.get(f"{MESSAGES}?status=ACCEPTED").context["cl"].result_count == 1
        for job in Job.objects.all():
            assert client.get(f"{JOBS}{job.pk}/change/").status_code == 200


def test_what_the_browser_is_told_is_read_by_who_may_read_letters(message: Message) -> None:
    address = f"{MESSAGES}{message.pk}/"
    page = client_of("Operator").get(f"{address}letter/").content.decode()
    assert "What the browser is told" in page
    assert "&quot;alert&quot;: &quot;Hello&quot;" in page
    assert client_of("Viewer").get(f"{address}letter/").status_code == 403
    client = client_of("Operator")
    assert client.get(f"{address}letter/html/").status_code == 200
    assert client.get(f"{address}raw/").status_code == 200
    assert client.get(f"{address}raw/1/").status_code == 404
    assert client.get(f"{address}raw/download/").status_code == 404


def test_a_push_whose_words_are_kept_no_more_still_has_its_page(message: Message) -> None:
    Push.objects.all().delete()
    page = client_of("Operator").get(f"{MESSAGES}{message.pk}/letter/").content.decode()
    assert "What it said is kept no more." in page


def test_it_is_held_and_released_as_a_letter_is(message: Message) -> None:
    client = client_of("Operator")
    for verb, status in (("hold", "HELD"), ("release", "ACCEPTED")):
        assert operate(client, verb, message).status_code == 302
        message.refresh_from_db()
        assert message.status == status


def test_one_that_failed_is_requeued_and_never_sent_once_more(message: Message) -> None:
    close(message)
    client = client_of("Operator")
    page = client.get(f"{MESSAGES}{message.pk}/change/").content.decode()
    assert ("operate/requeue/" in page, "operate/resend/" in page) == (True, False)
    answer = operate(client, "resend", message)
    assert (answer.status_code, "it is a push, which is not sent again: push anew" in answer.content.decode()) == (
        409, True,
    )  # fmt: skip
    with pytest.raises(Refusal, match="it is a push, which is not sent again"):
        resending.resend(caller=HOUSE, message_ids=[message.pk])
    message.refresh_from_db()
    assert (message.status, Message.objects.count()) == ("FAILED", 1)
    assert operate(client, "requeue", message).status_code == 302
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("ACCEPTED", 0)


def test_one_in_doubt_is_settled(message: Message) -> None:
    close(message, Status.UNCERTAIN)
    services.settle(caller=HOUSE, message_id=message.pk, verdict="send_again", reason="not seen")
    message.refresh_from_db()
    assert message.status == "ACCEPTED"


def test_it_is_cancelled_and_its_job_fails_for_it(message: Message) -> None:
    operate(client_of("Operator"), "cancel", message)
    message.refresh_from_db()
    assert message.status == "CANCELLED"
    job_maintenance.tick()
    assert Job.objects.get().status == JobStatus.FAILED


def test_cancelling_its_job_withdraws_it(message: Message) -> None:
    job = Job.objects.get()
    job_services.set_status(caller=HOUSE, ids=[job.pk], status=JobStatus.CANCELLED, reason="x")
    maintenance.tick()
    message.refresh_from_db()
    assert message.status == "CANCELLED"


def test_rest_and_commands_tell_of_it(api: V4, message: Message) -> None:
    headers = {"X-Client-Hash-Key": api.keys.client_hash_key}
    type(api.client).objects.update(needs_user_token=False)
    one = Client().get(f"/hammy/json/send/v2/messages/{message.pk}", headers=headers)
    assert one.status_code == 200, one.content
    told = one.json()["data"]["attributes"]
    assert (told["channel"], told["status"], told["heldFor"], told["messageType"]) == (
        "WEB_PUSH", "ACCEPTED", None, None,
    )  # fmt: skip
    assert Client().get("/hammy/json/send/v2/messages?channel=WEB_PUSH", headers=headers).json()["meta"]["total"] == 1
    assert Client().get(f"/hammy/json/send/v2/messages/{message.pk}/events", headers=headers).status_code == 200
    out = StringIO()
    call_command("show_message", str(message.pk), "--json", stdout=out)
    assert json.loads(out.getvalue())["channel"] == "WEB_PUSH"


def test_it_is_counted_among_the_messages(message: Message) -> None:
    report = statistics.gather()
    assert [(row.status, row.count) for row in report.rows] == [("ACCEPTED", 1)]
    assert client_of("Viewer").get("/admin/").status_code == 200


def test_it_expires_while_it_waits(message: Message) -> None:
    Message.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert maintenance.withdraw_expired() == 1
    message.refresh_from_db()
    assert (message.status, message.reason) == ("CANCELLED", "expired")


def test_its_content_is_erased_with_that_of_letters(message: Message) -> None:
    close(message, days=10)
    assert erasing.erase_content(closed_before=timezone.now() - timedelta(days=5)) == 1
    message.refresh_from_db()
    assert message.erased_at is not None
    for page in ("change", "letter"):
        assert client_of("Operator").get(f"{MESSAGES}{message.pk}/{page}/").status_code == 200


def test_who_erases_somebody_else_passes_it_over(api: V4, message: Message) -> None:
    person = persons.named(email_address="june@example.com", pseudonym="p")
    assert forgetting.counted(HOUSE, person)["messages"] == 0
    forgetting.forget(person, [message.pk], over=[])
    message.refresh_from_db()
    assert message.erased_at is None


def test_a_person_is_forgotten_and_others_of_the_audience_are_told_on(api: V4) -> None:
    push = PUSH | {"to": {"alias": ["jane", "june"]}}
    made = api.create(timezone.now() + timedelta(days=1), push=push)
    job = forgetting.start(caller=HOUSE, alias="jane", reason="asked for on paper")
    work_off("long")
    assert made.order["to"] == {"alias": ["jane", "june"]}
    made.refresh_from_db()
    assert made.order == push | {"to": {"alias": [f"erased-{job.uuid.hex[:12]}", "june"]}}
    assert made.deleted_at is None


def test_a_schedule_tells_how_many_its_push_would_reach(api: V4) -> None:
    for number in range(3):
        subscription = Subscription.objects.create(client=api.client, alias="jane")
        for tag in ("a", "b")[:number]:
            SubscriptionTag.objects.create(subscription=subscription, tag=tag)
    made = api.create(timezone.now() + timedelta(days=1), push=PUSH | {"to": {"alias": ["jane"]}})
    of_both = api.create(timezone.now() + timedelta(days=1), push=PUSH | {"to": {"tag_and": ["a", "b"]}})
    letter = api.create(timezone.now() + timedelta(days=1))
    client = client_of("Viewer")
    assert client.get(f"/admin/schedules/schedule/{made.pk}/change/").context["reach"] == "3"
    assert client.get(f"/admin/schedules/schedule/{of_both.pk}/change/").context["reach"] == "1"
    assert client.get(f"/admin/schedules/schedule/{letter.pk}/change/").context["reach"] == ""


def test_a_push_is_forgotten_with_the_last_of_its_messages(message: Message, settings: pytest.FixtureRequest) -> None:
    settings.HAMMY_RETENTION_DAYS = 30  # type: ignore[attr-defined]
    Push.objects.update(created_at=timezone.now() - timedelta(days=40))
    maintenance.clean()
    assert Push.objects.count() == 1
    close(message, Status.CANCELLED, days=31)
    Job.objects.update(status=JobStatus.FINISHED, finished_at=timezone.now())
    maintenance.clean()
    assert (Message.objects.count(), Push.objects.count()) == (0, 0)


def test_a_push_stays_while_its_job_is_open(message: Message) -> None:
    Message.objects.all().delete()
    assert pushing.prune(before=timezone.now() + timedelta(seconds=1)) == 0
    assert Push.objects.count() == 1
