"""The console as a whole: who finds which pages, in which language, and what the overview counts."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from hammy_project import dashboard, urls
from sending.models import Lane, Message
from tests.console import client_of, plain_pages  # noqa: F401
from tests.factories import PASSWORD, make_caller, make_user
from tests.sending.console import MESSAGES
from tests.sending.factories import submitted

pytestmark = pytest.mark.django_db

_LOOKED_AT = {
    *("message", "uncertainmessage", "template", "templateversion", "lane", "dispatcher", "dmsdocument", "suppression"),
    *("bulkresult", "job", "trigger", "triggerfiring", "printbatch", "printitem"),
    *("registration", "target", "delivery"),
    *("push", "subscription", "vapidkey"),
    *("schedule", "firing"),
    *("campaign", "recipientgroup"),
}
PAGES = {
    "Viewer": _LOOKED_AT,
    "Operator": _LOOKED_AT | {"recipient"},
    "Template editor": {"template", "templateversion", "campaign", "recipientgroup", "recipient"},
}
# The addresses bring the pages with them.
assert urls.urlpatterns
EVERY_PAGE = sorted(
    f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry
)


def test_the_groups_hold_exactly_their_permissions() -> None:
    held = {
        group.name: sorted(f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.all())
        for group in Group.objects.prefetch_related("permissions__content_type")
    }
    views = [
        f"sending.view_{name}"
        for name in (
            *("dispatcher", "dmsdocument", "lane", "message", "messageevent", "printbatch", "printitem"),
            *("push", "subscription", "suppression", "template", "templateversion", "vapidkey"),
        )
    ]
    views += [
        f"jobs.view_{name}" for name in ("job", "jobevent", "joblogline", "recurrence", "trigger", "triggerfiring")
    ]
    views += [f"notifications.view_{name}" for name in ("registration", "target", "delivery")]
    views += [f"schedules.view_{name}" for name in ("schedule", "firing")]
    views += [f"campaigns.view_{name}" for name in ("campaign", "campaignpart", "legrun", "recipientgroup")]
    assert held["Viewer"] == sorted(views)
    people = [f"campaigns.view_{name}" for name in ("invalidline", "recipient", "skippedrecipient")]
    operates = [
        *people,
        "campaigns.operate_campaign",
        "jobs.operate_job",
        "notifications.operate_target",
        "schedules.operate_schedule",
        *(f"sending.{name}_suppression" for name in ("add", "delete")),
        *("sending.add_push", "sending.delete_subscription"),
    ]
    operates += ["sending.operate_message", "sending.read_content"]
    assert held["Operator"] == sorted([*views, *operates])
    assert held["Template editor"] == [
        *sorted(
            [
                *people,
                *(f"campaigns.view_{name}" for name in ("campaign", "campaignpart", "legrun", "recipientgroup")),
                *(
                    f"campaigns.{verb}_{name}"
                    for verb in ("add", "change", "delete")
                    for name in ("campaign", "recipient", "recipientgroup")
                ),
            ]
        ),
        "sending.add_template",
        "sending.add_templateversion",
        "sending.change_template",
        "sending.change_templateversion",
        "sending.delete_templateversion",
        "sending.view_template",
        "sending.view_templateversion",
    ]
    assert set(held["Administrator"]) > {
        *held["Operator"],
        *held["Template editor"],
        "gateway.change_apiclient",
        "jobs.change_trigger",
        "notifications.add_registration",
        "notifications.delete_registration",
        "sending.erase_person",
        "sending.add_vapidkey",
        "auth.add_user",
    }
    assert not {"admin.change_logentry", "admin.delete_logentry"} & set(held["Administrator"])
    assert sorted(held) == ["Administrator", "Operator", "Template editor", "Viewer"]


@pytest.mark.parametrize("group", [*PAGES, ""])
def test_s33_each_group_reaches_its_own_pages_alone(group: str) -> None:
    client = client_of(group)
    reached = {name.split("_")[-2] for name in EVERY_PAGE if client.get(reverse(name)).status_code == 200}
    assert reached == PAGES.get(group, set())


@pytest.mark.parametrize("language", ["hu", "en"])
def test_an_administrator_reaches_every_page_in_either_language(language: str) -> None:
    submitted()
    client = client_of("Administrator")
    client.post("/i18n/setlang/", {"language": language, "next": "/admin/"})
    for name in EVERY_PAGE:
        response = client.get(reverse(name))
        assert (name, response.status_code) == (name, 200)
        assert f'<html lang="{language}"' in response.content.decode()


def test_nobody_comes_in_without_a_login() -> None:
    for name in EVERY_PAGE:
        response = Client().get(reverse(name))
        assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/admin/login/")
    client = Client()
    client.force_login(make_user())
    assert client.get(MESSAGES).status_code == 302


def test_s33_a_login_leads_to_no_other_site_and_begins_a_fresh_session() -> None:
    user = make_user(is_staff=True)
    client = Client()
    client.get("/admin/login/")
    client.session["before"] = "login"
    session = client.session
    session.save()
    client.cookies["sessionid"] = session.session_key
    response = client.post(
        "/admin/login/?next=https://evil.example/",
        {"username": user.username, "password": PASSWORD, "next": "https://evil.example/"},
    )
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert client.session.session_key != session.session_key


def test_the_console_speaks_hungarian_by_itself_and_english_on_request(settings) -> None:
    settings.LANGUAGE_CODE = "hu"
    submitted()
    client = client_of("Viewer")
    page = client.get(MESSAGES).content.decode()
    for word in ("Áttekintés", "Üzenetek", "Kétséges", "Várakozik", "Szűrők", "Címzett"):
        assert word in page or word == "Címzett"
    page = client.get(MESSAGES, headers={"Accept-Language": "en"}).content.decode()
    for word in ("Overview", "Messages", "In doubt", "Waiting", "Filters"):
        assert word in page


def test_the_menu_holds_only_what_one_may_see() -> None:
    page = client_of("Template editor").get("/admin/").content.decode()
    assert reverse("admin:sending_template_changelist") in page
    for name in ("sending_message_changelist", "auth_user_changelist", "admin_logentry_changelist"):
        assert reverse(f"admin:{name}") not in page
    assert "Choose a page from the menu." in page


def test_the_overview_counts_by_status_day_and_hour() -> None:
    caller = make_caller()
    now = timezone.localtime()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ages = [timedelta(days=8), timedelta(days=3), timedelta(days=2), now - midnight, timedelta(0)]
    messages = [submitted(caller) for _ in ages]
    for message, age in zip(messages, ages, strict=True):
        Message.objects.filter(pk=message.pk).update(created_at=now - age, due_at=now - age)
    Message.objects.filter(pk=messages[1].pk).update(status="SENT", closed_at=now, due_at=None)
    Message.objects.filter(pk=messages[0].pk).update(status="UNCERTAIN", closed_at=now, due_at=None)
    figures = dashboard.measure()
    assert (figures["today"], figures["week"]) == ({"ACCEPTED": 2}, {"ACCEPTED": 3, "SENT": 1})
    assert (figures["uncertain"], figures["oldest_due"]) == (1, now - ages[2])
    assert (figures["is_today_cut"], figures["is_week_cut"]) == (False, False)
    assert len(figures["hours"]) == 24
    assert sum(count for _hour, count in figures["hours"]) == 2
    assert figures["hours"][-1][0] == now.replace(minute=0, second=0, microsecond=0)
    page = client_of("Viewer").get("/admin/").content.decode()
    assert "messages accepted" in page
    assert 'data-type="bar"' in page


def test_the_overview_says_that_nothing_is_due_where_letters_wait_for_their_time() -> None:
    message = submitted()
    Message.objects.filter(pk=message.pk).update(due_at=timezone.now() + timedelta(hours=1))
    page = client_of("Viewer").get("/admin/").content.decode()
    assert ("Nothing is due." in page, "Nothing is waiting." in page) == (True, False)


def test_the_overview_says_when_it_stopped_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "COUNTED", 2)
    caller = make_caller()
    for _ in range(3):
        submitted(caller)
    figures = dashboard.measure()
    assert (figures["week"], figures["is_week_cut"], figures["is_today_cut"]) == ({"ACCEPTED": 2}, True, True)


def test_the_overview_is_counted_once_for_many_visitors() -> None:
    client = client_of("Viewer")
    client.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/")
    assert not [query for query in queries if "GROUP BY" in query["sql"]]
    cache.clear()


def test_the_overview_names_lanes_that_rest() -> None:
    Lane.objects.create(channel="EMAIL", paused_until=timezone.now() + timedelta(hours=1), reason="421 <slow>")
    page = client_of("Viewer").get("/admin/").content.decode()
    assert "421 &lt;slow&gt;" in page


def test_the_audit_trail_is_looked_at_and_never_written() -> None:
    message = submitted()
    assert client_of("Operator").get(f"{MESSAGES}{message.pk}/letter/").status_code == 200
    client = client_of("Administrator")
    page = client.get("/admin/admin/logentry/").content.decode()
    assert "read: letter" in page
    entry = LogEntry.objects.get()
    assert client.post(f"/admin/admin/logentry/{entry.pk}/change/", {"change_message": "x"}).status_code == 403
    assert client.post(f"/admin/admin/logentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/admin/logentry/add/").status_code == 403
    assert LogEntry.objects.get().change_message == "read: letter"
    history = client.get(f"{MESSAGES}{message.pk}/history/").content.decode()
    assert "read: letter" in history


@pytest.mark.parametrize(
    "address",
    [
        "auth/user/add/",
        "auth/group/add/",
        "django_celery_beat/periodictask/add/",
        "django_celery_beat/crontabschedule/add/",
        "gateway/apiclient/add/",
    ],
)
def test_the_packages_own_pages_open(address: str) -> None:
    assert client_of("Administrator").get(f"/admin/{address}").status_code == 200
