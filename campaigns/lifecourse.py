"""Derived states brought up to date (contract job_v1, ``LifeCourseStatusUpdaterJob``)."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from campaigns import closing, files
from campaigns.models import InvalidLine
from gateway.caller import Caller
from jobs.models import Job
from sending import maintenance, services
from sending.letter import Letter
from sending.models import Message
from sending.states import HeldFor, Status

JOB_CLASS = "hu.dbx.hammy.processor.lifecourse.LifeCourseStatusUpdaterJob"
_LONG = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """How many campaigns were closed, letters withdrawn because their time was over, and people reminded of letters
    that somebody holds."""

    closed: int
    withdrawn: int
    reminded: int


def update() -> Updated:
    """Close campaigns whose last run is over, withdraw letters that expired, remind of those that are held, and forget
    what imports could not take once their jobs are forgotten, and their files when these may go."""
    files.prune()
    InvalidLine.objects.filter(~Exists(Job.objects.filter(pk=OuterRef("job_id")))).delete()
    return Updated(closed=closing.follow_all(), withdrawn=maintenance.withdraw_expired(), reminded=remind_of_held())


def remind_of_held() -> int:
    """Tell HAMMY_REPORT_RECIPIENTS once a day of letters that a person has held for longer than a day; how many people
    were told."""
    held = Message.objects.filter(status=Status.HELD, held_for=HeldFor.PERSON, updated_at__lt=timezone.now() - _LONG)
    request_id = f"held-letters-{timezone.localdate()}"
    told = Message.objects.filter(client=None, request_id__startswith=request_id)
    if not settings.HAMMY_REPORT_RECIPIENTS or told.exists() or not (count := held.count()):
        return 0
    letters = [
        Letter(
            request_id=f"{request_id}-{number}",
            recipient_name=address,
            recipient_email_address=address,
            mail_subject=f"Hammy: {count} letters are held",
            mail_body=f"{count} letters have been held for more than a day, and wait to be released or cancelled:\n"
            f"{settings.HAMMY_PUBLIC_URL}/admin/sending/message/?status=HELD\n",
        )
        for number, address in enumerate(settings.HAMMY_REPORT_RECIPIENTS)
    ]
    results = services.submit_many(caller=Caller.house("lifeCourse"), letters=letters)
    return sum(isinstance(result, services.Accepted) for result in results)
