"""The console's audit trail: who did or read what, in Django's log entries."""

from collections.abc import Iterable

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.http import HttpRequest

from gateway.caller import Caller


def record(request: HttpRequest, subjects: Iterable[Model], words: str) -> None:
    """One entry for each subject. ``words`` stay English, so that a trail by people of several tongues can be
    searched; the page translates the verb before the colon."""
    LogEntry.objects.log_actions(
        user_id=user_id(request), queryset=list(subjects), action_flag=CHANGE, change_message=words
    )


def user_id(request: HttpRequest) -> int:
    """The key of who is logged in; admin views let nobody else through."""
    if isinstance(request.user, AnonymousUser):
        raise TypeError("an admin view was reached without a login")
    return int(request.user.pk)


def caller(request: HttpRequest) -> Caller:
    """The person at the console, as the services take them."""
    return Caller.house(request.user.get_username())
