"""The console's deliveries: found, shown with each request and answer, and brought again."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gateway.clients import webhook_secrets
from jobs.models import Job
from notifications.models import Attempt, Delivery, Event, Registration, Target
from notifications.states import EventKind, Status
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_caller, make_user
from tests.fakes.receiver import Receiver, Reply
from tests.notifications.conftest import deliver, end
from tests.notifications.console import (
    DELIVERIES,
    NASTY,
    SAFE,
    ids,
    make_delivery,
    make_place,
    make_registration,
    offered,
)

pytestmark = pytest.mark.django_db
Register = Callable[..., Registration]
Submit = Callable[..., Job]
JOBS = "/admin/jobs/job/"


def _page(delivery: Delivery, group: str = "Viewer") -> Any:
    return client_of(group).get(f"{DELIVERIES}{delivery.pk}/change/")


# ── the list ────────────────────────────────────────────────────────────────────────────────────
def test_the_list_costs_the_same_queries_however_many_rows_it_has() -> None:
    client = client_of("Operator")
    counts = []
    for _ in range(2):
        for number in range(20):
            make_delivery(make_registration().target, job_id=number)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(DELIVERIES).status_code == 200
        counts.append(len(queries))
    # Session, user, permissions of the user and of the groups, badge, count, page, clients.
    assert counts == [8, 8]


def test_the_list_reads_no_list_of_what_was_left_undone() -> None:
    make_delivery(make_place())
    client = client_of("Viewer")
    with CaptureQueriesContext(connection) as queries:
        client.get(DELIVERIES)
    assert not [query for query in queries if '"undone"' in query["sql"]]


def test_the_list_is_narrowed_by_status_event_client_target_and_job() -> None:
    caller = make_caller()
    one = make_delivery(make_place(caller), job_id=7, status=Status.FAILED)
    other = make_delivery(make_place(), job_id=8, kind=EventKind.JOB_SENDING, status=Status.DELIVERED)
    third = make_delivery(one.target, kind=EventKind.TEST)
    client = client_of("Viewer")

    def found(query: str) -> list[int]:
        return ids(client.get(f"{DELIVERIES}?{query}"))

    assert found("status=FAILED") == [one.pk]
    assert found("status=FAILED&status=PENDING") == [third.pk, one.pk]
    assert found("status=DELIVERED&status=PENDING") == [third.pk, other.pk]
    assert found("status=NONSENSE") == [third.pk, other.pk, one.pk]
    assert found("event=job.sending") == [other.pk]
    assert found("event=test") == [third.pk]
    assert found(f"client={caller.client_id}") == [third.pk, one.pk]
    assert found(f"target={other.target_id}") == [other.pk]
    assert found("job=7") == [one.pk]
    assert found("job=9") == []
    assert found(f"before={other.pk}") == [one.pk]


def test_a_client_with_many_targets_is_found_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.admin.filters._FEW", 1)
    caller = make_caller()
    made = [make_delivery(make_place(caller, f"https://{name}.example")).pk for name in "ab"]
    make_delivery(make_place())
    assert ids(client_of("Viewer").get(f"{DELIVERIES}?client={caller.client_id}")) == made[::-1]


def test_a_delivery_is_found_by_its_number_its_webhook_id_and_its_job(submit: Submit) -> None:
    job = submit()
    target = make_place()
    one, other = make_delivery(target, job_id=job.pk), make_delivery(target, job_id=job.pk + 1000)
    client = client_of("Viewer")

    def found(words: str) -> list[int]:
        return ids(client.get(DELIVERIES, {"q": words}))

    assert found(one.message_id) == [one.pk]
    assert found(str(one.uuid)) == [one.pk]
    assert found(str(job.uuid)) == [one.pk]
    assert found(str(job.pk + 1000)) == [other.pk]
    assert one.pk in found(str(one.pk))
    for words in ("nobody", "9" * 40, "²", str(uuid4()), "msg_"):
        assert found(words) == []
    assert found("\x00") == [other.pk, one.pk]


def test_the_count_stops_at_the_cap_and_the_list_goes_on_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.console.paging.CAP", 4)
    monkeypatch.setattr("notifications.admin.deliveries.DeliveryAdmin.list_per_page", 2)
    target = make_place()
    made = [make_delivery(target).pk for _ in range(7)]
    client = client_of("Viewer")
    response = client.get(f"{DELIVERIES}?p=2")
    assert "4+" in response.content.decode()
    assert response.context["cl"].older_query == f"?before={made[3]}"
    assert ids(client.get(f"{DELIVERIES}?before={made[3]}")) == [made[2], made[1]]


# ── the page ────────────────────────────────────────────────────────────────────────────────────
def test_the_page_shows_the_very_request_that_was_made_and_its_answer(
    register: Register, submit: Submit, receiver: Receiver
) -> None:
    registration = register(path="/a?x=1", format="JSON", method="PUT")
    receiver.reply = Reply(status=422, headers={"Content-Type": "text/html"}, body=f"{NASTY} no".encode())
    end(submit())
    deliver()
    (heard,) = receiver.heard
    delivery, attempt = Delivery.objects.get(), Attempt.objects.get()
    response = _page(delivery)
    sent = response.context["sent"]
    assert sent["line"] == f"PUT {receiver.url('/a?x=1')}"
    assert sent["body"].encode() == heard.body
    shown = dict(sent["headers"])
    for name in ("Content-Type", "Accept", "User-Agent", "webhook-id", "webhook-timestamp"):
        assert shown[name] == heard.headers[name.lower()]
    page = response.content.decode()
    for words in ("answered 422", "attempt 1", f"{SAFE} no", delivery.message_id, str(attempt.status), "Waiting"):
        assert words in page
    assert NASTY not in page
    assert heard.headers["webhook-signature"] not in page
    (secret,) = webhook_secrets(client_id=registration.client_id)
    assert secret not in page


def test_s33_addresses_reasons_and_failures_are_shown_as_text() -> None:
    delivery = make_delivery(
        make_place(address=f"https://x.example/{NASTY}"), job_id=1, status=Status.FAILED, reason=f"because {NASTY}"
    )
    Delivery.objects.update(url=f"javascript:{NASTY}")
    Attempt.objects.create(delivery=delivery, number=1, began_at=timezone.now(), seconds=0.1, failure=f"no {NASTY}")
    client = client_of("Operator")
    page = client.get(f"{DELIVERIES}{delivery.pk}/change/").content.decode()
    for words in (f"javascript:{SAFE}", f"because {SAFE}", f"no {SAFE}", f"https://x.example/{SAFE}"):
        assert words in page
    assert NASTY not in page + client.get(DELIVERIES).content.decode()
    assert 'href="javascript:' not in page


def test_s33_what_a_job_says_of_itself_is_shown_as_text(submit: Submit, receiver: Receiver) -> None:
    job = submit(DpfControlCallbackUrl=receiver.url())
    end(job, to="FAILED", reason=NASTY)
    delivery = Delivery.objects.get()
    page = _page(delivery).content.decode()
    assert "&quot;errorReason&quot;: &quot;" + SAFE in page
    assert NASTY not in page
    assert NASTY not in client_of("Viewer").get(f"{JOBS}{job.pk}/change/").content.decode()


def test_what_was_not_told_yet_is_shown_as_it_will_be() -> None:
    delivery = make_delivery(make_registration().target, job_id=1)
    Event.objects.update(undone=[[str(uuid4()), "request-1", 3]])
    response = _page(delivery)
    (shown,) = json.loads(response.context["sent"]["body"])["Notification"]["Event"]["ObjectsNotPersisted"]
    assert shown["Name"] == "request-1"
    assert dict(response.context["sent"]["headers"])["webhook-timestamp"] == "the time of the try"


def test_a_long_body_is_cut_and_an_unknown_payload_has_none() -> None:
    delivery = make_delivery(make_registration().target)
    Event.objects.update(undone=[[str(uuid4()), "x" * 50, 0] for _ in range(1000)])
    page = _page(delivery)
    assert (len(page.context["sent"]["body"]), "Only the beginning is shown." in page.content.decode()) == (
        65_536,
        True,
    )
    Delivery.objects.update(payload="of yesterday")
    assert _page(delivery).context["sent"]["body"] == ""


def test_the_page_shows_the_newest_attempts_first_with_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.admin.exchange._MOST_ATTEMPTS", 2)
    delivery = make_delivery(make_place())
    for number in (1, 2, 3):
        Attempt.objects.create(
            delivery=delivery, number=number, began_at=timezone.now(), seconds=15.0, failure="no answer within 15 s",
            is_by_hand=number == 3, next_at=timezone.now(),
        )  # fmt: skip
    response = _page(delivery)
    page = response.content.decode()
    assert [item["attempt"].number for item in response.context["attempts"]] == [3, 2]
    for words in ("by hand", "next try", "no answer within 15 s", "15.000 s", "Only the newest attempts are shown."):
        assert words in page


def test_the_page_leads_to_job_and_target_as_far_as_this_person_may_see_them(submit: Submit) -> None:
    job = submit()
    registration = make_registration()
    delivery = make_delivery(registration.target, job_id=job.pk)
    page = _page(delivery).content.decode()
    assert f'href="{JOBS}{job.pk}/change/"' in page
    assert f'href="/admin/notifications/registration/{registration.pk}/change/"' in page
    client = client_of()
    user = make_user(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_delivery"))
    client.force_login(user)
    page = client.get(f"{DELIVERIES}{delivery.pk}/change/").content.decode()
    assert f"{JOBS}{job.pk}" not in page
    assert "/admin/notifications/registration/" not in page


def test_the_page_of_a_job_leads_to_who_was_told(submit: Submit) -> None:
    job, untold = submit(), submit()
    make_delivery(make_place(), job_id=job.pk)
    client = client_of("Viewer")
    address = f"{JOBS}{job.pk}/change/"
    assert offered(client, address) == ["Who was told"]
    assert f'href="{DELIVERIES}?job={job.pk}"' in client.get(address).content.decode()
    assert f'href="{DELIVERIES}?job={job.pk}"' in client.get(f"{JOBS}{job.pk}/live/").content.decode()
    assert client.get(f"{JOBS}{untold.pk}/change/").context["offered"] == []
    user = make_user(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_job"))
    client.force_login(user)
    assert client.get(f"{JOBS}{job.pk}/change/").context["offered"] == []


# ── bringing again ──────────────────────────────────────────────────────────────────────────────
def test_a_delivery_is_brought_again_with_a_reason() -> None:
    # R33
    delivery = make_delivery(make_place(), status=Status.FAILED, failures=10)
    client = client_of("Operator")
    assert offered(client, f"{DELIVERIES}{delivery.pk}/change/") == ["Deliver again"]
    address = f"{DELIVERIES}operate/replay/"
    assert delivery.message_id in client.get(f"{address}?ids={delivery.pk}").content.decode()
    assert "Say why" in client.post(address, {"ids": delivery.pk, "reason": ""}).content.decode()
    assert Delivery.objects.get().status == Status.FAILED
    answer = client.post(address, {"ids": delivery.pk, "reason": "they lost it"})
    assert (answer.status_code, answer["Location"]) == (302, f"{DELIVERIES}{delivery.pk}/change/")
    delivery.refresh_from_db()
    assert (delivery.status, delivery.failures, delivery.is_by_hand) == (Status.PENDING, 0, True)
    assert trail() == [(str(delivery.pk), "replay: they lost it")]


def test_ticked_deliveries_are_brought_again_all_or_none() -> None:
    target = make_place()
    fine, dropped = make_delivery(target, status=Status.FAILED), make_delivery(target, status=Status.DROPPED)
    client = client_of("Operator")
    data = {"action": "replay", "_selected_action": [fine.pk, dropped.pk]}
    asked = client.post(f"{DELIVERIES}?client=&q=", data)
    assert asked.status_code == 200
    hidden = asked.context["question"].hidden
    assert hidden == [
        ("back", "notifications_delivery_changelist?client=&q="),
        ("ids", fine.pk),
        ("ids", dropped.pk),
    ]
    answer = client.post(f"{DELIVERIES}operate/replay/", {"ids": [fine.pk, dropped.pk], "reason": "x"})
    assert (answer.status_code, f"{dropped.pk}: it was dropped" in answer.content.decode()) == (409, True)
    fine.refresh_from_db()
    assert (fine.status, trail()) == (Status.FAILED, [])
    answer = client.post(f"{DELIVERIES}operate/replay/", {"ids": fine.pk, "reason": "x", "back": hidden[0][1]})
    assert answer["Location"] == f"{DELIVERIES}?client=&q="
    answer = client.post(
        f"{DELIVERIES}operate/replay/", {"ids": fine.pk, "reason": "x", "back": "https://evil.example/"}
    )
    assert answer["Location"] == f"{DELIVERIES}{fine.pk}/change/"


def test_what_cannot_be_brought_again_is_not_offered_so() -> None:
    dropped = make_delivery(make_place(), status=Status.DROPPED)
    missed = make_delivery(make_registration().target, status=Status.MISSED)
    Target.objects.filter(pk=missed.target_id).update(disabled_at=timezone.now(), disabled_for="x")
    client = client_of("Operator")
    for delivery in (dropped, missed):
        assert offered(client, f"{DELIVERIES}{delivery.pk}/change/") == []
    answer = client.post(f"{DELIVERIES}operate/replay/", {"ids": missed.pk, "reason": "x"})
    assert (answer.status_code, "its target is disabled" in answer.content.decode()) == (409, True)
    assert Delivery.objects.filter(status=Status.PENDING).count() == 0


def test_s33_who_may_only_look_brings_nothing_again() -> None:
    delivery = make_delivery(make_place(), status=Status.FAILED)
    for group in ("Viewer", "Template editor", ""):
        client = client_of(group)
        assert client.get(f"{DELIVERIES}operate/replay/?ids={delivery.pk}").status_code == 403
        assert client.post(f"{DELIVERIES}operate/replay/", {"ids": delivery.pk, "reason": "x"}).status_code == 403
    viewer = client_of("Viewer")
    assert offered(viewer, f"{DELIVERIES}{delivery.pk}/change/") == []
    assert 'value="replay"' not in viewer.get(DELIVERIES).content.decode()
    for group in ("Template editor", ""):
        assert client_of(group).get(DELIVERIES).status_code == 403
        assert client_of(group).get(f"{DELIVERIES}{delivery.pk}/change/").status_code == 403
    operator = client_of("Operator", enforce_csrf_checks=True)
    assert operator.post(f"{DELIVERIES}operate/replay/", {"ids": delivery.pk, "reason": "x"}).status_code == 403
    assert (Delivery.objects.get().status, trail()) == (Status.FAILED, [])


def test_nothing_is_asked_about_nothing() -> None:
    client = client_of("Operator")
    for query in ("", "?ids=x", "?ids=999999", f"?ids={'9' * 30}"):
        assert client.get(f"{DELIVERIES}operate/replay/{query}").status_code == 404


def test_the_list_tells_by_nothing_but_its_filters() -> None:
    make_delivery(make_place())
    client = client_of("Viewer")
    for query in ("event__reason__startswith=x", "tries__answer__contains=x", "url__contains=x"):
        assert client.get(f"{DELIVERIES}?{query}").status_code == 400
