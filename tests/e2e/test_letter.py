"""One letter, the whole way: over REST into the site, over SMTP out of it, and read as its recipient's program does."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

import pytest
import requests

from tests.fakes.smtp import Mailbox
from tests.faults.site import Site, site, wait_until

pytestmark = pytest.mark.timeout(300)
PDF = b"%PDF-1.4\r\n" + bytes(range(256)) * 40
TEXT = "Tisztelt Árvíztűrő Éva!\n\n.pont a sor elején\nEgy hosszú sor: " + "őrült " * 200 + "\nÜdvözlettel\n"
HTML = "<p>Tisztelt <b>Árvíztűrő Éva</b>!</p>\n"
LETTER = {
    "requestId": "letter-1",
    "batchId": "letters",
    "partnerRef": "P-1",
    "recipientName": "Árvíztűrő, Éva",
    "recipientEmailAddress": "eva@example.com",
    "recipientEmailAddressCC": "cc1@example.com;cc2@example.com",
    "bccAddress": "secret@example.com",
    "replyToAddress": "answers@example.com",
    "replyToName": "Ügyfélszolgálat",
    "fromAddress": "sender@example.com",
    "fromName": "Küldő Kft.",
    "mailSubject": "Szerződés: 1/2026 – „fontos”",
    "mailBody": TEXT,
    "mailHtmlBody": HTML,
    "attachments": [
        {
            "fileName": "szerződés 1.pdf",
            "content": b64encode(PDF).decode(),
            "properties": [{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}],
        }
    ],
}


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Site]:
    """All programs of a site, and the recipient's mailbox."""
    with site(tmp_path_factory.mktemp("letter"), EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}") as made:
        made.start_web()
        made.start_worker(processes=1)
        made.start_beat()
        yield made


def _get(running: Site, path: str) -> dict[str, Any]:
    answer = requests.get(running.url(path), headers=running.headers, timeout=60)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _page(running: Site, path: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{running.web_port}/{path}", timeout=60)


def test_a_letter_given_over_rest_is_the_mail_its_recipients_read(running: Site, mailbox: Mailbox) -> None:
    answer = running.post("send", LETTER)
    assert answer.status_code == 200, answer.text
    message_id = answer.json()["messageId"]
    (mail,) = mailbox.wait_for(1, seconds=90)

    assert mail.sender == "sender@example.com"
    assert mail.recipients == ("eva@example.com", "cc1@example.com", "cc2@example.com", "secret@example.com")
    assert b"secret@example.com" not in mail.data
    assert mail.data.isascii()
    read = mail.message
    (row,) = running.query(f"SELECT uuid FROM sending_message WHERE id = {message_id}")
    assert read["Message-ID"].partition("@")[0].strip("<").replace("-", "") == str(row[0]).replace("-", "")
    assert {name: str(read[name]) for name in ("From", "To", "Cc", "Reply-To", "Subject", "MIME-Version")} == {
        "From": '"Küldő Kft." <sender@example.com>',
        "To": '"Árvíztűrő, Éva" <eva@example.com>',
        "Cc": "cc1@example.com, cc2@example.com",
        "Reply-To": "Ügyfélszolgálat <answers@example.com>",
        "Subject": LETTER["mailSubject"],
        "MIME-Version": "1.0",
    }
    body, attachment = read.iter_parts()
    text, html = body.iter_parts()
    assert (read.get_content_type(), body.get_content_type()) == ("multipart/mixed", "multipart/alternative")
    assert (text.get_content_type(), text.get_content().replace("\r\n", "\n")) == ("text/plain", TEXT)
    assert (html.get_content_type(), html.get_content().replace("\r\n", "\n")) == ("text/html", HTML)
    assert (attachment.get_content_type(), attachment.get_filename()) == ("application/pdf", "szerződés 1.pdf")
    assert attachment.get_content_disposition() == "attachment"
    assert attachment.get_content() == PDF

    running.wait_for(message_id, "SENT")
    told = _get(running, f"messages/{message_id}")["data"]["attributes"]
    assert {name: told[name] for name in ("status", "channel", "requestId", "attempts", "attachmentCount")} == {
        "status": "SENT",
        "channel": "EMAIL",
        "requestId": "letter-1",
        "attempts": 1,
        "attachmentCount": 1,
    }
    accepted_at = datetime.fromisoformat(told["createdAt"])
    assert accepted_at.replace(microsecond=0) <= parsedate_to_datetime(read["Date"])
    events = [item["attributes"] for item in _get(running, f"messages/{message_id}/events")["data"]]
    assert [event["eventName"] for event in events] == ["ACCEPTED", "SENDING", "SENT"]
    assert events[-1]["reason"] == "250 2.0.0 kept as 1"
    assert events[-1]["recipients"] == dict.fromkeys(mail.recipients, "sent")
    moments = [datetime.fromisoformat(event["createdAt"]) for event in events]
    assert all(earlier <= later for earlier, later in pairwise(moments))


def test_a_letter_sent_twice_is_one_mail_and_the_counts_agree(running: Site, mailbox: Mailbox) -> None:
    again = running.post("send", LETTER)
    first = again.json()["messageId"]
    assert running.post("send", LETTER).json() == again.json()
    running.wait_for(first, "SENT")
    other = running.send("letter-2")
    running.wait_for(other, "SENT")
    assert mailbox.message_ids.most_common(1)[0][1] == 1
    assert len(mailbox.mails) == 2

    ready = _page(running, "readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "database": "ok", "broker": "ok", "oldestDueSeconds": 0.0},
    )
    counted = {'event="accepted"': 2.0, 'event="sent"': 2.0}
    wait_until(lambda: _counts(running) == counted, seconds=30, what=f"the counts, which are {_counts(running)}")
    listed = _get(running, "messages?status=SENT")
    assert {item["id"] for item in listed["data"]} == {str(first), str(other)}


def _counts(running: Site) -> dict[str, float]:
    """What the site counted of its messages, by event."""
    lines = _page(running, "metrics").text.splitlines()
    counted = [line.rpartition(" ") for line in lines if line.startswith('hammy_messages_total{channel="EMAIL"')]
    return {name.partition(",")[2].rstrip("}"): float(value) for name, _, value in counted if float(value)}
