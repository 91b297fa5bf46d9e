"""Whatever JSON comes, it is a letter or a Refusal that can be written down: never another exception."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.answers import json_bytes
from gateway.envelope import failure
from gateway.errors import Refusal
from sending.letter import Letter
from sending.send_v2.json_api import Document
from sending.send_v2.model import ALIASES, OUTWARD_NAMES
from sending.send_v2.request import read

KNOWN = st.sampled_from([
    *OUTWARD_NAMES.values(), *ALIASES, "data", "included", "type", "id", "attributes", "relationships",
    "ATTACHMENT_SOURCE", "INLINE", "FS", "sendRequest", "attachments", "properties", "SEND_AT", "true",
    "1", "<a/>", "QQ==",
])  # fmt: skip
NAMES = KNOWN | st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NAMES
VALUES: Any = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=30
)
REFERENCE = st.fixed_dictionaries(
    {}, optional={"type": KNOWN | SCALARS, "id": st.sampled_from(["1", "2", 1]) | SCALARS}
)
RESOURCE = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["sendRequest", "attachments", "properties"]) | SCALARS,
        "id": st.sampled_from(["1", "2", 1]) | SCALARS,
        "attributes": st.dictionaries(NAMES, VALUES, max_size=6) | VALUES,
        "relationships": st.dictionaries(
            st.sampled_from(["attachments", "properties"]) | NAMES,
            st.fixed_dictionaries({}, optional={"data": st.lists(REFERENCE, max_size=4) | VALUES}) | VALUES,
            max_size=3,
        )
        | VALUES,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"data": RESOURCE}, optional={"included": st.lists(RESOURCE | VALUES, max_size=5) | VALUES}
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=10) | VALUES)
def test_any_plain_json(data: Any) -> None:
    try:
        assert isinstance(read(data).letter, Letter)
    except Refusal as refusal:
        json.loads(json_bytes(failure(refusal)))


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS | VALUES)
def test_any_json_api_document(data: Any) -> None:
    try:
        document = Document(data)
    except Refusal as refusal:
        json.loads(json_bytes(failure(refusal)))
        return
    try:
        assert isinstance(document.read().letter, Letter)
    except Refusal as refusal:
        json.loads(json_bytes(failure(refusal, document.pointer)))
