"""From a caller's JSON to a letter: every tolerance, every problem (contract send_v2, "sendMail: fields")."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import Code, Refusal, refuse
from sending.letter import Letter, LetterAttachment, Property
from sending.send_v2 import request
from sending.send_v2.model import SendRequest
from sending.send_v2.request import read, split_addresses

GOOD = {"recipientName": "Teszt Elek", "recipientEmailAddress": "elek@example.com"}
SOURCE = {"key": "ATTACHMENT_SOURCE", "value": "INLINE"}


def letter(**members: Any) -> Letter:
    return read(GOOD | members).letter


def refused(**members: Any) -> list[tuple[int, str]]:
    """Code and sentence of each problem of a letter that is good but for ``members``."""
    with pytest.raises(Refusal) as caught:
        read(GOOD | members)
    return [(int(problem.code), problem.detail) for problem in caught.value.problems]


def attachment(**members: Any) -> dict[str, Any]:
    return {"fileName": "minta.pdf", "content": b64encode(b"%PDF").decode(), "properties": [SOURCE]} | members


def test_every_field_reaches_the_letter() -> None:
    read_letter = letter(
        requestId="r1", batchId="b1", partnerRef="p1", messageType="TEST.MAIL", messageTypeVersion=2,
        recipientPostalAddress="1011 Budapest\nFő utca 1.", recipientEmailAddressCC="a@b.hu; c@d.hu",
        recipientNameCC="CC", replyToAddress="r@b.hu", replyToName="R", fromAddress="f@b.hu", fromName="F",
        bccAddress="x@y.hu",
        xmlData="<DATA><no>7</no></DATA>", archivingExpected=False, certificationExpected=False, channel="EMAIL",
        userName="anna", relatedMessageId=5, replyEnvelopeAttached=True, paymentSlipAttached=True, campaignPartId=9,
        letterType="PRIORITY", attachments=[attachment(documentType="D", objectType="O", objectRef="7")],
        properties=[{"key": "K", "value": "V", "isMetaData": True}],
        params=[
            {"key": "SEND_AT", "value": "2030-01-01T00:00:00Z"},
            {"key": "EXPIRES_AT", "value": "2030-01-02T00:00:00Z"},
        ],
    )  # fmt: skip
    assert read_letter == Letter(
        channel="EMAIL", request_id="r1", batch_id="b1", partner_ref="p1", message_type="TEST.MAIL",
        message_type_version=2, recipient_name="Teszt Elek", recipient_email_address="elek@example.com",
        recipient_postal_address="1011 Budapest\nFő utca 1.", recipient_email_address_cc=("a@b.hu", "c@d.hu"),
        recipient_name_cc="CC", reply_to_address="r@b.hu", reply_to_name="R", from_address="f@b.hu", from_name="F",
        bcc_address=("x@y.hu",), xml_data="<DATA><no>7</no></DATA>", related_message_id=5, reply_envelope_attached=True,
        payment_slip_attached=True, campaign_part_id=9, letter_type="PRIORITY",
        properties=(Property(key="K", value="V", is_meta_data=True),),
        attachments=(
            LetterAttachment(
                file_name="minta.pdf", content=b"%PDF", media_type="application/pdf", document_type="D",
                object_type="O", object_ref="7", properties=(Property(key="ATTACHMENT_SOURCE", value="INLINE"),),
            ),
        ),
        send_at=datetime(2030, 1, 1, tzinfo=UTC), expires_at=datetime(2030, 1, 2, tzinfo=UTC),
    )  # fmt: skip


def test_a_field_the_letter_does_not_carry_is_refused_or_read_elsewhere() -> None:
    elsewhere = {
        "client_hash_key", "request_meta", "user_name", "attachments", "properties", "params", "bcc_address",
        "recipient_email_address_cc",
    }  # fmt: skip
    assert set(SendRequest.model_fields) == request._SAME | elsewhere


def test_v1_spellings_are_read_and_kept_in_sentences() -> None:
    both = read({"recipientName": "N", "recipientAddress": "a@b.hu", "recipientAddressCC": "c@d.hu;e@f.hu"})
    assert both.letter.recipient_email_address == "a@b.hu"
    assert both.letter.recipient_email_address_cc == ("c@d.hu", "e@f.hu")
    found = both.outward(refuse(Code.INVALID, "not a valid e-mail address", "recipient_email_address"))
    assert found.problems[0].detail == "recipientAddress: not a valid e-mail address"
    with pytest.raises(Refusal) as caught:
        read({"recipientName": "N", "recipientAddress": "x" * 101})
    assert caught.value.problems[0].detail == "recipientAddress: must be at most 100 characters"


def test_both_spellings_of_one_field_exclude_each_other() -> None:
    assert refused(recipientAddress="other@example.com") == [
        (1003, "recipientAddress: not together with recipientEmailAddress, which means the same")
    ]
    assert letter(recipientAddress=None).recipient_email_address == "elek@example.com"


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_empty_text_are_the_same_as_nothing(nothing: object) -> None:
    names = [field.alias for field in SendRequest.model_fields.values() if field.alias not in GOOD]
    lists = ("attachments", "properties", "params", "requestMeta")
    assert letter(**{name: None if name in lists else nothing for name in names}) == letter()
    assert refused(recipientName=nothing) == [(1001, "recipientName: required")]


@pytest.mark.parametrize(
    ("given", "meant"), [("true", True), ("TRUE", True), ("false", False), (True, True), (False, False)]
)
def test_booleans_may_be_text(given: object, meant: bool) -> None:
    assert letter(replyEnvelopeAttached=given).reply_envelope_attached is meant


@pytest.mark.parametrize("given", ["1", 1, 0, "yes", 1.0, [], {}, "true "])
def test_nothing_else_is_a_boolean(given: object) -> None:
    assert refused(replyEnvelopeAttached=given) == [(1002, "replyEnvelopeAttached: must be true or false")]


@pytest.mark.parametrize(("given", "meant"), [("18", 18), (18, 18), ("+18", 18), (2**63 - 1, 2**63 - 1), ("0018", 18)])
def test_whole_numbers_may_be_text(given: object, meant: int) -> None:
    assert letter(relatedMessageId=given).related_message_id == meant


@pytest.mark.parametrize("given", [1.5, 1.0, "1.5", "abc", True, " 18", "१८", "9" * 5000, [], {}])
def test_nothing_else_is_a_whole_number(given: object) -> None:
    assert refused(relatedMessageId=given) == [(1002, "relatedMessageId: must be a whole number")]


@pytest.mark.parametrize("given", [0, -1, 2**63, "9223372036854775808", 10**30])
def test_whole_numbers_have_bounds(given: object) -> None:
    assert refused(relatedMessageId=given) == [(1002, "relatedMessageId: must be between 1 and 9223372036854775807")]
    assert refused(messageType="T", messageTypeVersion=2**31) == [
        (1002, "messageTypeVersion: must be between 1 and 2147483647")
    ]


def test_a_whole_number_may_stand_for_text() -> None:
    given = letter(requestId=123, properties=[{"key": 7, "value": 111111111}])
    assert given.request_id == "123"
    assert given.properties == (Property(key="7", value="111111111"),)


@pytest.mark.parametrize("given", [1.5, True, [], {}])
def test_nothing_else_stands_for_text(given: object) -> None:
    assert refused(requestId=given) == [(1002, "requestId: must be text")]
    assert refused(mailBody=given) == [(1002, "mailBody: must be text")]


LIMITS = {
    "requestId": 150, "batchId": 100, "partnerRef": 100, "messageType": 100, "mailSubject": 600,
    "recipientPostalAddress": 255, "recipientEmailAddress": 100, "recipientName": 100, "recipientEmailAddressCC": 100,
    "recipientNameCC": 100, "replyToAddress": 100, "replyToName": 100, "fromAddress": 100, "fromName": 100,
    "bccAddress": 150,
}  # fmt: skip


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_lengths_are_counted_in_characters(name: str, limit: int) -> None:
    letter(**{name: "ű" * limit})
    assert refused(**{name: "ű" * (limit + 1)}) == [(1002, f"{name}: must be at most {limit} characters")]


@pytest.mark.parametrize("name", sorted(set(LIMITS) - {"recipientPostalAddress"}))
@pytest.mark.parametrize("bad", ["\r\nBcc: x@y.hu", "\n", "\r", "\x00", "\t", "\x7f", "\x85", "\u2028"])
def test_s16_nothing_ends_a_header_line(name: str, bad: str) -> None:
    assert refused(**{name: f"a{bad}b"}) == [(1002, f"{name}: must be one line without control characters")]


@pytest.mark.parametrize("name", ["mailBody", "mailHtmlBody", "recipientPostalAddress", "xmlData"])
def test_s16_no_text_holds_nul_or_half_a_surrogate_pair(name: str) -> None:
    assert refused(**{name: "a\x00b"}) == [(1002, f"{name}: must not contain NUL characters")]
    assert refused(**{name: "a\ud800b"}) == [(1002, f"{name}: must be valid Unicode text")]


def test_unknown_fields_are_named_with_the_nearest_known_one() -> None:
    assert refused(mailSubjct="S", zzz=1) == [
        (1004, "mailSubjct: unknown field; did you mean mailSubject?"),
        (1004, "zzz: unknown field"),
    ]
    assert refused(attachments=[attachment(filename="x")], properties=[{"key": "K", "valeu": "V"}]) == [
        (1004, "attachments[0].filename: unknown field; did you mean fileName?"),
        (1004, "properties[0].valeu: unknown field; did you mean value?"),
    ]


def test_the_name_of_an_unknown_field_is_shown_harmlessly() -> None:
    assert refused(**{"a\x00\n" + "b" * 1000: 1}) == [(1004, "a\ufffd\ufffd" + "b" * 97 + ": unknown field")]
    assert refused(**{"a\ud800": 1}) == [(1000, "a name in the request is not valid Unicode text")]


def test_a_template_excludes_words_of_ones_own() -> None:
    assert refused(messageType="T", mailSubject="S", mailBody="B", mailHtmlBody="H") == [
        (1003, "mailSubject: not together with messageType"),
        (1003, "mailBody: not together with messageType"),
        (1003, "mailHtmlBody: not together with messageType"),
    ]
    assert refused(messageTypeVersion=1) == [(1001, "messageType: required with messageTypeVersion")]


def test_all_problems_come_at_once_in_the_contracts_order() -> None:
    assert refused(
        zz=1, params=[{"key": "FOO"}], recipientName=None, mailSubject="x" * 601, recipientEmailAddress=True,
        messageTypeVersion="two", messageType="T", requestId=1.5, letterType="FAST", archivingExpected="maybe",
        properties=[{"key": "a", "value": 1.5}, {"value": "x"}, 3],
    ) == [
        (1002, "requestId: must be text"),
        (1002, "messageTypeVersion: must be a whole number"),
        (1002, "mailSubject: must be at most 600 characters"),
        (1002, "recipientEmailAddress: must be text"),
        (1001, "recipientName: required"),
        (1002, "archivingExpected: must be true or false"),
        (1002, "letterType: must be one of NORMAL, PRIORITY, REGISTERED, REGISTERED_RETURN_RECEIPT"),
        (1002, "properties[0].value: must be text"),
        (1001, "properties[1].key: required"),
        (1002, "properties[2]: must be an object"),
        (1004, "params[0].key: unknown parameter; known are SEND_AT, EXPIRES_AT, RUN_AS_JOB, DpfControlCallbackUrl"),
        (1004, "zz: unknown field"),
    ]  # fmt: skip


def test_what_the_services_find_is_said_in_the_same_answer_once() -> None:
    looked_at = []

    def examine(given: Letter) -> None:
        looked_at.append(given)
        raise Refusal(
            [
                *refuse(Code.REQUIRED, "required", "recipient_email_address").problems,
                *refuse(Code.REQUIRED, "required without messageType", "mail_subject").problems,
            ]
        )

    with pytest.raises(Refusal) as caught:
        read({"recipientName": "N", "mailSubject": "x" * 601}, examine=examine)
    assert [problem.detail for problem in caught.value.problems] == [
        "mailSubject: must be at most 600 characters",
        "recipientEmailAddress: required",
    ]
    assert looked_at == [Letter(recipient_name="N")]
    read(GOOD, examine=examine)
    assert len(looked_at) == 1


@pytest.mark.parametrize("data", [None, [], "text", 7, True])
def test_anything_but_an_object_is_malformed(data: object) -> None:
    with pytest.raises(Refusal) as caught:
        read(data)
    assert (caught.value.code, str(caught.value)) == (Code.MALFORMED, "the request must be a JSON object")


@pytest.mark.parametrize("name", ["attachments", "properties", "params"])
@pytest.mark.parametrize("bad", [{}, "x", 7, True])
def test_lists_must_be_lists(name: str, bad: object) -> None:
    assert refused(**{name: bad}) == [(1002, f"{name}: must be a list")]


def test_endless_problems_are_not_counted_out() -> None:
    assert refused(**{f"unknown{number}": 1 for number in range(2000)}) == [
        (1000, "more than 1000 things are wrong with this request")
    ]
    many = refused(**{f"z{number:04}": 1 for number in range(150)})
    assert len(many) == 101
    assert many[-1] == (1004, "and 50 more problems")
    assert refused(properties=[{}] * 1001) == [(1002, "properties: must hold at most 1000")]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a@b.hu", ["a@b.hu"]),
        (" a@b.hu ;c@d.hu; ", ["a@b.hu", "c@d.hu"]),
        (";;", []),
        ('"a;b"@c.hu;d@e.hu', ['"a;b"@c.hu', "d@e.hu"]),
        (r'"a\";b"@c.hu;d@e.hu', [r'"a\";b"@c.hu', "d@e.hu"]),
        ("a@b>,<c@d", ["a@b>,<c@d"]),
    ],
)
def test_s17_addresses_are_split_at_semicolons_outside_quotes(text: str, parts: list[str]) -> None:
    assert list(split_addresses(text)) == parts


def test_xml_data_must_be_well_formed() -> None:
    assert letter(xmlData="<DATA><no>7</no></DATA>").xml_data == "<DATA><no>7</no></DATA>"
    assert refused(xmlData="<DATA>")[0][0] == 1002
    assert refused(xmlData="<DATA>")[0][1].startswith("xmlData: is not well-formed XML")


def test_s12_xml_data_holds_no_document_type() -> None:
    assert refused(xmlData='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>') == [
        (1002, "xmlData: may not hold a document type or entity declaration")
    ]


def test_moments_may_stand_in_request_meta() -> None:
    given = letter(requestMeta={"params": [{"key": "SEND_AT", "value": "2030-01-01"}]})
    assert given.send_at == datetime(2029, 12, 31, 23, tzinfo=UTC)


def test_parameters_are_known_given_once_and_make_sense() -> None:
    def params(*pairs: tuple[str, str]) -> list[tuple[int, str]]:
        return refused(params=[{"key": key, "value": value} for key, value in pairs])

    assert params(("SEND_AT", "tomorrow"))[0][1].startswith("params[0].value: SEND_AT must be a moment as 2025-02-10T")
    assert params(("SEND_AT", "2030-01-01"), ("SEND_AT", "2030-01-01")) == [
        (1002, "params[1].key: SEND_AT is given twice")
    ]
    assert params(("SEND_AT", "2030-01-02"), ("EXPIRES_AT", "2030-01-01")) == [
        (1002, "params[1].value: EXPIRES_AT must be later than SEND_AT")
    ]
    assert params(("RUN_AS_JOB", "perhaps")) == [(1002, "params[0].value: RUN_AS_JOB must be true or false")]
    assert params(("RUN_AS_JOB", "false"), ("DpfControlCallbackUrl", "http://x/")) == [
        (1003, "params[1].value: DpfControlCallbackUrl: not together with RUN_AS_JOB false")
    ]
    assert params(("DpfControlCallbackUrl", "http://x/"), ("dpf_control_callback_url", "http://x/")) == [
        (1002, "params[1].key: dpf_control_callback_url is given twice")
    ]
    assert params(("SEND_AS_JOB", "true")) == [
        (
            1004,
            "params[0].key: unknown parameter; known are SEND_AT, EXPIRES_AT, RUN_AS_JOB, DpfControlCallbackUrl",
        )
    ]
    assert letter(params=[{"key": "RUN_AS_JOB", "value": "false"}]) == letter()


def test_a_letter_runs_as_a_job_when_it_asks_for_one_or_for_callbacks() -> None:
    def asked(key: str, value: str) -> tuple[bool, str]:
        found = letter(params=[{"key": key, "value": value}])
        return found.runs_as_job, found.callback_url

    assert asked("RUN_AS_JOB", "True") == (True, "")
    assert asked("RUN_AS_JOB", "") == (False, "")
    assert asked("DpfControlCallbackUrl", "https://dpf.example.org:8443/a?b=c") == (
        True,
        "https://dpf.example.org:8443/a?b=c",
    )
    assert asked("DPF_CONTROL_CALLBACK_URL", "http://x/") == (True, "http://x/")
    assert asked("DpfControlCallbackUrl", "") == (False, "")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://x/", "must be a URL as https://host/path"),
        ("x", "must be a URL as https://host/path"),
        ("https:///x", "must be a URL as https://host/path"),
        ("http://x:99999/", "must be a URL as https://host/path"),
        ("http://[::1/", "must be a URL as https://host/path"),
        ("http://x:22/", "the port must be one of 80, 443, 8080, 8443"),
        ("http://anna:secret@x/", "must not hold a user or password"),
        ("http://@x/", "must not hold a user or password"),
        ("http://127.0.0.1/", "leads to an address that may not be called"),
        ("http://0x7f.1/", "the host is an address in an unusual spelling"),
        ("http://x/\nHost: y", "must be a URL without spaces, control characters or backslashes"),
        ("http://x/" + "a" * 1992, "must be at most 2000 characters"),
    ],
)
def test_s5_a_callback_address_is_checked_when_it_is_given(url: str, sentence: str) -> None:
    pair = {"key": "DpfControlCallbackUrl", "value": url}
    assert refused(params=[pair]) == [(1002, f"params[0].value: DpfControlCallbackUrl {sentence}")]


def test_a_services_word_on_a_parameter_is_put_at_its_place() -> None:
    reading = read(GOOD | {"params": [{"key": "EXPIRES_AT", "value": "2001-01-01"}]})
    found = reading.outward(refuse(Code.INVALID, "must be in the future", "params", "EXPIRES_AT"))
    assert str(found) == "params[0].value: must be in the future"


def test_the_body_may_name_client_and_user() -> None:
    reading = read(GOOD | {"userName": "anna", "requestMeta": {"clientHashKey": "k", "userName": "bela"}})
    assert reading.client_hash_keys == (("k", ("requestMeta", "clientHashKey")),)
    assert reading.user_names == (("anna", ("userName",)), ("bela", ("requestMeta", "userName")))


def test_signatures_are_asked_for_and_never_ignored() -> None:
    assert letter(certificationExpected="true") == letter(certificationExpected=True)
    assert letter(certificationExpected=True).certification_expected
    assert not letter(certificationExpected=False).certification_expected
