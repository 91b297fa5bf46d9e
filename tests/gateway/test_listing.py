"""Parameters of lists (contract hammy_common, "REST"; S31)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import QueryDict

from gateway.errors import Refusal
from gateway.listing import ListParameters, Page

SORTABLE = {"createdAt": "created_at", "jobClass": "job_class", "status": "status"}
NAMES = ("statuses", "requestId", "createdAtFrom")


def parameters(query: str) -> ListParameters:
    return ListParameters(QueryDict(query), names=NAMES)


def page(query: str) -> Page:
    reader = parameters(query)
    result = reader.page(sortable=SORTABLE)
    reader.check()
    return result


def refused(query: str, read: Any = None) -> list[tuple[int, str]]:
    reader = parameters(query)
    reader.page(sortable=SORTABLE)
    if read:
        read(reader)
    with pytest.raises(Refusal) as caught:
        reader.check()
    assert all(problem.parameter for problem in caught.value.problems)
    return [(int(problem.code), problem.detail) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Page(limit=20, offset=0, order_by=("-created_at", "-pk"))),
        ("limit=1&offset=7", Page(limit=1, offset=7, order_by=("-created_at", "-pk"))),
        ("limit=1000", Page(limit=1000, offset=0, order_by=("-created_at", "-pk"))),
        ("limit=&offset=&sort=", Page(limit=20, offset=0, order_by=("-created_at", "-pk"))),
        ("limit=5&limit=5", Page(limit=5, offset=0, order_by=("-created_at", "-pk"))),
        ("sort=status", Page(limit=20, offset=0, order_by=("status", "pk"))),
        ("sort=-createdAt,jobClass", Page(limit=20, offset=0, order_by=("-created_at", "job_class", "pk"))),
        ("sort=jobClass,%20-status", Page(limit=20, offset=0, order_by=("job_class", "-status", "-pk"))),
        ("unknown=1&Limit=3", Page(limit=20, offset=0, order_by=("-created_at", "-pk"))),
    ],
)
def test_pages(query: str, expected: Page) -> None:
    assert page(query) == expected


@pytest.mark.parametrize(
    "value", ["0", "1001", "-1", "abc", "1.0", "1e3", "0x10", "+5", "%205", "\u0663", "9" * 5000, "10" + "0" * 30]
)
def test_s31_a_limit_out_of_range_is_an_error(value: str) -> None:
    assert refused(f"limit={value}") == [(1002, "limit: must be between 1 and 1000")]


@pytest.mark.parametrize("value", ["-1", "x", "1" + "0" * 30, "9223372036854775808"])
def test_s31_an_offset_out_of_range_is_an_error(value: str) -> None:
    assert refused(f"offset={value}") == [(1002, "offset: must be between 0 and 1000000000")]


@pytest.mark.parametrize("value", ["secret", "-", "createdAt,", "--createdAt", "client__secret", "created_at", "?"])
def test_s31_sorting_by_what_is_not_offered_is_an_error(value: str) -> None:
    assert refused(f"sort={value}") == [
        (1004, "sort: unknown field, sort by createdAt, jobClass, status, a minus before it for descending")
    ]


def test_all_problems_are_told_at_once() -> None:
    assert [code for code, _ in refused("limit=0&offset=-1&sort=x&page[size]=3")] == [1002, 1002, 1004, 1004]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("page[limit]", "limit"),
        ("page[size]", "limit"),
        ("page[offset]", "offset"),
        ("page[number]", "offset"),
        ("page[cursor]", "limit and offset"),
        ("filter[status]", "statuses"),
        ("filter[requestId]", "requestId"),
        ("filter[x]", "one of statuses, requestId, createdAtFrom, limit, offset, sort"),
        ("filter[]", "one of statuses, requestId, createdAtFrom, limit, offset, sort"),
    ],
)
def test_spellings_of_other_apis_are_refused_by_naming_the_right_one(name: str, right: str) -> None:
    assert refused(f"{name}=1") == [(1004, f"{name}: unknown parameter, use {right}")]


@pytest.mark.parametrize(
    "query", ["statuses=A&statuses=B", "statuses[]=A&statuses[]=B", "statuses=A,B", "statuses=A&statuses[]=B,A,"]
)
def test_lists_of_values_have_three_spellings(query: str) -> None:
    assert parameters(query).many("statuses") == ["A", "B"]


def test_values_outside_the_enumeration_are_refused() -> None:
    assert refused("statuses=A,C", lambda reader: reader.many("statuses", allowed=["A", "B"])) == [
        (1002, "statuses: must be one of A, B")
    ]


def test_s31_nul_in_a_list_of_values_is_refused() -> None:
    assert refused("channel=A%00", lambda reader: reader.many("channel")) == [
        (1002, "channel: must not contain NUL characters")
    ]


def test_moments_and_texts() -> None:
    reader = parameters("createdAtFrom=2025-02-10&requestId=r-1")
    assert reader.moment_from("createdAtFrom") == datetime(2025, 2, 9, 23, tzinfo=UTC)
    assert reader.moment_to("createdAtTo") is None
    assert reader.text("requestId", longest=3) == "r-1"
    reader.check()


def test_wrong_moments_texts_and_repetitions_are_refused() -> None:
    def read(reader: ListParameters) -> None:
        reader.moment_from("createdAtFrom")
        reader.text("requestId", longest=3)
        reader.text("batchId", longest=3)
        reader.text("partnerRef", longest=3)

    sentences = refused("createdAtFrom=x&requestId=abcd&batchId=a&batchId=b&partnerRef=%00", read)
    assert sentences[1:] == [
        (1002, "requestId: must be at most 3 characters long"),
        (1002, "batchId: given more than once with different values"),
        (1002, "partnerRef: must not contain NUL characters"),
    ]
    assert sentences[0][1].startswith("createdAtFrom: must be a moment as ")
