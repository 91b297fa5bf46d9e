"""Reading the environment so that what cannot be read names itself."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class _Files(FileAwareMapping):
    """The environment and the files it names, without the line end that editors put after a secret."""

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(key).rstrip("\r\n")


class Environment(environ.FileAwareEnv):
    """The process's environment; ``NAME_FILE`` names a file that holds ``NAME``. All raise ImproperlyConfigured with
    the variable's name when it is not of the kind it must be."""

    ENVIRON = _Files()

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """The variable's value."""
        try:
            return super().get_value(var, *args, **kwargs)
        except (ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"{var}: {error}") from error
        except OSError as error:
            raise ImproperlyConfigured(f"{var}_FILE: {error}") from error

    def one_of(self, var: str, default: str, known: Sequence[str]) -> str:
        """One of the words that are known."""
        found = self.str(var, default)
        if found not in known:
            raise ImproperlyConfigured(f"{var}: must be one of {', '.join(known)}")
        return found

    def time_zone(self, var: str, default: str) -> str:
        """The name of a zone."""
        try:
            return ZoneInfo(self.str(var, default)).key
        except (ValueError, ZoneInfoNotFoundError, OSError) as error:
            raise ImproperlyConfigured(f"{var}: must be a time zone, as Europe/Budapest") from error

    def folder(self, var: str, default: Path, *, is_made: bool = False) -> Path:
        """A folder, with ``is_made`` one that is there afterwards."""
        text = self.str(var, str(default))
        if not text:
            raise ImproperlyConfigured(f"{var}: must name a folder")
        try:
            if is_made:
                Path(text).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImproperlyConfigured(f"{var}: {error}") from error
        return Path(text)

    def address(self, var: str, default: str, schemes: Sequence[str]) -> str:
        """A URL of one of these schemes."""
        found = self.str(var, default)
        scheme, separator, _ = found.partition("://")
        if not separator or scheme not in schemes:
            raise ImproperlyConfigured(f"{var}: must begin with one of {', '.join(f'{name}://' for name in schemes)}")
        return found

    def db_url(self, var: str, default: str) -> dict[str, Any]:
        """The database that a URL names."""
        return self._read(self.db_url_config, var, default, ["postgres", "postgresql", "psql", "pgsql", "sqlite"])

    def cache_url(self, var: str, default: str) -> dict[str, Any]:
        """The cache that a URL names."""
        return self._read(self.cache_url_config, var, default, ["redis", "rediss", "rediscache", "filecache"])

    def _read(
        self, config: Callable[[str], dict[str, Any]], var: str, default: str, schemes: Sequence[str]
    ) -> dict[str, Any]:
        url = self.address(var, default, schemes)
        try:
            return config(url)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var}: {error}") from error
