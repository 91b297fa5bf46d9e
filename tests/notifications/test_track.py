"""The link that callbacks carry leads to the job in the console, for whoever may see it, and nowhere else."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from jobs.models import Job
from notifications.models import JobName
from tests.console import client_of, plain_pages  # noqa: F401
from tests.factories import PASSWORD, make_user
from tests.fakes.receiver import Receiver
from tests.notifications.conftest import deliver, end

pytestmark = pytest.mark.django_db
Submit = Callable[..., Job]
NAME = "202602231834184711"


@pytest.fixture
def job(submit: Submit) -> Job:
    """A job with a name."""
    job = submit()
    JobName.objects.create(job_id=job.pk, name=NAME)
    return job


def test_the_link_of_a_callback_leads_to_its_job(submit: Submit, receiver: Receiver, settings: Any) -> None:
    settings.HAMMY_PUBLIC_URL = "http://testserver"
    job = submit(DpfControlCallbackUrl=receiver.url())
    end(job)
    deliver()
    link = json.loads(receiver.heard[0].body)["dpfTrackerUrl"]
    response = client_of("Viewer").get(link)
    assert (response.status_code, response["Location"]) == (302, f"/admin/jobs/job/{job.pk}/change/")


def test_who_is_not_logged_in_is_asked_to_and_then_led_on(job: Job) -> None:
    client = Client()
    response = client.get(f"/track?job={NAME}")
    assert (response.status_code, response["Location"]) == (302, f"/admin/login/?next=/track%3Fjob%3D{NAME}")
    user = make_user(is_staff=True, username="kati")
    user.user_permissions.add(Permission.objects.get(codename="view_job"))
    answer = client.post(response["Location"], {"username": "kati", "password": PASSWORD}, follow=True)
    assert [address for address, _ in answer.redirect_chain] == [
        f"/track?job={NAME}",
        f"/admin/jobs/job/{job.pk}/change/",
    ]


@pytest.mark.parametrize(
    "name",
    ["", "202602231834184712", "x", "1", f"{NAME}0", f"{NAME} ", "²", "9" * 5000, "\x00", f"{NAME}\x00",
     "//evil.example/", "https://evil.example/", "../admin/", "<script>alert(1)</script>"],
)  # fmt: skip
def test_a_name_that_is_no_jobs_is_not_found_and_leads_nowhere(job: Job, name: str) -> None:
    # S33
    response = client_of("Viewer").get("/track", {"job": name, "next": "https://evil.example/"})
    assert (response.status_code, response.has_header("Location")) == (404, False)
    assert "evil" not in response.content.decode()
    assert "<script>alert" not in response.content.decode()


def test_without_a_name_and_after_the_job_is_forgotten_there_is_nothing(job: Job) -> None:
    client = client_of("Viewer")
    assert client.get("/track").status_code == 404
    Job.objects.all().delete()
    assert client.get(f"/track?job={NAME}").status_code == 404


def test_who_may_see_no_jobs_is_not_told_whether_there_is_one(job: Job) -> None:
    user = make_user()
    user.user_permissions.add(Permission.objects.get(codename="view_job"))
    not_staff = Client()
    not_staff.force_login(user)
    for client in (client_of("Template editor"), client_of(), not_staff):
        for name in (NAME, "1"):
            assert client.get(f"/track?job={name}").status_code == 403


def test_it_is_only_looked_at(job: Job) -> None:
    assert client_of("Viewer").post(f"/track?job={NAME}").status_code == 405
