"""The console's audit trail: who did or read what, in Django's log entries."""

from collections.abc import Iterable
from datetime import timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from gateway.caller import Caller

_LONGEST = 200


def record(request: HttpRequest, subjects: Iterable[Model], words: str) -> None:
    """One entry for each subject. ``words`` stay English, so that a trail by people of several tongues can be
    searched; the page translates the verb before the colon."""
    who = user_id(request)
    entries = [
        LogEntry(
            user_id=who,
            content_type=ContentType.objects.get_for_model(subject, for_concrete_model=False),
            object_id=subject.pk,
            # The trail outlives persons' data: what is called by theirs is called otherwise there.
            object_repr=str(getattr(subject, "name_in_trail", subject))[:_LONGEST],
            action_flag=CHANGE,
            change_message=words,
        )
        for subject in subjects
    ]
    LogEntry.objects.bulk_create(entries)


def is_recorded(request: HttpRequest, subject: Model, words: str, *, within: timedelta) -> bool:
    """Whether the same person did the same so lately: what belongs to one page is recorded with that."""
    entries = LogEntry.objects.filter(
        user_id=user_id(request),
        content_type=ContentType.objects.get_for_model(subject),
        object_id=str(subject.pk),
        change_message=words,
        action_time__gte=timezone.now() - within,
    )
    return entries.exists()


def user_id(request: HttpRequest) -> int:
    """The key of who is logged in; admin views let nobody else through."""
    if isinstance(request.user, AnonymousUser):
        raise TypeError("an admin view was reached without a login")
    return int(request.user.pk)


def caller(request: HttpRequest) -> Caller:
    """The person at the console, as the services take them."""
    return Caller.house(request.user.get_username())
