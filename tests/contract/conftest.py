"""What tests of contracts may ask for."""

from tests.sending.conftest import worker

__all__ = ["worker"]
