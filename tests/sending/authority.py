"""Certificates of the tests' own: a root, an authority below it, and who signs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ADDRESS = "noreply@hammy.test"
PASSWORD = "jelszó"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """A certificate with its key, and those above it."""

    key: Any
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...] = ()

    def pem(self) -> bytes:
        """The chain, its own certificate first, without the root."""
        chain = (self.certificate, *self.above[:-1])
        return b"".join(one.public_bytes(Encoding.PEM) for one in chain)

    def key_pem(self, password: str = "") -> bytes:
        kind = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kind)

    def pkcs12(self, password: str) -> bytes:
        kind = BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(None, self.key, self.certificate, self.above[:-1], kind)

    def root_pem(self) -> bytes:
        return (self.above or (self.certificate,))[-1].public_bytes(Encoding.PEM)

    def settle(self, settings: Any, folder: Path) -> "Signed":
        """Make it the site's, from files."""
        settings.HAMMY_SIGNING_CERTIFICATE, settings.HAMMY_SIGNING_KEY = str(folder / "c.pem"), str(folder / "k.pem")
        (folder / "c.pem").write_bytes(self.pem())
        (folder / "k.pem").write_bytes(self.key_pem())
        (folder / "k.pem").chmod(0o600)
        (folder / "root.pem").write_bytes(self.root_pem())
        return self


@cache
def key(kind: str = "rsa") -> Any:
    """One for each kind: making them takes long."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:] or 2048))
    return ec.generate_private_key(ec.SECP256R1())


def made(
    name: str,
    *,
    kind: str = "rsa",
    by: Signed | None = None,
    is_authority: bool = False,
    begins: timedelta = -_DAY,
    ends: timedelta = 100 * _DAY,
    address: str = ADDRESS,
    usage: Iterable[str] = ("digital_signature", "content_commitment"),
    extended: Iterable[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.EMAIL_PROTECTION,),
) -> Signed:
    """A certificate as told, signed by ``by`` or by itself."""
    own, now = key(kind), datetime.now(UTC).replace(microsecond=0)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    flags = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    wanted = ("key_cert_sign", "crl_sign") if is_authority else usage
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**flags | dict.fromkeys(wanted, True)), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((by.key if by else own).public_key()), critical=False
        )
    )
    if extended and not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(extended)), critical=False)
    if address and not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
    certificate = builder.sign(by.key if by else own, hashes.SHA256())
    return Signed(key=own, certificate=certificate, above=(by.certificate, *by.above) if by else ())


@cache
def signer(kind: str = "rsa") -> Signed:
    """A good one, below an authority below a root."""
    root = made("Root", kind="ec-root", is_authority=True, ends=200 * _DAY)
    authority = made("Authority", kind="ec-authority", by=root, is_authority=True, ends=200 * _DAY)
    return made("Minta Biztosító", kind=kind, by=authority)
