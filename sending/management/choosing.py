"""What commands over addresses share: for which client, and what a refusal looks like at the command line."""

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

from django.core.management.base import CommandError

from gateway.errors import Refusal
from gateway.models import ApiClient


def add_client_argument(parser: ArgumentParser) -> None:
    """``--client``."""
    parser.add_argument("--client", metavar="NAME", help="for this client's letters alone")


def client_id(name: str | None) -> int | None:
    """The client of that name; None where none was named."""
    if name is None:
        return None
    found = ApiClient.objects.filter(name=name).values_list("id", flat=True).first()
    if found is None:
        raise CommandError(f"--client: there is no client {name}")
    return found


@contextmanager
def told(options: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """A refusal within is told in a line, without a traceback; ``options`` are what the command calls the core's
    fields."""
    try:
        yield
    except Refusal as refusal:
        spelt = (
            replace(problem, field=(options.get(str(problem.field[0]), problem.field[0]), *problem.field[1:]))
            if problem.field
            else problem
            for problem in refusal.problems
        )
        raise CommandError(str(Refusal(spelt))) from refusal
