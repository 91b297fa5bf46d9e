"""Whatever comes over SOAP, the answer is one of the contract's, and what is refused leaves nothing behind."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import Refusal
from gateway.incoming import Incoming
from gateway.long_texts import LongText
from sending.models import Message
from sending.send_v2.model import INNER_ORDER, ORDER
from sending.send_v2.xml import Elements
from tests.sending.send_v2_calls import LETTER, Caller, envelope, files, keep_files_in, post_soap
from tests.soap import ENVELOPE

_MANY = examples(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_NAMES = st.sampled_from([*ORDER, *INNER_ORDER, "attachment", "property", "param", "messageId", "messageIds"]) | _TEXT
_LEAVES = _TEXT | st.sampled_from(["true", "1", "INLINE", "ATTACHMENT_SOURCE", "QUJD"]) | st.just(
    LongText(b"<" + b"QUJD" * 20_000 + b"<", 1, 80_001)
)  # fmt: skip
_DATA = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, min_size=2, max_size=4) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@_MANY
@given(st.dictionaries(_NAMES, _DATA, max_size=6))
def test_any_elements_are_read_or_refused(fields: dict[str, Any]) -> None:
    found = [outcome(fields, "read"), outcome(fields, "read_resend")]
    for refusal in (one for one in found if isinstance(one, Refusal)):
        assert 1 <= len(refusal.problems) <= 101
        assert all(len(problem.detail) < 1000 for problem in refusal.problems)


def outcome(fields: dict[str, Any], read: str) -> Any:
    """What comes of it, be it a refusal; nothing else may be raised."""
    with Incoming() as incoming:
        try:
            return getattr(Elements(fields, incoming), read)()
        except Refusal as refusal:
            return refusal


@pytest.mark.django_db
@_MANY
@given(st.sampled_from(["sendMail", "resendMail"]), st.lists(st.tuples(_NAMES, _TEXT), max_size=6))
def test_any_fields_are_answered(settings: Any, tmp_path: Path, operation: str, fields: list[tuple[str, str]]) -> None:
    keep_files_in(tmp_path, settings)
    api = Caller()
    root = etree.fromstring(envelope(operation, "").encode())
    (place,) = root.iter("request")
    etree.SubElement(place, "clientHashKey").text = api.keys.client_hash_key
    for name, text in [*fields, *(LETTER.items() if operation == "sendMail" else ())]:
        try:
            etree.SubElement(place, name).text = text
        except ValueError:
            continue  # no name or no text of XML
    before = (Message.objects.count(), len(files()))
    answer = post_soap(etree.tostring(root, encoding="utf-8"))
    assert answer.status_code == 200, answer.content
    (code,) = etree.fromstring(answer.content).iterfind(f"{{{ENVELOPE}}}Body/*/response/status/code")
    assert int(code.text) in (0, 1001, 1002, 1003, 1004, 2000, 3000, 3002, 3003)
    assert int(code.text) == 0 or (Message.objects.count(), len(files())) == before
