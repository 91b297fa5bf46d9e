"""Whose signature the site makes: its certificate, the chain above it and the key, from the settings."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

from sending.channels.base import NotReady

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_PEM = "-----BEGIN "
_LEAST_RSA_BITS = 2048
_LEAST_CURVE_BITS = 256

_log = logging.getLogger(__name__)


class Unusable(Exception):
    """Why the files of the settings make no signature, in words for an operator."""


@dataclass(frozen=True, eq=False)
class Identity:
    """A key and the certificates that vouch for it, the one of the key first."""

    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        return self.chain[0]

    @property
    def begins_at(self) -> datetime:
        """When the last certificate of the chain begins."""
        return max(certificate.not_valid_before_utc for certificate in self.chain)

    @property
    def ends_at(self) -> datetime:
        """When the first certificate of the chain ends."""
        return min(certificate.not_valid_after_utc for certificate in self.chain)

    @property
    def name(self) -> str:
        """Who signs, and by which certificate: ``Example Ltd (serial 1f0a)``."""
        names = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        who = str(names[0].value) if names else self.certificate.subject.rfc4514_string()
        return f"{who} (serial {self.certificate.serial_number:x})"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The e-mail addresses that the certificate names, in small letters."""
        found = [str(one.value) for one in self.certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
        if names := _extension(self.certificate, x509.SubjectAlternativeName):
            found += names.get_values_for_type(x509.RFC822Name)
        return tuple(dict.fromkeys(address.lower() for address in found))

    def flaws(self) -> Iterator[str]:
        """What is wrong with it for ever: too weak, made for something else, a chain that does not hold."""
        public = self.key.public_key()
        least = _LEAST_RSA_BITS if isinstance(public, rsa.RSAPublicKey) else _LEAST_CURVE_BITS
        if public.key_size < least:
            yield f"a key of {public.key_size} bits is too weak: at least {least}"
        usage = _extension(self.certificate, x509.KeyUsage)
        if usage and not (usage.digital_signature or usage.content_commitment):
            yield "the certificate is not made for signatures: keyUsage lacks digitalSignature"
        for upper in self.chain[1:]:
            if not any(_has_issued(upper, lower) for lower in self.chain if lower != upper):
                yield f"{upper.subject.rfc4514_string()} has issued no other certificate of the chain"

    def is_for_mail(self) -> bool:
        """Whether mail programs accept it: no extended usage, or one that names mail."""
        usage = _extension(self.certificate, x509.ExtendedKeyUsage)
        fit = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
        return usage is None or not fit.isdisjoint(usage)

    def is_for(self, address: str) -> bool:
        """Whether it may stand under a mail from ``address``: it names that, or no address at all."""
        return not self.addresses or address.lower() in self.addresses

    def is_out_of_time(self, now: datetime) -> str:
        """``the certificate ended on 2026-11-29``; "" within the time of all its certificates."""
        if now > self.ends_at:
            return f"the certificate ended on {self.ends_at:%Y-%m-%d}"
        return f"the certificate begins on {self.begins_at:%Y-%m-%d}" if now < self.begins_at else ""


def is_configured() -> bool:
    """Whether the site is to sign at all."""
    return bool(settings.HAMMY_SIGNING_CERTIFICATE)


def load() -> Identity:
    """What the settings name, read now; raises Unusable."""
    certificates = _bytes_of("HAMMY_SIGNING_CERTIFICATE")
    password = settings.HAMMY_SIGNING_KEY_PASSWORD.encode() or None
    try:
        if _PEM.encode() not in certificates:
            return _from_pkcs12(certificates, password)
        chain = tuple(x509.load_pem_x509_certificates(certificates))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unusable(f"HAMMY_SIGNING_CERTIFICATE cannot be read: {error}") from error
    try:
        key = load_pem_private_key(_bytes_of("HAMMY_SIGNING_KEY"), password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unusable(f"HAMMY_SIGNING_KEY cannot be read: {error}") from error
    return _matching(key, chain)


def _from_pkcs12(data: bytes, password: bytes | None) -> Identity:
    store = pkcs12.load_pkcs12(data, password)
    if store.cert is None or store.key is None:
        raise Unusable("HAMMY_SIGNING_CERTIFICATE holds no certificate with its key")
    return _matching(store.key, (store.cert.certificate, *(one.certificate for one in store.additional_certs)))


def _matching(key: object, chain: tuple[x509.Certificate, ...]) -> Identity:
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Unusable("HAMMY_SIGNING_KEY must be an RSA or an elliptic curve key")
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != chain[0].public_key().public_bytes(*form):
        raise Unusable("HAMMY_SIGNING_KEY does not belong to the first certificate of HAMMY_SIGNING_CERTIFICATE")
    return Identity(key=key, chain=chain)


def _bytes_of(name: str) -> bytes:
    value: str = getattr(settings, name)
    if not value:
        raise Unusable(f"{name} cannot be read: not set")
    if value.startswith(_PEM):
        return value.encode()
    try:
        return Path(value).read_bytes()
    except (OSError, ValueError) as error:
        raise Unusable(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _has_issued(upper: x509.Certificate, lower: x509.Certificate) -> bool:
    try:
        lower.verify_directly_issued_by(upper)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What was read when the files were as ``sight`` says: an identity, or why there is none."""

    sight: Mapping[str, object]
    identity: Identity | None = None
    why: str = ""


_kept = _Kept(sight={})


def identity() -> Identity:
    """The site's, good to sign with now; raises NotReady, not lasting: keys are mended, and then letters go on."""
    own = current()
    if words := own.is_out_of_time(datetime.now(UTC)):
        raise NotReady(f"cannot sign: {words}", is_lasting=False)
    return own


def current() -> Identity:
    """The site's, whether its time has come or is over; raises NotReady when there is none.

    Read again when one of its files is another; half of a new pair on the disk does not stop what the old pair can
    still sign.
    """
    global _kept  # noqa: PLW0603 - one for the process, put in its place whole
    if not is_configured():
        raise NotReady("cannot sign: the site has no signing certificate", is_lasting=False)
    if (sight := _sight()) != _kept.sight:
        try:
            _kept = _Kept(sight=sight, identity=load())
        except Unusable as error:
            _log.error("signing identity not loaded", extra={"reason": str(error)})
            before = _kept.identity if sight.keys() == _kept.sight.keys() else None
            _kept = _Kept(sight=sight, identity=before, why=str(error))
    if _kept.identity is None:
        raise NotReady(f"cannot sign: {_kept.why}", is_lasting=False)
    return _kept.identity


def _sight() -> Mapping[str, object]:
    """What the settings say, and how the files that they name look from outside."""
    named = settings.HAMMY_SIGNING_CERTIFICATE, settings.HAMMY_SIGNING_KEY
    return {settings.HAMMY_SIGNING_KEY_PASSWORD: None, **{value: _looks(value) for value in named}}


def _looks(value: str) -> object:
    if not value or value.startswith(_PEM):
        return None
    try:
        stat = Path(value).stat()
    except (OSError, ValueError):
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
