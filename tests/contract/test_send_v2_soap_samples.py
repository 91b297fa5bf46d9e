"""The samples of the original Send V2 document over SOAP: read as printed, and answered byte for byte.

Filled in are what the document leaves open: the client's key and an attachment's bytes. The sample with an attachment
archives it in the DMS; where there is no such store that is the one thing refused.
"""

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from sending import blobs
from sending.models import Attachment, Message
from sending.stores import stores
from sending.xml_data import parse_xml_data
from tests.sending.factories import make_template
from tests.sending.send_v2_calls import Caller, keep_files_in, post_soap
from tests.soap import soap_status

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parent / "golden" / "send_v2"
PDF = b"%PDF-1.4 minta"
KEY = "aa87cd4bcd3445bbc4"
DATA = {"DATA": {"contractNumber": "10000001", "clientID": "9000001"}}
ARCHIVED = ("<archivingExpected>true</archivingExpected>", "<archivingExpected>false</archivingExpected>")


@pytest.fixture
def api(settings: Any, tmp_path: Path) -> Caller:
    keep_files_in(tmp_path, settings)
    make_template(subject="Szerződés", text="Szerződés: {{ xmlData.DATA.contractNumber }}")
    return Caller()


def request(api: Caller, name: str) -> str:
    printed = (GOLDEN / f"{name}.request.xml").read_text()
    assert KEY in printed
    return printed.replace(KEY, api.keys.client_hash_key).replace("[base_64_content]", b64encode(PDF).decode())


def printed_answer(message: Message) -> str:
    """The printed answer as we write it: one line, our declaration."""
    lines = (GOLDEN / "sendMail.response.xml").read_text().splitlines()
    text = "".join(line.strip() for line in lines).replace("<messageId>18<", f"<messageId>{message.pk}<")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def sent(api: Caller, body: str) -> Message:
    answer = post_soap(body)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml; charset=utf-8"), answer.content
    message = Message.objects.get()
    assert answer.content.decode() == printed_answer(message)
    assert (message.recipient_name, message.recipient_email_address) == ("NAME", "emailaddress@dbx.hu")
    assert (message.content["from_address"], message.content["from_name"]) == ("norepy@dbx.hu", "NAME")
    assert parse_xml_data(message.content["xml_data"]) == DATA
    assert message.content["xml_data"].startswith("<DATA>\n<contractNumber>")
    return message


def test_a_letter_of_its_own_words(api: Caller) -> None:
    message = sent(api, request(api, "sendMail.body"))
    assert (message.subject, message.content["mail_body"]) == ("Teszt levél tárgy", "Teszt levél szöveg")


def test_a_letter_of_a_template(api: Caller) -> None:
    message = sent(api, request(api, "sendMail.template"))
    assert (message.request_id, message.partner_ref) == ("123", "partner1234")
    assert message.template_version is not None
    assert message.template_version.version == 1


def test_a_letter_with_a_copy_and_an_attachment(api: Caller) -> None:
    body = request(api, "sendMail.attachment")
    if "DMS" not in stores():
        assert {code for code, _ in [soap_status(post_soap(body))]} == {3003}
        assert not Message.objects.exists()
        body = re.sub(r"<property>\s*<key>ARCHIVE_TARGET.*?</property>", "", body.replace(*ARCHIVED), flags=re.DOTALL)
    message = sent(api, body)
    assert message.content["recipient_email_address_cc"] == ["cc_email_address@dbx.hu"]
    assert message.content["recipient_name_cc"] == "CC NAME"
    assert message.content["properties"] == [{"key": "AKARMI_PROPERTY", "value": "egy valami"}]
    attachment = Attachment.objects.get()
    assert blobs.read(attachment.blob_id) == PDF
    assert (attachment.file_name, attachment.internal_file_name) == ("minta.pdf", "test.pdf")
    assert (attachment.document_type, attachment.object_type, attachment.object_ref) == (
        "SAMPLE1", "POLICY", "123456789"
    )  # fmt: skip
    assert {"key": "SZERZODO_NEVE", "value": "Béla", "is_meta_data": True} in attachment.properties
    assert message.content["attachments"][0]["postable_without_certificate"] is True
