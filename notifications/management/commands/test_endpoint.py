"""``test_endpoint``: does it listen? One signed call, from this machine, now."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from gateway.clients import webhook_secrets
from gateway.errors import Refusal
from gateway.management.house import house_caller
from gateway.plain_text import on_one_line
from gateway.sealing import SealBroken
from notifications import services, trial
from notifications.management.shown import client_id
from notifications.payloads import Style
from notifications.payloads.naming import Naming

_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _EndPoint:
    url: str
    method: str
    style: Style
    secrets: Sequence[str] = field(repr=False)


class Command(BaseCommand):
    help = (
        "Call an end point once with a test notification, signed as its client's; the exit code is 0 only when it "
        "answers 2xx. Nothing is recorded."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("end_point", metavar="UUID|URL", help="a registration, or an address not yet registered")
        parser.add_argument("--client", metavar="NAME", help="with a URL: whose secret signs")
        parser.add_argument("--format", choices=services.FORMATS, help="with a URL (DEFAULT)")
        parser.add_argument("--naming", choices=[str(naming) for naming in Naming], help="with a URL")
        parser.add_argument("--method", choices=services.METHODS, help="with a URL (POST)")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        place = _of_registration(options) or _of_url(options)
        answer = trial.call(url=place.url, method=place.method, style=place.style, secrets=place.secrets)
        text = answer.body.decode(errors="replace")
        if options["json"]:
            said = {
                "url": place.url,
                "isSuccess": answer.is_success,
                "status": answer.status,
                "seconds": round(answer.seconds, 3),
                "failure": answer.failure or None,
                "answer": text,
            }
            self.stdout.write(json.dumps(said, ensure_ascii=False))
        else:
            outcome = f"answered {answer.status}" if answer.status else answer.failure
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            line = f"{place.method} {place.url}  {outcome}  {answer.seconds:.3f} s  {shown}"
            self.stdout.write(on_one_line(line.rstrip()))
        if not answer.is_success:
            raise CommandError("the test failed")


def _of_registration(options: dict[str, Any]) -> _EndPoint | None:
    try:
        uuid = UUID(options["end_point"])
    except ValueError:
        return None
    if given := [name for name in ("client", "format", "naming", "method") if options[name]]:
        raise CommandError(f"--{given[0]} goes with a URL; a registration has its own")
    try:
        found = services.find(caller=house_caller(), uuid=uuid)
    except Refusal as refusal:
        raise CommandError(str(refusal)) from refusal
    style = Style(format=found.format, naming=found.naming)
    return _EndPoint(url=found.target.address, method=found.method, style=style, secrets=_secrets(found.client_id))


def _of_url(options: dict[str, Any]) -> _EndPoint:
    client = client_id(options["client"])
    if client is None:
        raise CommandError(f"{options['end_point']}: name the client whose secret signs with --client NAME")
    return _EndPoint(
        url=services.address_of(options["end_point"]),
        method=options["method"] or services.METHODS[0],
        style=Style(format=options["format"] or services.FORMATS[0], naming=options["naming"] or Naming.UPPER),
        secrets=_secrets(client),
    )


def _secrets(client: int) -> Sequence[str]:
    try:
        secrets = webhook_secrets(client_id=client)
    except SealBroken as error:
        raise CommandError(str(error)) from error
    if not secrets:
        raise CommandError("the client has no secret that could sign it")
    return secrets
