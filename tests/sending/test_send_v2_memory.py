"""What a request brought goes with it, and does not wait for the collector, which comes round once in many requests."""

import gc
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.views import APIView

from sending.letter import Letter
from sending.send_v2.json_api import Document
from sending.send_v2.model import SendRequest
from tests.multiparts import NAME, a_body, a_part
from tests.sending.send_v2_calls import BASE, JSON, JSON_API, LETTER, Caller, document, keep_files_in

pytestmark = pytest.mark.django_db

_INLINE = {"key": "ATTACHMENT_SOURCE", "value": "INLINE"}
_ATTACHMENT = {"fileName": "a", "content": b64encode(b"x" * 100_000).decode(), "properties": [_INLINE]}


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive() -> Counter[str]:
    """What holds a body, or something that was read from one."""
    kinds = (WSGIRequest, Request, APIView, SendRequest, Document, Letter)
    return Counter(type(one).__name__ for one in gc.get_objects() if issubclass(type(one), kinds))


MULTIPART = "multipart/form-data; boundary=X"


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (LETTER | {"attachments": [_ATTACHMENT]}, JSON, 200),
        (LETTER | {"attachments": [_ATTACHMENT], "nope": 1}, JSON, 400),
        (LETTER | {"attachments": [_ATTACHMENT], "channel": "nope"}, JSON, 400),
        (document(), JSON_API, 200),
        (document(channel="nope"), JSON_API, 400),
        (document(mailSubject="x" * 601), JSON_API, 400),
        (b"{", JSON, 400),
        (a_body(a_part(f"{NAME}message\r\nContent-Type: {JSON}", b'{"recipientName": "x"}')), MULTIPART, 400),
        (a_body(a_part(f"{NAME}file", b"x" * 1000)), MULTIPART, 400),
    ],
)
def test_nothing_of_a_request_is_left_when_it_is_answered(
    data: Any, content_type: str, status: int, settings: Any, tmp_path: Path, no_collector: None
) -> None:
    keep_files_in(tmp_path / "files", settings)
    settings.HAMMY_INCOMING = tmp_path / "incoming"
    headers = Caller().headers
    handler = BaseHandler()
    handler.load_middleware()
    before = alive()
    for _ in range(3):
        request = RequestFactory().post(f"{BASE}/v2/send", data, content_type=content_type, headers=headers)
        assert handler.get_response(request).status_code == status
        del request
    assert alive() == before
