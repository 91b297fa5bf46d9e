"""Derived states, every five minutes."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns import closing, lifecourse, services
from campaigns.models import InvalidLine, Recipient
from gateway.caller import Caller
from jobs.models import Job, Recurrence
from sending import forgetting, persons
from sending import services as letters
from sending.models import Message
from tests.campaigns.factories import make_campaign, make_group
from tests.jobs.conftest import work
from tests.sending.factories import submitted

pytestmark = pytest.mark.django_db


def test_it_runs_every_five_minutes_from_the_first_day() -> None:
    recurrence = Recurrence.objects.get(trigger__name="lifeCourse")

    interval = recurrence.periodic_task.interval

    assert (interval.every, interval.period, recurrence.trigger.job_class) == (5, "minutes", lifecourse.JOB_CLASS)


def test_a_campaign_that_is_sent_to_its_end_is_closed(caller: Caller) -> None:
    campaign = make_campaign(caller, make_group(caller, size=1))
    services.start(caller=caller, uuid=campaign.uuid)
    work()
    before = closing.follow_all()
    letters.cancel(caller=caller, message_ids=[Message.objects.get().pk], reason="wrong")
    work()
    Job.objects.open().update(status="FINISHED", finished_at=timezone.now())

    assert (before, closing.follow_all()) == (0, 1)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.closed_at is not None) == ("CLOSED", True)


def test_people_are_reminded_once_a_day_of_letters_that_somebody_holds(caller: Caller, settings: Any) -> None:
    settings.HAMMY_REPORT_RECIPIENTS = ["ops@example.com"]
    message = submitted(caller)
    letters.hold(caller=caller, message_ids=[message.pk], reason="look at it")
    fresh = lifecourse.remind_of_held()
    Message.objects.filter(pk=message.pk).update(updated_at=timezone.now() - timedelta(days=2))

    assert (fresh, lifecourse.remind_of_held(), lifecourse.remind_of_held()) == (0, 1, 0)
    told = Message.objects.get(recipient_email_address="ops@example.com")
    assert told.subject == "Hammy: 1 letters are held"


def test_lines_of_forgotten_imports_are_forgotten() -> None:
    InvalidLine.objects.create(job_id=4711, line=2, reason="no address", fields=["x"])

    lifecourse.update()

    assert not InvalidLine.objects.exists()


def test_a_person_is_forgotten_as_a_recipient(caller: Caller) -> None:
    group = make_group(caller, size=2)
    InvalidLine.objects.create(job_id=1, line=2, reason="x", fields=["PERSON1@example.com", "y"])
    person = persons.named(email_address="person1@example.com")

    assert forgetting.forget_elsewhere(person) == {"recipients": 1, "invalid lines": 1}
    assert [one.email_address for one in Recipient.objects.filter(group=group)] == ["person2@example.com"]
    assert InvalidLine.objects.get().fields == []
