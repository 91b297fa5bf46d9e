"""Those who must be told of jobs: somebody tells them, with secrets that can be read, where calls may go."""

from collections.abc import Iterator
from ipaddress import ip_network

from django.conf import settings

from gateway import clients
from gateway.models import ApiClient
from gateway.outbound_rules import read_url
from gateway.sealing import SealBroken
from hammy_project import vital_signs
from hammy_project.doctor.findings import Finding, failure, ok, warning
from notifications.models import Registration, Target

_WARNING_SECONDS = 60.0
_FAILURE_SECONDS = 900.0
_SHOWN = 5
# Where a network that callbacks may go to had better not reach: this machine, and what clouds tell of themselves.
_TENDER = tuple(ip_network(text) for text in ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10"))


def deliveries() -> Iterator[Finding]:
    """Whether a notifier brings what is due, and who does not listen."""
    found = vital_signs.deliveries()
    words = f"{found.waiting} deliveries wait, the oldest that could be brought for {found.seconds:.0f} s"
    if found.seconds >= _FAILURE_SECONDS:
        yield failure("deliveries", f"{words}: no notifier takes them: manage.py run notifier")
    elif found.seconds >= _WARNING_SECONDS:
        yield warning("deliveries", f"{words}: does a notifier run?")
    else:
        yield ok("deliveries", f"{found.waiting} wait, {found.failing} targets do not listen")
    if disabled := Registration.objects.filter(target__disabled_at__isnull=False).count():
        yield warning("registrations", f"{disabled} are disabled and told nothing: see the console")


def secrets() -> Iterator[Finding]:
    """Whether every client that is to be told has a secret that can be read."""
    told = Target.objects.open().filter(client__isnull=False).values("client")
    broken = []
    for client in ApiClient.objects.filter(pk__in=told, is_active=True).order_by("name"):
        try:
            is_there = bool(clients.webhook_secrets(client_id=client.pk))
        except SealBroken:
            is_there = False
        if not is_there:
            broken.append(client.name)
    if broken:
        yield failure("webhook secrets", f"nothing can be signed for {_some(broken)}: rotate_client makes a fresh one")
    else:
        yield ok("webhook secrets", "all can be read")


def outbound() -> Iterator[Finding]:
    """Where calls may go, and registrations whose address is no longer among it."""
    for text in settings.HAMMY_OUTBOUND_NETWORKS:
        network = ip_network(text)
        if any(network.version == tender.version and network.overlaps(tender) for tender in _TENDER):
            yield warning("outbound networks", f"{text} lets whoever names an address call this machine or its cloud's")
    refused = []
    for address in Registration.objects.filter(target__disabled_at=None).values_list("target__address", flat=True):
        try:
            read_url(address)
        except ValueError as error:
            refused.append(f"{address} ({error})")
    if refused:
        yield warning("outbound", f"the settings forbid {_some(sorted(refused))}")
    else:
        yield ok("outbound", f"ports {', '.join(map(str, settings.HAMMY_OUTBOUND_PORTS))}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
