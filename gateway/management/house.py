"""Who is at the command line."""

import getpass

from gateway.caller import Caller


def house_caller() -> Caller:
    """The person at the command line, as events name them."""
    return Caller.house(f"{getpass.getuser()} (command)")
