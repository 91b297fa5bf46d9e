"""The console's pages of print runs and printed letters."""

from typing import Any

import pytest
from django.test import Client

from gateway.management.house import house_caller
from sending import dispatch, leases, printing, services
from sending.models import Message, PrintBatch
from sending.states import BatchStatus, Status
from tests.console import client_of, plain_pages, trail  # noqa: F401 (a fixture)
from tests.sending.console import MESSAGES
from tests.sending.factories import make_template
from tests.sending.printed import spool
from tests.sending.test_post_channel import a_printed_letter

pytestmark = pytest.mark.django_db
BATCHES, ITEMS = "/admin/sending/printbatch/", "/admin/sending/printitem/"


@pytest.fixture
def message(monkeypatch: pytest.MonkeyPatch) -> Message:
    """A letter that lies in the spool, in the open run."""
    monkeypatch.setattr(leases, "_own", None)
    letter = a_printed_letter(recipient_name="Szőke Tűnde", mail_body="<script>alert(1)</script>")
    accepted = services.submit(caller=house_caller(), letter=letter)
    dispatch.Worker("POST").work()
    return Message.objects.get(pk=accepted.message_id, status=Status.SENT)


def test_runs_are_listed_with_where_they_stand(message: Message) -> None:
    batch = PrintBatch.objects.get()
    page = client_of("Viewer").get(BATCHES).content.decode()
    assert str(batch) in page
    assert "Taking letters" in page
    # Who only looks is offered nothing.
    assert "close/" not in page
    printing.close_open(caller=house_caller())
    assert "At the print house" in client_of("Viewer").get(BATCHES).content.decode()
    PrintBatch.objects.update(handed_over_at=None)
    assert "Manifest not written" in client_of("Viewer").get(BATCHES).content.decode()


def test_an_operator_closes_the_open_run_with_a_reason(message: Message) -> None:
    batch = PrintBatch.objects.get()
    operator, address = client_of("Operator"), f"{BATCHES}{batch.pk}/close/"
    assert address in operator.get(BATCHES).content.decode()
    assert "takes no more letters" in operator.get(address).content.decode()
    assert operator.post(address, {"reason": ""}).status_code == 200
    batch.refresh_from_db()
    assert batch.status == BatchStatus.OPEN
    answer = operator.post(address, {"reason": "Friday"})
    assert (answer.status_code, answer["Location"]) == (302, BATCHES)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.CLOSING
    assert batch.reason.endswith(": Friday")
    assert trail() == [(str(batch.pk), "close: Friday")]
    # Once is enough.
    assert operator.post(address, {"reason": "again"}).status_code == 409


@pytest.mark.parametrize("group", ["Viewer", "Template editor"])
def test_s33_nobody_else_closes_a_run(message: Message, group: str) -> None:
    batch = PrintBatch.objects.get()
    assert client_of(group).post(f"{BATCHES}{batch.pk}/close/", {"reason": "x"}).status_code == 403
    batch.refresh_from_db()
    assert batch.status == BatchStatus.OPEN
    assert trail() == []


def test_a_run_that_is_not_there_is_404() -> None:
    assert client_of("Operator").get(f"{BATCHES}999/close/").status_code == 404
    assert client_of("Operator").get(f"{ITEMS}999/file/").status_code == 404


def test_a_runs_letters_are_listed_with_their_files(message: Message) -> None:
    batch = PrintBatch.objects.get()
    address = client_of("Operator").get(f"{BATCHES}{batch.pk}/change/")["Location"]
    assert address == f"{ITEMS}?batch={batch.pk}"
    page = client_of("Operator").get(address).content.decode()
    (name,) = spool()
    assert name.rpartition("/")[2] in page
    assert "Szőke Tűnde" in page
    assert f"{ITEMS}{message.pk}/file/" in page
    assert f"{ITEMS}{message.pk}/file/" not in client_of("Viewer").get(address).content.decode()
    other = client_of("Operator").get(f"{ITEMS}?batch={batch.pk + 1}").content.decode()
    assert "Szőke Tűnde" not in other


def test_the_document_is_downloaded_by_who_may_read_and_it_is_recorded(message: Message) -> None:
    address = f"{ITEMS}{message.pk}/file/"
    answer = client_of("Operator").get(address)
    ((name, content),) = spool().items()
    assert b"".join(answer.streaming_content) == content  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == f'attachment; filename="{name.rpartition("/")[2]}"'
    assert trail() == [(str(message.pk), f"read: {name}")]
    for group in ("Viewer", "Template editor"):
        assert client_of(group).get(address).status_code == 403
    assert client_of("Operator").get(f"{ITEMS}{message.pk}/change/")["Location"] == f"{MESSAGES}{message.pk}/change/"


def test_a_printed_letter_is_shown_page_by_page(message: Message) -> None:
    operator = client_of("Operator")
    assert "Printed letter" in operator.get(f"{MESSAGES}{message.pk}/change/").content.decode()
    page = operator.get(f"{MESSAGES}{message.pk}/raw/").content.decode()
    assert f"{MESSAGES}{message.pk}/raw/1/" in page
    assert f"{MESSAGES}{message.pk}/raw/2/" not in page
    assert "1 page" in page
    picture = operator.get(f"{MESSAGES}{message.pk}/raw/1/")
    assert picture.content.startswith(b"\x89PNG")
    assert picture["Content-Type"] == "image/png"
    assert operator.get(f"{MESSAGES}{message.pk}/raw/2/").status_code == 404
    assert operator.get(f"{MESSAGES}{message.pk}/raw/0/").status_code == 404
    download = operator.get(f"{MESSAGES}{message.pk}/raw/download/")
    assert b"".join(download.streaming_content) in spool().values()  # type: ignore[attr-defined]
    assert download["Content-Disposition"].endswith('.pdf"')
    assert client_of("Viewer").get(f"{MESSAGES}{message.pk}/raw/1/").status_code == 403


def test_a_printed_letter_that_cannot_be_set_says_why(message: Message, settings: Any) -> None:
    settings.HAMMY_LETTER_PAGES = 0
    page = client_of("Operator").get(f"{MESSAGES}{message.pk}/raw/").content.decode()
    assert "the letter has 1 pages, and at most 0 are printed" in page


# ── layouts of templates ────────────────────────────────────────────────────────────────────────
def _enable(editor: Client, version: Any) -> Any:
    return editor.post(f"/admin/sending/templateversion/{version.pk}/enable/", {"reason": "ready"})


def test_a_layout_that_cannot_be_set_is_not_enabled() -> None:
    version = make_template(status="DRAFT", text="Szia", letter="\n#unknown", sample={"recipientName": "N"})
    editor = client_of("Template editor")
    answer = _enable(editor, version)
    assert answer.status_code == 409
    assert "letter layout: line 2: unknown variable: unknown" in answer.content.decode()
    version.refresh_from_db()
    assert version.status == "DRAFT"
    preview = editor.get(f"/admin/sending/templateversion/{version.pk}/preview/").content.decode()
    assert "unknown variable: unknown" in preview


def test_a_layout_that_can_be_set_is_enabled_and_never_edited_again() -> None:
    letter = "#let data = json(bytes(sys.inputs.data))\n#data.recipientName"
    version = make_template(status="DRAFT", text="Szia", letter=letter, sample={"recipientName": "N"})
    assert _enable(client_of("Template editor"), version).status_code == 302
    version.refresh_from_db()
    assert (version.status, version.letter) == ("ENABLED", letter)


def test_a_draft_keeps_its_layout_as_it_was_written() -> None:
    version = make_template(status="DRAFT", text="Szia", sample={"recipientName": "N"})
    values = {"subject": "S", "text": "Szia", "html": "", "list_unsubscribe": "", "sample": "{}", "letter": " a\n b"}
    client_of("Template editor").post(f"/admin/sending/templateversion/{version.pk}/change/", values)
    version.refresh_from_db()
    assert version.letter.replace("\r", "").strip() == "a\n b"
