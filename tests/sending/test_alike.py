"""Letters that are alike but for whom they go to come to what they would come to one by one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from gateway.caller import Caller
from gateway.errors import Refusal
from sending import alike, services, suppressing
from sending.letter import Addressee, Letter, LetterAttachment
from sending.models import Message, MessageEvent, Template
from sending.rendering import compiled
from sending.taking import Accepted
from tests.sending.factories import make_template

pytestmark = pytest.mark.django_db
COMMON = Letter(message_type="NEWS", batch_id="autumn", campaign_part_id=7)
# What may differ between two that are taken one after the other.
_BY_CHANCE = ("id", "uuid", "created_at", "updated_at", "closed_at", "due_at")


@pytest.fixture(autouse=True)
def template(db: None) -> None:
    make_template(name="NEWS", text="Dear {{ recipientName }}, your contract {{ properties['contract'] }} ends.")


def somebody(number: int, **overrides: Any) -> Addressee:
    values: dict[str, Any] = {
        "recipient_name": f"Teszt {number}",
        "recipient_email_address": f"teszt{number}@example.com",
        "recipient_postal_address": "",
        "partner_ref": f"P{number}",
        "properties": {"contract": f"A-{number}"},
        "delivery_id": f"autumn {number}",
        "due_at": None,
    }
    return Addressee(**values | overrides)


def rows() -> list[dict[str, Any]]:
    found = Message.objects.order_by("id").values()
    return [{name: value for name, value in row.items() if name not in _BY_CHANCE} for row in found]


def told(results: list[Accepted | Refusal]) -> list[str]:
    return [str(result) if isinstance(result, Refusal) else f"repeat {result.is_repeat}" for result in results]


PEOPLE = (
    somebody(1, recipient_email_address="nowhere"),
    somebody(2),
    somebody(3, properties={}),
    somebody(4, recipient_name="two\nlines", partner_ref=""),
    somebody(5, recipient_email_address=""),
    somebody(6, properties={"contract": "", "other": "Árvíztűrő"}, recipient_postal_address="Fő utca 1."),
)


@pytest.mark.parametrize(
    "common",
    [
        COMMON,
        replace(COMMON, from_address="me@example.com", from_name="Me"),
        replace(COMMON, bcc_address=("gone@example.com", "here@example.com")),
        replace(COMMON, send_at=timezone.now() + timedelta(days=1)),
        replace(COMMON, channel="PORTAL"),
        replace(COMMON, channel="POST", letter_type="NORMAL"),
        replace(COMMON, channel="ARCHIVE"),
        replace(COMMON, channel="PIGEON"),
        replace(COMMON, message_type="NOWHERE"),
        replace(COMMON, archiving_expected=True),
        replace(COMMON, message_type="", mail_subject="News", mail_body="News."),
    ],
)
def test_each_comes_to_what_it_would_come_to_alone(caller: Caller, common: Letter) -> None:
    suppressing.suppress(caller=caller, address="gone@example.com", reason="asked for it")
    suppressing.suppress(caller=caller, address="teszt6@example.com", reason="asked for it")
    results = told(alike.submit(caller=caller, common=common, addressees=PEOPLE, job_id=3))
    together = rows()
    Message.objects.all().delete()

    alone = told([_alone(caller, common.to(to)) for to in PEOPLE])

    assert results == alone
    assert (together, len(together)) == (rows(), alone.count("repeat False"))


def _alone(caller: Caller, letter: Letter) -> Accepted | Refusal:
    try:
        return services.submit(caller=caller, letter=letter, job_id=3)
    except Refusal as refusal:
        return refusal


def test_a_suspended_template_holds_them(caller: Caller) -> None:
    Template.objects.update(status="SUSPENDED")
    later = timezone.now() + timedelta(hours=1)
    alike.submit(caller=caller, common=COMMON, addressees=[somebody(1), somebody(2, due_at=later)])
    assert set(Message.objects.values_list("status", "held_for", "due_at")) == {("HELD", "TEMPLATE", None)}


def test_each_is_due_in_its_own_time(caller: Caller) -> None:
    later = timezone.now() + timedelta(hours=1)
    alike.submit(caller=caller, common=COMMON, addressees=[somebody(1), somebody(2, due_at=later)])
    now, then = Message.objects.order_by("id")
    assert (now.due_at, then.due_at) == (now.created_at, later)


def test_each_is_taken_once_whichever_way_it_came(caller: Caller) -> None:
    first = alike.submit(caller=caller, common=COMMON, addressees=[somebody(1), somebody(2)])
    again = alike.submit(caller=caller, common=COMMON, addressees=[somebody(2), somebody(3), somebody(1)])
    alone = services.submit(caller=caller, letter=COMMON.to(somebody(3)))
    other = alike.submit(caller=caller, common=COMMON, addressees=[somebody(2, recipient_name="Another")])

    assert told(first) == ["repeat False"] * 2
    assert told(again) == ["repeat True", "repeat False", "repeat True"]
    assert alone.is_repeat
    number = Message.objects.get(partner_ref="P2").pk
    assert told(other) == [
        f"delivery_id: already used for message {number} with different content; use a new message id"
    ]
    assert sorted(Message.objects.values_list("partner_ref", flat=True)) == ["P1", "P2", "P3"]
    assert MessageEvent.objects.count() == 3


def test_good_ones_cost_two_statements_for_each_five_hundred(
    caller: Caller, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_CHUNK", 50)
    # None of them goes the way of every letter.
    monkeypatch.setattr(services, "submit_many", None)
    people = [somebody(number) for number in range(120)]
    # The template, its version and words; for each part a look at who is suppressed, and a savepoint with messages and
    # events.
    statements = 1 if connection.vendor == "postgresql" else 2
    with django_assert_num_queries(2 + 3 + 3 * (1 + 2 + statements)):
        results = alike.submit(caller=caller, common=COMMON, addressees=people)
    assert told(results) == ["repeat False"] * 120
    assert Message.objects.count() == 120


def test_a_database_that_fails_on_the_way_of_every_letter_takes_none(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(services, "_examined", away)
    with pytest.raises(OperationalError, match="the database is away"):
        alike.submit(caller=caller, common=COMMON, addressees=[somebody(1), somebody(2, recipient_email_address="")])
    assert Message.objects.count() == 0


def test_those_without_an_id_are_taken_each_time(caller: Caller) -> None:
    people = [somebody(1, delivery_id=""), somebody(2, delivery_id="")]
    results = [*alike.submit(caller=caller, common=COMMON, addressees=people)]
    results += alike.submit(caller=caller, common=COMMON, addressees=people)
    assert told(results) == ["repeat False"] * 4
    assert set(Message.objects.values_list("idempotency_key", flat=True)) == {None}


def test_a_request_id_is_one_letters_alone(caller: Caller) -> None:
    results = alike.submit(
        caller=caller, common=replace(COMMON, request_id="R-1"), addressees=[somebody(1), somebody(2), somebody(1)]
    )
    number = Message.objects.get().pk
    assert told(results) == [
        "repeat False",
        f"request_id: already used for message {number} with different content; use a new request id",
        "repeat True",
    ]


def test_files_and_jobs_of_their_own_go_the_way_of_every_letter(caller: Caller) -> None:
    file = LetterAttachment(file_name="a.txt", content=b"a", media_type="text/plain")
    results = alike.submit(caller=caller, common=replace(COMMON, attachments=(file,)), addressees=[somebody(1)])
    jobs = alike.submit(caller=caller, common=replace(COMMON, runs_as_job=True), addressees=[somebody(2)])
    assert told([*results, *jobs]) == ["repeat False"] * 2
    assert [bool(one.job_uuid) for one in (*results, *jobs) if isinstance(one, Accepted)] == [False, True]
    assert list(Message.objects.order_by("id").values_list("attachment_count", flat=True)) == [1, 0]


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("plain", set()),
        ("{{ recipientName }} {{ partnerRef }} {{ batchId }}", set()),
        ("{{ properties.a }} {{ properties['b c'] }} {{ properties.d|default('') }}", {"a", "b c"}),
        ("{% if properties.a %}{{ properties.b }}{% endif %}", {"a"}),
        ("{{ xmlData.DATA.A }}", set()),
        ("{{ properties.a.b }}", None),
        ("{{ recipientName.first }}", None),
        ("{{ recipientName[0] }}", None),
    ],
)
def test_what_a_template_needs_of_whom_it_goes_to(text: str, needed: set[str] | None) -> None:
    assert compiled(make_template(name="NEEDS", text=text).pk).needed_properties() == needed
