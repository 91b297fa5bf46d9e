"""What the console tells of a campaign that has not begun, or whose job is run again: everywhere the same."""

from typing import Any

import pytest
from django.utils import timezone

from campaigns import making, running, services
from campaigns.admin import progress
from campaigns.admin.progress import Progress
from campaigns.models import Campaign, SkippedRecipient
from gateway.caller import Caller
from jobs import queue
from jobs import services as job_services
from jobs.models import Job
from jobs.registry import JobFailed
from jobs.states import Status
from sending import services as letters
from sending.models import Message
from tests.campaigns.console import CAMPAIGNS, notices, offered, operate, sent
from tests.campaigns.factories import make_campaign, make_group
from tests.console import client_of, plain_pages  # noqa: F401
from tests.jobs.conftest import work

pytestmark = pytest.mark.django_db
HOUSE = Caller.house("anna")


@pytest.fixture
def campaign() -> Campaign:
    """One leg to four, of whom the last has no e-mail address."""
    group = make_group(HOUSE, size=4)
    group.recipients.filter(name="Person 4").update(email_address="", postal_address="1 Fő utca")
    return make_campaign(HOUSE, group)


def page(campaign: Campaign) -> Any:
    return client_of("Operator").get(f"{CAMPAIGNS}{campaign.pk}/change/")


def question(campaign: Campaign, verb: str) -> str:
    content: str = client_of("Operator").get(f"{CAMPAIGNS}{campaign.pk}/operate/{verb}/").content.decode()
    return content


def how_far(campaign: Campaign) -> Progress | None:
    return progress.of_campaigns([campaign.pk]).get(campaign.pk)


def end(count: int) -> None:
    """So many letters, the first of those that wait, went out."""
    first = list(Message.objects.filter(status="ACCEPTED").order_by("id").values_list("id", flat=True)[:count])
    Message.objects.filter(pk__in=first).update(status="SENT", closed_at=timezone.now(), due_at=None)


def run_again(job: Job) -> None:
    job_services.set_status(caller=HOUSE, ids=[job.pk], status=Status.NEW)


def cancelled_after(campaign: Campaign, *, out: int) -> Job:
    """Cancelled when so many of its letters were out; its job."""
    sent(campaign)
    end(out)
    services.cancel(caller=HOUSE, uuid=campaign.uuid)
    return Job.objects.get(job_class=running.JOB_CLASS)


def left_out(campaign: Campaign) -> tuple[int, int]:
    """How many the page of those left out counts, and how many lines its file has."""
    client, address = client_of("Operator"), f"{CAMPAIGNS}{campaign.pk}/left-out/"
    file: Any = client.get(f"{address}download/")
    lines = b"".join(file.streaming_content).decode().splitlines()
    return client.get(address).context["total"], len(lines) - 1


def test_one_whose_job_has_not_begun_is_paused_and_cancelled_and_not_started(campaign: Campaign) -> None:
    services.start(caller=HOUSE, uuid=campaign.uuid)

    assert offered(page(campaign)) == ["Pause", "Cancel"]
    assert how_far(campaign) is None
    assert "Its job has not begun: nothing is out yet." in question(campaign, "cancel")
    assert notices(operate(client_of("Operator"), campaign, "cancel")) == [
        "Cancelled. Out already: 0. Withdrawn: 0."
    ]  # fmt: skip
    work()
    assert not Message.objects.exists()


def test_one_whose_jobs_somebody_ended_is_paused_while_letters_wait(campaign: Campaign) -> None:
    sent(campaign)
    Job.objects.open().update(status="FINISHED", finished_at=timezone.now())

    assert offered(page(campaign)) == ["Pause", "Cancel"]
    operate(client_of("Operator"), campaign, "pause")
    work()
    assert offered(page(campaign)) == ["Resume", "Cancel"]
    assert set(Message.objects.values_list("status", "held_for")) == {("HELD", "PAUSE")}
    assert notices(operate(client_of("Operator"), campaign, "cancel")) == ["Cancelled. Out already: 0. Withdrawn: 3."]
    assert offered(page(campaign)) == ["Start"]


def test_started_anew_it_tells_nothing_of_the_start_before(campaign: Campaign) -> None:
    sent(campaign)
    end(3)
    Job.objects.open().update(status="FINISHED", finished_at=timezone.now())
    before = how_far(campaign)
    services.start(caller=HOUSE, uuid=campaign.uuid)
    waiting = (how_far(campaign), "Its job has not begun: nothing is out yet." in question(campaign, "cancel"))
    work()

    assert (before, waiting) == (Progress(done=4, total=4), (None, True))
    assert how_far(campaign) == Progress(done=1, total=4)
    for verb in ("pause", "cancel"):
        assert "Out by now: 0 of 4." in question(campaign, verb)
    assert notices(operate(client_of("Operator"), campaign, "cancel")) == ["Cancelled. Out already: 0. Withdrawn: 3."]


def test_run_again_its_recipients_are_counted_once_everywhere(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_FIRST_PORTION", 1)
    with monkeypatch.context() as patched:
        patched.setattr(making, "_make", _broken_behind_the_first(making._make))
        sent(campaign)
    end(1)
    queue.settle(Job.objects.filter(job_class=running.LEG_CLASS).values_list("id", flat=True))
    job = Job.objects.get(job_class=running.JOB_CLASS)
    failed = (job.status, how_far(campaign))
    run_again(job)
    waiting = how_far(campaign)
    work()

    assert (failed, waiting) == (("FAILED", Progress(done=4, total=4)), Progress(done=1, total=4))
    (leg,) = page(campaign).context["legs"]
    assert (len(leg["report"].runs), leg["report"].recipients, leg["report"].skipped, leg["report"].made) == (
        2,
        4,
        1,
        3,
    )
    assert how_far(campaign) == Progress(done=2, total=4)
    assert left_out(campaign) == (1, 1)
    assert "Out by now: 1 of 4." in question(campaign, "cancel")
    Job.objects.open().filter(job_class=running.LEG_CLASS).update(completed=1)
    assert how_far(campaign) == Progress(done=3, total=4)
    assert notices(operate(client_of("Operator"), campaign, "cancel")) == ["Cancelled. Out already: 1. Withdrawn: 2."]


def _broken_behind_the_first(make: Any) -> Any:
    def broken(*arguments: Any, before: int) -> None:
        if before:
            raise JobFailed("broken")
        make(*arguments, before=before)

    return broken


def test_of_those_left_out_in_both_runs_of_a_job_each_is_told_once(campaign: Campaign) -> None:
    run_again(cancelled_after(campaign, out=1))
    work()

    assert (left_out(campaign), SkippedRecipient.objects.count()) == ((1, 1), 2)


def test_cancelled_again_nothing_that_was_withdrawn_before_is_withdrawn_now(campaign: Campaign) -> None:
    run_again(cancelled_after(campaign, out=1))

    assert notices(operate(client_of("Operator"), campaign, "cancel")) == ["Cancelled. Out already: 1. Withdrawn: 0."]


def test_who_was_withdrawn_by_hand_is_not_withdrawn_by_the_cancelling(campaign: Campaign) -> None:
    sent(campaign)
    first = Message.objects.order_by("id").values_list("id", flat=True)[0]
    letters.cancel(caller=HOUSE, message_ids=[first], reason="wrong")

    (report,) = services.cancel(caller=HOUSE, uuid=campaign.uuid)

    assert (report.withdrawn, dict(report.statuses)) == (2, {"CANCELLED": 3})
