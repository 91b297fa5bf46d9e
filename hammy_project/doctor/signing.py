"""The signature: a key that can be used, a certificate that lasts, and senders that it names."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from gateway.models import ApiClient
from hammy_project.doctor.findings import Finding, failure, ok, warning
from sending.signing import Identity, Unusable, is_configured, load

_WARNING_DAYS = 21
_SHOWN = 5


def certificate() -> Iterator[Finding]:
    """What the settings name, read from its files now."""
    if not is_configured():
        yield ok("signing", "off: no HAMMY_SIGNING_CERTIFICATE, letters cannot be certified")
        return
    try:
        identity = load()
    except Unusable as error:
        yield failure("signing", str(error))
        return
    now = datetime.now(UTC)
    days = (identity.ends_at - now).days
    words = f"{identity.name}, valid for {days} days more"
    if out_of_time := identity.is_out_of_time(now):
        yield failure("signing", f"{identity.name}: {out_of_time}: letters that must be signed wait")
    else:
        yield ok("signing", words) if days > _WARNING_DAYS else warning("signing", words)
    for flaw in identity.flaws():
        yield failure("signing certificate", flaw)
    if not identity.is_for_mail():
        yield warning("signing certificate", "not made for mail: extendedKeyUsage lacks emailProtection")
    yield from _senders(identity)
    yield from _key_file()


def _senders(identity: Identity) -> Iterator[Finding]:
    clients = ApiClient.objects.filter(is_active=True).exclude(from_address="")
    senders = {settings.HAMMY_FROM_ADDRESS, *clients.values_list("from_address", flat=True)}
    if others := sorted(address for address in senders if not identity.is_for(address)):
        shown = ", ".join(others[:_SHOWN]) + (", …" if len(others) > _SHOWN else "")
        named = ", ".join(identity.addresses)
        yield warning("signing senders", f"the certificate names {named}: mail programs doubt it under {shown}")


def _key_file() -> Iterator[Finding]:
    # In PKCS #12 the key lies with its certificate.
    value = settings.HAMMY_SIGNING_KEY or settings.HAMMY_SIGNING_CERTIFICATE
    path = Path(value)
    if not value.startswith("-") and path.stat().st_mode & 0o077:
        yield warning("signing key", f"{path} can be read by others than its owner")
