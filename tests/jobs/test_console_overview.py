"""What the console's first page tells of jobs."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hammy_project import job_figures
from jobs import queue
from jobs.models import Job
from jobs.states import Status
from tests.console import client_of, plain_pages  # noqa: F401
from tests.factories import make_user
from tests.jobs.console import submitted

pytestmark = pytest.mark.django_db


def test_the_depths_of_each_queue_are_told() -> None:
    waiting, running = submitted(), submitted()
    queue.claim(queue="quick", worker="host:7", size=2)
    Job.objects.filter(pk=waiting.pk).update(**queue.LET_GO)
    for _ in range(3):
        submitted()
    later = submitted()
    Job.objects.filter(pk=later.pk).update(due_at=timezone.now() + timedelta(hours=1))
    submitted("tests.Count", params=[("STEPS", "1")])
    assert Job.objects.get(pk=running.pk).claim is not None
    assert job_figures.measure()["depths"] == {"quick": (3, 1, 1, 1), "long": (1, 0, 0, 0)}


def test_the_last_days_jobs_are_counted_by_hour_and_status() -> None:
    now = timezone.localtime()
    hour = now.replace(minute=0, second=0, microsecond=0)
    made = [submitted().pk for _ in range(4)]
    for pk, moment in zip(made, [hour, hour, hour - timedelta(hours=1), hour - timedelta(hours=24)], strict=True):
        Job.objects.filter(pk=pk).update(created_at=moment)
    queue.move(Job.objects.filter(pk=made[1]), Status.CANCELLED)
    figures = job_figures.measure()
    assert len(figures["hours"]) == 24
    assert figures["hours"][-1] == hour
    last = {status: counts[-2:] for status, counts in figures["counts"].items()}
    assert last == {"NEW": [1, 1], "CANCELLED": [0, 1], "RUNNING": [0, 0], "FINISHED": [0, 0], "FAILED": [0, 0]}
    assert sum(sum(counts) for counts in figures["counts"].values()) == 3
    assert figures["is_cut"] is False


def test_counting_stops_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_figures, "COUNTED", 2)
    for _ in range(4):
        submitted()
    figures = job_figures.measure()
    assert figures["depths"]["quick"] == (3, 0, 0, 0)
    assert (sum(figures["counts"]["NEW"]), figures["is_cut"]) == (2, True)
    page = client_of("Viewer").get("/admin/").content.decode()
    assert "2+" in page
    assert "Only the newest jobs are counted." in page


def test_the_figures_are_looked_for_once_for_many_visitors() -> None:
    client = client_of("Viewer")
    assert "Quick jobs" in client.get("/admin/").content.decode()
    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/")
    assert not [query for query in queries if "jobs_job" in query["sql"]]


def test_who_may_see_jobs_alone_is_told_of_jobs_alone() -> None:
    user = make_user(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_job"))
    client = client_of()
    client.force_login(user)
    page = client.get("/admin/").content.decode()
    assert "Quick jobs" in page
    assert "messages accepted" not in page
    assert "Quick jobs" not in client_of("Template editor").get("/admin/").content.decode()
