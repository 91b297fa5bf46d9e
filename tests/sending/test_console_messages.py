"""The console's list of messages and the page of one."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sending import ranges
from sending.models import Message, MessageEvent
from tests.console import client_of, plain_pages  # noqa: F401
from tests.factories import make_caller
from tests.sending.console import MESSAGES, operate
from tests.sending.factories import an_attachment, make_template, submitted

pytestmark = pytest.mark.django_db
BUDAPEST = ZoneInfo("Europe/Budapest")


def _ids(response) -> list[int]:
    return [message.pk for message in response.context["cl"].result_list]


def _found(client, query: str) -> list[int]:
    return _ids(client.get(f"{MESSAGES}?{query}"))


def test_the_list_shows_the_newest_first() -> None:
    first, second = submitted(), submitted()
    assert _found(client_of("Viewer"), "") == [second.pk, first.pk]


def test_the_list_costs_the_same_queries_however_many_rows_it_has() -> None:
    client = client_of("Operator")
    version = make_template()
    for number in range(3):
        submitted(make_caller(), request_id=f"r{number}")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(MESSAGES).status_code == 200
        counts.append(len(queries))
        caller = make_caller()
        for _more in range(20):
            message = submitted(caller)
            Message.objects.filter(pk=message.pk).update(template_version=version)
    # Session, user, permissions of the user and of the groups, badge, count, page, templates, clients.
    assert counts == [9, 9]


@pytest.mark.parametrize(
    "words",
    [
        "KERES-1",
        "koteg-1",
        "P-77",
        "anna.kov",
        "anna.kovacs@example.com",
        "ANNA.KOV",
        "{pk}",
        "{uuid}",
        "<{uuid}@hammy.localhost>",
    ],
)
def test_a_message_is_found_by_what_people_have_at_hand(words: str) -> None:
    wanted = submitted(
        request_id="KERES-1", batch_id="koteg-1", partner_ref="P-77", recipient_email_address="anna.kovacs@example.com"
    )
    submitted(request_id="KERES-12", batch_id="koteg-12", partner_ref="P-777")
    words = words.format(pk=wanted.pk, uuid=wanted.uuid)
    assert _ids(client_of("Viewer").get(MESSAGES, {"q": words})) == [wanted.pk]


@pytest.mark.parametrize("words", ["kovacs", "ERES-1", "oteg", "%", "_nna", "9" * 40, "\x00", str(UUID(int=7))])
def test_nothing_is_found_by_a_part_that_no_index_holds(words: str) -> None:
    submitted(request_id="KERES-1", batch_id="koteg-1", recipient_email_address="anna.kovacs@example.com")
    found = _ids(client_of("Viewer").get(MESSAGES, {"q": words}))
    assert found == ([] if words != "\x00" else [Message.objects.get().pk])


def test_a_batch_larger_than_a_handful_is_found_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sending.finding._FEW", 2)
    caller = make_caller()
    messages = [submitted(caller, batch_id="koteg") for _ in range(5)]
    submitted(caller, batch_id="other")
    assert _found(client_of("Viewer"), "q=koteg") == [message.pk for message in reversed(messages)]


def test_the_list_is_narrowed_by_status_channel_type_and_client() -> None:
    version = make_template()
    one, other = submitted(), submitted()
    Message.objects.filter(pk=one.pk).update(status="FAILED", closed_at=timezone.now(), template_version=version)
    client = client_of("Viewer")
    assert _found(client, "status=FAILED") == [one.pk]
    assert _found(client, "status=FAILED&status=ACCEPTED") == [other.pk, one.pk]
    assert _found(client, "status=NONSENSE") == [other.pk, one.pk]
    assert _found(client, "channel=EMAIL") == [other.pk, one.pk]
    assert _found(client, "channel=POST") == []
    assert _found(client, f"template={version.template_id}") == [one.pk]
    assert _found(client, f"client={other.client_id}") == [other.pk]


def test_the_list_is_narrowed_by_the_days_of_acceptance_both_included() -> None:
    caller = make_caller()
    moments = [
        datetime(2026, 3, 1, 23, 59, 59, tzinfo=BUDAPEST),
        datetime(2026, 3, 2, 0, 0, tzinfo=BUDAPEST),
        datetime(2026, 3, 3, 23, 59, 59, tzinfo=BUDAPEST),
        datetime(2026, 3, 4, 0, 0, tzinfo=BUDAPEST),
    ]
    ids = []
    for moment in moments:
        message = submitted(caller)
        Message.objects.filter(pk=message.pk).update(created_at=moment)
        ids.append(message.pk)
    client = client_of("Viewer")
    assert _found(client, "accepted_from=2026-03-02&accepted_to=2026-03-03") == [ids[2], ids[1]]
    assert _found(client, "accepted_from=2026-03-03") == [ids[3], ids[2]]
    assert _found(client, "accepted_to=2026-03-01") == [ids[0]]
    assert _found(client, "accepted_from=nonsense") == ids[::-1]


def test_a_range_of_time_holds_exactly_its_messages_across_gaps_and_lulls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "_CLOSE", 3)
    template = submitted()
    start = timezone.now() - timedelta(days=100)
    # Ten a second for a while, nothing for a month, then one each hour; every seventh is gone.
    moments = [start + timedelta(seconds=number / 10) for number in range(300)]
    moments += [start + timedelta(days=30, hours=number) for number in range(300)]
    rows = Message.objects.bulk_create(
        Message(client_id=template.client_id, digest=b"d", channel="EMAIL", recipient_name="x", content={},
                status="ACCEPTED", created_at=moment, due_at=moment)
        for moment in moments
    )  # fmt: skip
    Message.objects.filter(pk__in=[row.pk for row in rows[::7]]).delete()
    Message.objects.filter(pk=template.pk).delete()
    everything = list(Message.objects.values_list("id", "created_at"))
    for hours in (-1, 0, 0.002, 10, 30 * 24, 30 * 24 + 100.5, 30 * 24 + 299, 31 * 24 * 2):
        since = start + timedelta(hours=hours)
        for length in (timedelta(seconds=1), timedelta(days=3), timedelta(days=40)):
            found = set(ranges.between(Message.objects.all(), since, since + length).values_list("id", flat=True))
            assert found == {pk for pk, moment in everything if since <= moment < since + length}


def test_the_count_stops_at_the_cap_and_the_list_goes_on_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.console.paging.CAP", 4)
    monkeypatch.setattr("sending.admin.messages.MessageAdmin.list_per_page", 2)
    caller = make_caller()
    ids = [submitted(caller).pk for _ in range(6)][::-1]
    client = client_of("Viewer")
    first = client.get(MESSAGES)
    assert (_ids(first), first.context["cl"].result_count) == (ids[:2], 4)
    assert "In all: 4+" in " ".join(first.content.decode().split())
    last = client.get(f"{MESSAGES}?p=2")
    assert _ids(last) == ids[2:4]
    assert f'href="?before={ids[3]}"' in last.content.decode()
    beyond = client.get(f"{MESSAGES}?before={ids[3]}")
    assert (_ids(beyond), beyond.context["cl"].result_count) == (ids[4:], 2)


def test_a_message_shows_its_course_and_not_its_words() -> None:
    caller = make_caller()
    message = submitted(
        caller, mail_subject="Tárgy", mail_body="TITKOS", attachments=(an_attachment(file_name="titkos.pdf"),)
    )
    MessageEvent.objects.create(message=message, name="SENDING", reason="later", actor="worker-1")
    response = client_of("Viewer").get(f"{MESSAGES}{message.pk}/change/")
    page = response.content.decode()
    assert [item["event"].name for item in response.context["events"]] == ["SENDING", "ACCEPTED"]
    assert "worker-1" in page
    assert f"{caller.client_name}/{caller.user_name}" in page or caller.client_name in page
    assert str(message.uuid) in page
    for secret in ("TITKOS", "titkos.pdf", f"{message.pk}/letter/", f"{message.pk}/raw/", "operate/"):
        assert secret not in page


def test_messages_are_neither_added_nor_changed_nor_deleted() -> None:
    message = submitted()
    client = client_of("Administrator")
    before = Message.objects.values().get()
    assert client.get(f"{MESSAGES}add/").status_code == 403
    assert client.post(f"{MESSAGES}{message.pk}/change/", {"uuid": str(UUID(int=1))}).status_code == 403
    assert client.post(f"{MESSAGES}{message.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(MESSAGES, {"action": "delete_selected", "_selected_action": [message.pk], "post": "yes"})
    assert Message.objects.values().get() == before


def test_a_message_that_is_not_there_leads_back_to_the_overview() -> None:
    response = client_of("Viewer").get(f"{MESSAGES}999/change/")
    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_s33_what_others_wrote_is_shown_as_text() -> None:
    evil = "<script>alert(1)</script>"
    message = submitted(mail_subject=evil, recipient_name=evil, request_id=evil, batch_id=evil, partner_ref=evil)
    MessageEvent.objects.create(message=message, name="SENDING", reason=evil, actor=evil, recipients={evil: evil})
    Message.objects.filter(pk=message.pk).update(reason=evil)
    client = client_of("Administrator")
    for address in (
        MESSAGES,
        f"{MESSAGES}?q={evil}",
        f"{MESSAGES}{message.pk}/change/",
        f"{MESSAGES}operate/cancel/?ids={message.pk}",
    ):
        page = client.get(address).content.decode()
        assert evil not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in client.get(f"{MESSAGES}{message.pk}/change/").content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "content__mail_body__icontains=titok",
        "content__contains=%7B%7D",
        "content__mail_body__iregex=(t%2B)%2B$",
        "recipient_name__iregex=(a%2B)%2B$",
        "digest__startswith=a",
        "uuid__regex=.",
        "pk__regex=.",
        "client__name__startswith=a",
        "status__contains=A",
    ],
)
def test_s31_the_list_answers_no_question_but_its_own_filters(query: str) -> None:
    submitted(mail_body="titok")
    response = client_of("Viewer").get(f"{MESSAGES}?{query}")
    assert response.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "9" * 5000,
        "client=" + "9" * 5000,
        "client=" + "9" * 30,
        "template=" + "9" * 5000,
        "before=" + "9" * 5000,
        "accepted_from=0001-01-01",
        "accepted_to=9999-12-31",
        "accepted_from=0001-01-01&accepted_to=9999-12-31",
    ],
)
def test_s31_numbers_and_days_beyond_everything_narrow_nothing(query: str) -> None:
    message = submitted()
    assert _found(client_of("Viewer"), query) == ([] if query.startswith("q=") else [message.pk])


def test_a_printed_letter_is_called_by_its_name_and_shows_where_it_goes() -> None:
    message = submitted(
        channel="POST", letter_type="NORMAL", recipient_name="Nagy Pál",
        recipient_email_address="pal@example.com", recipient_postal_address="1 Fő utca\n1234 Budapest",
    )  # fmt: skip
    client = client_of("Operator")
    assert ">Nagy Pál</a>" in client.get(MESSAGES).content.decode()
    page = client.get(f"{MESSAGES}{message.pk}/change/")
    facts = dict(page.context["groups"][0]["facts"])
    assert (page.context["title"], facts["Postal address"]) == (f"{message.pk} · Nagy Pál", "1 Fő utca\n1234 Budapest")
    assert f"POST {message.status}" not in page.content.decode()
    question = operate(client, "hold", message, reason="").content.decode()
    assert f"<strong>{message.pk}</strong> Nagy Pál" in question


def test_a_mail_is_called_by_its_address_but_not_in_the_trail() -> None:
    message = submitted(recipient_name="Nagy Pál", recipient_email_address="pal@example.com")
    client = client_of("Operator")
    page = client.get(f"{MESSAGES}{message.pk}/change/")
    assert page.context["title"] == str(page.context["original"]) == f"{message.pk} · pal@example.com"
    assert "Postal address" not in dict(page.context["groups"][0]["facts"])
    operate(client, "hold", message)
    assert list(LogEntry.objects.values_list("object_repr", "object_id")) == [(str(message.pk), str(message.pk))]
