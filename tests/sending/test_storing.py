"""New messages into the tables: alone, many, or together with others; the same comes of all."""

import threading
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection

from sending import storing, storing_sqlite
from sending.acceptance import examine, to_row
from sending.models import Message, MessageEvent
from tests.factories import make_caller
from tests.sending.factories import a_letter

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
_OWN = {"id", "uuid", "request_id", "idempotency_key", "digest"}
only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL prepares statements")
only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="how SQLite is written and asked")


def _row(caller, request_id: str, **changes):
    letter = a_letter(
        request_id=request_id,
        mail_subject='Quotes " and \\ and % and {0} and %s',
        mail_body="Árvíztűrő\n\ttükörfúrógép 😀 \u2028",
        related_message_id=2**62,
        campaign_part_id=7,
        **changes,
    )
    row = to_row(caller, examine(caller, letter), now=NOW)
    row["content"].pop("request_id")
    return row


def _stored(row) -> dict:
    message = Message.objects.get(uuid=row["uuid"])
    values = {field.attname: getattr(message, field.attname) for field in Message._meta.concrete_fields}
    assert (values["id"], values["request_id"], bytes(values["digest"])) == (
        row["id"],
        row["request_id"],
        row["digest"],
    )
    return {name: value for name, value in values.items() if name not in _OWN}


@pytest.mark.parametrize("changes", [{}, {"expires_at": datetime(2099, 1, 1, tzinfo=UTC)}, {"reply_to_name": "'); --"}])
def test_a_message_alone_is_stored_as_one_among_many(changes) -> None:
    caller = make_caller()
    alone, *many = (_row(caller, f"R{number}", **changes) for number in range(3))
    storing.insert([alone], actor="somebody")
    storing.insert(many, actor="somebody")
    stored = _stored(alone)
    assert [_stored(row) for row in many] == [stored, stored]
    assert (stored["created_at"], stored["subject"]) == (NOW, 'Quotes " and \\ and % and {0} and %s')
    assert stored["content"] == alone["content"]
    assert list(MessageEvent.objects.values_list("message_id", "name", "actor", "created_at").order_by("id")) == [
        (row["id"], "ACCEPTED", "somebody", NOW) for row in (alone, *many)
    ]


def test_what_is_refused_leaves_the_transaction_around_it_whole() -> None:
    caller = make_caller()
    first, second = _row(caller, "R1"), _row(caller, "R1")
    storing.insert([first], actor="somebody")
    with pytest.raises(IntegrityError):
        storing.insert([second | {"uuid": uuid4()}], actor="somebody")
    assert Message.objects.get().pk == first["id"]


@only_postgresql
@pytest.mark.parametrize("together", [1, 2])
def test_a_pooler_that_gives_another_session_costs_the_preparing_and_no_letter(together: int) -> None:
    caller = make_caller()
    names = [f"R{number}" for number in range(4 * together)]
    for place in range(0, len(names), together):
        storing.insert([_row(caller, name) for name in names[place : place + together]], actor="somebody")
        if place == 0:
            connection.connection.prepare_threshold = 0
        elif place == together:
            connection.connection.pgconn.exec_(b"DEALLOCATE ALL")
    assert connection.connection.prepare_threshold is None
    assert list(Message.objects.values_list("request_id", flat=True).order_by("id")) == names
    assert MessageEvent.objects.count() == len(names)


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_letters_that_come_while_another_is_written_share_a_commit(monkeypatch) -> None:
    caller = make_caller()
    storing.insert([_row(caller, "R1")], actor="first")
    sizes, real = [], storing_sqlite._store
    monkeypatch.setattr(storing_sqlite, "_store", lambda source: (sizes.append(len(source)), real(source))[1])
    rows = [_row(caller, f"R{number}") for number in range(2, 5)]
    assert _insert_at_once(rows) == [None, None, None]
    assert sizes == [3]
    assert [_stored(row)["recipient_name"] for row in rows] == ["Teszt Elek"] * 3
    events = MessageEvent.objects.values_list("message__request_id", "message_id", "name", "actor", "created_at")
    assert set(events.exclude(actor="first")) == {
        (row["request_id"], row["id"], "ACCEPTED", f"by {row['request_id']}", NOW) for row in rows
    }


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_repeated_request_is_refused_alone_among_those_that_came_with_it() -> None:
    caller = make_caller()
    storing.insert([_row(caller, "R1")], actor="first")
    *refusals, other = _insert_at_once([_row(caller, "R1"), _row(caller, "R2"), _row(caller, "R1"), _row(caller, "R3")])
    assert ([type(refusal) for refusal in refusals], other) == ([IntegrityError, type(None), IntegrityError], None)
    assert sorted(Message.objects.values_list("request_id", flat=True)) == ["R1", "R2", "R3"]
    assert MessageEvent.objects.count() == 3
    assert storing_sqlite._waiting == []


@only_sqlite
def test_what_is_due_is_found_by_its_index() -> None:
    plan = Message.objects.due("EMAIL", NOW).explain()
    assert "SEARCH sending_message USING INDEX message_due (channel=? AND due_at<?)" in plan


def _insert_at_once(rows) -> list[Exception | None]:
    """Each by a thread of its own, while another thread has the turn; what became of each."""
    refusals: list[Exception | None] = [None] * len(rows)

    def insert(index: int) -> None:
        try:
            storing.insert([rows[index]], actor=f"by {rows[index]['request_id']}")
        except IntegrityError as error:
            refusals[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=insert, args=[index]) for index in range(len(rows))]
    with storing_sqlite._turn:
        for thread in threads:
            thread.start()
        until = time.monotonic() + 20
        while len(storing_sqlite._waiting) < len(rows) and time.monotonic() < until:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    return refusals
