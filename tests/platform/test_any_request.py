"""Requests as our web server makes them: what they take from a Content-Type, once or again and again."""

from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest

from hammy_project.any_request import AnyRequest

READABLE = (
    "",
    "application/json",
    "text/xml; charset=utf-8",
    'TEXT/XML;charset="ISO-8859-2"; x=1',
    "text/xml; charset=",
    "text/xml; charset=no-such",
    "multipart/form-data; boundary=abc",
    f"multipart/form-data; boundary={'b' * 200}; charset=latin-1",
)


def made(kind: type[WSGIRequest], content_type: str) -> Any:
    return kind(
        {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "CONTENT_TYPE": content_type, "QUERY_STRING": "a=%C5%91",
         "wsgi.input": BytesIO(b""), "CONTENT_LENGTH": "0"}
    )  # fmt: skip


@pytest.mark.parametrize("content_type", READABLE)
def test_it_says_what_django_would_say(content_type: str) -> None:
    expected = made(WSGIRequest, content_type)
    for _ in range(2):
        request = made(AnyRequest, content_type)
        assert (request.content_type, request.content_params, request.encoding, request.GET) == (
            expected.content_type, expected.content_params, expected.encoding, expected.GET
        )  # fmt: skip


def test_what_one_request_does_to_its_parameters_is_not_seen_by_the_next() -> None:
    made(AnyRequest, "text/xml; charset=utf-8").content_params.clear()
    assert made(AnyRequest, "text/xml; charset=utf-8").content_params == {"charset": "utf-8"}


@pytest.mark.parametrize("content_type", ["text/xml; charset=\x00", "text/xml; charset=\x00" + "x" * 200])
def test_one_that_cannot_be_read_is_none(content_type: str) -> None:
    with pytest.raises(ValueError, match="null"):
        made(WSGIRequest, content_type)
    request = made(AnyRequest, content_type)
    assert (request.content_type, request.content_params, request.encoding) == ("", {}, None)
