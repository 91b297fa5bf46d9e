"""What the house takes from Spyne, made importable: its bundled copy of six stops it on Python 3.12 and later.

Whoever needs something of Spyne imports it from here, so that the aliases are there first.
"""

import sys
from importlib import import_module
from operator import attrgetter
from types import ModuleType

import six

# The real six with the one name that Spyne's copy has beyond it.
_six = ModuleType("spyne.util.six", six.__doc__)
vars(_six).update({name: value for name, value in vars(six).items() if not name.startswith("__")})
vars(_six)["get_function_name"] = attrgetter("__name__")
sys.modules.setdefault("spyne.util.six", _six)
for _name in ("", ".collections_abc", ".http_cookies", ".urllib", ".urllib.error", ".urllib.parse", ".urllib.request"):
    sys.modules.setdefault(f"spyne.util.six.moves{_name}", import_module(f"six.moves{_name}"))

from spyne import (  # noqa: E402
    Application,
    Boolean,
    ByteArray,
    ComplexModel,
    DateTime,
    Integer32,
    Long,
    MethodContext,
    Service,
    Unicode,
    rpc,
)
from spyne.interface.wsdl import Wsdl11  # noqa: E402
from spyne.protocol.soap import Soap11  # noqa: E402
from spyne.server import ServerBase  # noqa: E402

__all__ = [
    "Application",
    "Boolean",
    "ByteArray",
    "ComplexModel",
    "DateTime",
    "Integer32",
    "Long",
    "MethodContext",
    "ServerBase",
    "Service",
    "Soap11",
    "Unicode",
    "Wsdl11",
    "rpc",
]
