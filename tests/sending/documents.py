"""PDF documents of many kinds, good and evil."""

import zlib
from io import BytesIO
from typing import Any

import pikepdf
from asn1crypto import keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers import PdfSignatureMetadata, SimpleSigner, sign_pdf
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.sending.authority import Signed, made


def a_pdf(pages: int = 1, **options: Any) -> bytes:
    """A plain document; ``options`` are those of pikepdf's ``save``."""
    output = BytesIO()
    with pikepdf.new() as document:
        for _ in range(pages):
            document.add_blank_page()
        document.save(output, **options)
    return output.getvalue()


def encrypted() -> bytes:
    return a_pdf(encryption=pikepdf.Encryption(owner="owner", user="", R=6))


def signed_by(other: Signed, *, forbids_changes: bool = False, content: bytes | None = None) -> bytes:
    """A document that somebody else has signed before."""
    key = other.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = SimpleSigner(
        x509.Certificate.load(other.certificate.public_bytes(Encoding.DER)),
        keys.PrivateKeyInfo.load(key),
        SimpleCertificateStore(),
    )
    metadata = PdfSignatureMetadata(
        field_name="Hammy",
        certify=forbids_changes,
        docmdp_permissions=MDPPerm.NO_CHANGES if forbids_changes else MDPPerm.FILL_FORMS,
    )
    return sign_pdf(IncrementalPdfFileWriter(BytesIO(content or a_pdf())), metadata, signer).getvalue()


def _objects(*bodies: bytes) -> tuple[bytearray, list[int]]:
    data, places = bytearray(b"%PDF-1.5\n"), []
    for number, body in enumerate(bodies, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    return data, places


_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"


def _stream(head: bytes, content: bytes) -> bytes:
    packed = zlib.compress(content, 9)
    return b"<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (head, len(packed), packed)


def _table(places: list[int]) -> bytes:
    lines = b"".join(b"%010d 00000 n \n" % place for place in places)
    return b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(places) + 1, lines)


def hybrid() -> bytes:
    """A table of references and, for newer readers, a stream of other ones."""
    data, places = _objects(_CATALOG, _PAGES, _PAGE)
    place = len(data)
    rows = b"\0\0\0\xff"
    data += b"4 0 obj\n" + _stream(b"/Type /XRef /W [1 2 1] /Size 1 /Root 1 0 R", rows) + b"\nendobj\n"
    start = len(data)
    data += _table([*places, place])
    data += b"trailer\n<< /Size 5 /Root 1 0 R /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n" % (place, start)
    return bytes(data)


def bomb(size: int) -> bytes:
    """A stream of references that inflates to ``size`` bytes."""
    data, _ = _objects(_CATALOG, _PAGES, _PAGE)
    start = len(data)
    head = b"/Type /XRef /W [1 8 8] /Index [0 %d] /Size %d /Root 1 0 R" % (size // 17, size // 17)
    packer, packed = zlib.compressobj(1), bytearray()
    for _ in range(size // 2**20):
        packed += packer.compress(bytes(2**20))
    packed += packer.flush()
    data += b"4 0 obj\n<< %s /Filter /FlateDecode /Length %d >>\nstream\n" % (head, len(packed))
    data += packed + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(data)


def circle() -> bytes:
    """A trailer whose previous one is itself."""
    data, places = _objects(_CATALOG, _PAGES, _PAGE)
    start = len(data)
    data += _table(places)
    data += b"trailer\n<< /Size 4 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (start, start)
    return bytes(data)


def deep(depth: int = 100_000) -> bytes:
    """Arrays within arrays."""
    data, places = _objects(_CATALOG, _PAGES, _PAGE[:-3] + b" /Deep " + b"[" * depth + b"]" * depth + b" >>")
    start = len(data)
    data += _table(places) + b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(data)


def page_circle() -> bytes:
    """A page tree that is its own child."""
    data, places = _objects(_CATALOG, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>")
    start = len(data)
    data += _table(places) + b"trailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(data)


def stranger() -> Signed:
    return made("Stranger", kind="ec-stranger")
