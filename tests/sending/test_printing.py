"""Print runs: gathered, closed, handed over; a letter is in exactly one manifest, whatever dies when (R2, R3)."""

import csv
import io
import json
import os
import shutil
from collections import Counter
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Refusal
from gateway.management.house import house_caller
from sending import dispatch, leases, maintenance, printing, queue, services
from sending.channels.post import PostChannel
from sending.models import Dispatcher, Message, PrintBatch, PrintItem
from sending.printing import manifests
from sending.states import BatchStatus, Status
from tests.factories import make_caller
from tests.sending.factories import make_template, submitted
from tests.sending.printed import pages_of, spool
from tests.sending.test_post_channel import a_printed_letter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_own", None)


def a_letter_for_print(caller: Caller | None = None, **overrides: Any) -> Message:
    accepted = services.submit(caller=caller or make_caller(), letter=a_printed_letter(**overrides))
    return Message.objects.get(pk=accepted.message_id)


def work() -> None:
    dispatch.Worker("POST").work()


def the_batch() -> PrintBatch:
    return PrintBatch.objects.get()


def close_now() -> PrintBatch:
    PrintBatch.objects.open().update(opened_at=timezone.now() - timedelta(days=1))
    printing.look_after()
    return PrintBatch.objects.latest("id")


def manifest(batch: PrintBatch) -> Any:
    return json.loads(spool()[f"{batch}/manifest.json"])


def listed() -> Counter[int]:
    """How often each message is in a manifest."""
    files = spool()
    found: Counter[int] = Counter()
    for name, content in files.items():
        if name.endswith("/manifest.json"):
            for item in json.loads(content)["items"]:
                pdf = files[f"{name.rpartition('/')[0]}/{item['file']}"]
                assert (sha256(pdf).hexdigest(), len(pdf)) == (item["sha256"], item["bytes"])
                found[item["messageId"]] += 1
    return found


# ── gathering ───────────────────────────────────────────────────────────────────────────────────
def test_letters_that_are_printed_gather_in_one_open_run() -> None:
    messages = [a_letter_for_print() for _ in range(3)]
    work()
    batch = the_batch()
    assert str(batch) == f"{timezone.localdate():%Y-%m-%d}/000001"
    assert batch.status == BatchStatus.OPEN
    assert set(PrintItem.objects.values_list("message", "batch")) == {(message.pk, batch.pk) for message in messages}
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SENT}
    event = messages[0].events.get(name=Status.SENT)
    assert event.facts["file"] in spool()
    assert event.facts["pages"] == 1


def test_runs_are_numbered_within_their_day() -> None:
    PrintBatch.objects.create(day=date(2026, 11, 28), number=7, status=BatchStatus.CLOSED, closed_at=timezone.now())
    for _ in range(2):
        a_letter_for_print()
        work()
        close_now()
    numbers = PrintBatch.objects.filter(day=timezone.localdate()).order_by("id").values_list("number", flat=True)
    assert list(numbers) == [1, 2]


def test_only_one_run_is_open() -> None:
    PrintBatch.objects.create(day=date(2026, 11, 28), number=1)
    with pytest.raises(Exception, match=r"(?i)unique"), transaction.atomic():
        PrintBatch.objects.create(day=date(2026, 11, 28), number=2)


def test_a_letter_that_a_worker_lost_is_not_taken_from_who_has_it() -> None:
    message = a_letter_for_print()
    mine, other = (Dispatcher.objects.create(host="h", pid=n, lease_until=timezone.now()) for n in (1, 2))
    queue.claim(channel="POST", dispatcher=other, size=1)
    first = printing.bind([message], other)
    PrintBatch.objects.open().update(status=BatchStatus.CLOSING)
    second = printing.bind([message], mine)
    assert first != second
    assert str(PrintItem.objects.get().batch) == first


# ── closing ─────────────────────────────────────────────────────────────────────────────────────
def test_a_run_closes_after_its_time_and_the_print_house_gets_both_manifests(caller: Caller) -> None:
    message = a_letter_for_print(
        caller, partner_ref="P-1", batch_id="B-1", recipient_name="Szőke Tűnde", payment_slip_attached=True
    )
    work()
    printing.look_after()
    assert the_batch().status == BatchStatus.OPEN
    batch = close_now()
    assert batch.status == BatchStatus.CLOSED
    assert batch.handed_over_at is not None
    assert (batch.letters, batch.pages, batch.sheets) == (1, 1, 1)
    facts = message.events.get(name=Status.SENT).facts
    assert manifest(batch) == {
        "batch": str(batch),
        "closedAt": manifests.format_moment(batch.closed_at),
        "letters": 1,
        "pages": 1,
        "sheets": 1,
        "items": [
            {
                "file": facts["file"].rpartition("/")[2],
                "pages": 1,
                "sheets": 1,
                "letterType": "NORMAL",
                "replyEnvelope": False,
                "paymentSlip": True,
                "recipientName": "Szőke Tűnde",
                "addressLines": ["1117 Budapest,", "Fő utca 1."],
                "messageId": message.pk,
                "uuid": str(message.uuid),
                "batchId": "B-1",
                "partnerRef": "P-1",
                "bytes": facts["size"],
                "sha256": facts["digest"],
            }
        ],
    }
    (row,) = csv.DictReader(io.StringIO(spool()[f"{batch}/manifest.csv"].decode()))
    assert row == {
        "file": facts["file"].rpartition("/")[2], "pages": "1", "sheets": "1", "letterType": "NORMAL",
        "replyEnvelope": "false", "paymentSlip": "true", "recipientName": "Szőke Tűnde", "messageId": str(message.pk),
        "uuid": str(message.uuid), "batchId": "B-1", "partnerRef": "P-1", "bytes": str(facts["size"]),
        "sha256": facts["digest"], "address1": "1117 Budapest,", "address2": "Fő utca 1.", "address3": "",
        "address4": "", "address5": "",
    }  # fmt: skip
    assert listed() == {message.pk: 1}


def test_s33_a_table_holds_no_formula() -> None:
    a_letter_for_print(recipient_name='=HYPERLINK("http://x")', partner_ref="@x", recipient_postal_address="+1\n-2")
    work()
    batch = close_now()
    (row,) = csv.DictReader(io.StringIO(spool()[f"{batch}/manifest.csv"].decode()))
    assert row["recipientName"] == '\'=HYPERLINK("http://x")'
    assert (row["partnerRef"], row["address1"], row["address2"]) == ("'@x", "'+1", "'-2")


def test_a_run_closes_when_it_is_large_enough(settings: Any) -> None:
    settings.HAMMY_PRINT_BATCH_LETTERS = 2
    a_letter_for_print()
    work()
    printing.look_after()
    assert the_batch().status == BatchStatus.OPEN
    a_letter_for_print()
    work()
    printing.look_after()
    batch = the_batch()
    assert (batch.status, batch.letters, batch.reason) == (BatchStatus.CLOSED, 2, "2 letters")


def test_a_run_closes_with_its_day() -> None:
    a_letter_for_print()
    work()
    PrintBatch.objects.update(day=timezone.localdate() - timedelta(days=1))
    printing.look_after()
    assert the_batch().status != BatchStatus.OPEN
    assert the_batch().reason == "its day is over"


def test_the_next_letters_begin_another_run() -> None:
    first = a_letter_for_print()
    work()
    close_now()
    second = a_letter_for_print()
    work()
    close_now()
    assert listed() == {first.pk: 1, second.pk: 1}
    assert PrintBatch.objects.count() == 2


def test_a_closing_run_waits_for_letters_in_workers_hands() -> None:
    done = a_letter_for_print()
    work()
    message = a_letter_for_print()
    dispatcher = Dispatcher.objects.create(host="gone", pid=1, lease_until=timezone.now())
    queue.claim(channel="POST", dispatcher=dispatcher, size=1)
    printing.bind([message], dispatcher)
    batch = close_now()
    assert batch.status == BatchStatus.CLOSING
    assert not [name for name in spool() if "manifest" in name]

    # Its worker died: the letter waits again, and goes with the next run.
    doubtful, waiting = queue.recover(dispatcher, why="died")
    assert (doubtful, waiting) == ([], [message.pk])
    printing.look_after()
    batch.refresh_from_db()
    assert (batch.status, batch.letters) == (BatchStatus.CLOSED, 1)
    assert not PrintItem.objects.filter(message=message).exists()
    work()
    close_now()
    assert listed() == {done.pk: 1, message.pk: 1}


def test_a_letter_that_is_claimed_while_its_run_settles_goes_with_another() -> None:
    done = a_letter_for_print()
    work()
    message = a_letter_for_print()
    dispatcher = Dispatcher.objects.create(host="gone", pid=1, lease_until=timezone.now())
    queue.claim(channel="POST", dispatcher=dispatcher, size=1)
    printing.bind([message], dispatcher)
    queue.give_back([message], dispatcher, reason="out of time")
    first = the_batch()
    work()
    message.refresh_from_db()
    assert message.status == Status.SENT
    assert close_now() == first
    assert listed() == {done.pk: 1, message.pk: 1}


def test_what_failed_or_was_withdrawn_is_in_no_run(caller: Caller, settings: Any) -> None:
    good = a_letter_for_print()
    bad = a_letter_for_print(mail_body="a\n" * 200)
    settings.HAMMY_LETTER_PAGES = 1
    work()
    bad.refresh_from_db()
    assert bad.status == Status.FAILED
    batch = close_now()
    assert listed() == {good.pk: 1}
    assert batch.letters == 1
    assert not PrintItem.objects.filter(message=bad).exists()

    # Put back to work it goes with a later run.
    settings.HAMMY_LETTER_PAGES = 100
    services.requeue(caller=house_caller(), message_ids=[bad.pk], reason="more pages")
    work()
    close_now()
    assert listed() == {good.pk: 1, bad.pk: 1}


def test_a_run_of_which_no_letter_is_left_has_no_manifest(settings: Any) -> None:
    settings.HAMMY_LETTER_PAGES = 1
    a_letter_for_print(mail_body="a\n" * 200)
    work()
    batch = close_now()
    assert (batch.status, batch.letters) == (BatchStatus.CLOSED, 0)
    assert batch.handed_over_at is not None
    assert spool() == {}


def test_what_a_person_settled_as_sent_without_a_file_is_in_no_manifest() -> None:
    done = a_letter_for_print()
    work()
    by_hand = a_letter_for_print()
    PrintItem.objects.create(message=by_hand, batch=the_batch())
    Message.objects.filter(pk=by_hand.pk).update(status=Status.SENT, closed_at=timezone.now(), due_at=None)
    assert close_now().letters == 1
    assert listed() == {done.pk: 1}


# ── dying ───────────────────────────────────────────────────────────────────────────────────────
class _Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("after", ["the letter is laid", "some letters are laid"])
def test_r2_a_worker_that_dies_leaves_each_letter_in_one_manifest(after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [a_letter_for_print() for _ in range(3)]
    real, laid = PostChannel.hand_over, []

    def dying(self: PostChannel, parcel: Any) -> Any:
        outcome = real(self, parcel)
        laid.append(parcel.message_id)
        if len(laid) == (1 if after == "the letter is laid" else 2):
            raise _Killed
        return outcome

    monkeypatch.setattr(PostChannel, "hand_over", dying)
    # A process that is killed records and gives back nothing.
    monkeypatch.setattr(dispatch.Worker, "_record", lambda self, lease: True)
    monkeypatch.setattr(queue, "give_back", lambda *args, **options: None)
    with pytest.raises(_Killed):
        work()
    monkeypatch.undo()
    leases.abandon()
    monkeypatch.setattr(leases, "_own", None)
    assert close_now().status == BatchStatus.CLOSING

    maintenance.recover_dead()
    assert not Message.objects.uncertain().exists()
    printing.look_after()
    work()
    close_now()
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SENT}
    assert listed() == {message.pk: 1 for message in messages}


@pytest.mark.parametrize("step", ["before the table", "after the table", "after the signal"])
def test_a_process_that_dies_while_closing_is_followed_by_one_that_writes_the_same(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = a_letter_for_print()
    work()
    real, written = manifests._put, []

    def dying(name: str, content: bytes) -> None:
        if step == "before the table" or (step == "after the table" and written):
            raise _Killed
        real(name, content)
        written.append(name)
        if step == "after the signal" and len(written) == 2:
            raise _Killed

    monkeypatch.setattr(manifests, "_put", dying)
    with pytest.raises(_Killed):
        close_now()
    monkeypatch.undo()
    batch = the_batch()
    assert (batch.status, batch.letters, batch.handed_over_at) == (BatchStatus.CLOSED, 1, None)
    before = spool()
    printing.look_after()
    batch.refresh_from_db()
    assert batch.handed_over_at is not None
    assert {name: content for name, content in spool().items() if name in before} == before
    assert listed() == {message.pk: 1}


def test_half_a_manifest_is_written_anew(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "spool": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    message = a_letter_for_print()
    work()
    storages["spool"].save(f"{the_batch()}/manifest.json", ContentFile(b'{"half":'))
    close_now()
    assert listed() == {message.pk: 1}


def test_a_manifest_never_lists_a_file_that_is_not_there() -> None:
    message = a_letter_for_print()
    work()
    name = message.events.get(name=Status.SENT).facts["file"]
    storages["spool"].delete(name)
    batch = close_now()
    assert (batch.status, batch.handed_over_at) == (BatchStatus.CLOSED, None)
    short = name.rpartition("/")[2]
    assert batch.reason == f"manifest not written: 1 files are missing in the spool, the first is {short}"
    assert spool() == {}


def test_a_run_that_is_handed_over_at_last_says_no_more_what_kept_it_back() -> None:
    message = a_letter_for_print()
    work()
    name = message.events.get(name=Status.SENT).facts["file"]
    with storages["spool"].open(name) as file:
        content = file.read()
    storages["spool"].delete(name)
    assert close_now().reason.startswith("manifest not written")
    storages["spool"].save(name, ContentFile(content))
    printing.look_after()
    batch = the_batch()
    assert (batch.reason, batch.handed_over_at is not None) == ("handed over late", True)
    assert listed() == {message.pk: 1}


def test_a_late_worker_spoils_nothing_and_is_swept_behind(settings: Any) -> None:
    message = a_letter_for_print()
    work()
    batch = close_now()
    before = spool()
    # A worker that was taken for dead wakes up and lays its letter after all.
    late = f"{batch}/{message.pk}-0123456789abcdef.pdf"
    storages["spool"].save(late, ContentFile(b"%PDF late"))
    storages["spool"].save(f"{batch}/taken.txt", ContentFile(b"by the print house"))
    assert printing.sweep() == 0
    long_ago = datetime.now().timestamp() - 7200
    for name in spool():
        os.utime(storages["spool"].path(name), (long_ago, long_ago))
    assert printing.sweep() == 1
    assert spool() == {**before, f"{batch}/taken.txt": b"by the print house"}
    assert listed() == {message.pk: 1}


def test_what_a_manifest_lists_stays_for_the_print_house_though_its_letters_are_forgotten() -> None:
    message = a_letter_for_print()
    work()
    batch = close_now()
    before = spool()
    assert services.purge(closed_before=timezone.now() + timedelta(days=1)) == 1
    long_ago = datetime.now().timestamp() - 7200
    for name in before:
        os.utime(storages["spool"].path(name), (long_ago, long_ago))
    assert printing.sweep() == 0
    assert spool() == before
    assert listed() == {message.pk: 1}
    storages["spool"].delete(f"{batch}/manifest.json")
    assert printing.sweep() == 0


def test_what_the_print_house_took_away_is_no_trouble() -> None:
    a_letter_for_print()
    work()
    batch = close_now()
    shutil.rmtree(storages["spool"].path(str(batch)))
    assert printing.sweep() == 0
    maintenance.clean()
    printing.look_after()


def test_retention_spares_what_the_print_house_has_not_yet() -> None:
    message = a_letter_for_print()
    work()
    later = timezone.now() + timedelta(days=1)
    assert services.purge(closed_before=later) == 0
    close_now()
    assert services.purge(closed_before=later) == 1
    assert not Message.objects.filter(pk=message.pk).exists()
    assert not PrintItem.objects.exists()
    assert PrintBatch.objects.exists()


def test_a_template_may_bring_its_own_layout(caller: Caller) -> None:
    make_template(
        "OWN", letter="#let d = json(bytes(sys.inputs.data))\nSaját: #d.recipientName, #d.letter.text", text="Szia!"
    )
    submitted(
        caller, channel="POST", message_type="OWN", mail_subject="", mail_body="", letter_type="NORMAL",
        recipient_postal_address="Fő utca 1.",
    )  # fmt: skip
    work()
    (pdf,) = spool().values()
    assert pages_of(pdf)[0].split() == ["Saját:", "Teszt", "Elek,", "Szia!"]


# ── by hand ─────────────────────────────────────────────────────────────────────────────────────
def test_a_person_closes_the_open_run_once(caller: Caller) -> None:
    a_letter_for_print()
    work()
    batch = the_batch()
    printing.close(caller=caller, batch_id=batch.pk, reason="Friday")
    batch.refresh_from_db()
    assert (batch.status, batch.reason) == (BatchStatus.CLOSING, f"{caller.actor}: Friday")
    with pytest.raises(Refusal, match=f"print batch {batch} is CLOSING"):
        printing.close(caller=caller, batch_id=batch.pk)
    with pytest.raises(Refusal, match="print batch 999"):
        printing.close(caller=caller, batch_id=999)


def test_the_commands_close_and_list(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("close_print_batch")
    call_command("close_print_batch", "--json")
    assert capsys.readouterr().out == "no print batch is open\nnull\n"
    a_letter_for_print()
    work()
    call_command("close_print_batch", "--json")
    batch = the_batch()
    assert json.loads(capsys.readouterr().out) == {"batch": str(batch), "status": "CLOSED", "letters": 1}
    call_command("list_print_batches", "--json")
    (row,) = json.loads(capsys.readouterr().out)
    assert {name: row[name] for name in ("batch", "status", "letters", "pages", "sheets")} == {
        "batch": str(batch), "status": "CLOSED", "letters": 1, "pages": 1, "sheets": 1,
    }  # fmt: skip
    assert row["handedOverAt"] >= row["closedAt"] >= row["openedAt"]
    call_command("list_print_batches")
    assert capsys.readouterr().out.endswith("\n1 print batches\n")


@pytest.mark.parametrize("limit", ["0", "1001"])
def test_a_list_has_bounds(limit: str) -> None:
    with pytest.raises(Exception, match="--limit: must be between 1 and 1000"):
        call_command("list_print_batches", "--limit", limit)


# ── at the same time ────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
def test_two_workers_open_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds that another was first goes along with its run."""
    message = a_letter_for_print()
    dispatcher = Dispatcher.objects.create(host="h", pid=1, lease_until=timezone.now())
    queue.claim(channel="POST", dispatcher=dispatcher, size=1)
    real, calls = timezone.localdate, []

    def another_was_first() -> date:
        if not calls:
            calls.append(1)
            PrintBatch.objects.create(day=real(), number=1)
        return real()

    monkeypatch.setattr("sending.printing.gathering.timezone.localdate", another_was_first)
    assert printing.bind([message], dispatcher) == f"{real():%Y-%m-%d}/000001"
    assert PrintBatch.objects.count() == 1
