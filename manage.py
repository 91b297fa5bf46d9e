#!/usr/bin/env python
"""Runs Hammy's management commands."""

import os
import sys
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, ProgrammingError


def main() -> None:
    """Run a command; what is wrong with the settings, or with where the database should be, is said without a
    traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hammy_project.settings")
    try:
        import_module(os.environ["DJANGO_SETTINGS_MODULE"])
    except ImproperlyConfigured as error:
        sys.exit(f"A setting is wrong. {error}")
    try:
        execute_from_command_line(sys.argv)
    except (OperationalError, ProgrammingError) as error:
        if "--traceback" in sys.argv or not _is_absent(error):
            raise
        sys.exit(f"The database cannot be used: {str(error).strip()}\nIs it there, and migrated (manage.py migrate)?")


def _is_absent(error: Exception) -> bool:
    """Whether nobody answers, or the tables are not there."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    is_unreached = hasattr(cause, "sqlstate") and state is None and isinstance(error, OperationalError)
    return is_unreached or state == "42P01" or "no such table" in str(error)


if __name__ == "__main__":
    main()
