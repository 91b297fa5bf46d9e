"""What the console's first page tells of notifications."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hammy_project import notification_figures
from notifications.models import Target
from notifications.states import Status
from tests.console import client_of, plain_pages  # noqa: F401
from tests.factories import make_user
from tests.notifications.console import DELIVERIES, REGISTRATIONS, TARGETS, make_delivery, make_place, make_registration

pytestmark = pytest.mark.django_db


def test_the_last_days_deliveries_are_counted_by_day_and_outcome() -> None:
    target = make_place()
    noon = timezone.localtime().replace(hour=12)
    for status, days in (("PENDING", 0), ("DELIVERED", 0), ("DELIVERED", 1), ("FAILED", 6), ("MISSED", 7)):
        make_delivery(target, status=status, created_at=noon - timedelta(days=days))
    figures = notification_figures.measure()
    assert figures["days"] == [noon.date() - timedelta(days=days) for days in range(6, -1, -1)]
    assert figures["counts"] == {
        "PENDING": [0, 0, 0, 0, 0, 0, 1],
        "DELIVERED": [0, 0, 0, 0, 0, 1, 1],
        "FAILED": [1, 0, 0, 0, 0, 0, 0],
        "MISSED": [0, 0, 0, 0, 0, 0, 0],
        "DROPPED": [0, 0, 0, 0, 0, 0, 0],
    }
    assert figures["is_cut"] is False


def test_the_page_draws_them_and_leads_to_the_lists() -> None:
    registration = make_registration()
    make_delivery(registration.target, status=Status.FAILED)
    Target.objects.update(disabled_at=timezone.now(), disabled_for="x")
    make_place(failures=1, failing_since=timezone.now())
    response = client_of("Viewer").get("/admin/")
    page = response.content.decode()
    for words in (
        "Notifications a day by outcome",
        f"{DELIVERIES}?status=FAILED",
        f'href="{REGISTRATIONS}?health=disabled">1 registration: Disabled',
        f'href="{TARGETS}?health=failing">1 place called back: Failing',
    ):
        assert words in page
    assert "Paused" not in page


def test_counting_stops_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification_figures, "COUNTED", 2)
    target = make_place()
    for _ in range(4):
        make_delivery(target)
    figures = notification_figures.measure()
    assert (sum(figures["counts"]["PENDING"]), figures["is_cut"]) == (2, True)
    assert "Only the newest notifications are counted." in client_of("Viewer").get("/admin/").content.decode()


def test_the_figures_are_looked_for_once_for_many_visitors() -> None:
    make_delivery(make_registration().target)
    client = client_of("Viewer")
    client.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/")
    assert not [query for query in queries if "notifications_" in query["sql"]]


def test_each_sees_what_each_may_see() -> None:
    registration = make_registration()
    make_delivery(registration.target)
    Target.objects.update(paused_at=timezone.now(), paused_by="x")
    user = make_user(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_delivery"))
    client = client_of()
    client.force_login(user)
    page = client.get("/admin/").content.decode()
    assert "Notifications a day by outcome" in page
    assert "1 registration" not in page
    assert "messages accepted" not in page
    assert "Notifications a day by outcome" not in client_of("Template editor").get("/admin/").content.decode()
