"""Send V2 over SOAP: the letter that each spelling makes, what is refused how, and what is no valid call."""

from base64 import b64encode, encodebytes
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from gateway.incoming import Incoming
from sending import blobs, services
from sending.models import Attachment, Message
from sending.send_v2 import soap
from sending.xml_data import parse_xml_data
from tests.sending.factories import make_template
from tests.sending.send_v2_calls import (
    API,
    LETTER,
    WS,
    Caller,
    elements,
    envelope,
    keep_files_in,
    nothing_happened,
    post_soap,
)
from tests.soap import ENVELOPE, fault, soap_status

pytestmark = pytest.mark.django_db

INLINE = "<properties><property><key>ATTACHMENT_SOURCE</key><value>INLINE</value></property></properties>"
PDF = b64encode(b"%PDF-1.4 minta").decode()


@pytest.fixture
def api(settings: Any, tmp_path: Path) -> Caller:
    keep_files_in(tmp_path / "kept", settings)
    settings.HAMMY_INCOMING = tmp_path / "incoming"
    settings.HAMMY_MAX_MAIL_BYTES = 100_000_000
    return Caller()


def sent(api: Caller, fields: str = "") -> Message:
    answer = api.soap("sendMail", fields)
    assert soap_status(answer) == (0, []), answer.content
    return Message.objects.order_by("-id")[0]


def received() -> list[Path]:
    """What the doors left of their requests."""
    folder = Path(settings.HAMMY_INCOMING)
    return list(folder.iterdir()) if folder.exists() else []


def attachment(content: str, more: str = INLINE) -> str:
    return f"<attachment><fileName>a.pdf</fileName><content>{content}</content>{more}</attachment>"


def test_an_answer_is_the_number_and_the_status(api: Caller) -> None:
    answer = api.soap("sendMail", elements())
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/xml; charset=utf-8", "no-store")
    assert answer.content.decode() == (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<S:Envelope xmlns:S="{ENVELOPE}"><S:Body>'
        f'<ns2:sendMailResponse xmlns:ns2="{API}"><response><messageId>{Message.objects.get().pk}</messageId>'
        "<status><code>0</code><messages/></status></response></ns2:sendMailResponse></S:Body></S:Envelope>"
    )


def test_a_refusal_is_the_status_alone_with_every_problem_as_the_caller_spelt_it(api: Caller) -> None:
    answer = api.soap(
        "sendMail",
        "<recipientAddress>elek@</recipientAddress><mailBody>x</mailBody><archivingExpected>maybe</archivingExpected>"
        "<colour>red</colour><attachments><attachment><fileName>a</fileName><content>*</content></attachment>"
        "<file/></attachments><properties>loose</properties>",
    )
    assert soap_status(answer) == (
        1004,
        [
            "attachments.file: unknown field; did you mean attachment?",
            "properties: must hold property elements",
            "mailSubject: required without messageType",
            "recipientAddress: not a valid domain in the e-mail address: elek@",
            "recipientName: required",
            "archivingExpected: must be true or false",
            "attachments[0].content: must be base64",
            "attachments[0].properties: ATTACHMENT_SOURCE is required: INLINE, DMS, FS",
            "colour: unknown field",
        ],
    )
    assert answer.content.decode().partition("<response>")[2].startswith("<status>")
    assert nothing_happened()


@pytest.mark.parametrize(
    "fields",
    [
        "<send:mailSubject>S</send:mailSubject><send:properties><send:property><send:key>k</send:key>"
        "<send:value>v</send:value></send:property><send:property><send:key>l</send:key></send:property>"
        "</send:properties><send:relatedMessageId>7</send:relatedMessageId>"
        "<send:replyEnvelopeAttached>true</send:replyEnvelopeAttached>",
        "<replyEnvelopeAttached> 1\n</replyEnvelopeAttached><relatedMessageId> 7 </relatedMessageId><properties>"
        "<property><value>v</value><key>k</key><isMetaData>0</isMetaData></property></properties><properties>"
        "<property><key>l</key></property></properties><mailSubject>S</mailSubject><attachments>\n</attachments>"
        "<params/><requestMeta/>",
        "<properties><!-- x --><property><key><![CDATA[k]]></key><value>v</value></property><property>"
        "<isMetaData>FALSE</isMetaData><key>l</key></property></properties><mailSubject>S</mailSubject>"
        "<relatedMessageId>7</relatedMessageId><replyEnvelopeAttached>true</replyEnvelopeAttached><xmlData/>"
        '<letterType xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>',
    ],
)
def test_s14_children_come_in_any_order_qualified_or_not_in_every_spelling(api: Caller, fields: str) -> None:
    rest = "".join(f"<{name}>{value}</{name}>" for name, value in LETTER.items() if name != "mailSubject")
    message = sent(api, fields + rest)
    assert message.subject == "S"
    assert message.content["properties"] == [{"key": "k", "value": "v"}, {"key": "l", "value": ""}]
    assert (message.related_message_id, message.content["reply_envelope_attached"]) == (7, True)


DATA = "<DATA><no>7 &amp; &lt;8&gt;</no><sum unit='HUF'>100</sum>\n<empty/><é>ű</é></DATA><MORE/>"


@pytest.mark.parametrize(
    "given",
    [
        f"<xmlData>\n  {DATA}\n</xmlData>",
        f"<xmlData><!-- x -->{DATA}<?y z?></xmlData>",
        f"<xmlData><![CDATA[{DATA}]]></xmlData>",
        "<xmlData>" + DATA.replace("&", "&amp;").replace("<", "&lt;") + "</xmlData>",
        "<xmlData>" + DATA.replace("7 &amp; &lt;8&gt;", "<![CDATA[7 & <8>]]>") + "</xmlData>",
        f'<send:xmlData xmlns:unused="urn:x">{DATA}</send:xmlData>',
    ],
    ids=["nested", "comments", "cdata", "text", "cdata within", "qualified"],
)
def test_s12_xml_data_are_the_same_nested_and_as_text(api: Caller, given: str) -> None:
    message = sent(api, elements() + given)
    assert parse_xml_data(message.content["xml_data"]) == parse_xml_data(DATA)
    assert "xmlns" not in message.content["xml_data"]


def test_nested_xml_data_keep_the_namespaces_they_need(api: Caller) -> None:
    nested = '<xmlData xmlns:d="urn:d"><d:DATA d:a="1"><x>2</x></d:DATA></xmlData>'
    assert sent(api, elements() + nested).content["xml_data"] == (
        '<d:DATA xmlns:d="urn:d" d:a="1"><x>2</x></d:DATA>'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("<xmlData>loose<DATA/></xmlData>", "must consist of XML elements, with no text beside them"),
        ("<xmlData><DATA/></xmlData><xmlData><DATA/></xmlData>", "must be text"),
        ("<xmlData>&lt;!DOCTYPE x&gt;&lt;a/&gt;</xmlData>", "may not hold a document type or entity declaration"),
        (f"<xmlData>{'<a>' * 101}{'</a>' * 101}</xmlData>", "is nested more than 100 levels deep"),
        (f"<xmlData>{'<a/>' * 10_001}</xmlData>", "holds more than 10,000 elements"),
    ],
)
def test_s12_xml_data_are_held_to_the_same_bounds_nested_and_as_text(api: Caller, given: str, sentence: str) -> None:
    assert soap_status(api.soap("sendMail", elements() + given)) == (1002, [f"xmlData: {sentence}"])
    assert nothing_happened()


def test_templates_reach_nested_xml_data(api: Caller) -> None:
    make_template(text="{{ xmlData.DATA.contractNumber }}")
    letter = "<messageType>TEST.MAIL</messageType><recipientName>N</recipientName>"
    address = "<recipientEmailAddress>n@example.com</recipientEmailAddress>"
    assert soap_status(api.soap("sendMail", letter + address)) == (
        1001, ["xmlData: the template TEST.MAIL needs xmlData.DATA.contractNumber"]
    )  # fmt: skip
    nested = "<xmlData><DATA><contractNumber>9</contractNumber></DATA></xmlData>"
    assert sent(api, letter + address + nested).template_version is not None


LONG = bytes(range(256)) * 1000


@pytest.mark.parametrize("content", [b"", b"short", LONG, LONG[:-1], LONG[:-2]], ids=len)
@pytest.mark.parametrize("lines", ["one", "76", "crlf", "escaped", "indented"])
def test_attachments_of_every_length_and_layout_are_kept(api: Caller, content: bytes, lines: str) -> None:
    text = b64encode(content).decode() if lines == "one" else encodebytes(content).decode()
    text = text.replace("\n", {"crlf": "\r\n", "escaped": "&#13;\n", "indented": "\n    "}.get(lines, "\n"))
    answer = api.soap("sendMail", f"{elements()}<attachments>{attachment(text)}</attachments>")
    if not content:
        assert soap_status(answer) == (1001, ["attachments[0].content: required"])
        return
    assert soap_status(answer) == (0, [])
    row = Attachment.objects.get()
    assert (blobs.read(row.blob_id) == content, row.blob.size) == (True, len(content))
    assert received() == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso8859-2"])
def test_s11_long_attachments_come_in_every_encoding(api: Caller, encoding: str) -> None:
    attachments = f"<attachments>{attachment(b64encode(LONG).decode())}{attachment(PDF)}</attachments>"
    key = f"<clientHashKey>{api.keys.client_hash_key}</clientHashKey>"
    body = envelope("sendMail", key + attachments + elements(mailSubject="Ő"))
    body = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>{body}'
    assert soap_status(post_soap(body.encode(encoding), content_type="text/xml")) == (0, [])
    rows = Attachment.objects.order_by("position")
    assert [blobs.read(row.blob_id) for row in rows] == [LONG, b"%PDF-1.4 minta"]
    assert Message.objects.get().subject == "Ő"


@pytest.mark.parametrize("spoilt", ["*", "&xxe;", "&lt;", "]]", "é", "=", "====", "A", "\x01"])
@pytest.mark.parametrize("place", [0, 100_001, -1])
def test_long_base64_that_is_none_is_refused_and_leaves_nothing(api: Caller, spoilt: str, place: int) -> None:
    text = b64encode(LONG).decode()
    text = spoilt + text if not place else text[:place] + spoilt + text[place:]
    attachments = f"<attachments>{attachment(PDF)}{attachment(text)}</attachments>"
    answer = api.soap("sendMail", elements(colour="red") + attachments)
    assert soap_status(answer) == (1002, ["attachments[1].content: must be base64", "colour: unknown field"])
    assert nothing_happened()
    assert received() == []


def test_long_texts_elsewhere_are_the_texts_they_are(api: Caller) -> None:
    """A name decides nothing by itself: what stands elsewhere under it, or beside it, is read as ever."""
    run = "A" * 100_000
    message = sent(
        api,
        elements(mailHtmlBody=f"<content>{run}</content>")
        + f"<xmlData><content>{run}</content><other>{run}</other></xmlData>",
    )
    assert message.content["mail_html_body"] == f"<content>{run}</content>"
    assert parse_xml_data(message.content["xml_data"]) == {"content": run, "other": run}
    body = f"<mailHtmlBody><![CDATA[<content>{run}</content>]]></mailHtmlBody>"
    assert sent(api, elements() + body).content["mail_html_body"] == f"<content>{run}</content>"
    comment = f"<!-- <content>{run}</content> --><content><a>{run}</a></content>"
    assert soap_status(api.soap("sendMail", elements() + comment)) == (1004, ["content: unknown field"])
    joined = attachment(f"{b64encode(LONG).decode()}<!-- x -->")
    sent(api, f"{elements()}<attachments>{joined}</attachments>")
    assert blobs.read(Attachment.objects.get().blob_id) == LONG


def test_content_beside_another_source_is_refused_as_content(api: Caller) -> None:
    text = b64encode(LONG).decode()
    other = INLINE.replace("INLINE", "NOWHERE")
    answer = api.soap("sendMail", f"{elements()}<attachments>{attachment(text, other)}</attachments>")
    assert soap_status(answer)[0] == 1002
    assert nothing_happened()


def test_a_storage_that_fails_is_a_status_to_try_again(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any, **options: Any) -> Any:
        raise OSError("no space")

    monkeypatch.setattr(Incoming, "receive", full)
    text = b64encode(LONG).decode()
    answer = api.soap("sendMail", f"{elements()}<attachments>{attachment(text)}</attachments>")
    assert soap_status(answer) == (9001, ["the attachments cannot be stored at present; send the request again"])
    assert answer["Retry-After"] == "60"
    assert nothing_happened()


def test_the_same_request_is_taken_once(api: Caller) -> None:
    first, again = (sent(api, elements(requestId="r")) for _ in range(2))
    assert first.pk == again.pk
    told = f"requestId: already used for message {first.pk} with different content; use a new request id"
    assert soap_status(api.soap("sendMail", elements(requestId="r", mailBody="x"))) == (1005, [told])
    assert Message.objects.count() == 1


@pytest.mark.parametrize("operation", ["sendMail", "resendMail"])
def test_s29_who_calls_may_stand_in_both_places_and_must_be_one(api: Caller, operation: str) -> None:
    key, fields = api.keys.client_hash_key, elements() if operation == "sendMail" else "<messageId>1</messageId>"
    meta = f"<requestMeta><clientHashKey>{key}</clientHashKey><userName>anna</userName></requestMeta>"
    taken = 0 if operation == "sendMail" else 3000
    assert soap_status(post_soap(envelope(operation, meta + fields)))[0] == taken
    assert soap_status(api.soap(operation, f"{meta}<userName>anna</userName>{fields}"))[0] == taken
    assert {message.user_name for message in Message.objects.all()} <= {"anna"}
    before = Message.objects.count()
    for more, told in (
        ("<requestMeta><clientHashKey>x</clientHashKey></requestMeta>", "clientHashKey"),
        (f"{meta}<userName>bela</userName>", "userName"),
    ):
        answer = api.soap(operation, more + fields)
        assert soap_status(answer) == (2000, [f"{told}: is given more than once, differently"])
    assert soap_status(post_soap(envelope(operation, fields)))[0] == 2000
    assert Message.objects.count() == before


def test_the_right_to_send_is_needed() -> None:
    api = Caller(rights=["jobs.read"])
    for operation in ("sendMail", "resendMail"):
        assert soap_status(api.soap(operation, elements())) == (2002, ["the client lacks the right send"])
    assert nothing_happened()


KNOWN = "resendMail, sendMail"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "the body is empty"),
        ("<a><b></a>", "the body is not well-formed XML"),
        ("<a/>", f"the body is no SOAP envelope: {{{ENVELOPE}}}Envelope"),
        (envelope("sendMail", elements()).replace("<request>", "<request/><request>"),
         "sendMail must hold one request and nothing else"),
        (envelope("sendMail", elements()).replace("</soapenv:Body>", "<send:resendMail/></soapenv:Body>"),
         "the envelope must have one Body with one operation in it"),
        (envelope("dropMail", elements()), f"there is no such operation here; known are {KNOWN} of {API}"),
        (envelope("sendMail", elements()).replace(API, "http://chaingun.dbx.hu/api/job/v1"),
         f"there is no such operation here; known are {KNOWN} of {API}"),
        ("<!DOCTYPE x>" + envelope("sendMail", elements()), "a document type is not allowed"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + envelope("sendMail", "<mailBody>&a;</mailBody>"),
         "a document type is not allowed"),
        (envelope("sendMail", "<mailBody>&a;</mailBody>"), "the body is not well-formed XML"),
        (envelope("sendMail", "<a>" * 257 + "</a>" * 257), "the body is not well-formed XML"),
        (envelope("sendMail", "<a>" * 40 + "</a>" * 40), "the request is nested more than 32 levels deep"),
        (envelope("sendMail", f"<mailBody>{'x' * 10_000_001}</mailBody>"),
         "the body is not well-formed XML, or holds a text of more than 10 MB"),
        (envelope("sendMail", "<a/>" * 100_000), "the body holds more than 100000 tags"),
    ],
    ids=str,
)  # fmt: skip
def test_s7_s8_s9_s14_what_is_no_valid_call_is_a_fault(body: str, sentence: str) -> None:
    assert fault(post_soap(body)) == ("Client", sentence)
    assert nothing_happened()


def test_s10_nothing_is_included_or_looked_up(api: Caller, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("swordfish")
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
    message = sent(api, f"{elements()}<xmlData><DATA>{include}</DATA></xmlData>")
    assert "swordfish" not in str(message.content)


@pytest.mark.parametrize("action", ["resendMail", f'"{API}resendMail"', '"urn:resendMail"'])
def test_s14_a_soap_action_must_not_name_another_operation(api: Caller, action: str) -> None:
    body = envelope("sendMail", f"<clientHashKey>{api.keys.client_hash_key}</clientHashKey>{elements()}")
    refused = post_soap(body, SOAPAction=action)
    assert fault(refused) == ("Client", "SOAPAction names another operation than the body")
    assert nothing_happened()


def test_a_body_too_large_is_refused_before_it_is_read(api: Caller, settings: Any) -> None:
    settings.HAMMY_MAX_REQUEST_BYTES = 1000
    assert fault(api.soap("sendMail", elements(mailBody="x" * 1000))) == (
        "Client", "the body is larger than 1000 bytes"
    )  # fmt: skip
    assert nothing_happened()


def test_failures_of_ours_tell_no_reason(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**options: Any) -> Any:
        raise ZeroDivisionError("the password is swordfish")

    def away(**options: Any) -> Any:
        raise OperationalError

    monkeypatch.setattr(services, "submit", broken)
    code, sentence = fault(api.soap("sendMail", elements()))
    assert (code, sentence.partition(", reference ")[0]) == ("Server", "internal failure")
    monkeypatch.setattr(services, "submit", away)
    answer = api.soap("sendMail", elements())
    assert soap_status(answer) == (9001, ["temporarily unavailable, try again later"])
    assert answer["Retry-After"] == "5"


def test_calls_are_made_by_post_and_the_wsdl_is_public() -> None:
    response = Client().get(WS)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, POST")
    assert Client().get(f"{WS}?wsdl").content == soap.door.wsdl(f"http://testserver{WS}")
