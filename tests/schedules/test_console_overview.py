"""What the console's first page, the metrics and the doctor tell of schedules."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hammy_project import schedule_figures, vital_signs
from hammy_project.doctor import scheduling
from schedules.models import Schedule
from tests.console import client_of, plain_pages  # noqa: F401
from tests.schedules.console import MONTH, SCHEDULES, make_schedules, page_of
from tests.schedules.v4_calls import V4

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> V4:
    return V4()


def ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def test_the_first_page_tells_what_is_due_and_what_comes_next(api: V4) -> None:
    make_schedules(api.client, due_at=ago(120))
    make_schedules(api.client, due_at=ago(5))
    make_schedules(api.client, name="soon", due_at=ago(-60))
    make_schedules(api.client, name="paused", due_at=ago(-60), is_enabled=False)
    make_schedules(api.client, name="later", due_at=ago(-2 * 86400))
    page = " ".join(client_of("Viewer").get("/admin/").content.decode().split())
    for words in (
        f'console-alarm" href="{SCHEDULES}?status=ACTIVE">2</a>',
        "1 of them for more than a minute",
        f'href="{MONTH}">1</a>',
        f'href="{page_of(Schedule.objects.get(name="soon"))}"',
        f'href="{page_of(Schedule.objects.get(name="later"))}"',
    ):
        assert words in page
    assert "paused" not in page


def test_counting_stops_and_says_so(api: V4, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_figures, "COUNTED", 2)
    make_schedules(api.client, 4, due_at=ago(-60))
    assert f'href="{MONTH}">2+</a>' in client_of("Viewer").get("/admin/").content.decode()


def test_the_figures_are_looked_for_once_for_many_visitors(api: V4) -> None:
    make_schedules(api.client)
    client = client_of("Viewer")
    client.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/")
    assert not [query for query in queries if "schedules_" in query["sql"]]
    assert "Schedules due" not in client_of("Template editor").get("/admin/").content.decode()


def test_the_metrics_tell_what_is_due_and_overdue(api: V4) -> None:
    make_schedules(api.client, 2, due_at=ago(120))
    make_schedules(api.client, due_at=ago(5))
    make_schedules(api.client, due_at=ago(-5))
    found = vital_signs.schedules()
    assert (found.due, found.overdue, round(found.seconds)) == (3, 2, 120)
    lines = Client().get("/metrics").content.decode().splitlines()
    assert "hammy_schedules_due 3.0" in lines
    assert "hammy_schedules_overdue 2.0" in lines
    assert [line for line in lines if line.startswith("hammy_schedules_due_oldest_seconds 12")]


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (-10, "ok", "none is overdue"),
        (59, "ok", "none is overdue"),
        (61, "warning", "1 are overdue, the oldest by 61 s: do beat and a worker run?"),
        (901, "failure", "1 are overdue, the oldest by 901 s: nobody fires them: do beat and a worker run?"),
    ],
)
def test_the_doctor_finds_what_nobody_fires(api: V4, seconds: float, level: str, words: str) -> None:
    make_schedules(api.client, due_at=ago(seconds))
    (finding,) = scheduling.overdue()
    assert (finding.level.value, finding.subject, finding.words) == (level, "schedules", words)
