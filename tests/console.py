"""What the console's tests share: people in their groups, and the trail they leave."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from tests.factories import make_user


@pytest.fixture(autouse=True)
def plain_pages(settings: Any) -> None:
    """Pages in English, without anyone having collected the static files."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.LANGUAGE_CODE = "en"


def client_of(*groups: str, **options: Any) -> Client:
    """A browser logged in as somebody of these groups."""
    user = make_user(is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    client = Client(**options)
    client.force_login(user)
    return client


def trail() -> list[tuple[str, str]]:
    """What the audit trail holds, in order: the subject's id and the words."""
    return list(LogEntry.objects.order_by("id").values_list("object_id", "change_message"))
