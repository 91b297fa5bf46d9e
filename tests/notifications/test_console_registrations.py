"""The console's registrations: listed with their health, made, deleted, and sent a test."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import services as job_services
from notifications.models import Delivery, Event, Registration, Target
from notifications.states import EventKind, Status
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_caller, make_client
from tests.notifications.console import (
    DELIVERIES,
    NASTY,
    REGISTRATIONS,
    SAFE,
    ids,
    make_delivery,
    make_registration,
    offered,
)

pytestmark = pytest.mark.django_db


def test_the_list_costs_the_same_queries_however_many_rows_it_has() -> None:
    client = client_of("Operator")
    counts = []
    for _ in range(2):
        for _more in range(20):
            make_delivery(make_registration().target)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(REGISTRATIONS).status_code == 200
        counts.append(len(queries))
    # Session, user, permissions of the user and of the groups, badge, count, page, clients.
    assert counts == [8, 8]


def test_the_list_tells_how_each_fares() -> None:
    working, failing, paused, disabled = (
        make_registration(end_point=f"https://{name}.example/") for name in ("works", "fails", "rests", "gone")
    )
    now = timezone.now()
    Target.objects.filter(pk=failing.target_id).update(
        failures=3, failing_since=now, last_failure="answered 503", held_until=now + timedelta(minutes=5)
    )
    make_delivery(failing.target)
    Target.objects.filter(pk=paused.target_id).update(paused_at=now, paused_by="kati")
    Target.objects.filter(pk=disabled.target_id).update(disabled_at=now, disabled_for=f"{NASTY} 410")
    client = client_of("Viewer")
    page = client.get(REGISTRATIONS).content.decode()
    for words in ("Working", "Failing", "Paused", "Disabled", "answered 503", "paused by kati", f"{SAFE} 410"):
        assert words in page
    assert NASTY not in page
    local = timezone.localtime(now + timedelta(minutes=5))
    assert f'{local:%Y-%m-%d}</span> <span class="console-nowrap">{local:%H:%M:%S}' in page
    for health, wanted in (("working", working), ("failing", failing), ("paused", paused), ("disabled", disabled)):
        assert ids(client.get(f"{REGISTRATIONS}?health={health}")) == [wanted.pk]
    assert len(ids(client.get(f"{REGISTRATIONS}?health=nonsense"))) == 4


def test_the_list_is_narrowed_by_client_and_by_a_part_of_the_end_point() -> None:
    one, other = make_registration(), make_registration(end_point="http://other.example:8080/x")
    client = client_of("Viewer")
    assert ids(client.get(f"{REGISTRATIONS}?client={one.client_id}")) == [one.pk]
    assert ids(client.get(REGISTRATIONS, {"q": "OTHER.example"})) == [other.pk]
    assert ids(client.get(REGISTRATIONS, {"q": "\x00"})) == [other.pk, one.pk]
    assert ids(client.get(f"{REGISTRATIONS}?before={other.pk}")) == [one.pk]


def test_the_page_tells_health_settings_and_what_was_told_last() -> None:
    # S33
    registration = make_registration(end_point="hook.example/jobs", format="JSON", method="PUT")
    Target.objects.filter(pk=registration.target_id).update(
        failures=2, failing_since=timezone.now(), last_status=500, last_failure=f"answered {NASTY}"
    )
    delivery = make_delivery(registration.target, status=Status.FAILED, reason=NASTY)
    response = client_of("Viewer").get(f"{REGISTRATIONS}{registration.pk}/change/")
    page = response.content.decode()
    for words in ("hook.example/jobs", "http://hook.example/jobs", "JSON", "PUT", "every job", "Failing", SAFE):
        assert words in page
    assert NASTY not in page
    assert f"{DELIVERIES}{delivery.pk}/change/" in page
    assert f"{DELIVERIES}?target={registration.target_id}" in page
    assert response.context["offered"] == []


def test_the_end_point_is_shown_as_text() -> None:
    # S33
    registration = make_registration()
    Registration.objects.update(end_point=NASTY)
    client = client_of("Operator")
    for address in (REGISTRATIONS, f"{REGISTRATIONS}{registration.pk}/change/"):
        page = client.get(address).content.decode()
        assert (SAFE in page, NASTY in page) == (True, False)


def _form(client_id: int | None, **given: str) -> dict[str, str]:
    return {
        "client": str(client_id), "end_point": "https://hook.example/a", "job": "", "format": "JSON",
        "naming": "UNDERSCORED", "method": "PUT", "reason": "kérte\na partner",
    } | given  # fmt: skip


def test_an_administrator_registers_for_a_client_with_a_reason() -> None:
    caller = make_caller()
    job = job_services.submit(caller=caller, job_class="tests.Nothing")
    client = client_of("Administrator")
    assert f'href="{REGISTRATIONS}add/"' in client.get(REGISTRATIONS).content.decode()
    assert client.get(f"{REGISTRATIONS}add/").status_code == 200
    for job_named in (str(job.pk), str(job.uuid)):
        answer = client.post(f"{REGISTRATIONS}add/", _form(caller.client_id, job=job_named))
        registration = Registration.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"{REGISTRATIONS}{registration.pk}/change/")
        assert (registration.client_id, registration.end_point, registration.job_id) == (
            caller.client_id,
            "https://hook.example/a",
            job.pk,
        )
        assert (registration.format, registration.naming, registration.method) == ("JSON", "UNDERSCORED", "PUT")
        assert trail()[-1] == (str(registration.pk), "register: kérte a partner")
        registration.delete()


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"end_point": "http://127.0.0.1/"}, "end_point", "leads to an address that may not be called"),
        ({"end_point": "http://hook.example:22/"}, "end_point", "the port must be one of"),
        ({"end_point": "ftp://hook.example/"}, "end_point", "must be a URL as https://host/path"),
        ({"end_point": "http://u:p@hook.example/"}, "end_point", "must not hold a user or password"),
        ({"end_point": ""}, "end_point", "This field is required."),
        ({"job": "999999"}, "job", "There is no such job."),
        ({"job": "x"}, "job", "Give a job's number or UUID."),
        ({"format": "YAML"}, "format", "Select a valid choice"),
        ({"method": "DELETE"}, "method", "Select a valid choice"),
        ({"client": "0"}, "client", "Select a valid choice"),
        ({"reason": " "}, "reason", "Say why: the reason is kept."),
    ],
)
def test_each_problem_is_told_at_its_field_and_nothing_is_registered(
    given: dict[str, str], field: str, sentence: str
) -> None:
    answer = client_of("Administrator").post(f"{REGISTRATIONS}add/", _form(make_caller().client_id, **given))
    assert answer.status_code == 409
    assert sentence in answer.context["form"].errors[field][0]
    assert (Registration.objects.count(), Target.objects.count(), trail()) == (0, 0, [])


def test_a_client_without_the_right_and_anothers_job_are_told_at_their_fields() -> None:
    mute, _ = make_client(rights=["send"])
    strange = job_services.submit(caller=make_caller(), job_class="tests.Nothing")
    client = client_of("Administrator")
    answer = client.post(f"{REGISTRATIONS}add/", _form(mute.pk, job=str(strange.pk)))
    assert answer.context["form"].errors == {"client": ["the client lacks the right notifications"]}
    answer = client.post(f"{REGISTRATIONS}add/", _form(make_caller().client_id, job=str(strange.pk)))
    assert answer.context["form"].errors == {"job": [f"job {strange.uuid} not found"]}
    assert (Registration.objects.count(), trail()) == (0, [])


def test_a_registration_is_deleted_through_the_service_after_a_question() -> None:
    registration = make_registration()
    delivery = make_delivery(registration.target)
    client = client_of("Administrator")
    address = f"{REGISTRATIONS}{registration.pk}/delete/"
    assert "This cannot be undone." in client.get(address).content.decode()
    assert "Say why" in client.post(address, {"reason": ""}).content.decode()
    assert Registration.objects.count() == 1
    answer = client.post(address, {"reason": "moved"})
    assert (answer.status_code, answer["Location"]) == (302, REGISTRATIONS)
    assert Registration.objects.count() == 0
    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason) == (Status.DROPPED, "the registration was deleted")
    assert trail() == [(str(registration.pk), "delete: moved")]
    page = client.get(f"/admin/notifications/target/{registration.target_id}/change/").content.decode()
    assert "the registration was deleted by" in page
    assert client.get(address).status_code == 404


def test_a_test_is_sent_and_leads_to_its_delivery() -> None:
    registration = make_registration()
    client = client_of("Operator")
    address = f"{REGISTRATIONS}{registration.pk}/test/"
    assert client.get(address).status_code == 200
    assert Delivery.objects.count() == 0
    answer = client.post(address, {"reason": "does it listen?"})
    delivery = Delivery.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{DELIVERIES}{delivery.pk}/change/")
    assert (delivery.event.kind, delivery.target_id) == (EventKind.TEST, registration.target_id)
    assert trail() == [(str(registration.pk), "test: does it listen?")]


def test_a_disabled_registration_is_sent_no_test() -> None:
    # R33
    registration = make_registration()
    Target.objects.update(disabled_at=timezone.now(), disabled_for="answered 410 Gone")
    answer = client_of("Operator").post(f"{REGISTRATIONS}{registration.pk}/test/", {"reason": "x"})
    assert answer.status_code == 409
    assert "it is disabled" in answer.content.decode()
    assert (Event.objects.count(), trail()) == (0, [])


def test_what_is_offered_follows_health_and_rights() -> None:
    registration = make_registration()
    address = f"{REGISTRATIONS}{registration.pk}/change/"
    assert offered(client_of("Viewer"), address) == []
    assert offered(client_of("Operator"), address) == ["Send a test", "Pause", "Deliver again"]
    assert offered(client_of("Administrator"), address) == ["Send a test", "Pause", "Deliver again", "Delete"]
    Target.objects.update(paused_at=timezone.now(), paused_by="kati")
    assert offered(client_of("Operator"), address) == ["Send a test", "Resume", "Deliver again"]
    Target.objects.update(disabled_at=timezone.now(), disabled_for="x")
    assert offered(client_of("Operator"), address) == ["Enable", "Enable and catch up"]


def test_s33_who_may_only_look_makes_deletes_and_tests_none() -> None:
    registration = make_registration()
    for group in ("Viewer", "Operator", "Template editor", ""):
        client = client_of(group)
        for method in (client.get, client.post):
            assert method(f"{REGISTRATIONS}add/", {"reason": "x"}).status_code == 403
            assert method(f"{REGISTRATIONS}{registration.pk}/delete/", {"reason": "x"}).status_code == 403
    for group in ("Viewer", "Template editor", ""):
        client = client_of(group)
        for method in (client.get, client.post):
            assert method(f"{REGISTRATIONS}{registration.pk}/test/", {"reason": "x"}).status_code == 403
    for group in ("Template editor", ""):
        assert client_of(group).get(REGISTRATIONS).status_code == 403
        assert client_of(group).get(f"{REGISTRATIONS}{registration.pk}/change/").status_code == 403
    assert (Registration.objects.count(), Event.objects.count(), trail()) == (1, 0, [])


def test_s33_nothing_is_changed_without_the_forms_token() -> None:
    registration = make_registration()
    client = client_of("Administrator", enforce_csrf_checks=True)
    for address in ("add/", f"{registration.pk}/delete/", f"{registration.pk}/test/"):
        assert client.post(f"{REGISTRATIONS}{address}", _form(registration.client_id)).status_code == 403
    assert (Registration.objects.count(), Event.objects.count(), trail()) == (1, 0, [])


def test_a_registration_is_never_changed_and_a_strange_number_is_none() -> None:
    registration = make_registration()
    client = client_of("Administrator")
    assert client.post(f"{REGISTRATIONS}{registration.pk}/change/", {"end_point": "x"}).status_code == 403
    assert client.post(f"{REGISTRATIONS}999999/test/", {"reason": "x"}).status_code == 404
    assert client.post(f"{REGISTRATIONS}999999/delete/", {"reason": "x"}).status_code == 404
    assert Registration.objects.get().end_point == "https://hook.example/jobs"
