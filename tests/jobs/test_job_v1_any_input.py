"""Whatever is sent, the answer is one of the contract's, and what is refused leaves nothing behind."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import Refusal
from gateway.soap_reading import ENVELOPE, read_envelope
from jobs.job_v1 import request
from jobs.job_v1.soap import OPERATIONS
from jobs.states import Status
from tests.jobs.job_v1_calls import BASE, WS, Caller, envelope, post_soap

_MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_NAMES = st.sampled_from(
    ["jobName", "legIds", "params", "jobId", "uuids", "uuid", "jobStatus", "reason", "requestMeta", "clientHashKey",
     "userName", "id", "key", "value", "legId", "param", "limit", "offset", "statuses", "status", "createdAtFrom"]
) | _TEXT  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT | st.sampled_from(Status)
_DATA = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=5), max_leaves=20
)  # fmt: skip
_OBJECTS = st.dictionaries(_NAMES, _DATA, max_size=6)


_BYTES = (
    st.binary(max_size=300)
    | _TEXT.map(str.encode)
    | st.binary(max_size=40).map(lambda part: envelope("findJobs", "|").encode().replace(b"|", part))
)


def outcome(read: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """What comes of it, be it a refusal; nothing else may be raised."""
    try:
        return read(*given, **named)
    except Refusal as refusal:
        return refusal


@_MANY
@given(_OBJECTS)
def test_any_data_is_read_or_refused(data: dict[str, Any]) -> None:
    found = [outcome(read, data) for read in (request.read_trigger, request.read_set_status, request.read_show)]
    found.append(outcome(request.read_find_fields, data, known=("limit", "offset", "statuses", "createdAtFrom")))
    assert all(1 <= len(one.problems) <= 100 for one in found if isinstance(one, Refusal))


@_MANY
@given(_BYTES)
def test_any_bytes_are_an_envelope_or_refused(body: bytes) -> None:
    found = outcome(read_envelope, body)
    assert len(str(found)) < 150 if isinstance(found, Refusal) else found.name == "findJobs"


@pytest.mark.django_db
@_MANY
@given(st.sampled_from(["post", "put"]), _OBJECTS | _DATA, st.booleans())
def test_any_json_is_answered(method: str, data: Any, is_document: bool) -> None:
    api = Caller()
    body = {"data": {"type": "x", "id": "1", "attributes": data}} if is_document else data
    answer = getattr(Client(), method)(
        f"{BASE}/jobs", json.dumps(body), content_type="application/json", headers=api.headers
    )
    assert answer.status_code in (400, 401, 404), answer.content
    assert answer.json()["errors"]


@pytest.mark.django_db
@_MANY
@given(st.sampled_from([operation.name for operation in OPERATIONS]), st.lists(st.tuples(_NAMES, _TEXT), max_size=6))
def test_any_fields_are_answered(operation: str, fields: list[tuple[str, str]]) -> None:
    api = Caller()
    root = etree.fromstring(envelope(operation, "").encode())
    (place,) = root.iter("request")
    etree.SubElement(place, "clientHashKey").text = api.keys.client_hash_key
    for name, text in fields:
        try:
            etree.SubElement(place, name).text = text
        except ValueError:
            continue  # no name or no text of XML
    answer = post_soap(etree.tostring(root, encoding="utf-8"))
    assert answer.status_code == 200, answer.content
    (code,) = etree.fromstring(answer.content).iterfind(f"{{{ENVELOPE}}}Body/*/response/status/code")
    assert int(code.text) in (0, 1001, 1002, 1003, 1004, 2000, 3000, 3002)
    assert answer.request["PATH_INFO"] == WS
