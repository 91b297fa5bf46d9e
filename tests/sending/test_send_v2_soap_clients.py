"""Clients of others, made from the WSDL alone, send and resend at a live site: zeep and suds."""

import logging
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from lxml import etree
from suds.client import Client as SudsClient
from suds.plugin import MessagePlugin
from suds.sax.text import Raw
from zeep import Client as ZeepClient
from zeep import Settings

from sending import blobs
from sending.models import Attachment, Message
from sending.send_v2.model import AttachmentPart, ParamPart, Part, PropertyPart, RequestMetaPart, SendRequest
from sending.send_v2.resend_request import ResendRequest
from sending.xml_data import parse_xml_data
from tests.sending.send_v2_calls import API, WS, Caller, elements, envelope

XSD = "{http://www.w3.org/2001/XMLSchema}"
TYPE = f"{XSD}complexType"
MODEL = "http://hammy.dbx.hu/model/send/v2"
CONTENT = bytes(range(256)) * 4000
NESTED = "<DATA><contractNumber>10000001</contractNumber><name>Címzett &amp; Társa</name></DATA>"


class _Nesting(MessagePlugin):
    """suds escapes texts, and has no way of its own to give elements of any kind."""

    def marshalled(self, context: Any) -> None:
        for element in context.envelope.getChild("Body")[0][0].getChildren("xmlData"):
            element.setText(Raw(element.getText() or ""))


def zeep_calls(address: str) -> Callable[..., Any]:
    client = ZeepClient(f"{address}{WS}?wsdl", settings=Settings(strict=True))

    def call(operation: str, **fields: Any) -> Any:
        if "xmlData" in fields:
            fields["xmlData"] = {"_value_1": [etree.fromstring(fields["xmlData"])]}
        if "attachments" in fields:
            kind = client.get_type(f"{{{MODEL}}}Attachment_V1")
            fields["attachments"] = {"attachment": [kind(**one) for one in fields["attachments"]["attachment"]]}
        return getattr(client.service, operation)(request=fields)

    return call


def suds_calls(address: str) -> Callable[..., Any]:
    client = SudsClient(f"{address}{WS}?wsdl", cache=None, plugins=[_Nesting()])
    logging.getLogger("suds").setLevel(logging.CRITICAL)

    def call(operation: str, **fields: Any) -> Any:
        for one in fields.get("attachments", {}).get("attachment", []):
            # Its bytes are text to suds.
            one["content"] = b64encode(one["content"]).decode()
        return getattr(client.service, operation)(fields)

    return call


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("made", [zeep_calls, suds_calls])
def test_letters_are_sent_and_sent_again(live_server: Any, made: Callable[..., Any]) -> None:
    api = Caller()
    key = api.keys.client_hash_key
    call = made(live_server.url)
    inline = {"property": [{"key": "ATTACHMENT_SOURCE", "value": "INLINE", "isMetaData": False}]}
    sent = call(
        "sendMail",
        clientHashKey=key,
        requestId="r",
        recipientName="Címzett",
        recipientEmailAddress="a@example.com",
        mailSubject="Tárgy",
        mailBody="<Szöveg>\n&",
        xmlData=NESTED,
        archivingExpected=False,
        userName="anna",
        relatedMessageId=7,
        attachments={"attachment": [{"fileName": "a.pdf", "content": CONTENT, "properties": inline}]},
        properties={"property": [{"key": "k", "value": "v", "isMetaData": True}]},
    )
    message = Message.objects.get()
    assert (sent.status.code, sent.messageId) == (0, message.pk)
    assert getattr(sent, "params", None) is None
    assert (message.subject, message.user_name, message.related_message_id) == ("Tárgy", "anna", 7)
    assert message.content["mail_body"] == "<Szöveg>\n&"
    assert message.content["properties"] == [{"key": "k", "value": "v", "is_meta_data": True}]
    assert parse_xml_data(message.content["xml_data"]) == parse_xml_data(NESTED)
    assert blobs.read(Attachment.objects.get().blob_id) == CONTENT
    refused = call("resendMail", requestMeta={"clientHashKey": key}, messageId=[message.pk])
    assert (refused.status.code, refused.messageId if hasattr(refused, "messageId") else None) == (3001, None)
    Message.objects.update(status="SENT", closed_at=timezone.now(), due_at=None)
    again = call("resendMail", requestMeta={"clientHashKey": key}, messageId=[message.pk, message.pk],
                 recipientEmailAddress="b@example.com")  # fmt: skip
    second = Message.objects.order_by("-id")[0]
    assert (again.status.code, again.messageId) == (0, second.pk)
    assert (second.related_message_id, second.recipient_email_address) == (message.pk, "b@example.com")
    Message.objects.update(status="SENT", closed_at=timezone.now(), due_at=None)
    both = call("resendMail", clientHashKey=key, messageId=[second.pk, message.pk])
    third, fourth = Message.objects.order_by("id")[2:]
    assert both.messageId == third.pk
    assert [(param.key, param.value) for param in both.params.param] == [("messageId", str(fourth.pk))]
    wrong = call("sendMail", clientHashKey=key, recipientName="N")
    assert wrong.status.code == 1001
    assert wrong.status.messages.message[0] == "mailSubject: required without messageType"


def wsdl() -> Any:
    response = Client().get(f"{WS}?wsdl")
    assert (response.status_code, response["Content-Type"]) == (200, "text/xml; charset=utf-8")
    return etree.fromstring(response.content)


def test_the_wsdl_says_what_stands_on_the_wire() -> None:
    document = wsdl()
    assert document.find("{*}service").get("name") == "HammySend2API"
    assert document.get("targetNamespace") == API
    assert {one.get("name") for one in document.iterfind("{*}portType/{*}operation")} == {"sendMail", "resendMail"}
    schemas = {schema.get("targetNamespace"): schema for schema in document.iter(f"{XSD}schema")}
    assert set(schemas) == {API, MODEL}
    assert {schema.get("elementFormDefault") for schema in schemas.values()} == {"unqualified"}
    found = {
        (kind.get("name"), element.get("name")): element
        for kind in document.iter(f"{XSD}complexType")
        for element in kind.iter(f"{XSD}element")
    }
    required = {name for name, element in found.items() if element.get("minOccurs") != "0"}
    assert required == {("SendMailResponse", "status"), ("ResendMailResponse", "status")}
    assert not [element for element in found.values() if element.get("nillable") or element.get("form")]
    types = {name: element.get("type") for (_, name), element in found.items()}
    for name, kind in {
        "messageId": "xs:long", "relatedMessageId": "xs:long", "campaignPartId": "xs:long",
        "content": "xs:base64Binary",
        "messageTypeVersion": "xs:int", "archivingExpected": "xs:boolean", "isMetaData": "xs:boolean", "code": "xs:int",
        "mailBody": "xs:string",
    }.items():  # fmt: skip
        assert types[name] == kind, name
    assert {name for (_, name), element in found.items() if element.get("maxOccurs") == "unbounded"} == {
        "attachment", "property", "param", "message", "messageId",
    }  # fmt: skip
    (data,) = [kind for kind in document.iter(f"{XSD}complexType") if kind.get("name") == "xmlData"]
    (anything,) = data.iter(f"{XSD}any")
    assert data.get("mixed") == "true"
    assert dict(anything.attrib) == {"minOccurs": "0", "maxOccurs": "unbounded", "processContents": "skip"}


def test_the_wsdl_has_every_field_in_the_contracts_order() -> None:
    kinds = {kind.get("name"): [one.get("name") for one in kind.iter(f"{XSD}element")] for kind in wsdl().iter(TYPE)}

    def names(model: type[Part], *left_out: str) -> list[str]:
        return [name for name in (one.alias for one in model.model_fields.values()) if name not in left_out]

    assert kinds["SendMailRequest"] == names(SendRequest)
    # The first of them names parts of a multipart request, the second says nothing.
    assert set(kinds["Attachment_V1"]) == set(names(AttachmentPart, "attachmentRef", "contentAvailable"))
    assert kinds["Property_V1"] == names(PropertyPart)
    assert kinds["Param_V1"] == names(ParamPart)
    assert kinds["RequestMeta_V1"] == names(RequestMetaPart)
    # One name for the messages is enough for whoever is new.
    assert kinds["ResendMailRequest"] == names(ResendRequest, "messageIds")


@pytest.mark.django_db
def test_requests_and_answers_are_valid_by_the_schemas_of_the_wsdl() -> None:
    document = wsdl()
    schemas = {schema.get("targetNamespace"): schema for schema in document.iter(f"{XSD}schema")}

    class Resolver(etree.Resolver):
        def resolve(self, url: str, public_id: str | None, context: Any) -> Any:
            return self.resolve_string(etree.tostring(schemas[MODEL]), context)

    schemas[API].find(f"{XSD}import").set("schemaLocation", "http://model/")
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Resolver())
    validator = etree.XMLSchema(etree.fromstring(etree.tostring(schemas[API]), parser))
    api = Caller()
    taken = api.soap("sendMail", elements())
    Message.objects.update(status="SENT", closed_at=timezone.now(), due_at=None)
    number = Message.objects.get().pk
    answers = [taken, api.soap("sendMail"), api.soap("resendMail", f"<messageId>{number}</messageId>")]
    for answer in answers:
        validator.assertValid(etree.fromstring(answer.content)[0][0])
    attachment = "<attachments><attachment><fileName>a</fileName><content>QUI=</content></attachment></attachments>"
    # In the contract's order, which the schema shows though the door takes any.
    fields = "<mailBody>x</mailBody><recipientName>N</recipientName><xmlData>\n<DATA><a x='1'/></DATA></xmlData>"
    for request in (envelope("sendMail", fields + attachment), envelope("resendMail", "<messageId>1</messageId>" * 2)):
        validator.assertValid(etree.fromstring(request.encode())[1][0])
