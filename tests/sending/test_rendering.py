"""What templates can reach of a letter, as the documents name it (contract send_v2, "Templates are Jinja2")."""

import re

from django.conf import settings

from sending.letter import Property
from sending.rendering import KNOWN_NAMES, template_data
from sending.templating import compile_template
from tests.sending.factories import a_letter, an_attachment

LETTER = a_letter(
    request_id="r1",
    batch_id="b1",
    partner_ref="p1",
    message_type="T",
    recipient_postal_address="1011 Budapest\nFő utca 1.",
    from_address="iroda@example.org",
    from_name="Iroda",
    xml_data="<DATA><contractNumber>12</contractNumber><item>a</item><item>b</item></DATA>",
    properties=(Property(key="clerk", value="Anna"), Property(key="with space", value="x", is_meta_data=True)),
    attachments=(
        an_attachment(
            document_type="INVOICE", object_type="CONTRACT", object_ref="12",
            properties=(Property(key="page", value="3"),),
        ),
    ),
)  # fmt: skip
# As a template spells it, and what comes out.
REACHED = {
    "requestId": "r1",
    "batchId": "b1",
    "partnerRef": "p1",
    "messageType": "T",
    "recipientName": "Teszt Elek",
    "recipientEmailAddress": "elek@example.com",
    "recipientPostalAddress": "1011 Budapest\nFő utca 1.",
    "fromAddress": "iroda@example.org",
    "fromName": "Iroda",
    'properties["clerk"]': "Anna",
    'properties["with space"]': "x",
    "xmlData.DATA.contractNumber": "12",
    "xmlData.DATA.item[1]": "b",
    "attachments[0].fileName": "minta.pdf",
    "attachments[0].documentType": "INVOICE",
    "attachments[0].objectType": "CONTRACT",
    "attachments[0].objectRef": "12",
    'attachments[0].properties["page"]': "3",
}


def test_each_documented_name_reaches_its_part_of_the_letter() -> None:
    data = template_data(LETTER.content())
    assert {name: compile_template(f"{{{{ {name} }}}}", html=False).render(data) for name in REACHED} == REACHED
    assert {re.split(r"[.\[]", name)[0] for name in REACHED} == KNOWN_NAMES


def test_the_console_document_lists_the_names_there_are_and_no_other() -> None:
    text = (settings.BASE_DIR / "docs" / "console.md").read_text()
    sentence = re.search(r"^They know (.*?)\. All values", text, re.MULTILINE)
    assert sentence is not None
    letters, _, attachments = sentence[1].partition("`attachments` (")
    assert {*re.findall(r"`(\w+)`", letters), "attachments"} == KNOWN_NAMES
    (attachment,) = template_data(LETTER.content())["attachments"]
    assert set(re.findall(r"`(\w+)`", attachments)) == set(attachment)
