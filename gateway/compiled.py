"""Queries for a number of ids whose SQL is made once: on hot paths making it cost Django many times what asking did."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from gateway.prepared import rows_of

# Stand where the ids will; no row has such a number, and no query such a value.
_PLACES = -(2**62)


class ByIds:
    """``make`` is given ids and answers the queryset of them, whose first column is asked for. It is called once for
    each number of ids: nothing else in the queryset may depend on when it is made, no moment and no setting."""

    def __init__(self, make: Callable[[Sequence[int]], QuerySet[Any]]) -> None:
        self._make = make
        self._known: dict[int, tuple[str, list[Any]]] = {}

    def __call__(self, ids: Sequence[int]) -> list[int]:
        """The first column of what is found, in the queryset's order."""
        if not ids:
            return []
        if len(ids) not in self._known:
            self._known[len(ids)] = self._compiled(len(ids))
        statement, params = self._known[len(ids)]
        given = [ids[param - _PLACES] if _is_place(param, len(ids)) else param for param in params]
        if connection.vendor == "postgresql" and not connection.in_atomic_block:
            # Inside a transaction it would need a savepoint, which costs more than preparing gains.
            return [row[0] for row in rows_of(statement, given)]
        with connection.cursor() as cursor:
            cursor.execute(statement, given)
            return [row[0] for row in cursor.fetchall()]

    def _compiled(self, count: int) -> tuple[str, list[Any]]:
        statement, params = self._make([_PLACES + index for index in range(count)]).query.sql_with_params()
        if sum(_is_place(param, count) for param in params) != count:
            raise ValueError("each id must stand in the query once")
        if any(isinstance(param, date) for param in params):
            raise ValueError("no moment may stand in the query: it would stay that one")
        return statement, list(params)


def _is_place(param: Any, count: int) -> bool:
    return type(param) is int and _PLACES <= param < _PLACES + count
