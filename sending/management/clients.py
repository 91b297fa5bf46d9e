"""Clients as commands name them."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from gateway.models import ApiClient


def add_client_argument(parser: ArgumentParser) -> None:
    """``CLIENT``."""
    parser.add_argument("client", metavar="CLIENT", help="its name")


def named(name: str) -> ApiClient:
    """The client of that name."""
    found = ApiClient.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"there is no client {name}")
    return found
