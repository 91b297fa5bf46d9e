"""Queries whose SQL is made once find what their querysets find."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db.models import QuerySet
from pytest_django import DjangoAssertNumQueries

from gateway.compiled import ByIds
from gateway.models import ApiClient
from tests.factories import make_client

pytestmark = pytest.mark.django_db


def test_each_number_of_ids_finds_its_own(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    made = [make_client()[0] for _ in range(4)]
    ApiClient.objects.filter(pk=made[2].pk).update(is_active=False)
    asked = []

    def query(ids: Sequence[int]) -> QuerySet[Any]:
        asked.append(len(ids))
        return ApiClient.objects.filter(is_active=True, pk__in=ids).order_by("-pk").values_list("pk")

    by_ids = ByIds(query)
    one, two, three, four = (client.pk for client in made)
    with django_assert_num_queries(5):
        assert by_ids([one, two, three]) == [two, one]
        assert by_ids([two, three, four]) == [four, two]
        assert by_ids([three]) == []
        assert by_ids([four]) == [four]
        assert by_ids([two, one, 10**9]) == [two, one]
    assert by_ids([]) == []
    assert asked == [3, 1]


def test_a_query_that_leaves_out_an_id_is_refused() -> None:
    with pytest.raises(ValueError, match="each id must stand in the query once"):
        ByIds(lambda ids: ApiClient.objects.filter(pk=ids[0]).values_list("pk"))([1, 2])
