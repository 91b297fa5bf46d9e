"""Reading the environment so that what cannot be read names itself."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class _Files(FileAwareMapping):
    """The environment and the files it names, without the line end that editors put after a secret."""

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(key).rstrip("\r\n")


class Environment(environ.FileAwareEnv):
    """The process's environment; ``NAME_FILE`` names a file that holds ``NAME``."""

    ENVIRON = _Files()

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """The variable's value; ImproperlyConfigured with its name when it is not of the kind it must be."""
        try:
            return super().get_value(var, *args, **kwargs)
        except (ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"{var}: {error}") from error
        except OSError as error:
            raise ImproperlyConfigured(f"{var}_FILE: {error}") from error
