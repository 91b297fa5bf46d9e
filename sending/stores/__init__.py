"""Places for documents. Each store is one file here, found by its name; a new one needs no edit elsewhere."""

from collections.abc import Mapping
from functools import cache

from gateway.registry import classes_in
from sending.stores.base import Store


@cache
def stores() -> Mapping[str, Store]:
    """One instance of every store by its name: those of this package's public modules, looked for once."""
    return {name: kind() for name, kind in classes_in(__name__, __path__, Store).items()}
