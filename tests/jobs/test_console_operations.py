"""What operators do to jobs: asked why, all of it or nothing, and kept."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from jobs import queue
from jobs.models import Job, JobEvent
from jobs.states import BY_HAND, Status
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.jobs.console import JOBS, operate, submitted

pytestmark = pytest.mark.django_db


def _in(status: str) -> Job:
    job = submitted()
    now = timezone.now()
    finished_at = now if status in ("FINISHED", "FAILED", "CANCELLED") else None
    Job.objects.filter(pk=job.pk).update(status=status, started_at=now, finished_at=finished_at)
    job.refresh_from_db()
    return job


CASES = [
    ("cancel", "NEW", "CANCELLED", "kérte az ügyfél"),
    ("cancel", "RUNNING", "CANCELLED", "kérte az ügyfél"),
    ("again", "FAILED", "NEW", "kérte az ügyfél"),
    ("again", "CANCELLED", "NEW", "kérte az ügyfél"),
    ("finish", "RUNNING", "FINISHED", "closed by hand: kérte az ügyfél"),
    ("finish", "FAILED", "FINISHED", "closed by hand: kérte az ügyfél"),
    ("fail", "RUNNING", "FAILED", "closed by hand: kérte az ügyfél"),
]
EVENTS = {"CANCELLED": "CANCELLED", "NEW": "RETRIED", "FINISHED": "FINISHED", "FAILED": "FAILED"}


def test_the_cases_are_all_that_the_contract_allows() -> None:
    allowed = {(before.value, after.value) for after, sources in BY_HAND.items() for before in sources}
    assert {(before, after) for _verb, before, after, _reason in CASES} == allowed


@pytest.mark.parametrize(("verb", "before", "after", "kept"), CASES)
def test_an_operation_asks_and_then_moves_with_the_reason(verb: str, before: str, after: str, kept: str) -> None:
    job = _in(before)
    client = client_of("Operator")
    assert "Reason" in client.get(f"{JOBS}operate/{verb}/?ids={job.pk}").content.decode()
    assert "the reason is kept" in operate(client, verb, job, reason="").content.decode()
    job.refresh_from_db()
    assert (job.status, trail(), job.events.count()) == (before, [], 1)
    response = operate(client, verb, job, reason="kérte az ügyfél")
    assert (response.status_code, response["Location"]) == (302, f"{JOBS}{job.pk}/change/")
    job.refresh_from_db()
    event = JobEvent.objects.filter(job=job).latest("id")
    assert (job.status, job.reason) == (after, kept)
    assert (event.name, event.reason, event.actor) == (EVENTS[after], kept, User.objects.get().username)
    assert trail() == [(str(job.pk), f"{verb}: kérte az ügyfél")]


@pytest.mark.parametrize(("verb", "before"), [case[:2] for case in CASES])
def test_s33_who_may_only_look_moves_nothing(verb: str, before: str) -> None:
    job = _in(before)
    for client in (client_of("Viewer"), client_of("Template editor"), client_of()):
        assert client.get(f"{JOBS}operate/{verb}/?ids={job.pk}").status_code == 403
        assert operate(client, verb, job).status_code == 403
    job.refresh_from_db()
    assert (job.status, job.events.count(), trail()) == (before, 1, [])


def test_s33_a_post_from_elsewhere_moves_nothing() -> None:
    job = submitted()
    assert operate(client_of("Operator", enforce_csrf_checks=True), "cancel", job).status_code == 403
    job.refresh_from_db()
    assert job.status == "NEW"


def test_cancelling_takes_the_whole_tree_along() -> None:
    root = submitted()
    queue.claim(queue="quick", worker="host:7", size=1)
    root.refresh_from_db()
    child = submitted(parent=root)
    operate(client_of("Operator"), "cancel", root)
    assert list(Job.objects.order_by("id").values_list("id", "status")) == [
        (root.pk, "CANCELLED"),
        (child.pk, "CANCELLED"),
    ]


def test_one_job_that_cannot_move_keeps_all_and_is_named() -> None:
    good, done = submitted(), _in("FINISHED")
    response = operate(client_of("Operator"), "cancel", good, done)
    assert response.status_code == 409
    assert f"cannot become CANCELLED: job {done.pk} is FINISHED" in response.content.decode()
    good.refresh_from_db()
    assert (good.status, good.events.count(), trail()) == ("NEW", 1, [])


def test_the_lists_action_asks_about_the_ticked_ones_and_finds_its_way_back() -> None:
    one, other = submitted(), submitted()
    client = client_of("Operator")
    page = client.post(f"{JOBS}?status=NEW", {"action": "cancel", "_selected_action": [one.pk, other.pk]})
    question = page.context["question"]
    assert [subject.pk for subject in question.subjects] == [one.pk, other.pk]
    response = operate(client, "cancel", one, other, back=dict(question.hidden)["back"])
    assert response["Location"] == f"{JOBS}?status=NEW"
    assert set(Job.objects.values_list("status", flat=True)) == {"CANCELLED"}


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "admin:logout", "jobs_job_changelist/../x"]
)
def test_s33_the_way_back_never_leaves_the_console(back: str) -> None:
    job = submitted()
    assert operate(client_of("Operator"), "cancel", job, back=back)["Location"] == f"{JOBS}{job.pk}/change/"


def test_a_viewer_is_offered_nothing() -> None:
    job = submitted()
    client = client_of("Viewer")
    assert 'name="action"' not in client.get(JOBS).content.decode()
    for address in (f"{job.pk}/change/", f"{job.pk}/live/"):
        assert "operate/" not in client.get(f"{JOBS}{address}").content.decode()


def test_more_than_a_transactions_worth_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.admin.jobs.JobAdmin.most_at_once", 2)
    jobs = [submitted() for _ in range(3)]
    client = client_of("Operator")
    assert client.post(JOBS, {"action": "cancel", "_selected_action": [job.pk for job in jobs]}).status_code == 302
    assert operate(client, "cancel", *jobs).status_code == 404
    assert set(Job.objects.values_list("status", flat=True)) == {"NEW"}


@pytest.mark.parametrize(
    "address", ["nonsense/?ids=1", "cancel/", "cancel/?ids=abc", "cancel/?ids=99999999999999999999", "cancel/?ids=4242"]
)
def test_an_operation_on_nothing_is_not_found(address: str) -> None:
    assert client_of("Operator").get(f"{JOBS}operate/{address}").status_code == 404


def test_the_page_of_a_job_offers_what_its_status_allows() -> None:
    offered = {
        "NEW": ["cancel"],
        "RUNNING": ["cancel", "finish", "fail"],
        "FINISHED": [],
        "FAILED": ["again", "finish"],
        "CANCELLED": ["again"],
    }
    assert set(offered) == {status.value for status in Status}
    client = client_of("Operator")
    for status, verbs in offered.items():
        job = _in(status)
        links = client.get(f"{JOBS}{job.pk}/change/").context["offered"]
        assert [link["path"] for link in links] == [f"{JOBS}operate/{verb}/?ids={job.pk}" for verb in verbs]
