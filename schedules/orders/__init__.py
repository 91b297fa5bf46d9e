"""What a schedule may do at its times: each kind is one file here, found by the member of ``push`` that names it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from gateway.registry import classes_in
from schedules.orders.base import Order

__all__ = ["Order", "order_of", "orders"]


@cache
def orders() -> Mapping[str, type[Order]]:
    """Every kind by its member: those of this package's public modules, looked for once."""
    return classes_in(__name__, __path__, Order)


def order_of(push: Mapping[str, Any]) -> Order:
    """The kind that a ``push`` is: the one whose member it has, else the contract's own."""
    return next((kind() for name, kind in orders().items() if name in push), orders()[Order.PLAIN]())
