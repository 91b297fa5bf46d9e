"""The samples of the original document's chapter on queues, replayed through the door (golden files as printed)."""

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.amqp.delivery import Answer
from gateway.incoming import Incoming
from gateway.xml_reading import read_document
from sending.models import Message
from sending.send_v2.queue_forms import Form
from sending.send_v2.xml import SHAPE, Elements
from tests.sending.factories import make_template
from tests.sending.queue_calls import JSON, JSON_API, XML, QueueCaller
from tests.sending.send_v2_calls import keep_files_in

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parent / "golden" / "send_v2"


@pytest.fixture
def queue(settings: Any, tmp_path: Path) -> QueueCaller:
    """With the file that the samples name below the external root."""
    keep_files_in(tmp_path / "files", settings)
    settings.HAMMY_EXTERNAL_ROOT = tmp_path / "external"
    settings.HAMMY_EXTERNAL_ROOT.mkdir()
    (settings.HAMMY_EXTERNAL_ROOT / "test.pdf").write_bytes(b"%PDF-1.4 minta")
    make_template("351.DI", subject="Értesítő", text='Kedves {{ properties["CIMZETT_NEVE"] }}!')
    return QueueCaller()


def as_printed(answer: Answer, name: str, message_id: int) -> None:
    printed = (GOLDEN / name).read_text()
    number = {"plain.response.json": 308563, "queue_json_api.response.json": 308562}[name]

    def members(text: str | bytes) -> Any:
        return json.loads(text, object_pairs_hook=list)

    assert members(answer.body) == members(printed.replace(str(number), str(message_id)))


@pytest.mark.parametrize(
    ("request_name", "content_type", "response_name"),
    [
        ("plain.request.json", JSON, "plain.response.json"),
        ("json_api.request.json", JSON_API, "queue_json_api.response.json"),
    ],
)
def test_the_json_samples_are_answered_as_printed(
    queue: QueueCaller, request_name: str, content_type: str, response_name: str
) -> None:
    answer = queue.ask((GOLDEN / request_name).read_text(), content_type=content_type)
    as_printed(answer, response_name, Message.objects.get().pk)


def test_the_xml_sample_is_answered_as_printed(queue: QueueCaller) -> None:
    answer = queue.ask((GOLDEN / "queue_xml.request.xml").read_text(), content_type=XML)
    message = Message.objects.get()
    printed = (GOLDEN / "queue_xml.response.xml").read_text().replace("308564", str(message.pk))
    blanks = etree.XMLParser(remove_blank_text=True)
    expected = etree.tostring(etree.fromstring(printed, blanks))
    assert answer.body == b'<?xml version="1.0" encoding="UTF-8"?>\n' + expected
    assert (message.recipient_name, message.recipient_email_address) == ("Teszt Elek", "test@example.com")
    assert [(item["key"], item["value"]) for item in message.content["properties"]] == [
        ("CIMZETT_NEVE", "Teszt Elek"),
        ("SZERZODES_AZON", "123456789"),
        ("NYOMT_AZON", "351 díjértesítő"),
        ("ROOT_ID", "111111111"),
    ]


def test_the_xml_sample_says_the_same_as_the_json_one() -> None:
    document = read_document((GOLDEN / "queue_xml.request.xml").read_bytes(), shape=SHAPE)
    with Incoming() as incoming:
        said = Elements(document.plain(document.root), incoming).plain
    expected = json.loads((GOLDEN / "plain.request.json").read_text())
    expected |= {"recipientEmailAddress": "test@example.com", "recipientName": "Teszt Elek"}
    # The XML sample gives two more flags of the attachment, both false.
    expected["attachments"][0] |= {"deleteSourceExpected": "false", "postableWithoutCertificate": "false"}
    assert said == expected


def test_the_headers_of_the_resend_sample_are_enough(queue: QueueCaller) -> None:
    """Its Content-Type is a header, and its method Send_V2_Resend."""
    headers = {"Content-Type": "application/xml", "X-Method-Name": "Send_V2_Resend"}
    delivery = queue.delivery("<resendMailRequest/>", content_type=None, headers=headers)
    with Incoming() as incoming:
        form = Form(delivery)
        form.decode(incoming)
    assert (form.media_type, form.method) == (XML, "Send_V2_Resend")
