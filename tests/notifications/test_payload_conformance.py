"""What every payload must do, whoever adds one (docs/howto/add-a-payload.md)."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from jobs.states import Failure, Status
from jobs.undone import Undone
from notifications.models import Delivery
from notifications.payloads import News, Style, payloads
from notifications.payloads.naming import Naming
from notifications.states import EventKind

_JOB = UUID("d7f5e47c-fbe6-4067-b834-9f829f150333")
_SAME: dict[str, Any] = {"at": datetime(2026, 11, 29, tzinfo=UTC), "job_id": 7, "job_uuid": _JOB}
# Reasons and names come from anywhere.
_HOSTILE = 'a"b<c>&\x01\ufffe\u202e\nő\U0001f4ec'
ENDS = [
    News(kind=EventKind.JOB_COMPLETED, status=Status.FINISHED, job_name="202611291200000007", **_SAME),
    News(kind=EventKind.JOB_COMPLETED, status=Status.CANCELLED, failure=Failure.CANCELLED, **_SAME),
    News(
        kind=EventKind.JOB_COMPLETED, status=Status.FAILED, failure=Failure.JOB, reason=_HOSTILE,
        undone=[Undone(uuid=_JOB, name=_HOSTILE, length=2**40)], **_SAME,
    ),
    News(kind=EventKind.TEST, at=_SAME["at"], job_id=None, job_uuid=UUID(int=0), status=Status.FINISHED),
]  # fmt: skip
STYLES = [Style(format=format_, naming=naming) for format_ in ("DEFAULT", "JSON", "XML") for naming in Naming]


@pytest.mark.parametrize("name", payloads())
def test_its_name_fits_where_deliveries_keep_it(name: str) -> None:
    assert name
    assert len(name) <= (Delivery._meta.get_field("payload").max_length or 0)


@pytest.mark.parametrize("news", ENDS, ids=["finished", "cancelled", "failed", "test"])
@pytest.mark.parametrize("name", payloads())
def test_every_end_in_every_style_is_what_its_media_type_says(name: str, news: News) -> None:
    payload = payloads()[name]
    for style in STYLES:
        body = payload.body(news, style)
        if payload.content_type(style).endswith("json"):
            assert isinstance(json.loads(body), dict)
        else:
            assert payload.content_type(style).endswith("xml")
            etree.fromstring(body)


@pytest.mark.parametrize("name", payloads())
def test_the_same_news_give_the_same_bytes(name: str) -> None:
    # R36: each try is signed, and must be the body that was tried before.
    for style in STYLES:
        assert payloads()[name].body(ENDS[2], style) == payloads()[name].body(ENDS[2], style)


@pytest.mark.parametrize("name", payloads())
def test_it_tells_which_job_it_was(name: str) -> None:
    for style in STYLES:
        body = payloads()[name].body(ENDS[0], style).decode()
        assert str(_JOB) in body or '"7"' in body
