"""Places called back in the console, and what operators do to targets: pause, resume, enable, deliver again."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import Delivery, Registration, Target
from notifications.states import Status
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_caller
from tests.notifications.console import (
    NASTY,
    REGISTRATIONS,
    SAFE,
    TARGETS,
    ids,
    make_delivery,
    make_place,
    make_registration,
    offered,
)

pytestmark = pytest.mark.django_db


def _disabled(registration: Registration) -> Registration:
    Target.objects.filter(pk=registration.target_id).update(
        disabled_at=timezone.now(), disabled_for="answered 410 Gone"
    )
    return registration


def _operate(client: Client, target_id: int, verb: str, reason: str = "because") -> Any:
    return client.post(f"{TARGETS}{target_id}/operate/{verb}/", {"reason": reason})


def test_the_list_is_of_places_called_back_alone_and_costs_the_same_however_many() -> None:
    client = client_of("Viewer")
    make_registration()
    counts = []
    for number in range(2):
        for more in range(20):
            make_delivery(make_place(make_caller(), f"https://place-{number}-{more}.example"))
        with CaptureQueriesContext(connection) as queries:
            response = client.get(TARGETS)
        counts.append(len(queries))
    # Session, user, permissions of the user and of the groups, badge, count, page, clients.
    assert (counts, len(ids(response))) == ([8, 8], 40)


def test_a_place_is_found_by_health_client_and_a_part_of_its_address() -> None:
    caller = make_caller()
    one = make_place(caller)
    other = make_place(None, "http://own.example:8080", failures=1, failing_since=timezone.now())
    client = client_of("Viewer")
    assert ids(client.get(f"{TARGETS}?client={caller.client_id}")) == [one.pk]
    assert ids(client.get(f"{TARGETS}?health=failing")) == [other.pk]
    assert ids(client.get(TARGETS, {"q": "own.EXAMPLE"})) == [other.pk]


def test_the_page_of_a_place_tells_how_it_fares() -> None:
    # S33
    target = make_place(failures=1, failing_since=timezone.now(), last_failure=NASTY)
    make_delivery(target, job_id=4711, status=Status.FAILED, reason=NASTY)
    page = client_of("Viewer").get(f"{TARGETS}{target.pk}/change/").content.decode()
    assert (SAFE in page, NASTY in page) == (True, False)
    for words in ("https://called.example", "Failing", "4711", "Job ended"):
        assert words in page


def test_the_page_of_a_registrations_target_is_the_registrations() -> None:
    registration = make_registration()
    answer = client_of("Viewer").get(f"{TARGETS}{registration.target_id}/change/")
    assert (answer.status_code, answer["Location"]) == (302, f"{REGISTRATIONS}{registration.pk}/change/")


def test_a_target_is_paused_and_resumed_with_reasons() -> None:
    target = make_place()
    client = client_of("Operator")
    page = f"{TARGETS}{target.pk}/change/"
    assert offered(client, page) == ["Pause", "Deliver again"]
    assert client.get(f"{TARGETS}{target.pk}/operate/pause/").status_code == 200
    assert "Say why" in _operate(client, target.pk, "pause", "").content.decode()
    target.refresh_from_db()
    assert target.paused_at is None
    answer = _operate(client, target.pk, "pause", "maintenance")
    assert (answer.status_code, answer["Location"]) == (302, page)
    target.refresh_from_db()
    assert target.paused_at is not None
    assert target.paused_by.startswith("user-")
    assert offered(client, page) == ["Resume", "Deliver again"]
    answer = _operate(client, target.pk, "pause")
    assert (answer.status_code, "it is paused already" in answer.content.decode()) == (409, True)
    _operate(client, target.pk, "resume", "done")
    target.refresh_from_db()
    assert (target.paused_at, target.paused_by) == (None, "")
    answer = _operate(client, target.pk, "resume")
    assert (answer.status_code, "it is not paused" in answer.content.decode()) == (409, True)
    assert trail() == [(str(target.pk), "pause: maintenance"), (str(target.pk), "resume: done")]


def test_a_disabled_registration_is_enabled_and_what_it_missed_stays_missed() -> None:
    # R34
    registration = _disabled(make_registration())
    missed = make_delivery(registration.target, status=Status.MISSED)
    answer = _operate(client_of("Operator"), registration.target_id, "enable", "mended")
    assert (answer.status_code, answer["Location"]) == (302, f"{REGISTRATIONS}{registration.pk}/change/")
    registration.target.refresh_from_db()
    missed.refresh_from_db()
    assert (registration.target.disabled_at, missed.status) == (None, Status.MISSED)
    assert trail() == [(str(registration.target_id), "enable: mended")]


def test_a_disabled_registration_is_enabled_and_told_what_it_missed() -> None:
    # R34
    registration = _disabled(make_registration())
    missed = [make_delivery(registration.target, status=Status.MISSED) for _ in range(2)]
    failed = make_delivery(registration.target, status=Status.FAILED)
    client = client_of("Operator")
    answer = client.post(f"{TARGETS}{registration.target_id}/operate/enable-missed/", {"reason": "x"}, follow=True)
    assert "beginning with 2 deliveries that it missed" in answer.content.decode()
    assert set(Delivery.objects.filter(status=Status.PENDING)) == set(missed)
    failed.refresh_from_db()
    assert failed.status == Status.FAILED


def test_what_is_not_disabled_or_has_no_registration_any_more_is_not_enabled() -> None:
    registration = make_registration()
    client = client_of("Operator")
    assert _operate(client, registration.target_id, "enable").status_code == 409
    _disabled(registration)
    Registration.objects.all().delete()
    answer = _operate(client, registration.target_id, "enable-missed")
    assert (answer.status_code, "its registration is gone" in answer.content.decode()) == (409, True)
    assert (Target.objects.get().disabled_for, trail()) == ("answered 410 Gone", [])


def test_what_failed_since_a_moment_is_brought_again() -> None:
    target, other = make_place(), make_place(address="https://other.example")
    now = timezone.now()
    old = make_delivery(target, status=Status.FAILED, created_at=now - timedelta(days=3))
    failed, delivered = make_delivery(target, status=Status.FAILED), make_delivery(target, status=Status.DELIVERED)
    elsewhere = make_delivery(other, status=Status.FAILED)
    client = client_of("Operator")
    address = f"{TARGETS}{target.pk}/replay/"
    assert client.get(address).status_code == 200
    since = timezone.localtime(now - timedelta(hours=1))
    form = {"since_0": f"{since:%Y-%m-%d}", "since_1": f"{since:%H:%M:%S}", "which": "failed", "reason": "it is back"}
    answer = client.post(address, form)
    assert (answer.status_code, answer["Location"]) == (302, f"{TARGETS}{target.pk}/change/")
    assert list(Delivery.objects.filter(status=Status.PENDING)) == [failed]
    assert trail() == [(str(target.pk), "replay 1: it is back")]
    client.post(address, form | {"which": "all"})
    assert set(Delivery.objects.filter(status=Status.PENDING)) == {failed, delivered}
    old.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (old.status, elsewhere.status) == (Status.FAILED, Status.FAILED)


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"since_0": "soon"}, "since", "Enter a valid date."),
        ({"since_0": ""}, "since", "This field is required."),
        ({"which": "none"}, "which", "Select a valid choice"),
        ({"reason": ""}, "reason", "Say why: the reason is kept."),
    ],
)
def test_a_moment_that_makes_no_sense_is_told_at_its_field(given: dict[str, str], field: str, sentence: str) -> None:
    target = make_place()
    make_delivery(target, status=Status.FAILED)
    form = {"since_0": "2020-01-01", "since_1": "00:00:00", "which": "failed", "reason": "x"} | given
    answer = client_of("Operator").post(f"{TARGETS}{target.pk}/replay/", form)
    assert answer.status_code == 409
    assert sentence in answer.context["form"].errors[field][0]
    assert (Delivery.objects.get().status, trail()) == (Status.FAILED, [])


def test_nothing_is_brought_again_to_a_disabled_target() -> None:
    # R33
    registration = _disabled(make_registration())
    make_delivery(registration.target, status=Status.MISSED)
    form = {"since_0": "2020-01-01", "since_1": "00:00:00", "which": "all", "reason": "x"}
    answer = client_of("Operator").post(f"{TARGETS}{registration.target_id}/replay/", form)
    assert (answer.status_code, "nothing goes there" in answer.content.decode()) == (409, True)
    assert (Delivery.objects.get().status, trail()) == (Status.MISSED, [])


def test_s33_who_may_only_look_acts_on_no_target() -> None:
    target = make_place()
    make_delivery(target, status=Status.FAILED)
    for group in ("Viewer", "Template editor", ""):
        client = client_of(group)
        for place in ("operate/pause/", "operate/resume/", "operate/enable/", "operate/enable-missed/", "replay/"):
            for method in (client.get, client.post):
                assert method(f"{TARGETS}{target.pk}/{place}", {"reason": "x"}).status_code == 403
    assert offered(client_of("Viewer"), f"{TARGETS}{target.pk}/change/") == []
    for group in ("Template editor", ""):
        assert client_of(group).get(TARGETS).status_code == 403
    target.refresh_from_db()
    assert (target.paused_at, Delivery.objects.get().status, trail()) == (None, Status.FAILED, [])


def test_s33_no_target_is_acted_on_without_the_forms_token() -> None:
    target = make_place()
    client = client_of("Operator", enforce_csrf_checks=True)
    assert client.post(f"{TARGETS}{target.pk}/operate/pause/", {"reason": "x"}).status_code == 403
    assert client.post(f"{TARGETS}{target.pk}/replay/", {"reason": "x"}).status_code == 403
    target.refresh_from_db()
    assert (target.paused_at, trail()) == (None, [])


def test_what_is_not_there_is_not_found() -> None:
    target = make_place()
    client = client_of("Operator")
    assert _operate(client, target.pk, "explode").status_code == 404
    assert _operate(client, 999_999, "pause").status_code == 404
    assert client.get(f"{TARGETS}999999/replay/").status_code == 404
