"""Mails signed: S/MIME (RFC 8551), multipart/signed, so that who cannot check the signature still reads the letter."""

from binascii import b2a_base64
from datetime import datetime
from hashlib import sha256

from sending.signing.cms import signature
from sending.signing.identity import identity

_PART = (
    "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "Content-Disposition: attachment; filename=smime.p7s\r\n\r\n"
)


def signed_entity(entity: bytes, *, boundary: str, signed_at: datetime) -> bytes:
    """The entity (its headers, an empty line, its body; 7-bit with CRLF) and its signature, as one entity.

    Equal for equal arguments and the same key. Raises NotReady, not lasting, while the key is not to be used.
    """
    made = b2a_base64(signature(identity(), sha256(entity).digest(), signed_at=signed_at), newline=False).decode()
    lines = "\r\n".join(made[at : at + 76] for at in range(0, len(made), 76))
    head = (
        'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
        f' micalg=sha-256; boundary="{boundary}"\r\n\r\n--{boundary}\r\n'
    )
    tail = f"\r\n--{boundary}\r\n{_PART}{lines}\r\n--{boundary}--\r\n"
    return head.encode() + entity + tail.encode()
