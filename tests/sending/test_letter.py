"""A letter as a value: it has what it was given, and what it says is told by its digest."""

import json
from dataclasses import FrozenInstanceError, replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sending.letter import Letter, Property, digest_of


def _letter() -> Letter:
    return Letter(
        recipient_name="Teszt Elek",
        recipient_email_address="elek@example.com",
        mail_subject='Árvíztűrő "1" \\ 😀',
        properties=(Property(key="k", value="v"), Property(key="m", value="", is_meta_data=True)),
        delivery_id="not what it says",
    )


def test_what_was_not_given_is_there_as_if_it_had_been() -> None:
    given = replace(_letter(), mail_body="", channel="EMAIL", bcc_address=())
    assert (given, given.content(), hash(given)) == (_letter(), _letter().content(), hash(_letter()))
    assert (_letter().reply_to_name, _letter().send_at, _letter().attachments) == ("", None, ())


def test_nobody_changes_it() -> None:
    letter = _letter()
    with pytest.raises(FrozenInstanceError):
        letter.mail_subject = "another"  # type: ignore[misc]
    assert letter == _letter()


def test_what_it_says_has_the_digest_that_it_always_had() -> None:
    """Requests of earlier versions are known by it when they are repeated."""
    assert _letter().content() == {
        "channel": "EMAIL",
        "recipient_name": "Teszt Elek",
        "recipient_email_address": "elek@example.com",
        "mail_subject": 'Árvíztűrő "1" \\ 😀',
        "properties": [{"key": "k", "value": "v"}, {"key": "m", "value": "", "is_meta_data": True}],
    }
    assert digest_of(_letter().content()).hex() == "6afa633cc95d23e03841c6a68102d14ce4d93577288572622138f51c8bae48ce"


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.recursive(
            st.text(st.characters(exclude_categories=["Cs"])) | st.booleans() | st.integers(-(2**63), 2**63 - 1),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("keyvalu_x"), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=6,
    ).filter(lambda content: "attachments" not in content)
)
def test_its_digest_is_that_of_compact_json_in_order(content: dict[str, Any]) -> None:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert digest_of(content) == sha256(text.encode()).digest()
