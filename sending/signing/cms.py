"""A detached signature over a digest (CMS, RFC 5652), for mails and PDF documents alike.

Not by the library's own builder: that one dates each signature with the present moment and reads all it signs. Here
the moment is given, so that a mail can be built again to the byte, and what is signed may be digested elsewhere.
"""

from datetime import datetime
from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ObjectIdentifier

from sending.signing.identity import Identity

_DATA = ObjectIdentifier("1.2.840.113549.1.7.1")
_SIGNED_DATA = ObjectIdentifier("1.2.840.113549.1.7.2")
_CONTENT_TYPE = ObjectIdentifier("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = ObjectIdentifier("1.2.840.113549.1.9.4")
_SIGNING_TIME = ObjectIdentifier("1.2.840.113549.1.9.5")
_SIGNING_CERTIFICATE = ObjectIdentifier("1.2.840.113549.1.9.16.2.47")
_SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_SHA256_WITH_RSA = ObjectIdentifier("1.2.840.113549.1.1.11")
_SHA256_WITH_ECDSA = ObjectIdentifier("1.2.840.10045.4.3.2")


@asn1.sequence
class _Algorithm:
    algorithm: ObjectIdentifier
    parameters: asn1.Null | None = None


@asn1.sequence
class _Attribute:
    type: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class _SignerIdentifier:
    issuer: x509.Name
    serial_number: int


@asn1.sequence
class _SignerInfo:
    version: int
    sid: _SignerIdentifier
    digest_algorithm: _Algorithm
    signed_attributes: Annotated[asn1.SetOf[_Attribute], asn1.Implicit(0)]
    signature_algorithm: _Algorithm
    signature: bytes


@asn1.sequence
class _Content:
    type: ObjectIdentifier


@asn1.sequence
class _SignedData:
    version: int
    digest_algorithms: asn1.SetOf[_Algorithm]
    content: _Content
    certificates: Annotated[asn1.SetOf[x509.Certificate], asn1.Implicit(0)]
    signers: asn1.SetOf[_SignerInfo]


@asn1.sequence
class _ContentInfo:
    type: ObjectIdentifier
    content: Annotated[_SignedData, asn1.Explicit(0)]


@asn1.sequence
class _CertificateId:
    # Of SHA-256, which is the default and therefore not named.
    digest: bytes


@asn1.sequence
class _SigningCertificate:
    certificates: list[_CertificateId]


def signature(identity: Identity, digest: bytes, *, signed_at: datetime | None = None) -> bytes:
    """The signature, in DER, over what has this SHA-256 ``digest``, with the whole chain.

    Equal for equal arguments. ``signed_at`` is left out where the format says it itself (PAdES).
    """
    attributes = [
        _attribute(_CONTENT_TYPE, asn1.encode_der(_DATA)),
        _attribute(_MESSAGE_DIGEST, asn1.encode_der(digest)),
        _attribute(_SIGNING_CERTIFICATE, _certificate_id(identity)),
    ]
    if signed_at is not None:
        attributes.append(_attribute(_SIGNING_TIME, _time(signed_at.replace(microsecond=0))))
    signed_attributes = asn1.SetOf(attributes)
    is_rsa = isinstance(identity.key, rsa.RSAPrivateKey)
    signer = _SignerInfo(
        version=1,
        sid=_SignerIdentifier(issuer=identity.certificate.issuer, serial_number=identity.certificate.serial_number),
        digest_algorithm=_Algorithm(algorithm=_SHA256),
        signed_attributes=signed_attributes,
        signature_algorithm=_Algorithm(
            algorithm=_SHA256_WITH_RSA if is_rsa else _SHA256_WITH_ECDSA,
            parameters=asn1.Null() if is_rsa else None,
        ),
        signature=_signed(identity, asn1.encode_der(signed_attributes)),
    )
    signed = _SignedData(
        version=1,
        digest_algorithms=asn1.SetOf([_Algorithm(algorithm=_SHA256)]),
        content=_Content(type=_DATA),
        certificates=asn1.SetOf(list(identity.chain)),
        signers=asn1.SetOf([signer]),
    )
    return asn1.encode_der(_ContentInfo(type=_SIGNED_DATA, content=signed))


def _signed(identity: Identity, data: bytes) -> bytes:
    if isinstance(identity.key, rsa.RSAPrivateKey):
        return identity.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return identity.key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def _certificate_id(identity: Identity) -> bytes:
    # Which certificate signed is signed, too (RFC 5035): another of the same key cannot be put in its place.
    digest = identity.certificate.fingerprint(hashes.SHA256())
    return asn1.encode_der(_SigningCertificate(certificates=[_CertificateId(digest=digest)]))


def _attribute(kind: ObjectIdentifier, value: bytes) -> _Attribute:
    return _Attribute(type=kind, values=asn1.SetOf([asn1.decode_der(asn1.TLV, value)]))


def _time(moment: datetime) -> bytes:
    """RFC 5652, 11.3: UTCTime through 2049."""
    return asn1.encode_der(asn1.UTCTime(moment) if moment.year < 2050 else asn1.GeneralizedTime(moment))
