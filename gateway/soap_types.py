"""What the WSDLs of all doors are made of (contract hammy_common, "WSDL types")."""

from functools import cached_property
from typing import Any

from gateway.spyne_names import Boolean, ByteArray, ComplexModel, DateTime, Integer32, Long, Unicode


def one(kind: Any) -> Any:
    """An element that may be left out, and is left out rather than nil."""
    return kind.customize(min_occurs=0, nillable=False)


def many(kind: Any) -> Any:
    """An element that may stand any number of times."""
    return kind.customize(min_occurs=0, max_occurs="unbounded", nillable=False)


TEXT, LONG, INT, BOOLEAN, MOMENT, BYTES = (
    one(kind) for kind in (Unicode, Long, Integer32, Boolean, DateTime, ByteArray)
)  # fmt: skip


class Types:
    """The types of one door, in one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def make(self, name: str, **members: Any) -> Any:
        """A type by its name, with its elements in this order."""
        values = {"__namespace__": self._namespace, "__type_name__": name, "_type_info": [*members.items()]}
        return type(name, (ComplexModel,), values)

    @cached_property
    def param(self) -> Any:
        return self.make("Param_V1", key=TEXT, value=TEXT)

    @cached_property
    def params(self) -> Any:
        return one(self.make("Params_V1", param=many(self.param)))

    @cached_property
    def status(self) -> Any:
        messages = one(self.make("Messages_V1", message=many(Unicode)))
        return self.make("ResponseStatus_V1", code=INT, messages=messages).customize(min_occurs=1, nillable=False)
